#pragma once

#include "causeway/v1/relay_service.pb.h"

namespace causeway::control {

/// Overwrites the keys in a request, once it has been handled. Requests without keys have nothing
/// to overwrite.
template <typename Request>
void wipe_secrets(Request&) {}
void wipe_secrets(v1::CreateSessionRequest& request);
void wipe_secrets(v1::CreateLegRequest& request);
void wipe_secrets(v1::UpdateLegRequest& request);
void wipe_secrets(v1::RotateKeysRequest& request);
void wipe_secrets(v1::CreateAnswerRequest& request);
void wipe_secrets(v1::SetAnswerRequest& request);
void wipe_secrets(v1::BridgeOfferRequest& request);
void wipe_secrets(v1::BridgeAnswerRequest& request);

}  // namespace causeway::control
