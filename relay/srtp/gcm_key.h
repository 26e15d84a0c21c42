#pragma once

#include <cstdint>
#include <optional>

#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/types.h"
#include "relay/srtp/cipher.h"
#include "relay/srtp/session_keys.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtp.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::srtp {

/// One master key of an AEAD_AES_*_GCM suite, its session keys derived (RFC 7714). Works in place
/// on packets without MKI; knows nothing of what came before. A packet that open_*() refuses holds
/// rubbish afterwards.
///
///     SRTP:   header (associated data) | ciphertext | tag 16
///     SRTCP:  8 octets (associated) | ciphertext | tag 16 | E, index (associated)
template <typename R = Rules>
class GcmKey {
 public:
  /// Nothing where OpenSSL refuses. REQUIRES: a 16 or 32 octet key, a 12 octet salt.
  [[nodiscard]] static std::optional<GcmKey> create(Bytes key, Bytes salt, Direction direction) {
    GcmKey made;
    if (!made.rtp_.derive(key, salt, KeyUse::RtpCipher, KeyUse::RtpSalt, direction) ||
        !made.rtcp_.derive(key, salt, KeyUse::RtcpCipher, KeyUse::RtcpSalt, direction)) {
      return std::nullopt;
    }
    return made;
  }

  /// REQUIRES: packet.size() >= header_octets + 16. Errors: AuthFailed.
  [[nodiscard]] Result<void, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index) {
    const std::size_t plain = packet.size() - kGcmTagOctets;
    const MutableBytes data = packet.data();
    if (!rtp_.cipher.open(rtp_.iv(ssrc, index), aad_of(data, header_octets), {},
                          data.first(plain).subspan(header_octets), data.subspan(plain))) {
      return failure(DropReason::AuthFailed);
    }
    packet.resize(plain);
    return {};
  }

  /// REQUIRES: packet.tail_room() >= 16.
  [[nodiscard]] Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index) {
    const std::size_t plain = packet.size();
    packet.resize(plain + kGcmTagOctets);
    const MutableBytes data = packet.data();
    if (!rtp_.cipher.seal(rtp_.iv(ssrc, index), aad_of(data, header_octets), {},
                          data.first(plain).subspan(header_octets), data.subspan(plain))) {
      return failure(DropReason::AuthFailed);
    }
    return {};
  }

  /// `word`: the E bit and index, which end the packet. REQUIRES: packet.size() >= 8 + 16 + 4.
  /// Errors: AuthFailed.
  [[nodiscard]] Result<void, DropReason> open_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t word) {
    const MutableBytes data = packet.data();
    const std::size_t plain = packet.size() - kGcmTagOctets - 4;
    // Without encryption the whole packet is associated data (RFC 7714 9.3).
    const std::size_t clear =
        (word & R::kSrtcpEncrypted) != 0 ? std::size_t{wire::kRtcpFixedOctets} : plain;
    if (!rtcp_.cipher.open(rtcp_.iv(ssrc, word & 0x7fffffffU), data.first(clear),
                           srtcp_aad(data.last(4)), data.first(plain).subspan(clear),
                           data.subspan(plain, kGcmTagOctets))) {
      return failure(DropReason::AuthFailed);
    }
    packet.resize(plain);
    return {};
  }

  /// REQUIRES: packet.size() >= 8, packet.tail_room() >= 20, index < 2^31.
  [[nodiscard]] Result<void, DropReason> seal_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t index) {
    const std::size_t plain = packet.size();
    packet.resize(plain + kGcmTagOctets + 4);
    const MutableBytes data = packet.data();
    store_be32(&data[plain + kGcmTagOctets], R::kSrtcpEncrypted | index);
    if (!rtcp_.cipher.seal(rtcp_.iv(ssrc, index), data.first(wire::kRtcpFixedOctets),
                           srtcp_aad(data.last(4)),
                           data.first(plain).subspan(wire::kRtcpFixedOctets),
                           data.subspan(plain, kGcmTagOctets))) {
      return failure(DropReason::AuthFailed);
    }
    return {};
  }

  /// A stream was replaced: nothing to do, the streams' state is kept elsewhere.
  void forget(Ssrc /*ssrc*/) {}

 private:
  // The session keys of SRTP or of SRTCP.
  struct Half {
    [[nodiscard]] bool derive(Bytes key, Bytes master_salt, KeyUse cipher_use, KeyUse salt_use,
                              Direction direction) {
      WipedOctets<32> cipher_key;
      return derive_session_key<R>(key, master_salt, cipher_use, cipher_key, key.size()) &&
             derive_session_key<R>(key, master_salt, salt_use, salt) &&
             cipher.set_key(Bytes(cipher_key.octets).first(key.size()),
                            direction == Direction::Seal);
    }
    [[nodiscard]] GcmCipher::Iv iv(Ssrc ssrc, std::uint64_t index) const {
      return make_iv<kGcmIvOctets>(salt, R::kGcmSsrcOctet, ssrc.raw(), R::kGcmIndexOctet, index);
    }

    GcmCipher cipher;
    WipedOctets<kGcmIvOctets> salt;
  };

  GcmKey() = default;

  [[nodiscard]] static Bytes aad_of(Bytes packet, std::size_t header_octets) {
    return packet.first(R::kAadCoversExtension ? header_octets : wire::kRtpFixedHeaderOctets);
  }
  [[nodiscard]] static Bytes srtcp_aad(Bytes word) {
    return R::kAadCoversSrtcpIndex ? word : Bytes();
  }

  Half rtp_;
  Half rtcp_;
};

}  // namespace causeway::srtp
