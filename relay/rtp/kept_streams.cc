#include "relay/rtp/kept_streams.h"

#include <algorithm>

namespace causeway::rtp {

KeptStreams::Stream* KeptStreams::place_for(Ssrc ssrc, Instant now) {
  const auto known = std::ranges::find(streams_, std::optional(ssrc), &Stream::ssrc);
  if (known != streams_.end()) return &*known;
  const auto free = std::ranges::find_if(streams_, [&](const Stream& stream) {
    return !stream.ssrc || now - stream.last_put >= kLimits.longest;
  });
  if (free == streams_.end()) return nullptr;
  free->ssrc = ssrc;
  free->buffer.clear();
  return &*free;
}

void KeptStreams::put(Ssrc ssrc, SeqNum seq, Bytes octets, Form form, Instant now) {
  sent_.add(octets.size(), now);
  Stream* const stream = place_for(ssrc, now);
  if (stream == nullptr) return;
  if (stream->form != form) {
    stream->form = form;
    stream->buffer.clear();
  }
  stream->last_put = now;
  stream->buffer.put(seq, octets, now);
}

const RetransmissionBuffer* KeptStreams::find(Ssrc ssrc) const {
  const auto known = std::ranges::find(streams_, std::optional(ssrc), &Stream::ssrc);
  return known == streams_.end() ? nullptr : &known->buffer;
}

std::optional<KeptStreams::Repeat> KeptStreams::repeat(Ssrc ssrc, SeqNum seq, Instant now) {
  const auto known = std::ranges::find(streams_, std::optional(ssrc), &Stream::ssrc);
  if (known == streams_.end()) return std::nullopt;
  const auto octets = known->buffer.repeat(seq, now);
  if (!octets) return std::nullopt;
  return Repeat{*octets, known->form};
}

void KeptStreams::take_over(KeptStreams& before) {
  sent_ = before.sent_;
  if (streams_.size() < before.streams_.size()) return streams_.swap(before.streams_);
  std::ranges::swap_ranges(before.streams_, streams_);
}

void KeptStreams::clear() {
  for (Stream& stream : streams_) {
    stream.ssrc.reset();
    stream.buffer.clear();
  }
}

}  // namespace causeway::rtp
