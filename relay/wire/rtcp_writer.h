#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/base/types.h"
#include "relay/wire/rtcp_views.h"

namespace causeway::wire {

/// Writes the packets of a compound one after the other into a buffer of the caller. Each call adds
/// one packet and returns true, or returns false and adds nothing where it does not fit.
class RtcpWriter {
 public:
  static constexpr std::size_t kMaxBlocks = 31;  ///< Report blocks, chunks or sources a packet.

  explicit RtcpWriter(MutableBytes out) : out_(out) {}

  /// What has been written: whole packets.
  [[nodiscard]] MutableBytes written() const { return out_.first(used_); }
  [[nodiscard]] bool empty() const { return used_ == 0; }
  [[nodiscard]] std::size_t room() const { return out_.size() - used_; }

  /// REQUIRES: blocks.size() <= kMaxBlocks.
  bool sender_report(const SenderInfo& sender, std::span<const ReportBlock> blocks);
  bool receiver_report(Ssrc reporter, std::span<const ReportBlock> blocks);
  /// One chunk with one CNAME item. REQUIRES: cname.size() <= 255.
  bool sdes_cname(Ssrc ssrc, std::string_view cname);
  /// REQUIRES: sources.size() <= kMaxBlocks, reason.size() <= 255.
  bool bye(std::span<const Ssrc> sources, Bytes reason = {});

  bool pli(Ssrc sender, Ssrc media);
  bool nack(Ssrc sender, Ssrc media, std::span<const NackEntry> entries);
  bool fir(Ssrc sender, std::span<const FirEntry> entries);
  /// `type` is Tmmbr or Tmmbn.
  bool bitrate_limits(RtpfbType type, Ssrc sender, std::span<const BitrateLimit> limits);
  /// REQUIRES: sources.size() <= 255.
  bool remb(Ssrc sender, std::uint64_t bits_per_second, std::span<const Ssrc> sources);
  /// Any feedback, its FCI as it is, filled up with zeros to a whole word.
  bool feedback(const Feedback& feedback);
  /// A packet whose framing is right and which has no padding, as it is.
  bool packet(Bytes octets);

 private:
  /// Room for a packet of header and `body_octets`, a multiple of four, header written; the body,
  /// cleared. An empty span where it does not fit.
  MutableBytes begin(RtcpType type, unsigned count, std::size_t body_octets);
  MutableBytes begin_feedback(RtcpType type, unsigned format, Ssrc sender, Ssrc media,
                              std::size_t fci_octets);

  MutableBytes out_;
  std::size_t used_ = 0;
};

}  // namespace causeway::wire
