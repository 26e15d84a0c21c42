#include "relay/rtp/rtcp_translator.h"

#include <algorithm>
#include <array>

#include "relay/base/static_vector.h"
#include "relay/wire/transport_cc.h"

namespace causeway::rtp {

namespace {

using Blocks = StaticVector<wire::ReportBlock, wire::RtcpWriter::kMaxBlocks>;

std::span<const wire::ReportBlock> view(const Blocks& blocks) {
  return {blocks.begin(), blocks.size()};
}

const ForwardedStream* find_in(std::span<const ForwardedStream> streams, Ssrc in) {
  const auto at =
      std::ranges::find_if(streams, [in](const ForwardedStream& s) { return s.map.in == in; });
  return at == streams.end() ? nullptr : &*at;
}

const ForwardedStream* find_out(std::span<const ForwardedStream> streams, Ssrc out) {
  const auto at =
      std::ranges::find_if(streams, [out](const ForwardedStream& s) { return s.map.out == out; });
  return at == streams.end() ? nullptr : &*at;
}

/// A far end's extended sequence number in the sender's numbering. The cycles are those that we
/// counted: the far end began to count at another number, so its own say nothing to the sender.
std::uint32_t extended_in(std::uint32_t far, const ForwardedStream& stream) {
  const SeqNum seq = stream.map.to_in(SeqNum(static_cast<std::uint16_t>(far)));
  if (stream.reception == nullptr || !stream.reception->has_packets()) {
    return (far & 0xffff0000U) | seq.raw();
  }
  const std::uint32_t ours = stream.reception->extended_highest_seq();
  return ours +
         static_cast<std::uint32_t>(seq.distance_from(SeqNum(static_cast<std::uint16_t>(ours))));
}

}  // namespace

void ForwardedReports::begin(Ssrc out) {
  if (out_ != out) *this = ForwardedReports();
  out_ = out;
}

std::optional<wire::ReportBlock> RtcpTranslator::translate_block(const wire::ReportBlock& far,
                                                                 Instant now,
                                                                 const ForwardedStream& stream) {
  ForwardedReports& reports = *stream.reports;
  reports.begin(stream.map.out);
  if (reports.source_ != stream.map.in) {
    reports.lost_at_start_ = reports.source_ && reports.far_ ? reports.far_->cumulative_lost : 0;
    reports.source_ = stream.map.in;
    reports.own_before_.reset();
  }
  reports.far_ = make_far_report(far, now, reports.sent_, reports.far_);

  const SeqNum highest(static_cast<std::uint16_t>(far.extended_highest_seq));
  if (!stream.map.covers(highest)) return std::nullopt;
  wire::ReportBlock block = far;
  block.ssrc = stream.map.in;
  block.extended_highest_seq = extended_in(far.extended_highest_seq, stream);
  block.cumulative_lost = far.cumulative_lost - reports.lost_at_start_;
  if (!reports.sent_.sent_at(far.last_sr)) block.last_sr = block.delay_since_last_sr = 0;

  std::optional<std::int64_t> lost;
  if (stream.reception != nullptr) lost = stream.reception->lost_up_to(block.extended_highest_seq);
  if (!lost) {
    reports.own_before_.reset();
    return block;
  }
  // Never less than the far end says, never more than the field holds.
  const auto cumulative = std::max<std::int64_t>(*lost, block.cumulative_lost);
  block.cumulative_lost = static_cast<std::int32_t>(std::min<std::int64_t>(cumulative, 0x7fffff));
  if (const auto& before = reports.own_before_) {
    const std::int64_t expected = std::int64_t{block.extended_highest_seq} - before->extended_seq;
    const std::int64_t lost_interval = *lost - before->lost;
    if (expected > 0 && lost_interval > 0) {
      const auto own = std::min<std::int64_t>(255, lost_interval * 256 / expected);
      block.fraction_lost = std::max(block.fraction_lost, static_cast<std::uint8_t>(own));
    }
  }
  reports.own_before_ = ForwardedReports::OwnLoss{block.extended_highest_seq, *lost};
  return block;
}

/// One compound on its way through.
class RtcpTranslator::Call {
 public:
  Call(Instant now, const RtcpRoute& route, MutableBytes out)
      : now_(now), route_(route), writer_(out) {}

