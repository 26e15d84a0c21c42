#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace causeway::srtp {

/// Which of the six session keys (RFC 3711 4.3.1); the value indexes Rules::kLabels.
enum class KeyUse : std::uint8_t { RtpCipher, RtpAuth, RtpSalt, RtcpCipher, RtcpAuth, RtcpSalt };

/// The decisions of RFC 3711 and RFC 7714 that an implementation can get wrong, in one place. The
/// transform and both cores are templates on them; the daemon knows only this struct. Tests derive
/// from it, get one decision wrong, and show that the differential test notices.
///
///     IV of AES-CM:  octets 0..13 salt, xor SSRC at 4..7, xor 48-bit index at 8..13; 14..15 count
///     IV of GCM:     octets 0..11 salt, xor SSRC at 2..5, xor 48-bit index at 6..11
struct Rules {
  /// Half the sequence number space: how far apart two numbers may be (RFC 3711 3.3.1, appendix A).
  static constexpr std::int32_t kHalfSpace = 32768;
  /// The index exactly one window behind the newest is the first that is too old (3.3.2).
  static constexpr std::uint64_t kWindowSlack = 0;
  /// The window learns of an index only after its tag has verified (3.3, step 8).
  static constexpr bool kCommitAfterTag = true;
  /// Labels of the key derivation, by KeyUse (4.3.1).
  static constexpr std::array<std::uint8_t, 6> kLabels = {0, 1, 2, 3, 4, 5};

  static constexpr std::size_t kCmSsrcOctet = 4;   ///< 4.1.1
  static constexpr std::size_t kCmIndexOctet = 8;  ///< 4.1.1
  static constexpr std::size_t kGcmSsrcOctet = 2;  ///< RFC 7714 8.1
  static constexpr std::size_t kGcmIndexOctet = 6;
  /// The SRTP tag covers the rollover counter, which is not sent (4.2).
  static constexpr bool kTagCoversRoc = true;
  /// SRTCP keeps the 80-bit tag in the _32 suites (RFC 4568 6.2.2).
  static constexpr bool kSrtcpTagStaysLong = true;
  /// The MKI precedes the tag (3.1); with AEAD, whose tag is ciphertext, it is last (RFC 7714 7.2).
  static constexpr bool kMkiPrecedesTag = true;
  /// The bit above the SRTCP index that says "encrypted" (3.4).
  static constexpr std::uint32_t kSrtcpEncrypted = 0x80000000;
  /// AEAD's associated data is the whole RTP header, with CSRCs and extension (RFC 7714 7.1) ...
  static constexpr bool kAadCoversExtension = true;
  /// ... and of SRTCP the first 8 octets and the word with the E bit and the index (7.2).
  static constexpr bool kAadCoversSrtcpIndex = true;
};

}  // namespace causeway::srtp
