#include "relay/record/pcm_timeline.h"

#include <gtest/gtest.h>

#include <array>

namespace causeway::record {
namespace {

using Samples = std::vector<std::int16_t>;

TEST(PcmTimeline, GivesSilenceWhereNothingWasPut) {
  PcmTimeline timeline(2, 16);
  EXPECT_EQ(timeline.put(1, 2, Samples{5, 6}), 0U);
  Samples out;
  timeline.take(5, false, out);
  EXPECT_EQ(out, (Samples{0, 0, 0, 0, 0, 5, 0, 6, 0, 0}));
  EXPECT_EQ(timeline.begin(), 5);
}

TEST(PcmTimeline, AddsUpWithoutWrapping) {
  PcmTimeline timeline(1, 16);
  (void)timeline.put(0, 0, Samples{30'000, -30'000, 100});
  (void)timeline.put(0, 0, Samples{30'000, -30'000, 1});
  Samples out;
  timeline.take(3, false, out);
  EXPECT_EQ(out, (Samples{32'767, -32'768, 101}));
}

TEST(PcmTimeline, CountsWhatHasNoPlace) {
  PcmTimeline timeline(1, 16);
  Samples out;
  timeline.take(10, false, out);
  EXPECT_EQ(timeline.put(0, 8, Samples{1, 2, 3}), 2U);
  EXPECT_EQ(timeline.put(0, -5, Samples{1, 2, 3}), 3U);
  EXPECT_EQ(timeline.put(0, 25, Samples{7, 8}), 1U);  // the window is 10..25
  out.clear();
  timeline.take(26, false, out);
  EXPECT_EQ(out.front(), 3);
  EXPECT_EQ(out.back(), 7);
}

TEST(PcmTimeline, ReusesItsWindowClean) {
  for (const bool is_muted : {false, true}) {
    PcmTimeline timeline(1, 16);
    (void)timeline.put(0, 0, Samples(16, 9));
    Samples out;
    timeline.take(8, is_muted, out);
    EXPECT_EQ(out, Samples(8, is_muted ? 0 : 9));
    timeline.discard(16);
    out.clear();
    timeline.take(32, false, out);
    EXPECT_EQ(out, Samples(16, 0));
  }
}

}  // namespace
}  // namespace causeway::record
