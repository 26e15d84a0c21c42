#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "relay/base/packet_buf.h"
#include "relay/base/result.h"
#include "relay/base/secret.h"
#include "relay/base/types.h"
#include "relay/srtp/session_keys.h"
#include "relay/wire/srtp_keys.h"

struct srtp_ctx_t_;

namespace causeway::srtp {

/// One master key behind libsrtp: the operator's choice, and in tests the oracle of CmKey and
/// GcmKey, whose interface it shares. libsrtp keeps rollover counters and replay windows of its
/// own, so that a packet has to pass both; this class only tells it of counters that it cannot
/// know (a restored stream, a new key for a living one). Allocates per packet.
class LibsrtpKey {
 public:
  /// Nothing where libsrtp refuses. Initialises the library the first time.
  [[nodiscard]] static std::optional<LibsrtpKey> create(const wire::SrtpSuiteFacts& facts,
                                                        Bytes key, Bytes salt, Direction direction,
                                                        std::uint16_t replay_window);

  /// Errors: AuthFailed, Replayed, KeyExpired.
  [[nodiscard]] Result<void, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index);
  [[nodiscard]] Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets,
                                                  Ssrc ssrc, std::uint64_t index);
  [[nodiscard]] Result<void, DropReason> open_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t word);
  [[nodiscard]] Result<void, DropReason> seal_rtcp(PacketBuf& packet, Ssrc ssrc,
                                                   std::uint32_t index);
  /// Drops what libsrtp knows of a stream.
  void forget(Ssrc ssrc);

  /// Sealing only: takes over the streams of `old`, the key that this one replaces, so that their
  /// SRTCP indices go on. False where libsrtp refuses; this key then begins anew.
  [[nodiscard]] bool continue_from(LibsrtpKey& old);
  /// Sealing only: makes the next SRTCP packet of `ssrc` carry `index` + 1, by sealing that many
  /// packets that are thrown away, for libsrtp has no other way. False if it is over
  /// kMaxCountedSrtcp, or before where the stream stands.
  [[nodiscard]] bool count_up_srtcp(Ssrc ssrc, std::uint32_t index);
  static constexpr std::uint32_t kMaxCountedSrtcp = 1'000'000;

 private:
  struct Free {
    void operator()(srtp_ctx_t_* session) const;
  };
  // Where libsrtp believes a stream to be.
  struct Stream {
    Ssrc ssrc;
    std::uint64_t rtp_newest = 0;
    std::uint32_t srtcp_newest = 0;
  };

  LibsrtpKey() = default;
  [[nodiscard]] Stream* find(Ssrc ssrc);
  Stream& find_or_add(Ssrc ssrc);
  // Makes libsrtp guess `index` for the next packet. Returns whether it knows of the stream now.
  [[nodiscard]] bool steer(Ssrc ssrc, std::uint64_t index);
  [[nodiscard]] bool add_to_session(Ssrc ssrc);

  std::unique_ptr<srtp_ctx_t_, Free> session_;
  SecretKey material_;  // master key, then salt
  wire::SrtpSuite suite_ = wire::SrtpSuite::AesCm128HmacSha1_80;
  Direction direction_ = Direction::Open;
  std::uint16_t replay_window_ = 0;
  std::vector<Stream> streams_;
};

}  // namespace causeway::srtp
