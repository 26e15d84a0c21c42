#pragma once

#include <memory>
#include <span>

#include "relay/base/result.h"
#include "relay/srtp/options.h"
#include "relay/wire/rtp.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::srtp {

/// Encrypts and tags what one direction of a leg sends (RFC 3711, 6188, 7714), under the first of
/// its keys, in place.
///
/// It never uses an index twice: a packet whose sequence number was sealed before, or lies further
/// back than the window, is refused, and an SSRC is never forgotten while its key lives. create()
/// allocates; seal() does not (Transform::Evp). Single-threaded, but may be created on another
/// thread and moved over.
class SrtpSender {
 public:
  /// Errors: as SrtpReceiver::create.
  [[nodiscard]] static Result<std::unique_ptr<SrtpSender>, Error> create(
      const wire::SrtpKeys& keys, const SrtpOptions& options);
  SrtpSender(const SrtpSender&) = delete;
  SrtpSender& operator=(const SrtpSender&) = delete;
  ~SrtpSender();

  /// The packet's index follows from its sequence number and those before it of the same SSRC.
  /// Errors: Replayed (index used before, or too far back), KeyExpired (the lifetime or the index
  /// space is used up: stop, never wrap), TooManySsrcs (no room to remember another one), TooLarge.
  [[nodiscard]] Result<PacketBuf, DropReason> seal(wire::OpenRtp packet);
  /// A compound in the clear, at least 8 octets. Its SRTCP index is the next of its first SSRC.
  /// Errors: Truncated, KeyExpired, TooManySsrcs, TooLarge.
  [[nodiscard]] Result<PacketBuf, DropReason> seal_rtcp(PacketBuf compound);

  /// Switches to the first key of `fresh`, made by create() off the worker, from the next packet
  /// on. Indices go on (but see RocPolicy::Reset); the same key again changes nothing. Returns what
  /// is not needed any more, to be freed off the worker.
  [[nodiscard]] std::unique_ptr<SrtpSender> adopt(std::unique_ptr<SrtpSender> fresh);
  /// Whether to go on with a new SSRC instead of `ssrc`: re-keyed without MKI while its rollover
  /// counter was over 0, so that peers differ in what they expect (RocPolicy::Auto).
  [[nodiscard]] bool needs_new_ssrc(Ssrc ssrc) const;
  /// Less than a tenth of the key's lifetime is left.
  [[nodiscard]] bool key_is_low() const;

  /// Live SSRCs, for snapshots; i < streams().
  [[nodiscard]] std::size_t streams() const;
  [[nodiscard]] StreamIndex stream(std::size_t i) const;
  /// Goes on from a snapshot: every index up to the given ones counts as used. Whoever restores an
  /// old snapshot adds what may have been used since. At most max_ssrcs are taken.
  /// Errors: FailedPrecondition SRTCP_INDEX (libsrtp has no way to set one, and this is too high to
  /// count up to).
  [[nodiscard]] Result<void, Error> restore(std::span<const StreamIndex> streams);

 private:
  struct Impl;
  explicit SrtpSender(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace causeway::srtp
