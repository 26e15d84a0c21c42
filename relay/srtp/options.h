#pragma once

#include <cstddef>
#include <cstdint>

#include "relay/base/types.h"

namespace causeway::srtp {

/// Which implementation does the arithmetic. The packets are the same to the bit; Libsrtp allocates
/// per packet and costs several times as much, and is there for those who ask for the field's
/// audited library (`srtp.transform: libsrtp`).
enum class Transform : std::uint8_t { Evp, Libsrtp };

/// What becomes of the rollover counter of a living SSRC when its master key is replaced. RFC 3711
/// 3.3.1 keeps it; some peers begin at 0 again.
enum class RocPolicy : std::uint8_t {
  Auto,   ///< Receiver: whichever of the two authenticates. Sender: kept, and needs_new_ssrc().
  Keep,   ///< As RFC 3711 has it.
  Reset,  ///< As those peers have it.
};

/// How a receiver or a sender behaves, beyond its keys. A value; the defaults are the daemon's.
struct SrtpOptions {
  Transform transform = Transform::Evp;
  RocPolicy roc_on_rekey = RocPolicy::Auto;
  /// How far behind the newest index a packet may come, in packets. A power of two from 1024 to
  /// 16384. Of the sender: how far behind the newest index it still seals.
  std::uint16_t replay_window = 1024;
  std::uint16_t srtcp_replay_window = 1024;
  /// SSRCs that are live at once, 1..64. The receiver replaces the least recently heard one, only
  /// ever by one that has authenticated. So does the sender, which never forgets what it has used.
  std::uint8_t max_ssrcs = 8;
  /// The rollover counter expected of an SSRC that is new, or began anew with its key (RocPolicy).
  std::uint32_t initial_roc = 0;
  /// Late join: how many counters above `initial_roc` are tried on such an SSRC, 0..32; 0 turns it
  /// off. Transform::Evp only (libsrtp cannot), at most ten packets that fail it a second.
  std::uint8_t late_join_rocs = 8;
  /// Accept SRTCP whose E bit says that it is not encrypted. Only where UNENCRYPTED_SRTCP was
  /// agreed on.
  bool allow_unencrypted_srtcp = false;
};

/// What the packet that was opened last has shown. Meaningful after a successful open() only.
struct OpenInfo {
  /// The 48-bit packet index (rollover counter, then sequence number), or the 31-bit SRTCP index.
  std::uint64_t index = 0;
  Ssrc ssrc;
  /// The highest index so far of its SSRC and kind: only such a packet may move a leg's address.
  bool is_newest = false;
  /// The first packet of this kind from this SSRC.
  bool is_new_ssrc = false;
  /// It came under a key that has been replaced and is in its grace.
  bool by_retired_key = false;
};

/// Where one SSRC stands, as a value for snapshots. An index is the newest one used (sender) or
/// authenticated (receiver).
struct StreamIndex {
  Ssrc ssrc;
  std::uint64_t rtp_index = 0;  ///< Rollover counter in the bits above 16, sequence number below.
  std::uint32_t srtcp_index = 0;
  bool has_rtp = false;
  bool has_srtcp = false;

  [[nodiscard]] std::uint32_t roc() const { return static_cast<std::uint32_t>(rtp_index >> 16); }
  [[nodiscard]] SeqNum seq() const { return SeqNum(static_cast<std::uint16_t>(rtp_index)); }
  friend bool operator==(const StreamIndex&, const StreamIndex&) = default;
};

}  // namespace causeway::srtp
