#include "relay/dtls/exchange.h"

namespace causeway::dtls {

Profiles all_profiles() {
  using enum wire::SrtpSuite;
  return {AeadAes128Gcm, AeadAes256Gcm, AesCm128HmacSha1_80, AesCm128HmacSha1_32};
}

std::string_view text_of(Failure failure) {
  switch (failure) {
    case Failure::None:
      return "";
    case Failure::Fingerprint:
      return "The endpoint's certificate matches none of the fingerprints that were signalled.";
    case Failure::NoProfile:
      return "The endpoint and the relay have no SRTP protection profile in common.";
    case Failure::Protocol:
      return "A message of the handshake is wrong, or nothing in it is acceptable to both.";
    case Failure::TimedOut:
      return "The endpoint has not answered in time.";
    case Failure::Alert:
      return "The endpoint has ended the association by a fatal alert.";
  }
  return "";
}

}  // namespace causeway::dtls
