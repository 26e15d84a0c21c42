#include "control/leg_setup.h"

#include <algorithm>
#include <array>

#include "control/names.h"

namespace causeway::control {

namespace {

constexpr int kMaxFingerprints = 8;
constexpr std::size_t kMaxTlsId = 255;
/// 48 and 144 random bits; the least are 24 and 128 (RFC 8445 5.3). Behind its route the fragment
/// is still short enough to be held without allocating.
constexpr std::size_t kUfragChars = 8;
constexpr std::size_t kPasswordChars = 24;

std::string random_ice_chars(std::size_t count) {
  std::array<std::byte, 32> random;
  fill_random(random.data(), count);
  return ice::to_ice_chars(Bytes(random).first(count));
}

std::shared_ptr<const IceCredentials> make_credentials(std::string_view route) {
  auto made = std::make_shared<IceCredentials>();
  made->ufrag = std::string(route) + random_ice_chars(kUfragChars);
  std::string password = random_ice_chars(kPasswordChars);
  made->password = jsep::SecretText(password);
  wipe(password.data(), password.size());
  return made;
}

Answer<ice::Role> read_role(v1::IceRole role, const Field& field) {
  switch (role) {
    case v1::ICE_ROLE_UNSPECIFIED:
    case v1::ICE_ROLE_LITE:
      return ice::Role::Lite;
    case v1::ICE_ROLE_CONTROLLING:
      return ice::Role::Controlling;
    default:
      return failure(invalid(field, "This is no role in ICE."));
  }
}

Answer<std::shared_ptr<const IceCredentials>> read_remote(const v1::Ice& in, const Field& field,
                                                          const IceState* before) {
  if (in.remote_ufrag().empty()) {
    if (in.remote_password().empty()) return std::shared_ptr<const IceCredentials>();
    return failure(required(Field{"remote_ufrag", &field}, "A password is of a fragment."));
  }
  if (!ice::is_ufrag(in.remote_ufrag())) {
    return failure(invalid(Field{"remote_ufrag", &field},
                           "A fragment is 4 to 256 of the letters, digits, '+' and '/'."));
  }
  const bool is_known =
      before != nullptr && before->remote && before->remote->ufrag == in.remote_ufrag();
  if (in.remote_password().empty() && is_known) return before->remote;
  if (!ice::is_password(in.remote_password())) {
    return failure(invalid(Field{"remote_password", &field},
                           "A password is 22 to 256 of the letters, digits, '+' and '/'."));
  }
  auto remote = std::make_shared<IceCredentials>();
  remote->ufrag = in.remote_ufrag();
  remote->password = jsep::SecretText(in.remote_password());
  return std::shared_ptr<const IceCredentials>(std::move(remote));
}

Answer<std::optional<IceState>> draft_ice(const v1::Leg& leg, const Field& field,
                                          const IceState* before, std::string_view route) {
  const Field transport{"transport", &field};
  const Field at{"ice", &transport};
  if (!leg.transport().has_ice()) {
    if (before != nullptr) return failure(invalid(at, "ICE cannot be taken from a leg."));
    return std::optional<IceState>();
  }
  if (leg.transport().kind() != v1::TRANSPORT_KIND_RTCP_MUX &&
      leg.transport().kind() != v1::TRANSPORT_KIND_SHARED_PORT) {
    return failure(invalid(Field{"kind", &transport},
                           "ICE has one candidate here, so RTP and RTCP share a port."));
  }
  const v1::Ice& in = leg.transport().ice();
  const auto role = read_role(in.role(), Field{"role", &at});
  if (!role) return failure(role.error());
  if (before != nullptr && before->role != *role) {
    return failure(invalid(Field{"role", &at}, "The role of a leg does not change."));
  }
  auto remote = read_remote(in, at, before);
  if (!remote) return failure(std::move(remote).error());
  IceState ice;
  if (before != nullptr) ice = *before;
  ice.role = *role;
  ice.is_remote_lite = *role == ice::Role::Controlling;
  ice.remote = std::move(*remote);
  ice.is_new = before == nullptr || in.restart();
  if (ice.is_new) ice.local = make_credentials(route);
  return std::optional(std::move(ice));
}

Answer<std::optional<DtlsState>> draft_dtls(const v1::Leg& leg, const Field& field,
                                            const DtlsState* before,
                                            std::shared_ptr<const dtls::Identity> identity) {
  if (!leg.security().has_dtls()) return std::optional<DtlsState>();
  const v1::DtlsSecurity& in = leg.security().dtls();
  const Field security{"security", &field};
  const Field at{"dtls", &security};
  DtlsState state;
  if (in.remote_fingerprints_size() > kMaxFingerprints) {
    return failure(invalid(Field{"remote_fingerprints", &at}, "At most 8 fingerprints."));
  }
  for (int i = 0; i < in.remote_fingerprints_size(); ++i) {
    const Field each{"remote_fingerprints", &at, i};
    const auto function = dtls::hash_function_named(in.remote_fingerprints(i).hash_function());
    if (!function) {
      return failure(invalid(Field{"hash_function", &each}, "It is sha-256, sha-384 or sha-512."));
    }
    const auto fingerprint = dtls::parse_fingerprint(*function, in.remote_fingerprints(i).value());
    if (!fingerprint) {
      return failure(invalid(Field{"value", &each},
                             "It is the octets of the hash in hexadecimal, with colons."));
    }
    state.remote_fingerprints.push_back(*fingerprint);
  }
  switch (in.setup()) {
    case v1::DTLS_SETUP_UNSPECIFIED:
    case v1::DTLS_SETUP_PASSIVE:
    case v1::DTLS_SETUP_ACTPASS:
      break;
    case v1::DTLS_SETUP_ACTIVE:
      state.role = dtls::Role::Active;
      break;
    default:
      return failure(invalid(Field{"setup", &at}, "This is no side of a handshake."));
  }
  if (in.remote_tls_id().size() > kMaxTlsId) {
    return failure(invalid(Field{"remote_tls_id", &at}, "A tls-id is at most 255 characters."));
  }
  state.remote_tls_id = in.remote_tls_id();
  // The certificate stays as long as the association.
  const bool goes_on = before != nullptr && !is_new_association(*before, state);
  state.identity = goes_on ? before->identity : std::move(identity);
  return std::optional(std::move(state));
}

std::optional<ice::Remote> remote_of(const IceState& ice) {
  if (!ice.remote) return std::nullopt;
  return ice::Remote{ice::Credentials(ice.remote->ufrag, ice.remote->password.reveal()),
                     ice.is_remote_lite};
}

/// RFC 8445 5.1.2.1: a host candidate, component 1. What the low level knows of the endpoint's.
constexpr std::uint32_t kHostPriority = 2'130'706'431;

}  // namespace

Answer<LegSetupState> draft_setup(const v1::Leg& leg, const Field& field,
                                  const LegSetupState* before,
                                  std::shared_ptr<const dtls::Identity> identity,
                                  std::string_view route) {
  LegSetupState state;
  auto ice =
      draft_ice(leg, field, before != nullptr && before->ice ? &*before->ice : nullptr, route);
  if (!ice) return failure(std::move(ice).error());
  state.ice = std::move(*ice);
  auto dtls = draft_dtls(leg, field, before != nullptr && before->dtls ? &*before->dtls : nullptr,
                         std::move(identity));
  if (!dtls) return failure(std::move(dtls).error());
  state.dtls = std::move(*dtls);
  return state;
}

void reroute(LegSetupState& setup, std::string_view route) {
  if (!setup.ice) return;
  const IceCredentials& before = *setup.ice->local;
  auto rerouted = std::make_shared<IceCredentials>();
  rerouted->ufrag = std::string(route) + before.ufrag.substr(route.size());
  rerouted->password = jsep::SecretText(before.password.reveal());
  setup.ice->local = std::move(rerouted);
}

bool is_new_association(const DtlsState& before, const DtlsState& after) {
  if (before.role != after.role) return true;
  const bool has_other_id = !before.remote_tls_id.empty() && !after.remote_tls_id.empty() &&
                            before.remote_tls_id != after.remote_tls_id;
  const bool has_common =
      before.remote_fingerprints.empty() ||
      std::ranges::find_first_of(before.remote_fingerprints, after.remote_fingerprints) !=
          before.remote_fingerprints.end();
  return has_other_id || !has_common;
}

std::unique_ptr<ice::Agent> build_agent(const IceState& ice,
                                        const std::optional<SocketAddress>& remote,
                                        bool answers_plain_binding) {
  ice::AgentSetup setup;
  setup.role = ice.role;
  setup.local = ice::Credentials(ice.local->ufrag, ice.local->password.reveal());
  setup.remote = remote_of(ice);
  if (remote) setup.candidates.push_back({*remote, kHostPriority});
  fill_random(&setup.tie_breaker, sizeof setup.tie_breaker);
  setup.answers_plain_binding = answers_plain_binding;
  return std::make_unique<ice::Agent>(std::move(setup));
}

std::shared_ptr<const dtls::Settings> build_settings(const LegSetupState& setup) {
  if (!setup.dtls) return nullptr;
  auto settings = std::make_shared<dtls::Settings>();
  settings->identity = setup.dtls->identity;
  settings->role = setup.dtls->role;
  settings->remote_fingerprints = setup.dtls->remote_fingerprints;
  settings->needs_cookie = !setup.ice;
  return settings;
}

bool build_update(const LegSetupState& before, const LegSetupState& after,
                  const std::optional<SocketAddress>& remote, engine::LegUpdate& update) {
  if (after.ice) {
    ice::AgentUpdate& ice = update.ice.emplace();
    if (after.ice->local != before.ice->local) {
      ice.local = ice::Credentials(after.ice->local->ufrag, after.ice->local->password.reveal());
    }
    if (after.ice->remote != before.ice->remote) ice.remote = remote_of(*after.ice);
    if (remote) ice.candidates.push_back({*remote, kHostPriority});
  }
  if (after.dtls || before.dtls) {
    update.dtls = build_settings(after);
    update.has_new_association =
        !after.dtls || !before.dtls || is_new_association(*before.dtls, *after.dtls);
  }
  return update.ice.has_value() || update.dtls.has_value();
}

void show_setup(const LegSetupState& setup, v1::Leg& out) {
  if (setup.ice) {
    v1::Ice& ice = *out.mutable_transport()->mutable_ice();
    ice.set_local_ufrag(setup.ice->local->ufrag);
    ice.clear_restart();
  }
  if (setup.dtls) {
    const dtls::Fingerprint fingerprint = setup.dtls->identity->fingerprint();
    v1::Fingerprint& shown = *out.mutable_security()->mutable_dtls()->mutable_local_fingerprint();
    shown.set_hash_function(std::string(dtls::name_of(fingerprint.function)));
    shown.set_value(fingerprint.value());
  }
}

void show_made_password(const LegSetupState& setup, v1::Leg& out) {
  if (!setup.ice || !setup.ice->is_new) return;
  out.mutable_transport()->mutable_ice()->set_local_password(
      std::string(setup.ice->local->password.reveal()));
}

}  // namespace causeway::control
