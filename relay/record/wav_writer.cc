#include "relay/record/wav_writer.h"

#include <utility>

#include "relay/record/little_endian.h"

namespace causeway::record {

WavWriter::WavWriter(SampleRate rate, std::uint16_t channels, std::uint64_t max_riff_octets)
    : rate_(rate), channels_(channels), max_riff_octets_(max_riff_octets) {}

void WavWriter::append(std::span<const std::int16_t> samples) {
  std::size_t at = samples_.size();
  samples_.resize(at + samples.size() * 2);
  for (const std::int16_t sample : samples) {
    const auto raw = static_cast<std::uint16_t>(sample);
    samples_[at++] = static_cast<std::byte>(raw & 0xffU);
    samples_[at++] = static_cast<std::byte>(raw >> 8);
  }
}

void WavWriter::flush(std::vector<FileWrite>& out) {
  if (!samples_.empty()) {
    const std::uint64_t offset = file_octets();
    data_octets_ += samples_.size();
    out.push_back({offset, std::exchange(samples_, {})});
  }
  // After the samples: a head must never promise what is not there yet.
  out.push_back({0, head()});
}

std::vector<std::byte> WavWriter::head() const {
  constexpr std::uint32_t kSeeDs64 = 0xffff'ffffU;
  const bool is_rf64 = file_octets() > max_riff_octets_;
  const auto frame_octets = static_cast<std::uint16_t>(channels_ * 2U);
  std::vector<std::byte> out;
  out.reserve(kHeadOctets);
  append_text(out, is_rf64 ? "RF64" : "RIFF");
  append_le(out, is_rf64 ? kSeeDs64 : static_cast<std::uint32_t>(file_octets() - 8));
  append_text(out, "WAVE");
  append_text(out, is_rf64 ? "ds64" : "JUNK");
  append_le(out, std::uint32_t{28});
  append_le(out, is_rf64 ? file_octets() - 8 : std::uint64_t{0});
  append_le(out, is_rf64 ? data_octets_ : std::uint64_t{0});
  append_le(out, is_rf64 ? data_octets_ / frame_octets : std::uint64_t{0});
  append_le(out, std::uint32_t{0});
  append_text(out, "fmt ");
  append_le(out, std::uint32_t{16});
  append_le(out, std::uint16_t{1});  // WAVE_FORMAT_PCM
  append_le(out, channels_);
  append_le(out, rate_.raw());
  append_le(out, rate_.raw() * frame_octets);
  append_le(out, frame_octets);
  append_le(out, std::uint16_t{16});
  append_text(out, "data");
  append_le(out, is_rf64 ? kSeeDs64 : static_cast<std::uint32_t>(data_octets_));
  return out;
}

}  // namespace causeway::record
