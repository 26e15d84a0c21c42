#include "relay/ice/answer_budget.h"

#include <gtest/gtest.h>

namespace causeway::ice {
namespace {

const Instant kNow{std::chrono::hours(1)};

SocketAddress at(std::uint16_t port) { return {IpAddress::v4(0xc0000201), UdpPort(port)}; }

/// How many of 10,000 requests at one instant are answered, each from another source.
int answered_from_everywhere(AnswerBudget& budget, bool is_new) {
  int given = 0;
  for (std::uint16_t port = 1; port <= 10'000; ++port) {
    if (budget.take(kNow, at(port), is_new, false)) ++given;
  }
  return given;
}

/// The same from one source.
int answered_from(AnswerBudget& budget, const SocketAddress& source, bool is_new, bool is_valid) {
  int given = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (budget.take(kNow, source, is_new, is_valid)) ++given;
  }
  return given;
}

TEST(AnswerBudget, StrangersAreAnsweredOnlySoMuchTogether) {
  AnswerBudget budget;
  EXPECT_EQ(answered_from_everywhere(budget, false), 100);
  EXPECT_TRUE(budget.take(kNow, at(20'000), false, true));
}

TEST(AnswerBudget, OneSourceIsAnsweredOnlySoMuch) {
  AnswerBudget budget;
  EXPECT_EQ(answered_from(budget, at(1), false, false), 50);
  EXPECT_EQ(answered_from(budget, at(2), true, true), 50);
}

TEST(AnswerBudget, WhatProvesNothingCannotUseUpThatOfANewAuthenticRequest) {
  AnswerBudget budget;
  // Under the endpoint's own address, and under everybody's.
  EXPECT_EQ(answered_from(budget, at(1), false, true), 50);
  EXPECT_EQ(answered_from_everywhere(budget, false), 100);
  EXPECT_TRUE(budget.take(kNow, at(1), true, true));
  EXPECT_TRUE(budget.take(kNow, at(30'000), true, false));
}

TEST(AnswerBudget, IsFullAgainAfterASecond) {
  AnswerBudget budget;
  EXPECT_EQ(answered_from(budget, at(1), false, true), 50);
  EXPECT_FALSE(budget.take(kNow + std::chrono::milliseconds(19), at(1), false, true));
  EXPECT_TRUE(budget.take(kNow + std::chrono::milliseconds(20), at(1), false, true));
}

}  // namespace
}  // namespace causeway::ice
