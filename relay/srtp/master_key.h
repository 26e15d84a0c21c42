#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "relay/srtp/cm_key.h"
#include "relay/srtp/gcm_key.h"
#include "relay/srtp/key_check.h"
#include "relay/srtp/libsrtp_key.h"
#include "relay/srtp/options.h"

namespace causeway::srtp {

inline constexpr std::uint64_t kMaxSrtpPackets = std::uint64_t{1} << 48;   // RFC 3711 9.2
inline constexpr std::uint64_t kMaxSrtcpPackets = std::uint64_t{1} << 31;  // RFC 3711 9.2

/// A master key at work: its transform, its MKI, and how much of its lifetime is used.
template <typename R = Rules>
class MasterKey {
 public:
  using AnyKey = std::variant<CmKey<R>, GcmKey<R>, LibsrtpKey>;

  /// Errors: Internal TRANSFORM. REQUIRES: check_keys() has accepted the key.
  [[nodiscard]] static Result<MasterKey, Error> create(const wire::SrtpSuiteFacts& facts,
                                                       const wire::SrtpMasterKey& key,
                                                       const SrtpOptions& options,
                                                       Direction direction) {
    std::optional<AnyKey> transform;
    const Bytes material = key.key.bytes();
    const Bytes salt = key.salt.bytes();
    if (options.transform == Transform::Libsrtp) {
      transform = LibsrtpKey::create(facts, material, salt, direction, options.replay_window);
    } else if (facts.is_aead) {
      transform = GcmKey<R>::create(material, salt, direction);
    } else {
      transform = CmKey<R>::create(facts, material, salt);
    }
    if (!transform) {
      return failure(Error{.code = ErrorCode::Internal,
                           .reason = "TRANSFORM",
                           .field = "keys",
                           .detail = "the cryptographic library refused a key"});
    }
    return MasterKey(fingerprint_of(facts.suite, key), key, std::move(*transform));
  }

  [[nodiscard]] Bytes mki() const { return mki_; }
  [[nodiscard]] bool is_same_key(const MasterKey& other) const {
    return fingerprint_ == other.fingerprint_;
  }
  [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }

  /// What is used of the lifetime, in packets.
  [[nodiscard]] bool has_expired_for_rtp() const { return rtp_packets_ >= lifetime_; }
  [[nodiscard]] bool has_expired_for_rtcp() const { return rtcp_packets_ >= rtcp_lifetime(); }
  void count_rtp() { ++rtp_packets_; }
  void count_rtcp() { ++rtcp_packets_; }
  /// Less than a tenth of the lifetime is left.
  [[nodiscard]] bool is_low() const {
    return (lifetime_ - rtp_packets_) * 10 < lifetime_ ||
           (rtcp_lifetime() - rtcp_packets_) * 10 < rtcp_lifetime();
  }
  /// Lets this key go on with what `same` has used and knows, and gives it the fresh transform.
  /// REQUIRES: is_same_key(same).
  void swap_history(MasterKey& same) {
    std::swap(transform_, same.transform_);
    std::swap(rtp_packets_, same.rtp_packets_);
    std::swap(rtcp_packets_, same.rtcp_packets_);
  }

  [[nodiscard]] Result<void, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index) {
    return std::visit([&](auto& key) { return key.open_rtp(packet, header_octets, ssrc, index); },
                      transform_);
  }
  [[nodiscard]] Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index) {
    return std::visit([&](auto& key) { return key.seal_rtp(packet, header_octets, ssrc, index); },
                      transform_);
  }
  [[nodiscard]] Result<void, DropReason> open_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t word) {
    return std::visit([&](auto& key) { return key.open_rtcp(packet, ssrc, word); }, transform_);
  }
  [[nodiscard]] Result<void, DropReason> seal_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t index) {
    return std::visit([&](auto& key) { return key.seal_rtcp(packet, ssrc, index); }, transform_);
  }
  void forget(Ssrc ssrc) {
    std::visit([&](auto& key) { key.forget(ssrc); }, transform_);
  }
  /// The libsrtp transform, which has to be told more than the others; null for those.
  [[nodiscard]] LibsrtpKey* libsrtp() { return std::get_if<LibsrtpKey>(&transform_); }

 private:
  MasterKey(const Fingerprint& fingerprint, const wire::SrtpMasterKey& key, AnyKey transform)
      : transform_(std::move(transform)),
        fingerprint_(fingerprint),
        mki_(key.mki),
        lifetime_(key.lifetime_packets) {}

  [[nodiscard]] std::uint64_t rtcp_lifetime() const {
    return lifetime_ < kMaxSrtcpPackets ? lifetime_ : kMaxSrtcpPackets;
  }

  AnyKey transform_;
  Fingerprint fingerprint_;
  std::vector<std::byte> mki_;
  std::uint64_t lifetime_;
  std::uint64_t rtp_packets_ = 0;
  std::uint64_t rtcp_packets_ = 0;
};

}  // namespace causeway::srtp
