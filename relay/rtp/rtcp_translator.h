#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/base/types.h"
#include "relay/rtp/reception.h"
#include "relay/rtp/retransmission.h"
#include "relay/rtp/sender.h"
#include "relay/rtp/stream_map.h"
#include "relay/wire/rtcp.h"
#include "relay/wire/rtcp_writer.h"

namespace causeway::rtp {

/// What RTCP has said about one forwarded stream: kept beside its OutputStream, one for each pair
/// of incoming stream and receiving leg. A value.
class ForwardedReports {
 public:
  /// What the far end last said, in its own numbering, and the round trip of the hop to it.
  [[nodiscard]] const std::optional<FarReport>& far_report() const { return far_; }

  friend bool operator==(const ForwardedReports&, const ForwardedReports&) = default;

 private:
  friend class RtcpTranslator;

  /// Forgets everything where it was kept about another stream.
  void begin(Ssrc out);

  std::optional<Ssrc> out_;
  SentReports sent_;  // the SRs that were passed on
  std::optional<FarReport> far_;
  std::optional<Instant> first_seen_;
  std::optional<Instant> answered_at_;  // when we last spoke in the far end's place
  // Whose stream it is, and the far end's cumulative loss when it began: another's before it.
  std::optional<Ssrc> source_;
  std::int32_t lost_at_start_ = 0;
  // Our own count at the last block passed back: the next own fraction counts from there.
  struct OwnLoss {
    std::uint32_t extended_seq = 0;
    std::int64_t lost = 0;
    friend bool operator==(const OwnLoss&, const OwnLoss&) = default;
  };
  std::optional<OwnLoss> own_before_;
};

/// One stream as a translator sees it. All borrowed for the call.
struct ForwardedStream {
  StreamMap map;
  /// Our own statistics of `map.in`, told of its SRs here; null where there are none.
  Reception* reception = nullptr;
  ForwardedReports* reports = nullptr;  ///< Never null.
  /// What was sent of `map.out` and can be had from here; null where nothing is kept. NACKs for it
  /// do not cross: the caller answers them (RetransmissionBuffer::repeat).
  const RetransmissionBuffer* kept = nullptr;
};

/// What one call of the translator works with: the leg that the compound came from ("here") and the
/// leg that it goes to ("there"). All borrowed for the call.
struct RtcpRoute {
  /// The streams from here to there: what SRs, SDES and BYE from here are about.
  std::span<const ForwardedStream> sent;
  /// The streams from there to here: what report blocks and feedback from here are about.
  std::span<const ForwardedStream> received;
  /// Who speaks there for a source of here that sends no stream: an SSRC of ours there.
  Ssrc reporter;
  /// The CNAME of the leg there.
  std::string_view cname;
  /// Our own estimate of what the way to `here` carries: REMB and TMMBR are held to it.
  std::optional<std::uint64_t> estimate_bits_per_second = std::nullopt;
  /// What `here` is sent of `received`; nothing: not known, and REMB is believed as it is.
  std::optional<std::uint64_t> sent_bits_per_second = std::nullopt;
  bool passes_bye = true;
  /// Both legs have negotiated transport-wide congestion control, all that here is sent comes from
  /// there, and the extension's numbers pass as they are: the feedback then says what became of
  /// them over both hops.
  bool passes_transport_cc = false;
};

/// What became of one compound.
struct Translation {
  std::size_t octets = 0;  ///< Written; 0 where nothing is left to be sent.
  bool has_bye = false;    ///< Of a stream from here. Ends no leg: the caller decides.
  bool wants_picture = false;
  unsigned malformed = 0;  ///< Packets dropped because their insides lie.
  unsigned dropped = 0;    ///< Packets dropped because of their type, or about nobody we know.
};

/// RTCP between two legs whose RTP is forwarded or re-keyed: a translator (RFC 3550 7.2). It keeps
/// no state of its own.
///
/// **Loss.** Forward keeps gaps: the far end sees a packet that was lost before the relay (L1 of N)
/// as missing as one that was lost behind it (L2), so its block already says L1 + L2 of N and must
/// not have L1 added again. It goes back with its numbers mapped and is only ever corrected
/// upwards:
///
///     cumulative' = max(far cumulative - far cumulative at this source's start, L1 up to EHSN)
///     fraction'   = max(far fraction, 256 * (L1 up to EHSN - L1 before) / (EHSN - EHSN before))
///
/// where L1 is our own count *up to the very sequence number that the far end reports* (EHSN): the
/// two never describe different stretches of the stream, so nothing counts twice; and a far end
/// that reports too little, or repaired behind us, cannot hide what was lost on the way to us.
/// Where the far end says nothing for 10 s, answer_sender() tells the sender of L1 alone.
///
/// **Round trip.** SRs keep their NTP time, so LSR comes back as the sender's own and DLSR as the
/// far end measured it: the sender computes the round trip of both hops. An LSR of an SR that we
/// did not pass on (one of ours, from before a path was swapped) is zeroed together with its DLSR.
///
///     packet           | what crosses
///     SR               | SSRC and RTP timestamp mapped, NTP and counts kept, blocks as below;
///                      |   of a source without a stream: an RR of its blocks
///     RR, blocks       | about the streams it receives: SSRC, EHSN mapped; others left out
///     SDES             | one CNAME item, the receiving leg's; nothing else of the person
///     BYE              | SSRCs mapped; told to the caller, ends no leg
///     NACK             | sequence numbers mapped; those from before the offsets left out, and
///     those
///                      |   that are answered from here (ForwardedStream::kept)
///     PLI, SLI, RPSI   | SSRC mapped.   FIR: SSRC of each entry
///     REMB, TMMBR      | SSRCs mapped, the lesser of it and our own estimate; a REMB that is held
///                      |   down by what is sent is raised to kLeastEstimate
///     TMMBN            | dropped: its entries name sources that only the other leg knows
///     transport-cc     | with route.passes_transport_cc: SSRCs mapped, numbers as they are; else
///                      |   dropped: its numbers are those of one hop
///     APP, XR, others  | dropped: they may carry SSRCs and clocks that we cannot map
class RtcpTranslator {
 public:
  /// Without news from the far end for this long, the relay answers the sender itself.
  static constexpr Duration kFarEndSilence = std::chrono::seconds(10);
  static constexpr Duration kAnswerSpacing = std::chrono::milliseconds(2500);
  /// A receiver's estimate goes little above what reaches it (libwebrtc's: to 1.5 times as much),
  /// so of a still picture it says nothing of what the way carries. Where less than four fifths of
  /// it are used, and the receiver reports no loss to speak of, the sender is told no less than
  /// this: in bits a second, what browsers begin with. A way that carries less shows that as soon
  /// as it is used: the estimate is then below what is sent, and passes.
  static constexpr std::uint64_t kLeastEstimate = 300'000;

  /// Translates a compound into `out`, which should hold PacketBuf::kMaxData octets.
  [[nodiscard]] static Translation translate(const wire::OpenRtcp& compound, Instant now,
                                             const RtcpRoute& route, MutableBytes out);

  /// To be called after a compound from a sender: an RR with the CNAME back to it, about its own
  /// streams in `sent` that the far end has said nothing about for kFarEndSilence; 0 octets where
  /// there is none. `reporter` and `cname` are those of the sender's own leg. No timer: the
  /// sender's own RTCP paces it, to at most one answer in kAnswerSpacing. Takes the report interval
  /// of the receptions.
  [[nodiscard]] static std::size_t answer_sender(Instant now, std::span<const ForwardedStream> sent,
                                                 Ssrc reporter, std::string_view cname,
                                                 MutableBytes out);

 private:
  class Call;
  /// The far end's block in the numbering of the sender; nothing where it is about a source from
  /// before the offsets.
  [[nodiscard]] static std::optional<wire::ReportBlock> translate_block(
      const wire::ReportBlock& far, Instant now, const ForwardedStream& stream);
};

}  // namespace causeway::rtp
