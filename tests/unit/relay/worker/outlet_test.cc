#include "relay/worker/outlet.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "relay/engine/session.h"

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;

/// A report in a few letters: e1 an event, c2 a completion, x3 a closed session, -4 four lost.
std::string name_of(const Report& report) {
  if (const auto* command = std::get_if<engine::Command>(&report)) {
    return "c" + std::visit([](const auto& body) { return std::to_string(body->token); }, *command);
  }
  const engine::EventBody& body = std::get<engine::Event>(report).body;
  if (const auto* dtmf = std::get_if<engine::DtmfReceived>(&body)) {
    return "e" + std::to_string(dtmf->event);
  }
  if (const auto* closed = std::get_if<engine::SessionClosed>(&body)) {
    return "x" + std::to_string(closed->handle.slot);
  }
  const auto* lost = std::get_if<engine::EventsLost>(&body);
  return lost != nullptr ? "-" + std::to_string(lost->count) : "?";
}

class OutletTest : public ::testing::Test {
 protected:
  void event(std::uint8_t number) {
    outbox_.events.emplace_back(Instant(number * 1s), engine::DtmfReceived{{}, number, 100ms});
  }
  void closed(std::uint32_t slot) {
    outbox_.events.emplace_back(Instant(1s),
                                engine::SessionClosed{{WorkerId(3), slot, 1}, {}, nullptr});
  }
  void completion(std::uint64_t token) {
    auto body = std::make_unique<engine::RenewLease>();
    body->token = token;
    outbox_.completions.emplace_back(std::move(body));
  }
  void put() { outlet_.put(outbox_); }
  /// The oldest `count` reports, or all.
  std::string read(int count = 1'000) {
    std::string names;
    for (; count > 0; --count) {
      const auto report = outlet_.try_pop();
      if (!report) break;
      names += (names.empty() ? "" : " ") + name_of(*report);
    }
    return names;
  }

  std::unique_ptr<io::WakeSignal> reader_ = std::move(*io::WakeSignal::create());
  Outlet outlet_{WorkerId(3), {.ring = 4, .sessions = 3, .commands = 2}, *reader_};
  engine::Outbox outbox_{nullptr, 16};
};

TEST_F(OutletTest, TellsWhatHappenedBeforeThatItIsDone) {
  completion(1);
  event(2);
  closed(3);
  put();
  EXPECT_TRUE(outbox_.events.empty());
  EXPECT_TRUE(outbox_.completions.empty());
  EXPECT_EQ(read(), "e2 x3 c1");
}

TEST_F(OutletTest, LosesEventsWhenTheRingIsFullAndSaysSoInTheirPlace) {
  for (std::uint8_t i = 0; i < 7; ++i) event(i);
  put();
  EXPECT_EQ(outlet_.events_lost(), 3U);
  EXPECT_EQ(read(), "e0 e1 e2 e3");
  event(7);
  put();
  EXPECT_EQ(read(), "-3 e7");
}

TEST_F(OutletTest, AnEventsLostCarriesItsWorkerAndTheInstantOfTheFirst) {
  for (std::uint8_t i = 0; i < 6; ++i) event(i);
  put();
  EXPECT_EQ(read(), "e0 e1 e2 e3");
  outlet_.flush();
  const auto report = outlet_.try_pop();
  ASSERT_TRUE(report);
  const auto& lost = std::get<engine::Event>(*report);
  EXPECT_EQ(lost.at, Instant(4s));
  EXPECT_EQ(std::get<engine::EventsLost>(lost.body).worker, WorkerId(3));
}

TEST_F(OutletTest, KeepsCompletionsAndClosedSessionsInTheirOrder) {
  for (std::uint8_t i = 0; i < 4; ++i) event(i);
  event(4);
  closed(5);
  event(6);
  event(7);
  completion(8);
  completion(9);
  put();
  EXPECT_TRUE(outlet_.is_backlogged());
  EXPECT_EQ(read(2), "e0 e1");
  outlet_.flush();
  EXPECT_EQ(read(), "e2 e3 -1 x5");
  outlet_.flush();
  EXPECT_EQ(read(), "-2 c8 c9");
  EXPECT_FALSE(outlet_.is_backlogged());
}

