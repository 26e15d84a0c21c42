#include "control/secrets.h"

#include "control/translate_keys.h"

namespace causeway::control {

namespace {

/// A description holds keys (`a=crypto`) and passwords (`a=ice-pwd`).
void wipe_text(std::string& text) {
  wipe(text.data(), text.size());
  text.clear();
}

}  // namespace

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
void wipe_secrets(v1::CreateAnswerRequest& request) { wipe_text(*request.mutable_offer_sdp()); }
void wipe_secrets(v1::SetAnswerRequest& request) { wipe_text(*request.mutable_answer_sdp()); }
void wipe_secrets(v1::BridgeOfferRequest& request) {
  wipe_text(*request.mutable_offer_sdp());
  if (!request.has_session()) return;
  for (v1::Leg& leg : *request.mutable_session()->mutable_legs()) wipe_keys(leg);
}
void wipe_secrets(v1::BridgeAnswerRequest& request) { wipe_text(*request.mutable_answer_sdp()); }

}  // namespace causeway::control
