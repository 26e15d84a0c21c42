#include "relay/record/spec.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace causeway::record {
namespace {

RecordedCodec line(codecs::CodecId id, std::uint32_t rate, PayloadKind kind = PayloadKind::Audio) {
  RecordedCodec codec;
  codec.kind = kind;
  codec.codec.id = id;
  codec.codec.rate = SampleRate{rate};
  return codec;
}

std::uint32_t rate_of(std::vector<RecordedCodec> a, std::vector<RecordedCodec> b) {
  return recording_rate({{"a", std::move(a)}, {"b", std::move(b)}}).raw();
}

TEST(RecordingSpec, TakesTheLeastRateThatLosesNothing) {
  using enum codecs::CodecId;
  EXPECT_EQ(rate_of({line(Pcmu, 8000), line(Pcma, 8000)}, {line(Pcma, 8000)}), 8000U);
  EXPECT_EQ(rate_of({line(Pcmu, 8000)}, {line(G722, 16'000), line(Pcma, 8000)}), 16'000U);
  EXPECT_EQ(rate_of({line(Opus, 48'000)}, {line(Pcmu, 8000)}), 48'000U);
  EXPECT_EQ(rate_of({line(Opus, 16'000)}, {line(Pcmu, 8000)}), 16'000U);
  EXPECT_EQ(rate_of({line(L16, 44'100)}, {}), 48'000U);
  EXPECT_EQ(rate_of({line(L16, 8000)}, {}), 16'000U);
  EXPECT_EQ(rate_of({}, {}), 8000U);
}

TEST(RecordingSpec, LeavesOutOfItsRateWhatIsNoSound) {
  using enum codecs::CodecId;
  EXPECT_EQ(rate_of({line(Pcmu, 8000), line(L16, 48'000, PayloadKind::TelephoneEvent)}, {}), 8000U);
}

TEST(RecordingSpec, HasAStableNameForEveryReason) {
  std::set<std::string> names;
  for (const DegradeReason reason :
       {DegradeReason::None, DegradeReason::RingFull, DegradeReason::DiskFull,
        DegradeReason::DiskError, DegradeReason::CannotOpen, DegradeReason::UnknownCodec}) {
    names.emplace(name_of(reason));
  }
  EXPECT_EQ(names, (std::set<std::string>{"none", "ring_full", "disk_full", "disk_error",
                                          "cannot_open", "unknown_codec"}));
}

}  // namespace
}  // namespace causeway::record