  Translation run(const wire::RtcpCompound& compound) {
    const wire::RtcpType first = (*compound.begin()).type();
    is_reduced_ = first != wire::RtcpType::Sr && first != wire::RtcpType::Rr;
    for (const wire::RtcpPacket packet : compound) take(packet);
    result_.octets = writer_.written().size();
    return result_;
  }

 private:
  void take(const wire::RtcpPacket& packet) {
    switch (packet.type()) {
      case wire::RtcpType::Sr:
        return take_parsed(wire::SenderReport::parse(packet));
      case wire::RtcpType::Rr:
        return take_parsed(wire::ReceiverReport::parse(packet));
      case wire::RtcpType::Sdes:
        return take_parsed(wire::Sdes::parse(packet));
      case wire::RtcpType::Bye:
        return take_parsed(wire::Bye::parse(packet));
      case wire::RtcpType::Rtpfb:
      case wire::RtcpType::Psfb:
        return take_parsed(wire::Feedback::parse(packet));
      default:
        ++result_.dropped;
    }
  }
  template <typename View>
  void take_parsed(const std::optional<View>& view) {
    if (view) {
      cross(*view);
    } else {
      ++result_.malformed;
    }
  }

  void cross(const wire::SenderReport& report) {
    const Blocks blocks = translate_blocks(report.blocks);
    const ForwardedStream* stream = find_in(route_.sent, report.sender.ssrc);
    if (stream == nullptr) {
      count(writer_.receiver_report(route_.reporter, view(blocks)));
      return;
    }
    if (stream->reception != nullptr) stream->reception->on_sender_report(report.sender, now_);
    wire::SenderInfo sender = report.sender;
    sender.ssrc = stream->map.out;
    sender.rtp_timestamp = stream->map.to_out(sender.rtp_timestamp);
    const bool fits = writer_.sender_report(sender, view(blocks));
    stream->reports->begin(stream->map.out);
    if (fits) stream->reports->sent_.on_sent(sender.ntp, now_);
    count(fits);
  }

  void cross(const wire::ReceiverReport& report) {
    count(writer_.receiver_report(speaker(report.ssrc), view(translate_blocks(report.blocks))));
  }

  void cross(wire::Sdes sdes) {
    for (auto chunk = sdes.next(); chunk; chunk = sdes.next()) {
      const Ssrc ssrc = speaker(chunk->ssrc);
      // Each once, however often it is named: a name of ours is longer than a chunk without one.
      if (named_.full() || std::ranges::find(named_, ssrc) != named_.end()) continue;
      named_.push_back(ssrc);
      begin_compound();
      count(writer_.sdes_cname(ssrc, route_.cname));
    }
  }

  void cross(const wire::Bye& bye) {
    StaticVector<Ssrc, wire::RtcpWriter::kMaxBlocks> leaving;
    for (std::size_t i = 0; i < bye.size(); ++i) {
      if (const ForwardedStream* stream = find_in(route_.sent, bye.ssrc(i))) {
        leaving.push_back(stream->map.out);
      }
    }
    result_.has_bye = result_.has_bye || !leaving.empty();
    if (leaving.empty() || !route_.passes_bye) {
      ++result_.dropped;
      return;
    }
    begin_compound();
    count(writer_.bye(std::span<const Ssrc>(leaving.begin(), leaving.size()), bye.reason));
  }

  void cross(const wire::Feedback& feedback) {
    begin_compound();
    if (feedback.is(wire::RtpfbType::Nack))
      return cross_entries(feedback, wire::Nack::parse(feedback));
    if (feedback.is(wire::PsfbType::Fir))
      return cross_entries(feedback, wire::Fir::parse(feedback));
    if (feedback.is(wire::RtpfbType::Tmmbr)) {
      return cross_entries(feedback, wire::Tmmbr::parse(feedback));
    }
    if (const auto remb = wire::Remb::parse(feedback)) return cross_entries(feedback, remb);
    if (feedback.is(wire::RtpfbType::TransportCc) && route_.passes_transport_cc) {
      return cross_entries(feedback, wire::TransportCc::parse(feedback));
    }
    const bool passes = feedback.is(wire::PsfbType::Pli) || feedback.is(wire::PsfbType::Sli) ||
                        feedback.is(wire::PsfbType::Rpsi);
    const ForwardedStream* stream = find_out(route_.received, feedback.media);
    if (!passes || stream == nullptr) {
      ++result_.dropped;
      return;
    }
    result_.wants_picture = result_.wants_picture || feedback.is(wire::PsfbType::Pli);
    wire::Feedback out = feedback;
    out.sender = speaker(feedback.sender);
    out.media = stream->map.in;
    count(writer_.feedback(out));
  }

