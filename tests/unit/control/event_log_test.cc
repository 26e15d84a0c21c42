#include "control/event_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

namespace causeway::control {
namespace {

constexpr const char* kInstance = "0123456789abcdef";

v1::Event event_of(const std::string& session) {
  v1::Event event;
  event.set_session("sessions/" + session);
  event.mutable_leg_active();
  return event;
}

struct Fixture {
  explicit Fixture(EventLog::Limits limits = {.ring = 10, .backlog = 8}) : log(kInstance, limits) {}
  EventLog log;
  int wakes = 0;

  std::unique_ptr<EventLog::Subscription> follow(const std::string& token = "",
                                                 EventFilter filter = {}) {
    auto subscription = log.subscribe(std::move(filter), token, [this] { ++wakes; });
    return subscription ? std::move(*subscription) : nullptr;
  }
  std::string_view refusal(const std::string& token) {
    auto subscription = log.subscribe({}, token, [] {});
    return subscription ? "none" : subscription.error().reason;
  }
};

std::string read_session(EventLog::Subscription& subscription) {
  const auto event = subscription.read();
  if (!event) return std::string(event.error().reason);
  return *event == nullptr ? "" : (*event)->session();
}

TEST(EventLog, BeginsWithWhatHappensAfterTheSubscription) {
  Fixture f;
  f.log.publish(event_of("before"));
  const auto subscription = f.follow();
  EXPECT_EQ(read_session(*subscription), "");
  f.log.publish(event_of("after"));
  EXPECT_EQ(f.wakes, 1);
  EXPECT_EQ(read_session(*subscription), "sessions/after");
  EXPECT_EQ(read_session(*subscription), "");
}

TEST(EventLog, ResumesAfterAnyEventWithoutLossOrRepetition) {
  Fixture f;
  std::vector<std::string> tokens = {f.log.newest_token()};
  const auto whole = f.follow();
  for (int i = 0; i < 5; ++i) {
    f.log.publish(event_of(std::to_string(i)));
    tokens.push_back((*whole->read())->resume_token());
  }
  for (int from = 0; from < 6; ++from) {
    const auto resumed = f.follow(tokens[static_cast<std::size_t>(from)]);
    ASSERT_NE(resumed, nullptr);
    for (int i = from; i < 5; ++i) {
      EXPECT_EQ(read_session(*resumed), "sessions/" + std::to_string(i));
    }
    EXPECT_EQ(read_session(*resumed), "");
  }
}

TEST(EventLog, RefusesTokensThatItDidNotMake) {
  Fixture f;
  f.log.publish(event_of("a"));
  for (const char* bad : {"x", "e1.", "e1..1", "e1.0123456789abcdef", "e1.0123456789abcdef.",
                          "e1.0123456789abcdef.1x", "e1.0123456789abcdef.-1", "e1.short.1",
                          "e1.0123456789abcdef.2", "e1.0123456789abcdef.99999999999999999999999"}) {
    EXPECT_EQ(f.refusal(bad), "TOKEN_INVALID") << bad;
  }
  EXPECT_EQ(f.refusal("e1.0123456789abcdef.1"), "none");
}

TEST(EventLog, TokensExpireWithTheRingAndWithARestart) {
  Fixture f;
  const std::string first = f.log.newest_token();
  for (int i = 0; i < 10; ++i) f.log.publish(event_of("a"));
  EXPECT_EQ(f.refusal(first), "none");
  f.log.publish(event_of("a"));
  EXPECT_EQ(f.refusal(first), "CURSOR_EXPIRED");
  EXPECT_EQ(f.refusal("e1.fedcba9876543210.3"), "CURSOR_EXPIRED");
}

TEST(EventLog, CutsOffASlowReaderWhoMayResumeWhereHeWas) {
  Fixture f;
  const auto subscription = f.follow();
  f.log.publish(event_of("0"));
  EXPECT_EQ(read_session(*subscription), "sessions/0");
  for (int i = 1; i <= 8; ++i) f.log.publish(event_of(std::to_string(i)));
  EXPECT_FALSE(subscription->is_too_slow());
  f.log.publish(event_of("9"));
  EXPECT_TRUE(subscription->is_too_slow());
  const auto cut = subscription->read();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().reason, "SLOW_READER");
  const auto resumed = f.follow(std::string(*cut.error().metadata_value("resume_token")));
  ASSERT_NE(resumed, nullptr);
  // It begins as far behind as it was, and may catch up.
  for (int i = 1; i <= 9; ++i) EXPECT_EQ(read_session(*resumed), "sessions/" + std::to_string(i));
  EXPECT_EQ(read_session(*resumed), "");
  for (int i = 0; i < 9; ++i) f.log.publish(event_of("x"));
  EXPECT_EQ(read_session(*resumed), "SLOW_READER");
}

TEST(EventLog, CutsOffAReaderWhoseEventsAreGoneEvenWhileHeCatchesUp) {
  Fixture f;
  const std::string first = f.log.newest_token();
  for (int i = 0; i < 10; ++i) f.log.publish(event_of("a"));
  const auto resumed = f.follow(first);
  ASSERT_NE(resumed, nullptr);
  f.log.publish(event_of("b"));
  EXPECT_EQ(read_session(*resumed), "SLOW_READER");
}

TEST(EventLog, FiltersBySessionKindAndLabels) {
  Fixture f;
  const auto of_session = f.follow("", {.session = "sessions/a", .kinds = {}, .labels = {}});
  const auto of_kind =
      f.follow("", {.session = "", .kinds = {v1::Event::kSessionClosed}, .labels = {}});
  const auto of_label = f.follow("", {.session = "", .kinds = {}, .labels = {{"customer", "7"}}});
  f.log.publish(event_of("b"));
  v1::Event labelled = event_of("c");
  (*labelled.mutable_labels())["customer"] = "7";
  (*labelled.mutable_labels())["other"] = "x";
  f.log.publish(labelled);
  f.log.publish(event_of("a"));
  v1::Event closed;
  closed.set_session("sessions/d");
  closed.mutable_session_closed();
  f.log.publish(closed);
  EXPECT_EQ(read_session(*of_session), "sessions/a");
  EXPECT_EQ(read_session(*of_session), "");
  EXPECT_EQ(read_session(*of_kind), "sessions/d");
  EXPECT_EQ(read_session(*of_label), "sessions/c");
  EXPECT_EQ(read_session(*of_label), "");
}

TEST(EventLog, GivesBackTheWholeEventWithTheTokenOfItsPlace) {
  Fixture f;
  const auto subscription = f.follow();
  v1::Event event = event_of("a");
  event.set_leg("sessions/a/legs/b");
  (*event.mutable_labels())["customer"] = "7";
  event.mutable_dtmf()->set_digit("5");
  f.log.publish(event);
  const auto read = subscription->read();
  ASSERT_TRUE(read && *read);
  event.set_resume_token(f.log.newest_token());
  EXPECT_EQ((*read)->DebugString(), event.DebugString());
}

TEST(EventLog, KnowsASessionAsLongAsOneOfItsEvents) {
  Fixture f;
  f.log.publish(event_of("a"));
  EXPECT_TRUE(f.log.knows_session("sessions/a"));
  EXPECT_FALSE(f.log.knows_session("sessions/b"));
  for (int i = 0; i < 10; ++i) f.log.publish(event_of("b"));
  EXPECT_FALSE(f.log.knows_session("sessions/a"));
}

TEST(EventLog, TellsThatAnEventWhichIsNoUtf8WasLost) {
  Fixture f;
  const auto subscription = f.follow();
  f.log.publish(event_of("\xff"));
  const auto event = subscription->read();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->events_lost().count(), 1U);
}

