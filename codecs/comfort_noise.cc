#include "codecs/comfort_noise.h"

#include <algorithm>
#include <cmath>

#include "codecs/level.h"
#include "relay/base/check.h"

namespace causeway::codecs {
namespace {

// N = 255 would be a coefficient above 1, which no stable filter has.
constexpr float kLargestReflection = 127.0F * 258.0F / 32'768.0F;

}  // namespace

Result<NoiseModel, DropReason> NoiseModel::parse(Bytes payload) {
  if (payload.empty() || load_u8(payload.data()) > 127) return failure(DropReason::BadPayload);
  NoiseModel model;
  model.decibels_below_overload = load_u8(payload.data());
  const Bytes coefficients = payload.subspan(1);
  model.order = static_cast<std::uint8_t>(std::min(coefficients.size(), kMaxOrder));
  for (std::size_t i = 0; i < model.order; ++i) {
    const int step = int{load_u8(&coefficients[i])} - 127;
    const float reflection = static_cast<float>(step) * 258.0F / 32'768.0F;
    model.reflection[i] = std::clamp(reflection, -kLargestReflection, kLargestReflection);
  }
  return model;
}

std::size_t write_noise_level(std::uint8_t decibels_below_overload, MutableBytes out) {
  CAUSEWAY_CHECK(!out.empty(), "no room for a noise level");
  store_u8(out.data(), std::min<std::uint8_t>(decibels_below_overload, 127));
  return 1;
}

void NoiseGenerator::set(const NoiseModel& model) {
  reflection_ = model.reflection;
  // An all-pole filter amplifies by 1 / prod(1 - k^2): the excitation is that much quieter.
  float power = 1.0F;
  for (const float k : reflection_) power *= 1.0F - k * k;
  target_ = amplitude_of_level(model.decibels_below_overload) * std::sqrt(power);
}

void NoiseGenerator::generate(MutablePcm out) {
  const float step =
      (target_ - amplitude_) / static_cast<float>(std::max<std::size_t>(out.size(), 1));
  for (auto& sample : out) {
    amplitude_ += step;
    const float value = synthesise(excite() * amplitude_);
    sample = static_cast<std::int16_t>(std::lrint(std::clamp(value, -32'768.0F, 32'767.0F)));
  }
  amplitude_ = target_;
}

// White, of unit power: the sum of three even values is near enough to a normal one.
float NoiseGenerator::excite() {
  float sum = 0.0F;
  for (int i = 0; i < 3; ++i) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    sum += static_cast<float>(static_cast<std::int32_t>(random_)) / 2'147'483'648.0F;
  }
  return sum;  // Three variances of 1/3.
}

// One step of the all-pole lattice, from the highest order down.
float NoiseGenerator::synthesise(float excitation) {
  float forward = excitation;
  for (std::size_t i = NoiseModel::kMaxOrder; i-- > 0;) {
    forward -= reflection_[i] * backward_[i];
    if (i + 1 < NoiseModel::kMaxOrder) backward_[i + 1] = backward_[i] + reflection_[i] * forward;
  }
  backward_[0] = forward;
  return forward;
}

}  // namespace causeway::codecs