  template <typename Entries>
  void cross_entries(const wire::Feedback& feedback, const std::optional<Entries>& entries) {
    if (!entries) {
      ++result_.malformed;
      return;
    }
    count(write_entries(feedback, *entries));
  }

  bool write_entries(const wire::Feedback& feedback, const wire::Nack& nack) {
    const ForwardedStream* stream = find_out(route_.received, feedback.media);
    if (stream == nullptr) return false;
    StaticVector<wire::NackEntry, kMostEntries> entries;
    bool is_answered = false;
    for (std::size_t i = 0; i < nack.size() && !entries.full(); ++i) {
      const auto entry = translate_nack(nack[i], *stream, is_answered);
      if (entry) entries.push_back(*entry);
    }
    if (entries.empty()) return is_answered;
    return writer_.nack(speaker(feedback.sender), stream->map.in,
                        std::span(entries.begin(), entries.size()));
  }

  bool write_entries(const wire::Feedback& feedback, const wire::Fir& fir) {
    StaticVector<wire::FirEntry, kMostEntries> entries;
    for (std::size_t i = 0; i < fir.size() && !entries.full(); ++i) {
      wire::FirEntry entry = fir[i];
      const ForwardedStream* stream = find_out(route_.received, entry.ssrc);
      if (stream == nullptr) continue;
      entry.ssrc = stream->map.in;
      entries.push_back(entry);
    }
    result_.wants_picture = result_.wants_picture || !entries.empty();
    return !entries.empty() &&
           writer_.fir(speaker(feedback.sender), std::span(entries.begin(), entries.size()));
  }

  bool write_entries(const wire::Feedback& feedback, const wire::Tmmbr& tmmbr) {
    StaticVector<wire::BitrateLimit, kMostEntries> limits;
    for (std::size_t i = 0; i < tmmbr.size() && !limits.full(); ++i) {
      wire::BitrateLimit limit = tmmbr[i];
      const ForwardedStream* stream = find_out(route_.received, limit.ssrc);
      if (stream == nullptr) continue;
      limit.ssrc = stream->map.in;
      limit.bits_per_second = lesser(limit.bits_per_second);
      limits.push_back(limit);
    }
    return !limits.empty() &&
           writer_.bitrate_limits(wire::RtpfbType::Tmmbr, speaker(feedback.sender),
                                  std::span(limits.begin(), limits.size()));
  }

  /// It is about the transport: `media` only has to be a stream that the sender knows.
  bool write_entries(const wire::Feedback& feedback, const wire::TransportCc&) {
    if (route_.received.empty()) return false;
    const ForwardedStream* const stream = find_out(route_.received, feedback.media);
    wire::Feedback out = feedback;
    out.sender = speaker(feedback.sender);
    out.media = (stream == nullptr ? route_.received.front() : *stream).map.in;
    return writer_.feedback(out);
  }

  bool write_entries(const wire::Feedback& feedback, const wire::Remb& remb) {
    StaticVector<Ssrc, kMostEntries> sources;
    for (std::size_t i = 0; i < remb.size() && !sources.full(); ++i) {
      const ForwardedStream* stream = find_out(route_.received, remb.ssrc(i));
      if (stream != nullptr) sources.push_back(stream->map.in);
    }
    return !sources.empty() &&
           writer_.remb(speaker(feedback.sender), lesser(released(remb.bits_per_second)),
                        std::span<const Ssrc>(sources.begin(), sources.size()));
  }

  /// A receiver's estimate without what only the lack of packets holds down (kLeastEstimate).
  [[nodiscard]] std::uint64_t released(std::uint64_t estimate) const {
    constexpr std::uint8_t kTenthLost = 25;
    const bool is_used =
        !route_.sent_bits_per_second || estimate < *route_.sent_bits_per_second / 4 * 5;
    if (is_used || estimate >= kLeastEstimate) return estimate;
    const bool is_losing = std::ranges::any_of(route_.received, [](const ForwardedStream& stream) {
      const auto& far = stream.reports->far_report();
      return far && far->fraction_lost > kTenthLost;
    });
    return is_losing ? estimate : kLeastEstimate;
  }