TEST(EventLog, LossIsToldWhateverTheFilter) {
  Fixture f;
  const auto of_session = f.follow("", {.session = "sessions/a", .kinds = {}, .labels = {}});
  v1::Event lost;
  lost.mutable_events_lost()->set_count(3);
  f.log.publish(lost);
  const auto event = of_session->read();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->events_lost().count(), 3U);
}

TEST(EventLog, EndsStreamsAfterTheirLastEvent) {
  Fixture f;
  const auto subscription = f.follow();
  f.log.publish(event_of("last"));
  f.log.shut_down();
  EXPECT_EQ(read_session(*subscription), "sessions/last");
  EXPECT_EQ(read_session(*subscription), "NODE_DRAINING");
}

TEST(EventLog, KindsHaveTheNamesOfTheirFields) {
  EXPECT_EQ(event_kind("leg_active"), int{v1::Event::kLegActive});
  EXPECT_EQ(event_kind("session"), std::nullopt);
  EXPECT_EQ(event_kind("nonsense"), std::nullopt);
}

TEST(EventLog, ManyPublishersAndReadersSeeEachEventOnceInOrder) {
  EventLog log(kInstance, {.ring = 100'000, .backlog = 100'000});
  constexpr int kEach = 2000;
  std::atomic<bool> is_done{false};
  auto subscription = std::move(*log.subscribe({}, "", [] {}));
  std::thread first([&] {
    for (int i = 0; i < kEach; ++i) log.publish(event_of("a"));
  });
  std::thread second([&] {
    for (int i = 0; i < kEach; ++i) log.publish(event_of("b"));
  });
  std::thread reader([&] {
    std::set<std::string> tokens;
    while (tokens.size() < 2 * kEach) {
      const auto event = subscription->read();
      ASSERT_TRUE(event);
      if (*event) {
        EXPECT_TRUE(tokens.insert((*event)->resume_token()).second);
      }
    }
    is_done = true;
  });
  first.join();
  second.join();
  reader.join();
  EXPECT_TRUE(is_done);
}

}  // namespace
}  // namespace causeway::control
