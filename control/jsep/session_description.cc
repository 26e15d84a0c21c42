#include "control/jsep/session_description.h"

#include <algorithm>

#include "relay/base/text.h"

namespace causeway::jsep {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         equal_ignoring_case(text.substr(text.size() - end.size()), end);
}

/// What the section says, else what the session says.
template <typename T>
const T& nearer(const T& section, const T& session) {
  const bool is_said = [&] {
    if constexpr (requires { section.has_value(); }) {
      return section.has_value();
    } else {
      return !section.empty();
    }
  }();
  return is_said ? section : session;
}

}  // namespace

bool MediaSection::is_rtp() const {
  return ends_with(protocol, "RTP/AVP") || ends_with(protocol, "RTP/SAVP") || has_avpf();
}

bool MediaSection::has_avpf() const {
  return ends_with(protocol, "RTP/AVPF") || ends_with(protocol, "RTP/SAVPF");
}

bool MediaSection::is_dtls_srtp() const {
  return equal_ignoring_case(protocol, "UDP/TLS/RTP/SAVP") ||
         equal_ignoring_case(protocol, "UDP/TLS/RTP/SAVPF");
}

const PayloadFormat* MediaSection::find(PayloadType type) const {
  const auto found = std::ranges::find(formats, type, &PayloadFormat::payload_type);
  return found == formats.end() ? nullptr : &*found;
}

const Connection* SessionDescription::connection_of(const MediaSection& section) const {
  const auto& found = nearer(section.shared.connection, shared.connection);
  return found ? &*found : nullptr;
}

Direction SessionDescription::direction_of(const MediaSection& section) const {
  return nearer(section.shared.direction, shared.direction).value_or(Direction::SendRecv);
}

std::optional<std::string_view> SessionDescription::ice_ufrag_of(
    const MediaSection& section) const {
  return nearer(section.shared.ice_ufrag, shared.ice_ufrag);
}

const SecretText* SessionDescription::ice_pwd_of(const MediaSection& section) const {
  const auto& found = nearer(section.shared.ice_pwd, shared.ice_pwd);
  return found ? &*found : nullptr;
}

const std::vector<std::string>& SessionDescription::ice_options_of(
    const MediaSection& section) const {
  return nearer(section.shared.ice_options, shared.ice_options);
}

const std::vector<Fingerprint>& SessionDescription::fingerprints_of(
    const MediaSection& section) const {
  return nearer(section.shared.fingerprints, shared.fingerprints);
}

std::optional<Setup> SessionDescription::setup_of(const MediaSection& section) const {
  return nearer(section.shared.setup, shared.setup);
}

std::optional<std::string_view> SessionDescription::tls_id_of(const MediaSection& section) const {
  return nearer(section.shared.tls_id, shared.tls_id);
}

const Group* SessionDescription::bundle_of(const MediaSection& section) const {
  if (!section.mid) return nullptr;
  const auto found = std::ranges::find_if(groups, [&](const Group& group) {
    return group.semantics == "BUNDLE" &&
           std::ranges::find(group.mids, *section.mid) != group.mids.end();
  });
  return found == groups.end() ? nullptr : &*found;
}

}  // namespace causeway::jsep
