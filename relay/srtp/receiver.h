#pragma once

#include <memory>
#include <optional>
#include <span>

#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/srtp/options.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtp.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::srtp {

/// Authenticates and decrypts what one direction of a leg receives (RFC 3711, 6188, 7714). The only
/// way, beside the door for plain legs, from a Sealed to an Open packet.
///
/// Nothing changes before a tag has verified: not the replay window, not the rollover counter, not
/// the table of SSRCs. create() allocates and derives keys; open() works in place and allocates
/// nothing (Transform::Evp). Single-threaded, but may be created on another thread and moved over.
class SrtpReceiver {
 public:
  /// How long a replaced key goes on being accepted.
  static constexpr Duration kKeyGrace = std::chrono::seconds(2);

  /// Errors, all InvalidArgument: NO_KEYS, KEY_LENGTH, SALT_LENGTH, MKI_LENGTH (over 128, or not
  /// all of one length), MKI_REQUIRED (several keys without), MKI_TAKEN (two alike), LIFETIME (0 or
  /// over 2^48), REPLAY_WINDOW, MAX_SSRCS, LATE_JOIN; `field` is relative to the keys
  /// (`keys[1].mki`). Internal TRANSFORM where a library refuses.
  [[nodiscard]] static Result<std::unique_ptr<SrtpReceiver>, Error> create(
      const wire::SrtpKeys& keys, const SrtpOptions& options);
  SrtpReceiver(const SrtpReceiver&) = delete;
  SrtpReceiver& operator=(const SrtpReceiver&) = delete;
  ~SrtpReceiver();

  /// Errors: Truncated (no room for the tag), UnknownMki, Replayed, AuthFailed, KeyExpired,
  /// BadHeader (authentic, but its padding lies). The buffer then goes back to its pool.
  [[nodiscard]] Result<wire::OpenRtp, DropReason> open(wire::SealedRtp packet, Instant now);
  /// Errors: as above, and Unsupported (E bit not set), and those of check_rtcp_compound for a
  /// compound that is authentic and wrong.
  [[nodiscard]] Result<wire::OpenRtcp, DropReason> open(wire::SealedRtcp packet, Instant now);
  /// About the packet that open() returned last.
  [[nodiscard]] const OpenInfo& last_opened() const;

  /// Takes over keys and options of `fresh`, made by create() off the worker; the keys that are not
  /// among them stay valid until now + grace. Keys that both have keep their replay windows, so the
  /// same keys again change nothing. Returns what is not needed any more, to be freed off the
  /// worker; nothing is allocated or freed here (Transform::Evp).
  [[nodiscard]] std::unique_ptr<SrtpReceiver> adopt(std::unique_ptr<SrtpReceiver> fresh,
                                                    Instant now, Duration grace = kKeyGrace);
  /// When the keys that were replaced last stop being accepted, if there are any.
  [[nodiscard]] std::optional<Instant> grace_ends() const;
  /// After grace_ends(): moves the replaced keys into `shell` (what adopt() returned, or any other
  /// receiver that is on its way to be freed). Not calling it costs only memory.
  void retire_into(SrtpReceiver& shell);

  /// Live SSRCs, for snapshots; i < streams().
  [[nodiscard]] std::size_t streams() const;
  [[nodiscard]] StreamIndex stream(std::size_t i) const;
  /// Goes on from a snapshot: every index up to the given ones counts as seen. Also the way to say
  /// that an SSRC is past a wrap. At most max_ssrcs are taken.
  void restore(std::span<const StreamIndex> streams);

 private:
  struct Impl;
  explicit SrtpReceiver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace causeway::srtp
