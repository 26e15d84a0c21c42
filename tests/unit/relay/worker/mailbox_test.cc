#include "relay/worker/mailbox.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace causeway::worker {
namespace {

using Posted = Mailbox::Posted;

template <typename T>
engine::Command command(std::uint64_t token) {
  auto body = std::make_unique<T>();
  body->token = token;
  return body;
}
engine::Command normal(std::uint64_t token) { return command<engine::RenewLease>(token); }
engine::Command reserved(std::uint64_t token) { return command<engine::CloseSession>(token); }

std::uint64_t token_of(const engine::Command& command) {
  return std::visit([](const auto& body) { return body->token; }, command);
}
Posted post(Mailbox& mailbox, engine::Command command) { return mailbox.post(command); }

TEST(Mailbox, HandsOverInOrder) {
  Mailbox mailbox(8);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(post(mailbox, normal(i)), Posted::Taken);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(token_of(*mailbox.take(true)), i);
  EXPECT_EQ(mailbox.take(true), std::nullopt);
}

TEST(Mailbox, RefusesWhenTheNormalLaneIsFullAndLeavesTheCommandWithItsSender) {
  Mailbox mailbox(2);
  EXPECT_EQ(post(mailbox, normal(0)), Posted::Taken);
  EXPECT_EQ(post(mailbox, normal(1)), Posted::Taken);
  engine::Command third = normal(2);
  EXPECT_EQ(mailbox.post(third), Posted::Refused);
  EXPECT_EQ(token_of(third), 2U);
  EXPECT_NE(mailbox.take(true), std::nullopt);
  EXPECT_EQ(mailbox.post(third), Posted::Taken);
}

TEST(Mailbox, NeverRefusesWhatFreesOrStops) {
  Mailbox mailbox(1);
  EXPECT_EQ(post(mailbox, normal(0)), Posted::Taken);
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(post(mailbox, reserved(i)), Posted::Taken);
    ASSERT_EQ(post(mailbox, command<engine::RemoveLeg>(i)), Posted::Taken);
  }
  EXPECT_EQ(post(mailbox, normal(1)), Posted::Refused);
}

TEST(Mailbox, HandsReservedCommandsOverFirst) {
  Mailbox mailbox(8);
  EXPECT_EQ(post(mailbox, normal(1)), Posted::Taken);
  EXPECT_EQ(post(mailbox, reserved(2)), Posted::Taken);
  EXPECT_EQ(token_of(*mailbox.take(true)), 2U);
  EXPECT_EQ(token_of(*mailbox.take(true)), 1U);
}

TEST(Mailbox, KeepsNormalCommandsWhileTheWorkerTakesNone) {
  Mailbox mailbox(8);
  EXPECT_EQ(post(mailbox, normal(1)), Posted::Taken);
  EXPECT_EQ(post(mailbox, reserved(2)), Posted::Taken);
  EXPECT_EQ(token_of(*mailbox.take(false)), 2U);
  EXPECT_EQ(mailbox.take(false), std::nullopt);
  EXPECT_TRUE(mailbox.may_sleep(false));
  EXPECT_FALSE(mailbox.may_sleep(true));
  EXPECT_EQ(token_of(*mailbox.take(true)), 1U);
}

TEST(Mailbox, AsksForAWakeUpOnlyWhenTheWorkerMayBeAsleep) {
  Mailbox mailbox(8);
  EXPECT_TRUE(mailbox.may_sleep(true));
  EXPECT_EQ(post(mailbox, normal(0)), Posted::TakenWhileAsleep);
  EXPECT_EQ(post(mailbox, normal(1)), Posted::Taken);
  EXPECT_FALSE(mailbox.may_sleep(true));  // there is mail: it stays awake
  EXPECT_EQ(post(mailbox, normal(2)), Posted::Taken);
}

TEST(Mailbox, RefusesEverythingOnceClosedAndHandsOverWhatItHas) {
  Mailbox mailbox(8);
  EXPECT_EQ(post(mailbox, normal(1)), Posted::Taken);
  mailbox.close();
  EXPECT_EQ(post(mailbox, normal(2)), Posted::Refused);
  EXPECT_EQ(post(mailbox, reserved(3)), Posted::Refused);
  EXPECT_EQ(token_of(*mailbox.take(true)), 1U);
}

TEST(Mailbox, LosesNothingUnderContention) {
  constexpr std::size_t kSenders = 4;
  constexpr std::uint64_t kEach = 5'000;
  Mailbox mailbox(64);
  std::vector<std::jthread> senders;
  for (std::size_t sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&mailbox, sender] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::uint64_t token = sender << 32 | i;
        // Every third is reserved and goes at once; a normal one is offered until it is taken.
        engine::Command command = i % 3 == 0 ? reserved(token) : normal(token);
        while (mailbox.post(command) == Posted::Refused) {
          ASSERT_NE(i % 3, 0U);
          std::this_thread::yield();
        }
      }
    });
  }
  std::array<std::uint64_t, kSenders> next_normal{};
  std::array<std::uint64_t, kSenders> next_reserved{};
  for (std::uint64_t taken = 0; taken < kSenders * kEach;) {
    const auto command = mailbox.take(true);
    if (!command) {
      std::this_thread::yield();
      continue;
    }
    ++taken;
    const std::size_t sender = token_of(*command) >> 32;
    const std::uint64_t i = token_of(*command) & 0xffffffff;
    auto& next = engine::is_reserved(*command) ? next_reserved[sender] : next_normal[sender];
    ASSERT_GE(i, next) << "out of order";
    next = i + 1;
  }
  EXPECT_EQ(mailbox.take(true), std::nullopt);
}

TEST(Mailbox, CloseWaitsForThoseWhoArePosting) {
  for (int round = 0; round < 10; ++round) {
    Mailbox mailbox(20'000);
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::jthread> senders;
    for (int sender = 0; sender < 3; ++sender) {
      senders.emplace_back([&] {
        while (taken < 20'000 && post(mailbox, normal(0)) != Posted::Refused) ++taken;
      });
    }
    while (taken == 0) std::this_thread::yield();
    mailbox.close();
    std::uint64_t read = 0;
    while (mailbox.take(true)) ++read;
    senders.clear();
    ASSERT_EQ(read, taken);
  }
}

}  // namespace
}  // namespace causeway::worker
