#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "codecs/codec.h"

namespace causeway::codecs {

/// What an RFC 3389 packet says: a level and a spectrum as reflection coefficients.
///
///      0                   1                   2
///     |0|  level      |  N1           |  N2           | ...
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// k_i = 258 (N_i - 127) / 32768 (RFC 3389 3.2); a model of no coefficients is white noise.
struct NoiseModel {
  /// More coefficients than these are left out (RFC 3389 3.2 allows a lower order).
  static constexpr std::size_t kMaxOrder = 12;

  std::uint8_t decibels_below_overload = 127;  ///< 0..127.
  std::uint8_t order = 0;
  std::array<float, kMaxOrder> reflection{};  ///< Within -1..1, both left out.

  /// Errors: BadPayload (no octets, or the top bit of the level set).
  [[nodiscard]] static Result<NoiseModel, DropReason> parse(Bytes payload);
};

/// Writes an RFC 3389 packet that holds a level only. Returns its octets, 1. REQUIRES: room for 1.
std::size_t write_noise_level(std::uint8_t decibels_below_overload, MutableBytes out);

/// Background noise as PCM, mono. For CN that comes in, and for filling the silence of a sender
/// with DTX. The same seed and models give the same samples. Not thread-safe, allocates nothing;
/// the rate is the caller's.
class NoiseGenerator {
 public:
  explicit NoiseGenerator(std::uint32_t seed) : random_(seed | 1U) {}

  /// The noise to go to; generate() gets there smoothly, within its next frame.
  void set(const NoiseModel& model);
  /// Fills `out`.
  void generate(MutablePcm out);

 private:
  [[nodiscard]] float excite();
  [[nodiscard]] float synthesise(float excitation);

  std::uint32_t random_;
  std::array<float, NoiseModel::kMaxOrder> reflection_{};
  std::array<float, NoiseModel::kMaxOrder> backward_{};  ///< The lattice's delayed errors.
  float amplitude_ = 0.0F;                               ///< Of the excitation, RMS.
  float target_ = 0.0F;
};

}  // namespace causeway::codecs
