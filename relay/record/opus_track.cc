#include "relay/record/opus_track.h"

#include <array>
#include <utility>

#include "codecs/opus_framing.h"
#include "relay/record/little_endian.h"
#include "relay/record/samples.h"

namespace causeway::record {
namespace {

constexpr SampleRate kRate{48'000};
/// What a player throws away at the beginning: libopus' lookahead (RFC 7845 5.1). By it, sound that
/// was spoken `t` after the start is played at `t`.
constexpr std::uint16_t kPreSkip = 312;
constexpr std::int64_t kStep = 120;  // 2.5 ms
/// Packets that follow one another are put together until they are off by this much.
constexpr std::int64_t kMaxBehind = 48 * 120;
/// A gap is filled from the clock, without waiting for its end, when it is longer than this.
constexpr std::int64_t kOpenGap = 48 * 100;
/// A DTX packet: TOC and at most one octet.
constexpr std::size_t kDtxOctets = 2;

/// The TOC (RFC 6716 3.1) of one frame as close to `last` as there is one of this length.
std::uint8_t toc_for_gap(std::uint8_t last, std::int64_t samples) {
  const unsigned config = last >> 3;
  const unsigned stereo = last & 0x04U;
  const bool is_celt = config >= 16;
  const auto toc = [stereo](unsigned of) { return static_cast<std::uint8_t>(of << 3 | stereo); };
  if (!is_celt && samples >= 480) {
    const unsigned is_20_ms = samples >= 960 ? 1U : 0U;
    return config < 12 ? toc((config & ~3U) | is_20_ms) : toc((config & ~1U) | is_20_ms);
  }
  // CELT has narrow, wide, super-wide and full band; SILK's medium band has no like and becomes
  // wide (RFC 7845 4.1).
  static constexpr std::array<unsigned, 8> kCeltBand = {16, 20, 20, 24, 16, 20, 24, 28};
  const unsigned band = is_celt       ? (config & ~3U)
                        : config < 12 ? kCeltBand[config / 4]
                        : config < 14 ? 24U
                                      : 28U;
  const unsigned length = samples >= 960 ? 3U : samples >= 480 ? 2U : samples >= 240 ? 1U : 0U;
  return toc(band | length);
}

std::int64_t gap_frame(std::int64_t samples) {
  for (const std::int64_t length : {960, 480, 240}) {
    if (samples >= length) return length;
  }
  return kStep;
}

}  // namespace

OpusTrack::OpusTrack(std::uint32_t serial, std::uint8_t channels, std::string_view encoder)
    : page_(serial),
      channels_(channels),
      encoder_(encoder),
      last_toc_(channels == 2 ? 0xfc : 0xf8) {}  // CELT, full band, 20 ms

void OpusTrack::begin(std::vector<FileWrite>& out) {
  std::vector<std::byte> head;
  append_text(head, "OpusHead");
  append_le(head, std::uint8_t{1});
  append_le(head, channels_);
  append_le(head, kPreSkip);
  append_le(head, kRate.raw());
  append_le(head, std::uint16_t{0});  // output gain
  append_le(head, std::uint8_t{0});   // mapping family: mono or stereo
  page_.add(head);
  emit(page_.finish(0, OggPage::kBeginOfStream), out);

  std::vector<std::byte> tags;
  append_text(tags, "OpusTags");
  append_le(tags, static_cast<std::uint32_t>(encoder_.size()));
  append_text(tags, encoder_);
  append_le(tags, std::uint32_t{0});
  page_.add(tags);
  emit(page_.finish(0, 0), out);
}

bool OpusTrack::add(const HeldPacket& packet, Duration since_start) {
  const auto opus = codecs::OpusPacket::parse(packet.payload);
  if (!opus) return false;
  const auto samples = static_cast<std::int64_t>(opus->samples_at(kRate));
  const std::int64_t gap = samples_in(since_start, kRate) - granule_;
  const bool follows = run_ == packet.run && packet.ticks <= next_ticks_;
  const bool may_set_right = !follows || packet.payload.size() <= kDtxOctets;
  if (gap < -kMaxBehind && !follows) return false;
  if (gap > kMaxBehind || may_set_right) fill(gap);
  behind_ = samples_in(since_start, kRate) - granule_;
  run_ = packet.run;
  next_ticks_ = packet.ticks + samples;
  last_toc_ = load_u8(packet.payload.data());
  put(packet.payload, samples);
  return true;
}

void OpusTrack::fill_until(Duration end) {
  const std::int64_t gap = samples_in(end, kRate) - granule_ - std::max<std::int64_t>(behind_, 0);
  if (gap < kOpenGap) return;
  fill(gap - kOpenGap / 2);
  behind_ = 0;
}

/// `samples` may be negative or too few: then there is nothing to fill.
void OpusTrack::fill(std::int64_t samples) {
  std::int64_t rest = (samples + kStep / 2) / kStep * kStep;
  while (rest > 0) {
    const std::int64_t length = gap_frame(rest);
    const std::array<std::byte, 1> toc = {std::byte{toc_for_gap(last_toc_, length)}};
    put(toc, length);
    rest -= length;
  }
}

void OpusTrack::put(Bytes packet, std::int64_t samples) {
  if (!page_.has_room_for(packet.size())) full_pages_.push_back(page_.finish(granule_, 0));
  page_.add(packet);
  granule_ += samples;
}

void OpusTrack::flush(std::vector<FileWrite>& out, bool is_last) {
  for (std::vector<std::byte>& page : full_pages_) emit(std::move(page), out);
  full_pages_.clear();
  if (!page_.empty() || is_last) {
    emit(page_.finish(granule_, is_last ? OggPage::kEndOfStream : std::uint8_t{0}), out);
  }
}

void OpusTrack::emit(std::vector<std::byte> page, std::vector<FileWrite>& out) {
  const std::uint64_t offset = file_octets_;
  file_octets_ += page.size();
  out.push_back({offset, std::move(page)});
}

Duration OpusTrack::end() const { return time_of(granule_, kRate.raw()); }

}  // namespace causeway::record
