#pragma once

#include <cstdint>
#include <string_view>

namespace causeway::jsep {

/// How the keys of a leg are agreed on.
enum class Keying : std::uint8_t {
  None,         ///< Plain RTP.
  Sdes,         ///< `a=crypto` (RFC 4568).
  SdesOrPlain,  ///< The same where both sides want it, else plain (RFC 8643).
  Dtls,         ///< DTLS-SRTP (RFC 5763).
};

/// What a kind of endpoint speaks: what the relay's descriptions for it are like, and what it must
/// say itself. Immutable.
struct Profile {
  std::string_view name;
  std::string_view protocol;  ///< Of the m-lines that we offer.
  Keying keying = Keying::None;
  /// ICE with one candidate; then also rtcp-mux and BUNDLE (RFC 8834, RFC 8843).
  bool has_ice = false;
  bool is_lite = false;
  /// Behind a NAT: where it sends from is learned, not what its description says.
  bool is_latching = false;
};

/// `webrtc`, `sip-trunk`, `sip-phone`, `sip-srtp`, `sip-osrtp`, `sip-dtls`, `sip-webrtc`; null: no
/// such profile.
[[nodiscard]] const Profile* profile_named(std::string_view name);

}  // namespace causeway::jsep
