#pragma once

#include <optional>
#include <span>
#include <string>

#include "causeway/v1/leg.pb.h"
#include "control/errors.h"
#include "control/translate_keys.h"
#include "relay/engine/spec.h"

namespace causeway::control {

/// What one leg asks, translated: everything but its keys.
struct LegRequest {
  engine::LegSpec spec;
  std::uint8_t network = 0;  ///< Index among the node's networks.
};

/// The keys of a leg as a request gives them; what is absent stays as it is.
struct KeyRequest {
  std::optional<KeySet> receive;
  std::optional<KeySet> send;
  srtp::RocPolicy roc_policy = srtp::RocPolicy::Auto;
};

/// Labels of a session or a leg. Errors: FIELD_INVALID.
[[nodiscard]] Answer<void> check_labels(
    const google::protobuf::Map<std::string, std::string>& labels, const Field& field);

/// All of a leg but its keys. `networks`: the node's, in their order; `id` becomes spec.id.
/// Errors: those of its fields, STAGE_ABSENT for what is not built.
[[nodiscard]] Answer<LegRequest> translate_leg(const v1::Leg& leg, const Field& field,
                                               std::span<const std::string> networks,
                                               std::string_view id);

/// What becomes of the relay's send key where a request gives none.
enum class SendKey : unsigned char {
  Make,        ///< The leg has none yet.
  KeepIfFits,  ///< It stays if it is of the suite that is wanted and nothing is asked of it.
  Keep,        ///< The request is not about it.
};

/// The keys of a leg's `security`, and their suites into `spec`, which has those from before.
/// Errors: KEY_LENGTH, CRYPTO_INVALID, FIELD_INVALID, FIELD_REQUIRED, STAGE_ABSENT.
[[nodiscard]] Answer<KeyRequest> translate_security(const v1::Security& security,
                                                    const Field& field, SendKey send_key,
                                                    engine::LegSpec& spec);

/// The leg as everyone may see it: what was asked, without keys.
void show_security(const KeyRequest& keys, v1::Leg& out);
/// Puts the send key that the relay has made into a response.
void show_made_send_key(const KeyRequest& keys, v1::Leg& out);

}  // namespace causeway::control