  /// Leaves out the numbers from before the offsets and those that are answered from here.
  [[nodiscard]] std::optional<wire::NackEntry> translate_nack(const wire::NackEntry& entry,
                                                              const ForwardedStream& stream,
                                                              bool& is_answered) const {
    std::optional<wire::NackEntry> out;
    for (int i = 0; i <= 16; ++i) {
      const SeqNum seq = entry.first.plus(i);
      const bool is_lost = i == 0 || ((entry.mask >> (i - 1)) & 1U) != 0;
      if (!is_lost) continue;
      const bool is_kept = stream.kept != nullptr && stream.kept->holds(seq, now_);
      is_answered = is_answered || is_kept;
      const bool is_old = stream.map.newest_out.distance_from(seq) > stream.map.age;
      if (is_kept || is_old) continue;
      if (!out) {
        out = wire::NackEntry{stream.map.to_in(seq), 0};
      } else {
        const int bit = stream.map.to_in(seq).distance_from(out->first) - 1;
        out->mask = static_cast<std::uint16_t>(out->mask | (1U << bit));
      }
    }
    return out;
  }

  Blocks translate_blocks(const wire::ReportBlocks& far) {
    Blocks blocks;
    for (std::size_t i = 0; i < far.size(); ++i) {
      const wire::ReportBlock block = far[i];
      const ForwardedStream* stream = find_out(route_.received, block.ssrc);
      if (stream == nullptr) continue;
      if (const auto translated = translate_block(block, now_, *stream)) {
        blocks.push_back(*translated);
      }
    }
    return blocks;
  }

  /// Who a source of here is, there.
  [[nodiscard]] Ssrc speaker(Ssrc here) const {
    const ForwardedStream* stream = find_in(route_.sent, here);
    return stream == nullptr ? route_.reporter : stream->map.out;
  }
  [[nodiscard]] std::uint64_t lesser(std::uint64_t bits_per_second) const {
    return std::min(bits_per_second, route_.estimate_bits_per_second.value_or(bits_per_second));
  }
  /// A compound that began with a report still does when that report was dropped (RFC 3550 6.1).
  void begin_compound() {
    if (writer_.empty() && !is_reduced_) (void)writer_.receiver_report(route_.reporter, {});
  }
  void count(bool has_crossed) { result_.dropped += has_crossed ? 0U : 1U; }

  static constexpr std::size_t kMostEntries = 255;

  Instant now_;
  const RtcpRoute& route_;
  wire::RtcpWriter writer_;
  Translation result_;
  bool is_reduced_ = false;
  StaticVector<Ssrc, wire::RtcpWriter::kMaxBlocks> named_;
};

Translation RtcpTranslator::translate(const wire::OpenRtcp& compound, Instant now,
                                      const RtcpRoute& route, MutableBytes out) {
  return Call(now, route, out).run(compound.packets());
}

std::size_t RtcpTranslator::answer_sender(Instant now, std::span<const ForwardedStream> sent,
                                          Ssrc reporter, std::string_view cname, MutableBytes out) {
  Blocks blocks;
  for (const ForwardedStream& stream : sent) {
    ForwardedReports& reports = *stream.reports;
    reports.begin(stream.map.out);
    if (!reports.first_seen_) reports.first_seen_ = now;
    const Instant heard = reports.far_ ? reports.far_->arrival : *reports.first_seen_;
    const bool is_silent = now - heard >= kFarEndSilence;
    const bool is_due = !reports.answered_at_ || now - *reports.answered_at_ >= kAnswerSpacing;
    const bool has_news = stream.reception != nullptr && stream.reception->has_news();
    if (!is_silent || !is_due || !has_news || blocks.full()) continue;
    reports.answered_at_ = now;
    blocks.push_back(stream.reception->take_report(now));
  }
  if (blocks.empty()) return 0;
  wire::RtcpWriter writer(out);
  if (!writer.receiver_report(reporter, view(blocks))) return 0;
  (void)writer.sdes_cname(reporter, cname);
  return writer.written().size();
}

}  // namespace causeway::rtp
