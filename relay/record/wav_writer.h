#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "relay/base/types.h"
#include "relay/record/file_write.h"

namespace causeway::record {

/// A WAV file of 16-bit PCM that can be played at any moment: each flush() appends the samples and
/// then rewrites the head with sizes that count what is there. Turns itself from RIFF into RF64
/// (EBU Tech 3306) when its sizes no longer fit 32 bits. Pure; not thread-safe.
///
///      0 "RIFF" | "RF64"    u32 file size - 8     (RF64: 0xffffffff)
///      8 "WAVE"
///     12 "JUNK" | "ds64"    u32 28     (RF64: u64 file size - 8, u64 data, u64 frames, u32 0)
///     48 "fmt "             u32 16     u16 1, u16 channels, u32 rate, u32 octets/s, u16, u16 16
///     72 "data"             u32 octets of samples    (RF64: 0xffffffff)
///     80 samples, little-endian, interleaved
class WavWriter {
 public:
  static constexpr std::uint64_t kHeadOctets = 80;
  static constexpr std::uint64_t kMaxRiffOctets = 0xffff'ffffU;

  /// `max_riff_octets`: a file larger than this is RF64; tests set it low.
  WavWriter(SampleRate rate, std::uint16_t channels,
            std::uint64_t max_riff_octets = kMaxRiffOctets);

  /// Adds interleaved samples; they are in the file after the next flush.
  void append(std::span<const std::int16_t> samples);
  /// Emits what was added, then the head.
  void flush(std::vector<FileWrite>& out);

  /// Whether something was added since the last flush.
  [[nodiscard]] bool has_unflushed() const { return !samples_.empty(); }
  /// Octets of the file as of the last flush.
  [[nodiscard]] std::uint64_t file_octets() const { return kHeadOctets + data_octets_; }

 private:
  [[nodiscard]] std::vector<std::byte> head() const;

  const SampleRate rate_;
  const std::uint16_t channels_;
  const std::uint64_t max_riff_octets_;
  std::uint64_t data_octets_ = 0;
  std::vector<std::byte> samples_;
};

}  // namespace causeway::record
