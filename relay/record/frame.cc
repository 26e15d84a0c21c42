#include "relay/record/frame.h"

#include <algorithm>
#include <cstring>

namespace causeway::record {
namespace {

template <typename T>
void put_raw(MutableBytes out, std::size_t at, T value) {
  std::memcpy(out.data() + at, &value, sizeof value);
}
template <typename T>
T get_raw(Bytes in, std::size_t at) {
  T value{};
  std::memcpy(&value, in.data() + at, sizeof value);
  return value;
}

}  // namespace

void write_frame_header(MutableBytes out, const FrameHeader& header) {
  put_raw(out, 0, header.recording.raw());
  put_raw(out, 4, static_cast<std::uint8_t>(header.kind));
  put_raw(out, 5, header.channel);
  put_raw(out, 6, header.codec_slot);
  put_raw(out, 7, std::uint8_t{0});
  put_raw(out, 8, std::int64_t{header.at.time_since_epoch().count()});
  put_raw(out, 16, header.frames);
  put_raw(out, 20, header.octets);
}

std::optional<Frame> read_frame(Bytes record) {
  if (record.size() < kFrameHeaderOctets) return std::nullopt;
  const auto kind = get_raw<std::uint8_t>(record, 4);
  if (kind < static_cast<std::uint8_t>(FrameKind::Rtp) ||
      kind > static_cast<std::uint8_t>(FrameKind::ClockMark)) {
    return std::nullopt;
  }
  Frame frame;
  frame.header.recording = RecordingId(get_raw<std::uint32_t>(record, 0));
  frame.header.kind = static_cast<FrameKind>(kind);
  frame.header.channel = get_raw<std::uint8_t>(record, 5);
  frame.header.codec_slot = get_raw<std::uint8_t>(record, 6);
  frame.header.at = Instant(Duration(get_raw<std::int64_t>(record, 8)));
  frame.header.frames = get_raw<std::uint32_t>(record, 16);
  frame.header.octets = get_raw<std::uint32_t>(record, 20);
  frame.packet = record.subspan(kFrameHeaderOctets);
  return frame;
}

RingWriter::RingWriter(ByteRing& ring, std::size_t max_pending)
    : ring_(ring), pending_(std::max<std::size_t>(max_pending, 1)) {}

bool RingWriter::write_packet(RecordingId recording, std::uint8_t channel, std::uint8_t codec_slot,
                              Instant arrival, Bytes packet) {
  FrameHeader header;
  header.recording = recording;
  header.channel = channel;
  header.codec_slot = codec_slot;
  header.at = arrival;
  // What waits goes first: a packet that overtook its own Start or Lost would be misplaced.
  if (flush() && put(header, packet)) return true;
  add_loss(recording, channel, arrival, packet.size());
  return false;
}

void RingWriter::write_marker(RecordingId recording, FrameKind kind, Instant at) {
  FrameHeader header;
  header.recording = recording;
  header.kind = kind;
  header.at = at;
  if (flush() && put(header, {})) return;
  if (kind != FrameKind::ClockMark) (void)keep(header);
}

bool RingWriter::flush() {
  std::size_t done = 0;
  while (done < pending_count_ && put(pending_[done], {})) ++done;
  if (done != 0) {
    std::copy(pending_.begin() + static_cast<std::ptrdiff_t>(done),
              pending_.begin() + static_cast<std::ptrdiff_t>(pending_count_), pending_.begin());
    pending_count_ -= done;
  }
  return pending_count_ == 0;
}

bool RingWriter::put(const FrameHeader& header, Bytes packet) {
  const MutableBytes room = ring_.reserve(kFrameHeaderOctets + packet.size());
  if (room.empty()) return false;
  write_frame_header(room, header);
  if (!packet.empty()) std::memcpy(room.data() + kFrameHeaderOctets, packet.data(), packet.size());
  ring_.commit();
  return true;
}

void RingWriter::add_loss(RecordingId recording, std::uint8_t channel, Instant at,
                          std::size_t octets) {
  ++lost_packets_;
  lost_octets_ += octets;
  for (std::size_t i = pending_count_; i-- > 0;) {
    FrameHeader& waiting = pending_[i];
    if (waiting.recording != recording) continue;
    if (waiting.kind != FrameKind::Lost) break;  // a marker of this recording stands between
    if (waiting.channel != channel) continue;
    ++waiting.frames;
    waiting.octets += static_cast<std::uint32_t>(octets);
    return;
  }
  FrameHeader header;
  header.recording = recording;
  header.kind = FrameKind::Lost;
  header.channel = channel;
  header.at = at;
  header.frames = 1;
  header.octets = static_cast<std::uint32_t>(octets);
  (void)keep(header);  // without room the loss is still in lost_packets()
}

bool RingWriter::keep(const FrameHeader& header) {
  if (pending_count_ == pending_.size()) {
    if (header.kind == FrameKind::Lost) return false;
    // A marker matters more than a loss count, which the writer's own totals keep anyway.
    const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(pending_count_);
    const auto loss = std::find_if(pending_.begin(), end, [](const FrameHeader& waiting) {
      return waiting.kind == FrameKind::Lost;
    });
    if (loss == end) return false;
    std::copy(loss + 1, end, loss);
    --pending_count_;
  }
  pending_[pending_count_++] = header;
  return true;
}

}  // namespace causeway::record
