#include "control/secrets.h"

#include "control/translate_keys.h"

namespace causeway::control {

void wipe_secrets(v1::CreateSessionRequest& request) {
  if (!request.has_session()) return;
  for (v1::Leg& leg : *request.mutable_session()->mutable_legs()) wipe_keys(leg);
}
void wipe_secrets(v1::CreateLegRequest& request) {
  if (request.has_leg()) wipe_keys(*request.mutable_leg());
}
void wipe_secrets(v1::UpdateLegRequest& request) {
  if (request.has_leg()) wipe_keys(*request.mutable_leg());
}
void wipe_secrets(v1::RotateKeysRequest& request) {
  if (request.has_receive()) wipe_keys(*request.mutable_receive());
  if (request.has_send()) wipe_keys(*request.mutable_send());
}

}  // namespace causeway::control
