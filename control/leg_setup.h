#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "causeway/v1/leg.pb.h"
#include "control/errors.h"
#include "control/jsep/secret_text.h"
#include "relay/dtls/exchange.h"
#include "relay/engine/leg.h"
#include "relay/ice/agent.h"

namespace causeway::control {

/// What sets a leg up beside its media: its ICE and its DTLS, both halves of each, as the control
/// plane knows them. What is secret in them is shared and immutable, so that a copy of a leg's
/// state holds no second copy of it.

struct IceCredentials {
  std::string ufrag;
  jsep::SecretText password;
};

struct IceState {
  ice::Role role = ice::Role::Lite;
  std::shared_ptr<const IceCredentials> local;
  std::shared_ptr<const IceCredentials> remote;  ///< Null: not known yet.
  bool is_remote_lite = false;
  bool is_new = false;  ///< `local` was made by the request at hand: to be shown, once.
};

struct DtlsState {
  std::shared_ptr<const dtls::Identity> identity;
  dtls::Role role = dtls::Role::Passive;
  std::vector<dtls::Fingerprint> remote_fingerprints;
  std::string remote_tls_id;
};

struct LegSetupState {
  std::optional<IceState> ice;
  std::optional<DtlsState> dtls;
};

/// What a leg's `transport.ice` and `security.dtls` ask for. `before`: what it has; null for a new
/// leg. `identity`: for a handshake that is to be new. Makes credentials where there are none, or a
/// restart is asked for; their fragment begins with `route` (ice::route_of). Errors: FIELD_INVALID.
[[nodiscard]] Answer<LegSetupState> draft_setup(const v1::Leg& leg, const Field& field,
                                                const LegSetupState* before,
                                                std::shared_ptr<const dtls::Identity> identity,
                                                std::string_view route);
/// Makes the fragment that was drafted one of another route, before anybody was told it.
void reroute(LegSetupState& setup, std::string_view route);

/// Whether the second of two is another association: a fingerprint, tls-id or role that is not the
/// first's (RFC 8842 3).
[[nodiscard]] bool is_new_association(const DtlsState& before, const DtlsState& after);

/// The engine's parts of a new leg.
[[nodiscard]] std::unique_ptr<ice::Agent> build_agent(const IceState& ice,
                                                      const std::optional<SocketAddress>& remote,
                                                      bool answers_plain_binding);
[[nodiscard]] std::shared_ptr<const dtls::Settings> build_settings(const LegSetupState& setup);
/// What changes from one to the other goes into an update. True where anything does.
[[nodiscard]] bool build_update(const LegSetupState& before, const LegSetupState& after,
                                const std::optional<SocketAddress>& remote,
                                engine::LegUpdate& update);

/// What everyone may see of it.
void show_setup(const LegSetupState& setup, v1::Leg& out);
/// The password that the relay has made, for whoever asked for it.
void show_made_password(const LegSetupState& setup, v1::Leg& out);

}  // namespace causeway::control
