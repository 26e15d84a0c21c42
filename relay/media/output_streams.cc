#include "relay/media/output_streams.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::media {

OutputStreams::OutputStreams(RtpClockRate audio_clock, Random& random)
    : random_(Random::Key{random.next(), random.next()}), audio_(make_stream(audio_clock)) {}

rtp::OutputStream& OutputStreams::other_for(Ssrc source, RtpClockRate clock, std::uint8_t section) {
  CAUSEWAY_CHECK(others_ != nullptr, "a path for other media brings room for their streams");
  const auto known = std::ranges::find(*others_, source, &Other::source);
  if (known != others_->end()) {
    known->section = section;
    return known->stream;
  }
  if (!others_->full()) {
    const rtp::OutputStream stream = make_stream(clock);
    return others_->push_back({source, stream, make_rtx(), section}).stream;
  }
  Other& idlest = *std::ranges::min_element(*others_, {}, [](const Other& other) {
    return other.stream.has_sent() ? other.stream.last_sent() : Instant::min();
  });
  idlest.source = source;
  idlest.section = section;
  return idlest.stream;
}

std::span<const OutputStreams::Other> OutputStreams::others() const {
  if (!others_) return {};
  return {others_->begin(), others_->size()};
}

rtp::RtxSender* OutputStreams::rtx_of(Ssrc out) {
  if (!others_) return nullptr;
  const auto known =
      std::ranges::find_if(*others_, [&](const Other& o) { return o.stream.ssrc() == out; });
  return known == others_->end() ? nullptr : &known->rtx;
}

std::uint8_t OutputStreams::section_of(Ssrc out) const {
  for (const Other& other : others()) {
    if (other.stream.ssrc() == out) return other.section;
  }
  return 0;
}

void OutputStreams::take_room(Room& room) {
  if (!others_) others_ = std::move(room);
}

OutputStreams::Snapshot OutputStreams::snapshot() const {
  return {random_, audio_, others_ ? *others_ : Others()};
}

void OutputStreams::restore(const Snapshot& snapshot) {
  random_ = snapshot.random;
  audio_ = snapshot.audio;
  if (!others_ && !snapshot.others.empty()) others_ = std::make_unique<Others>();
  if (others_) *others_ = snapshot.others;
}

const rtp::OutputStream* OutputStreams::find(Ssrc out) const {
  if (audio_.ssrc() == out) return &audio_;
  const auto all = others();
  const auto known =
      std::ranges::find_if(all, [&](const Other& o) { return o.stream.ssrc() == out; });
  return known == all.end() ? nullptr : &known->stream;
}

void OutputStreams::resume(Instant now) {
  audio_.resume(now, audio_.clock_rate());
  if (!others_) return;
  for (Other& other : *others_) other.stream.resume(now, other.stream.clock_rate());
}

void OutputStreams::resume_section(Instant now, std::uint8_t section) {
  if (!others_) return;
  for (Other& other : *others_) {
    if (other.section == section) other.stream.resume(now, other.stream.clock_rate());
  }
}

rtp::OutputStream OutputStreams::make_stream(RtpClockRate clock) {
  const Ssrc ssrc = draw_ssrc();
  const SeqNum first = draw_first_seq();
  return {ssrc, first, RtpTimestamp(static_cast<std::uint32_t>(random_.next())), clock};
}

rtp::RtxSender OutputStreams::make_rtx() {
  const Ssrc ssrc = draw_ssrc();
  return {ssrc, draw_first_seq()};
}

Ssrc OutputStreams::draw_ssrc() { return Ssrc(static_cast<std::uint32_t>(random_.next())); }

// Sequence numbers begin in the lower half (RFC 3711 3.3.1): the first wrap, and with it the first
// step of the ROC, is then far away while the far end may still be losing packets.
SeqNum OutputStreams::draw_first_seq() {
  return SeqNum(static_cast<std::uint16_t>(random_.next() & 0x7fff));
}

}  // namespace causeway::media
