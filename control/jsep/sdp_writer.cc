#include "control/jsep/sdp_writer.h"

#include <array>

#include "control/jsep/sdp_names.h"
#include "control/jsep/sdp_parser.h"

namespace causeway::jsep {

namespace {

/// A text that grows line by line, in one place: what it leaves behind would not be wiped.
class Lines {
 public:
  Lines() { text_.reserve(SdpLimits::kOctets); }
  template <typename... Parts>
  void add(const Parts&... parts) {
    (add_part(parts), ...);
    text_ += "\r\n";
  }
  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  void add_part(std::string_view text) { text_ += text; }
  void add_part(const char* text) { text_ += text; }
  template <typename T>
  requires std::is_integral_v<T>
  void add_part(T number) { text_ += std::to_string(number); }

  std::string text_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string text_of(const Connection& connection) {
  return std::string(connection.is_v6 ? "IN IP6 " : "IN IP4 ") + connection.address;
}

std::string hex(const std::vector<std::uint8_t>& octets) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t octet : octets) {
    if (!text.empty()) text += ':';
    text += kDigits[octet >> 4U];
    text += kDigits[octet & 0xfU];
  }
  return text;
}

void write_bandwidths(const Shared& shared, Lines& out) {
  for (const Bandwidth& each : shared.bandwidths) out.add("b=", each.type, ":", each.value);
}

void write_extension(const HeaderExtension& extension, Lines& out) {
  const std::string direction =
      extension.direction ? "/" + std::string(word_of(kDirectionNames, *extension.direction)) : "";
  out.add("a=extmap:", extension.id, direction, " ", extension.uri,
          extension.attributes.empty() ? "" : " ", extension.attributes);
}

void write_attributes(const Shared& shared, Lines& out) {
  if (shared.direction) out.add("a=", word_of(kDirectionNames, *shared.direction));
  if (shared.ice_ufrag) out.add("a=ice-ufrag:", *shared.ice_ufrag);
  if (shared.ice_pwd) out.add("a=ice-pwd:", shared.ice_pwd->reveal());
  if (!shared.ice_options.empty()) out.add("a=ice-options:", joined(shared.ice_options));
  for (const Fingerprint& each : shared.fingerprints) {
    out.add("a=fingerprint:", each.hash_function, " ", hex(each.digest));
  }
  if (shared.setup) out.add("a=setup:", word_of(kSetupNames, *shared.setup));
  if (shared.tls_id) out.add("a=tls-id:", *shared.tls_id);
  if (shared.allows_mixed_extensions) out.add("a=extmap-allow-mixed");
  for (const HeaderExtension& each : shared.header_extensions) write_extension(each, out);
}

void write_format(const PayloadFormat& format, Lines& out) {
  const auto type = format.payload_type.raw();
  if (!format.encoding_name.empty()) {
    out.add("a=rtpmap:", type, " ", format.encoding_name, "/", format.clock_rate.raw(),
            format.channels == 1 ? "" : "/" + std::to_string(format.channels));
  }
  if (!format.parameters.empty()) out.add("a=fmtp:", type, " ", format.parameters);
  for (const std::string& each : format.feedback) out.add("a=rtcp-fb:", type, " ", each);
}

void write_candidate(const Candidate& candidate, Lines& out) {
  out.add("a=candidate:", candidate.foundation, " ", candidate.component, " ", candidate.transport,
          " ", candidate.priority, " ", candidate.address, " ", candidate.port.raw(), " typ ",
          candidate.type, candidate.extensions.empty() ? "" : " ", candidate.extensions);
}

void write_media_line(const MediaSection& section, Lines& out) {
  std::string formats;
  for (const PayloadFormat& each : section.formats) {
    formats += " " + std::to_string(each.payload_type.raw());
  }
  for (const std::string& each : section.other_formats) formats += " " + each;
  out.add("m=", section.kind, " ", section.port.raw(),
          section.port_count == 1 ? "" : "/" + std::to_string(section.port_count), " ",
          section.protocol, formats);
}

void write_rtcp(const MediaSection& section, Lines& out) {
  if (section.rtcp) {
    out.add("a=rtcp:", section.rtcp->port.raw(),
            section.rtcp->connection ? " " + text_of(*section.rtcp->connection) : "");
  }
  if (section.has_rtcp_mux) out.add("a=rtcp-mux");
  if (section.is_rtcp_mux_only) out.add("a=rtcp-mux-only");
  if (section.has_reduced_size_rtcp) out.add("a=rtcp-rsize");
}

void write_sources(const MediaSection& section, Lines& out) {
  for (const SourceGroup& group : section.source_groups) {
    std::string ssrcs;
    for (const Ssrc ssrc : group.ssrcs) ssrcs += " " + std::to_string(ssrc.raw());
    out.add("a=ssrc-group:", group.semantics, ssrcs);
  }
  for (const SourceAttribute& source : section.sources) {
    out.add("a=ssrc:", source.ssrc.raw(), " ", source.name, source.value.empty() ? "" : ":",
            source.value);
  }
}

void write_section(const MediaSection& section, Lines& out) {
  write_media_line(section, out);
  if (section.shared.connection) out.add("c=", text_of(*section.shared.connection));
  write_bandwidths(section.shared, out);
  if (section.mid) out.add("a=mid:", *section.mid);
  if (section.is_bundle_only) out.add("a=bundle-only");
  write_attributes(section.shared, out);
  write_rtcp(section, out);
  for (const SecretText& each : section.crypto) out.add("a=crypto:", each.reveal());
  for (const PayloadFormat& each : section.formats) write_format(each, out);
  for (const std::string& each : section.feedback) out.add("a=rtcp-fb:* ", each);
  if (section.ptime_ms) out.add("a=ptime:", *section.ptime_ms);
  if (section.maxptime_ms) out.add("a=maxptime:", *section.maxptime_ms);
  for (const std::string& each : section.msids) out.add("a=msid:", each);
  write_sources(section, out);
  for (const Candidate& each : section.candidates) write_candidate(each, out);
  if (section.has_all_candidates) out.add("a=end-of-candidates");
}

}  // namespace

std::string write_sdp(const SessionDescription& description) {
  Lines out;
  out.add("v=0");
  out.add("o=", description.username, " ", description.session_id, " ", description.session_version,
          " ", text_of(description.origin));
  out.add("s=", description.name);
  if (description.shared.connection) out.add("c=", text_of(*description.shared.connection));
  write_bandwidths(description.shared, out);
  out.add("t=0 0");
  for (const Group& group : description.groups) {
    out.add("a=group:", group.semantics, group.mids.empty() ? "" : " ", joined(group.mids));
  }
  if (description.is_ice_lite) out.add("a=ice-lite");
  write_attributes(description.shared, out);
  for (const MediaSection& section : description.media) write_section(section, out);
  return std::move(out).take();
}

}  // namespace causeway::jsep
