#include "relay/rtp/kept_streams.h"

#include <gtest/gtest.h>

#include <vector>

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using Form = KeptStreams::Form;

constexpr Ssrc kCamera{1};
constexpr Ssrc kScreen{2};
constexpr Ssrc kThird{3};

Instant at(int ms) { return Instant(std::chrono::seconds(1000) + milliseconds(ms)); }

void put(KeptStreams& kept, Ssrc ssrc, int seq, Instant now, Form form = Form::OnTheWire) {
  // So large that a single one is enough to let another be sent again.
  const std::vector<std::byte> packet(KeptStreams::kLimits.octets, std::byte{1});
  kept.put(ssrc, SeqNum(static_cast<std::uint16_t>(seq)), packet, form, now);
}

TEST(KeptStreams, KeepsEachStreamsPacketsApart) {
  KeptStreams kept;
  put(kept, kCamera, 1, at(0));
  put(kept, kCamera, 2, at(0));
  put(kept, kScreen, 1, at(0), Form::Open);
  put(kept, kScreen, 2, at(0), Form::Open);
  ASSERT_NE(kept.find(kCamera), nullptr);
  EXPECT_TRUE(kept.find(kScreen)->holds(SeqNum(1), at(1)));
  const auto camera = kept.repeat(kCamera, SeqNum(1), at(1));
  const auto screen = kept.repeat(kScreen, SeqNum(1), at(1));
  ASSERT_TRUE(camera && screen);
  EXPECT_EQ(camera->form, Form::OnTheWire);
  EXPECT_EQ(screen->form, Form::Open);
  EXPECT_FALSE(kept.repeat(kThird, SeqNum(1), at(1)));
}

TEST(KeptStreams, AFurtherStreamTakesThePlaceOfASilentOneOnly) {
  KeptStreams kept;
  put(kept, kCamera, 1, at(0));
  put(kept, kScreen, 1, at(500));
  put(kept, kThird, 1, at(900));
  EXPECT_EQ(kept.find(kThird), nullptr) << "both are in use";
  put(kept, kThird, 2, at(1000));
  ASSERT_NE(kept.find(kThird), nullptr);
  EXPECT_EQ(kept.find(kCamera), nullptr);
  EXPECT_FALSE(kept.find(kThird)->holds(SeqNum(1), at(1000))) << "it was another stream's place";
  EXPECT_TRUE(kept.find(kScreen)->holds(SeqNum(1), at(1000)));
}

TEST(KeptStreams, WhatWasSealedIsNeverTakenForOpen) {
  KeptStreams kept;
  for (int i = 0; i < 4; ++i) put(kept, kCamera, i, at(0));
  put(kept, kCamera, 4, at(1), Form::Open);
  EXPECT_FALSE(kept.repeat(kCamera, SeqNum(3), at(2)));
  const auto again = kept.repeat(kCamera, SeqNum(4), at(2));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->form, Form::Open);
}

TEST(KeptStreams, ForgetsEverythingWhenCleared) {
  KeptStreams kept;
  put(kept, kCamera, 1, at(0));
  put(kept, kCamera, 2, at(0));
  kept.clear();
  EXPECT_EQ(kept.find(kCamera), nullptr);
  put(kept, kCamera, 3, at(1));
  EXPECT_FALSE(kept.repeat(kCamera, SeqNum(1), at(1)));
}

}  // namespace
}  // namespace causeway::rtp
