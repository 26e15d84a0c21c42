#include "relay/rtp/quality.h"

#include <gtest/gtest.h>

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;

TEST(Quality, MapsRatingsToScoresAsG107Does) {
  EXPECT_NEAR(mos_of(93.2), 4.409, 0.0005);
  EXPECT_NEAR(mos_of(90.0), 4.339, 0.0005);
  EXPECT_NEAR(mos_of(80.0), 4.024, 0.0005);
  EXPECT_NEAR(mos_of(70.0), 3.597, 0.0005);
  EXPECT_NEAR(mos_of(60.0), 3.100, 0.0005);
  EXPECT_NEAR(mos_of(50.0), 2.575, 0.0005);
}

TEST(Quality, HoldsScoresToTheirScale) {
  EXPECT_EQ(mos_of(-1.0), 1.0);
  EXPECT_EQ(mos_of(101.0), 4.5);
  for (double r = -10; r < 110; r += 0.5) {
    EXPECT_GE(mos_of(r), 1.0) << r;
    EXPECT_LE(mos_of(r), 4.5) << r;
  }
}

TEST(Quality, ChargesDelayMoreOnceTalkersInterruptEachOther) {
  const auto impairment = [](Duration delay) { return 93.2 - r_factor({.one_way_delay = delay}); };
  EXPECT_NEAR(impairment(milliseconds(150)), 3.60, 0.005);
  EXPECT_NEAR(impairment(milliseconds(200)), 7.297, 0.0005);
  EXPECT_NEAR(impairment(milliseconds(300)), 20.697, 0.0005);
}

TEST(Quality, RatesG711WithTwoPercentLossAsKnown) {
  const Listening listening{.one_way_delay = milliseconds(100), .loss_percent = 2};
  EXPECT_NEAR(r_factor(listening), 83.79, 0.01);
  EXPECT_NEAR(mos_of(listening), 4.16, 0.005);
}

TEST(Quality, GetsWorseWithLossAndWorseStillInBursts) {
  double last = 5;
  for (double loss = 0; loss <= 100; loss += 5) {
    const double mos = mos_of(Listening{.loss_percent = loss, .codec = kG729a});
    EXPECT_LE(mos, last);
    last = mos;
  }
  EXPECT_LT(mos_of(Listening{.loss_percent = 5, .burst_ratio = 3}),
            mos_of(Listening{.loss_percent = 5}));
  EXPECT_LT(mos_of(Listening{.loss_percent = 5, .codec = kG711WithoutPlc}),
            mos_of(Listening{.loss_percent = 5}));
}

TEST(Quality, EstimatesDelayFromRoundTripAndJitter) {
  EXPECT_EQ(estimate_one_way_delay(milliseconds(100), milliseconds(30), milliseconds(20)),
            milliseconds(50 + 60 + 40));
  EXPECT_EQ(estimate_one_way_delay({}, {}, milliseconds(20)), milliseconds(60));
}

}  // namespace
}  // namespace causeway::rtp
