#include "relay/engine/dtls_transport.h"

#include <gtest/gtest.h>

#include "relay/engine/outbox.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using dtls::JobKind;
using dtls::Outcome;

struct Transport : testing::Test {
  PacketPool packets{16};
  Outbox out{nullptr};
  Instant now{1h};
  DtlsTransport dtls = made(dtls::Role::Passive);

  static DtlsTransport made(dtls::Role role) {
    auto settings = std::make_shared<dtls::Settings>();
    settings->role = role;
    return DtlsTransport(settings);
  }
  void hear() {
    Datagram in{.socket = {}, .from = {}, .arrival = now, .packet = packets.take()};
    EXPECT_TRUE(dtls.handle_datagram(in, out));
  }
  bool report(Outcome outcome, bool awaits_answer = false, bool is_aside = false) {
    dtls::Report said;
    said.outcome = outcome;
    said.awaits_answer = awaits_answer;
    said.is_aside = is_aside;
    return dtls.on_report(now, said);
  }
  [[nodiscard]] std::vector<JobKind> jobs() {
    std::vector<JobKind> kinds;
    for (const DtlsWish& wish : out.dtls) kinds.push_back(wish.kind);
    out.dtls.clear();
    return kinds;
  }
};

TEST_F(Transport, RepeatsAFlightWithBackoffAndGivesUpAfterThirtySeconds) {
  hear();
  EXPECT_FALSE(report(Outcome::Going, true));
  (void)jobs();
  std::vector<Duration> at;
  const Instant began = now;
  for (bool is_over = false; !is_over;) {
    ASSERT_TRUE(dtls.next_timeout());
    now = *dtls.next_timeout();
    is_over = dtls.handle_timeout(now, out);
    at.push_back(now - began);
  }
  const std::vector<Duration> first(at.begin(), at.begin() + 5);
  EXPECT_EQ(first, (std::vector<Duration>{200ms, 600ms, 1400ms, 3s, 6s}));
  EXPECT_EQ(at.back(), 30s);
  std::vector<JobKind> wanted(at.size() - 1, JobKind::Timeout);
  wanted.push_back(JobKind::Close);
  EXPECT_EQ(jobs(), wanted);
  EXPECT_FALSE(dtls.next_timeout());
}

TEST_F(Transport, WhatStrangersAreToldBeginsNoHandshake) {
  hear();
  EXPECT_FALSE(report(Outcome::Going, false, true));
  EXPECT_FALSE(dtls.next_timeout());
}

TEST_F(Transport, WhatStrangersAreToldMovesNoTimer) {
  hear();
  report(Outcome::Going, true);
  const auto before = dtls.next_timeout();
  for (int i = 0; i < 10; ++i) {
    now += 10ms;
    hear();
    report(Outcome::Going, i % 2 == 0, true);
    EXPECT_EQ(dtls.next_timeout(), before);
  }
}

TEST_F(Transport, SaysAFailureOnceUntilItHasBeenUp) {
  EXPECT_TRUE(report(Outcome::Failed));
  EXPECT_FALSE(report(Outcome::Failed));
  EXPECT_TRUE(report(Outcome::Up));
  EXPECT_TRUE(dtls.is_up());
  EXPECT_FALSE(dtls.next_timeout());
  EXPECT_TRUE(report(Outcome::Failed));
}

TEST_F(Transport, AnEndInGoodOrderIsNoFailure) {
  report(Outcome::Up);
  EXPECT_TRUE(report(Outcome::Closed));
  EXPECT_FALSE(dtls.is_up());
  EXPECT_FALSE(dtls.next_timeout());
  EXPECT_TRUE(report(Outcome::Failed)) << "that was not said yet";
}

TEST_F(Transport, BeginsOnceWhereItIsTheActiveSide) {
  dtls.connect(now, out);
  EXPECT_TRUE(jobs().empty());
  dtls = made(dtls::Role::Active);
  dtls.connect(now, out);
  dtls.connect(now, out);
  EXPECT_EQ(jobs(), std::vector{JobKind::Start});
  EXPECT_EQ(dtls.next_timeout(), now + 200ms);  // whether the pool has taken it or not
}

}  // namespace
}  // namespace causeway::engine
