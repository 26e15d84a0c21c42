#include "codecs/opus_framing.h"

#include <optional>

namespace causeway::codecs {
namespace {

using namespace std::chrono_literals;

// RFC 6716 3.1, table 2: what each of the 32 configurations means.
struct Configuration {
  OpusMode mode;
  std::uint32_t bandwidth_rate;
  std::chrono::microseconds frame;
};

constexpr std::array<Configuration, 32> make_configurations() {
  std::array<Configuration, 32> table{};
  std::size_t next = 0;
  for (const std::uint32_t rate : {8'000U, 12'000U, 16'000U}) {
    for (const auto frame : {10'000us, 20'000us, 40'000us, 60'000us}) {
      table[next++] = {OpusMode::Silk, rate, frame};
    }
  }
  for (const std::uint32_t rate : {24'000U, 48'000U}) {
    for (const auto frame : {10'000us, 20'000us}) {
      table[next++] = {OpusMode::Hybrid, rate, frame};
    }
  }
  for (const std::uint32_t rate : {8'000U, 16'000U, 24'000U, 48'000U}) {
    for (const auto frame : {2'500us, 5'000us, 10'000us, 20'000us}) {
      table[next++] = {OpusMode::Celt, rate, frame};
    }
  }
  return table;
}

constexpr auto kConfigurations = make_configurations();

// Takes one frame length off the front (RFC 6716 3.2.1); nothing where it is cut off.
std::optional<std::size_t> take_length(Bytes& body) {
  if (body.empty()) return std::nullopt;
  const std::size_t first = load_u8(body.data());
  if (first < 252) {
    body = body.subspan(1);
    return first;
  }
  if (body.size() < 2) return std::nullopt;
  const std::size_t second = load_u8(body.data() + 1);
  body = body.subspan(2);
  return second * 4 + first;
}

// Takes the length of the padding off the front (RFC 6716 3.2.5); nothing where it is cut off. A
// chain of 255 adds 254 each.
std::optional<std::size_t> take_padding_length(Bytes& body) {
  std::size_t octets = 0;
  while (!body.empty()) {
    const std::size_t next = load_u8(body.data());
    body = body.subspan(1);
    if (next < 255) return octets + next;
    octets += 254;
  }
  return std::nullopt;
}

}  // namespace

Result<OpusPacket, DropReason> OpusPacket::parse(Bytes payload) {
  if (payload.empty()) return failure(DropReason::BadPayload);  // R1
  OpusPacket packet;
  packet.toc_ = load_u8(payload.data());
  const Bytes body = payload.subspan(1);
  bool is_valid = false;
  switch (packet.toc_ & 0x03U) {
    case 0:
      is_valid = packet.split_evenly(body, 1);
      break;
    case 1:
      is_valid = packet.split_evenly(body, 2);
      break;
    case 2:
      is_valid = packet.take_two_frames(body);
      break;
    default:
      is_valid = packet.take_many_frames(body);
      break;
  }
  if (!is_valid) return failure(DropReason::BadPayload);
  return packet;
}

// Frames of one size. R2: none above 1275 octets. R3, R6: nothing left over.
bool OpusPacket::split_evenly(Bytes body, std::size_t count) {
  const std::size_t octets = body.size() / count;
  if (octets * count != body.size() || octets > kMaxOpusFrameOctets) return false;
  for (std::size_t i = 0; i < count; ++i) frames_[i] = body.subspan(i * octets, octets);
  frame_count_ = count;
  return true;
}

// All frames but the last have a length, all lengths before the first frame. R2, R7.
bool OpusPacket::split_by_lengths(Bytes body, std::size_t count) {
  std::array<std::size_t, kMaxOpusFrames> lengths{};
  std::size_t sum = 0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const auto length = take_length(body);
    if (!length) return false;
    lengths[i] = *length;
    sum += *length;
  }
  if (sum > body.size() || body.size() - sum > kMaxOpusFrameOctets) return false;
  lengths[count - 1] = body.size() - sum;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    frames_[i] = body.subspan(at, lengths[i]);
    at += lengths[i];
  }
  frame_count_ = count;
  return true;
}

bool OpusPacket::take_two_frames(Bytes body) { return split_by_lengths(body, 2); }  // R4

bool OpusPacket::take_many_frames(Bytes body) {
  if (body.empty()) return false;  // R6, R7: the frame count octet
  const std::uint8_t head = load_u8(body.data());
  body = body.subspan(1);
  const std::size_t count = head & 0x3FU;
  // R5: at least one frame, at most 120 ms.
  if (count == 0 || frame_duration() * static_cast<std::int64_t>(count) > 120ms) return false;
  if ((head & 0x40U) != 0) {
    const auto padding = take_padding_length(body);
    if (!padding || *padding > body.size()) return false;
    padding_octets_ = *padding;
    body = body.first(body.size() - *padding);
  }
  return (head & 0x80U) != 0 ? split_by_lengths(body, count) : split_evenly(body, count);
}

OpusMode OpusPacket::mode() const { return kConfigurations[config()].mode; }

SampleRate OpusPacket::bandwidth_rate() const {
  return SampleRate(kConfigurations[config()].bandwidth_rate);
}

Duration OpusPacket::frame_duration() const { return kConfigurations[config()].frame; }

std::size_t OpusPacket::samples_at(SampleRate rate) const {
  // 400 frames of 2.5 ms a second: every rate of Opus is a multiple of 400.
  const auto units = static_cast<std::size_t>(duration() / 2'500us);
  return units * (rate.raw() / 400);
}

bool OpusPacket::has_lbrr() const {
  const Configuration& meaning = kConfigurations[config()];
  // One octet or none is DTX or a lost frame: nothing is coded (RFC 6716 3.2.1 and the decoder).
  if (meaning.mode == OpusMode::Celt || frames_[0].size() < 2) return false;
  // A channel's header bits: a VAD flag for each 20 ms of the frame, then its LBRR flag; the mid
  // channel's, then the side channel's (RFC 6716 4.2.3). At most 8 bits.
  const unsigned vad_flags = meaning.frame > 20ms ? static_cast<unsigned>(meaning.frame / 20ms) : 1;
  const unsigned first = load_u8(frames_[0].data());
  const bool is_in_mid = ((first >> (7 - vad_flags)) & 1U) != 0;
  const bool is_in_side = is_stereo() && ((first >> (6 - 2 * vad_flags)) & 1U) != 0;
  return is_in_mid || is_in_side;
}

}  // namespace causeway::codecs
