#include "control/jsep/profile.h"

#include <algorithm>
#include <array>

namespace causeway::jsep {

namespace {

constexpr std::array kProfiles = {
    Profile{"webrtc", "UDP/TLS/RTP/SAVPF", Keying::Dtls, true, true, false},
    Profile{"sip-trunk", "RTP/AVP", Keying::None, false, false, false},
    Profile{"sip-phone", "RTP/AVP", Keying::None, false, false, true},
    Profile{"sip-srtp", "RTP/SAVP", Keying::Sdes, false, false, false},
    Profile{"sip-osrtp", "RTP/AVP", Keying::SdesOrPlain, false, false, false},
    Profile{"sip-dtls", "UDP/TLS/RTP/SAVP", Keying::Dtls, false, false, false},
    // A full agent: its peer may be lite, so its offers must not say that it is.
    Profile{"sip-webrtc", "UDP/TLS/RTP/SAVPF", Keying::Dtls, true, false, false},
};

}  // namespace

const Profile* profile_named(std::string_view name) {
  const auto* const found = std::ranges::find(kProfiles, name, &Profile::name);
  return found == kProfiles.end() ? nullptr : found;
}

}  // namespace causeway::jsep
