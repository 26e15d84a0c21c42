#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/types.h"
#include "relay/srtp/cipher.h"
#include "relay/srtp/session_keys.h"
#include "relay/wire/hmac_sha1.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::srtp {

/// One master key of an AES-CM and HMAC-SHA1 suite, its session keys derived (RFC 3711 4.1.1,
/// 4.2.1; RFC 6188). Works in place on packets without MKI; knows nothing of what came before.
///
///     SRTP:   header | ciphertext | tag                  tag over all before it, and the ROC
///     SRTCP:  8 octets | ciphertext | E, index | tag     tag over all before it
template <typename R = Rules>
class CmKey {
 public:
  /// Nothing where OpenSSL refuses. REQUIRES: lengths as `facts` has them.
  [[nodiscard]] static std::optional<CmKey> create(const wire::SrtpSuiteFacts& facts, Bytes key,
                                                   Bytes salt) {
    CmKey made;
    made.rtp_.tag_octets = facts.rtp_tag;
    made.rtcp_.tag_octets = R::kSrtcpTagStaysLong ? facts.rtcp_tag : facts.rtp_tag;
    if (!made.rtp_.derive(key, salt, KeyUse::RtpCipher, KeyUse::RtpAuth, KeyUse::RtpSalt) ||
        !made.rtcp_.derive(key, salt, KeyUse::RtcpCipher, KeyUse::RtcpAuth, KeyUse::RtcpSalt)) {
      return std::nullopt;
    }
    return made;
  }

  /// REQUIRES: packet.size() >= header_octets + tag. Errors: AuthFailed.
  [[nodiscard]] Result<void, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index) {
    const std::size_t sealed = packet.size() - rtp_.tag_octets;
    const MutableBytes data = packet.data();
    if (!wire::tags_equal(rtp_tag(data.first(sealed), index).first(rtp_.tag_octets),
                          data.subspan(sealed)) ||
        !rtp_.crypt(data.first(sealed).subspan(header_octets), ssrc, index)) {
      return failure(DropReason::AuthFailed);
    }
    packet.resize(sealed);
    return {};
  }

  /// REQUIRES: packet.tail_room() >= tag.
  [[nodiscard]] Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index) {
    if (!rtp_.crypt(packet.data().subspan(header_octets), ssrc, index)) {
      return failure(DropReason::AuthFailed);
    }
    append(packet, rtp_tag(packet.data(), index).first(rtp_.tag_octets));
    return {};
  }

  /// `word`: the E bit and index, which stand before the tag. REQUIRES: packet.size() >= 8 + 4 +
  /// tag. Errors: AuthFailed.
  [[nodiscard]] Result<void, DropReason> open_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t word) {
    const std::size_t covered = packet.size() - rtcp_.tag_octets;
    const std::size_t plain = covered - 4;
    const MutableBytes data = packet.data();
    if (!wire::tags_equal(rtcp_.tag(data.first(covered), {}).first(rtcp_.tag_octets),
                          data.subspan(covered))) {
      return failure(DropReason::AuthFailed);
    }
    if ((word & R::kSrtcpEncrypted) != 0 &&
        !rtcp_.crypt(data.first(plain).subspan(wire::kRtcpFixedOctets), ssrc, word & 0x7fffffffU)) {
      return failure(DropReason::AuthFailed);
    }
    packet.resize(plain);
    return {};
  }

  /// REQUIRES: packet.size() >= 8, packet.tail_room() >= 4 + tag, index < 2^31.
  [[nodiscard]] Result<void, DropReason> seal_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t index) {
    if (!rtcp_.crypt(packet.data().subspan(wire::kRtcpFixedOctets), ssrc, index)) {
      return failure(DropReason::AuthFailed);
    }
    std::array<std::byte, 4> word;
    store_be32(word.data(), R::kSrtcpEncrypted | index);
    append(packet, word);
    append(packet, rtcp_.tag(packet.data(), {}).first(rtcp_.tag_octets));
    return {};
  }

  /// A stream was replaced: nothing to do, the streams' state is kept elsewhere.
  void forget(Ssrc /*ssrc*/) {}

 private:
  // A digest that outlives the expression it is made in, cut to a tag's length.
  class Tag {
   public:
    explicit Tag(const wire::HmacSha1::Digest& digest) : digest_(digest) {}
    [[nodiscard]] Bytes first(std::size_t octets) const { return Bytes{digest_}.first(octets); }

   private:
    wire::HmacSha1::Digest digest_;
  };

  // The session keys of SRTP or of SRTCP.
  struct Half {
    [[nodiscard]] bool derive(Bytes key, Bytes master_salt, KeyUse cipher_use, KeyUse auth_use,
                              KeyUse salt_use) {
      WipedOctets<32> cipher_key;
      WipedOctets<20> auth_key;
      if (!derive_session_key<R>(key, master_salt, cipher_use, cipher_key, key.size()) ||
          !derive_session_key<R>(key, master_salt, auth_use, auth_key) ||
          !derive_session_key<R>(key, master_salt, salt_use, salt)) {
        return false;
      }
      auth = wire::HmacSha1(auth_key.octets);
      return cipher.set_key(Bytes(cipher_key.octets).first(key.size()));
    }
    [[nodiscard]] bool crypt(MutableBytes data, Ssrc ssrc, std::uint64_t index) {
      const auto iv =
          make_iv<kCtrIvOctets>(salt, R::kCmSsrcOctet, ssrc.raw(), R::kCmIndexOctet, index);
      return data.empty() || cipher.apply(iv, data);
    }
    [[nodiscard]] Tag tag(Bytes message, Bytes suffix) const {
      return Tag(auth.digest(message, suffix));
    }

    CtrCipher cipher;
    wire::HmacSha1 auth;
    WipedOctets<14> salt;
    std::uint8_t tag_octets = 0;
  };

  CmKey() = default;

  [[nodiscard]] Tag rtp_tag(Bytes message, std::uint64_t index) const {
    std::array<std::byte, 4> roc;
    store_be32(roc.data(), static_cast<std::uint32_t>(index >> 16));
    return rtp_.tag(message, R::kTagCoversRoc ? Bytes(roc) : Bytes());
  }
  static void append(PacketBuf& packet, Bytes octets) {
    const std::size_t end = packet.size();
    packet.resize(end + octets.size());
    std::copy(octets.begin(), octets.end(), packet.data().subspan(end).begin());
  }

  Half rtp_;
  Half rtcp_;
};

}  // namespace causeway::srtp
