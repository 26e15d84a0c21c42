#include "control/request_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "causeway/v1/relay_service.pb.h"

namespace causeway::control {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Fixture {
  RequestLog log{RequestLog::Limits{.memory = minutes(10), .octets = 1U << 20U}};
  Instant now{minutes(100)};
  int handled = 0;

  v1::CreateSessionRequest request(const std::string& session_id) const {
    v1::CreateSessionRequest in;
    in.set_session_id(session_id);
    in.set_request_id("r1");
    return in;
  }
  Answer<std::string> run(const v1::CreateSessionRequest& in, const std::string& method = "M") {
    v1::CreateSessionResponse out;
    auto done = log.run(now, in.request_id(), method, in, out, [&]() -> Answer<void> {
      ++handled;
      out.mutable_session()->set_name("sessions/" + std::to_string(handled));
      return {};
    });
    if (!done) return failure(done.error());
    return out.session().name();
  }
};

TEST(RequestLog, ARepeatGetsTheFirstAnswerAndChangesNothing) {
  Fixture f;
  EXPECT_EQ(f.run(f.request("a")).value(), "sessions/1");
  EXPECT_EQ(f.run(f.request("a")).value(), "sessions/1");
  EXPECT_EQ(f.handled, 1);
}

TEST(RequestLog, TheSameIdWithAnotherBodyIsRefused) {
  Fixture f;
  ASSERT_TRUE(f.run(f.request("a")));
  EXPECT_EQ(f.run(f.request("b")).error().reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(f.run(f.request("a"), "OtherMethod").error().reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(f.handled, 1);
}

TEST(RequestLog, WithoutAnIdNothingIsRemembered) {
  Fixture f;
  v1::CreateSessionRequest in = f.request("a");
  in.clear_request_id();
  EXPECT_EQ(f.run(in).value(), "sessions/1");
  EXPECT_EQ(f.run(in).value(), "sessions/2");
  EXPECT_EQ(f.log.size(), 0U);
}

TEST(RequestLog, ForgetsAfterTenMinutes) {
  Fixture f;
  ASSERT_TRUE(f.run(f.request("a")));
  f.now += minutes(10);
  EXPECT_EQ(f.run(f.request("a")).value(), "sessions/1");
  f.now += seconds(1);
  EXPECT_EQ(f.run(f.request("a")).value(), "sessions/2");
}

TEST(RequestLog, ForgetsTheOldestWhenItIsFull) {
  Fixture f;
  for (int i = 0; i < 10'000; ++i) {
    v1::CreateSessionRequest in = f.request("a");
    in.set_request_id("r" + std::to_string(i));
    ASSERT_TRUE(f.run(in));
  }
  EXPECT_LT(f.log.size(), 5'000U);
  EXPECT_GT(f.log.size(), 1'000U);
}

TEST(RequestLog, WhatWasRefusedMayBeTriedAgain) {
  Fixture f;
  const v1::CreateSessionRequest in = f.request("a");
  v1::CreateSessionResponse out;
  const auto refused = f.log.run(f.now, "r1", "M", in, out, []() -> Answer<void> {
    return failure(api_error("OVERLOAD", ""));
  });
  EXPECT_EQ(refused.error().reason, "OVERLOAD");
  EXPECT_EQ(f.run(in).value(), "sessions/1");
}

TEST(RequestLog, AHandlerThatThrowsLeavesNothingBehind) {
  Fixture f;
  const v1::CreateSessionRequest in = f.request("a");
  v1::CreateSessionResponse out;
  EXPECT_THROW((void)f.log.run(f.now, "r1", "M", in, out,
                               []() -> Answer<void> { throw std::runtime_error("x"); }),
               std::runtime_error);
  EXPECT_EQ(f.run(in).value(), "sessions/1");
}

TEST(RequestLog, RefusesIdsThatAreNotPrintable) {
  Fixture f;
  for (const std::string& bad : {std::string("a b"), std::string("\x01"), std::string(129, 'a')}) {
    v1::CreateSessionRequest in = f.request("a");
    in.set_request_id(bad);
    EXPECT_EQ(f.run(in).error().reason, "FIELD_INVALID");
  }
}

TEST(RequestLog, ARepeatWaitsForTheFirstThatIsStillHandled) {
  Fixture f;
  const v1::CreateSessionRequest in = f.request("a");
  std::atomic<int> handled{0};
  std::atomic<int> begun{0};
  std::vector<std::thread> threads;
  std::vector<std::string> names(8);
  for (std::size_t i = 0; i < names.size(); ++i) {
    threads.emplace_back([&, i] {
      v1::CreateSessionResponse out;
      ++begun;
      const auto done = f.log.run(f.now, "r1", "M", in, out, [&]() -> Answer<void> {
        while (begun < static_cast<int>(names.size())) std::this_thread::yield();
        out.mutable_session()->set_name("sessions/" + std::to_string(++handled));
        return {};
      });
      if (done) names[i] = out.session().name();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(handled, 1);
  for (const std::string& name : names) EXPECT_EQ(name, "sessions/1");
}

}  // namespace
}  // namespace causeway::control