TEST_F(OutletTest, LetsNoEventOvertakeWhatIsKept) {
  for (std::uint8_t i = 0; i < 4; ++i) event(i);
  completion(4);
  put();
  EXPECT_EQ(read(), "e0 e1 e2 e3");
  event(5);  // the ring is empty now, but c4 comes first
  put();
  EXPECT_EQ(read(), "c4 e5");
}

TEST_F(OutletTest, HasRoomForEverythingThatMustBeKeptWhileNobodyReads) {
  for (std::uint8_t i = 0; i < 4; ++i) event(i);
  put();
  ASSERT_EQ(outlet_.room_for_commands(), 2U);
  event(9);
  completion(0);
  completion(1);
  put();
  std::string expected = "-1 c0 c1";
  for (std::uint8_t i = 0; i < 3; ++i) {  // the worst: something is lost before each of them
    event(9);
    closed(i);
    put();
    expected += " -1 x" + std::to_string(i);
  }
  event(9);
  put();
  expected += " -1";
  EXPECT_EQ(outlet_.room_for_commands(), 0U);
  EXPECT_EQ(read(), "e0 e1 e2 e3");
  std::string all;
  while (outlet_.is_backlogged()) {
    outlet_.flush();
    all += (all.empty() ? "" : " ") + read();
  }
  EXPECT_EQ(all, expected);
  EXPECT_EQ(outlet_.room_for_commands(), 2U);
}

TEST_F(OutletTest, NotifiesASleepingReader) {
  reader_->may_sleep();
  event(1);
  put();
  reader_->wait(std::nullopt);  // returns
  EXPECT_EQ(read(), "e1");
}

TEST_F(OutletTest, FreesWhatNobodyRead) {
  for (std::uint8_t i = 0; i < 4; ++i) event(i);
  completion(1);  // owned by the backlog when the outlet goes; the leak checker looks
  put();
  EXPECT_TRUE(outlet_.is_backlogged());
}

TEST(Outlet, TellsASlowReaderEverythingThatMustNotBeLost) {
  constexpr std::uint64_t kCompletions = 5'000;
  const auto reader = std::move(*io::WakeSignal::create());
  Outlet outlet(WorkerId(0), {.ring = 8, .sessions = 4, .commands = 8}, *reader);
  std::jthread worker([&] {
    engine::Outbox outbox(nullptr, 16);
    for (std::uint64_t token = 0; token < kCompletions;) {
      outlet.flush();
      if (outlet.room_for_commands() == 0) {
        std::this_thread::yield();
        continue;
      }
      outbox.events.emplace_back(Instant{}, engine::MediaResumed{});
      auto body = std::make_unique<engine::RenewLease>();
      body->token = token++;
      outbox.completions.emplace_back(std::move(body));
      outlet.put(outbox);
    }
    while (outlet.is_backlogged()) {
      outlet.flush();
      std::this_thread::yield();
    }
  });
  std::uint64_t completions = 0;
  std::uint64_t events = 0;
  while (completions < kCompletions || events < kCompletions) {
    const auto report = outlet.try_pop();
    if (!report) {
      std::this_thread::yield();
    } else if (std::holds_alternative<engine::Command>(*report)) {
      EXPECT_EQ(name_of(*report), "c" + std::to_string(completions++));
    } else {
      const auto* lost = std::get_if<engine::EventsLost>(&std::get<engine::Event>(*report).body);
      events += lost != nullptr ? lost->count : 1;
    }
  }
  EXPECT_EQ(events, kCompletions);  // told or counted, each
}

}  // namespace
}  // namespace causeway::worker
