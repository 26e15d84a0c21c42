#include "control/cli/top_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "control/cli/print.h"

namespace causeway::cli {
namespace {

using testing::Contains;
using testing::DoubleNear;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::StartsWith;

template <typename Message>
Message parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

/// A call with one leg that has received and lost so many packets, `seconds` after the start.
Reading reading(int seconds, int packets, int lost, int dropped) {
  const std::string time = "{ seconds: " + std::to_string(1000 + seconds) + " }";
  Reading out;
  out.node = parse<v1::Node>(
      "name: 'nodes/n' version: '1.2' start_time { seconds: 1000 } read_time " + time +
      " capacity { sessions: 1 legs: 1 } workers { load: 0.25 packets_received: " +
      std::to_string(packets) + " packets_sent: " + std::to_string(2 * packets) +
      " unknown_checks: " + std::to_string(seconds) + " }");
  out.sessions.push_back(
      parse<v1::Session>("name: 'sessions/s' legs { name: 'sessions/s/legs/a' security { dtls {} } "
                         "transport { kind: TRANSPORT_KIND_SHARED_PORT ice {} } }"));
  out.reports.push_back(parse<v1::SessionReport>(
      "session: 'sessions/s' report_time " + time +
      " legs { leg: 'sessions/s/legs/a' create_time { seconds: 990 } received { packets: " +
      std::to_string(packets) + " lost_packets: " + std::to_string(lost) +
      " codec { encoding_name: 'opus' } jitter { nanos: 1500000 } } "
      "drops { key: 'late' value: " +
      std::to_string(dropped) +
      " } } connections { from_leg: 'sessions/s/legs/a' "
      "plan { text: 'legs/a -> legs/b: transcode(opus->pcmu)' } }"));
  return out;
}

TEST(Top, RatesAreDifferencesByTheRelaysClock) {
  const Reading before = reading(10, 1000, 50, 7);
  const Snapshot now = compare(&before, reading(14, 1180, 70, 15));
  EXPECT_THAT(now.received_rate, Optional(DoubleNear(45, 1e-9)));
  EXPECT_THAT(now.sent_rate, Optional(DoubleNear(90, 1e-9)));
  ASSERT_EQ(now.legs.size(), 1U);
  const LegRow& leg = now.legs[0];
  EXPECT_EQ(leg.leg, "s/a");
  EXPECT_EQ(leg.transport, "dtls+ice+shared");
  EXPECT_EQ(leg.plan, "-> legs/b: transcode(opus->pcmu)");
  EXPECT_THAT(leg.received_rate, Optional(DoubleNear(45, 1e-9)));
  EXPECT_THAT(leg.loss_percent, Optional(DoubleNear(10, 1e-9))) << "20 of 200 since";
  EXPECT_THAT(leg.drop_rate, Optional(DoubleNear(2, 1e-9)));
  EXPECT_EQ(leg.drops, 15U);
  EXPECT_DOUBLE_EQ(leg.age_seconds, 24);
  EXPECT_NEAR(now.drop_rates.at("late"), 2, 1e-9);
  EXPECT_NEAR(now.drop_rates.at("unknown_checks"), 1, 1e-9);
}

TEST(Top, ThereIsNoRateWhereThereIsNothingToCompareWith) {
  const Snapshot first = compare(nullptr, reading(10, 1000, 0, 0));
  EXPECT_FALSE(first.received_rate);
  EXPECT_FALSE(first.legs[0].received_rate);
  EXPECT_THAT(top_lines(first, nullptr, false), Contains(HasSubstr("- packets/s in")));
  Reading before = reading(10, 1000, 0, 0);
  EXPECT_FALSE(compare(&before, reading(10, 1000, 0, 0)).received_rate) << "no time between";
  EXPECT_FALSE(compare(&before, reading(11, 10, 0, 0)).received_rate) << "it counts less";
  before.node.mutable_start_time()->set_seconds(1);
  EXPECT_FALSE(compare(&before, reading(11, 1100, 0, 0)).received_rate) << "another daemon";
  before.reports[0].mutable_legs(0)->mutable_create_time()->set_seconds(1);
  EXPECT_FALSE(compare(&before, reading(11, 1100, 0, 0)).legs[0].received_rate) << "another leg";
}

TEST(Top, ASessionThatEndedBetweenTwoQuestionsHasNoRows) {
  Reading now = reading(10, 1, 0, 0);
  now.reports[0].Clear();
  EXPECT_TRUE(compare(nullptr, now).legs.empty());
}

TEST(Top, SortsTheLargestFirstAndEqualOnesByName) {
  std::vector<LegRow> legs(3);
  legs[0].leg = "b";
  legs[1].leg = "a";
  legs[2].leg = "c";
  legs[2].loss_percent = 0.5;
  legs[0].drops = 4;
  const auto order = [&](Sort sort) {
    sort_legs(legs, sort);
    return legs[0].leg + legs[1].leg + legs[2].leg;
  };
  EXPECT_EQ(order(Sort::Loss), "cab");
  EXPECT_EQ(order(Sort::Drops), "bac");
  EXPECT_EQ(order(Sort::Name), "abc");
  EXPECT_EQ(order(Sort::Packets), "abc");
}

TEST(Top, APageFitsTheTerminal) {
  const Reading before = reading(10, 1000, 50, 7);
  const Snapshot now = compare(&before, reading(14, 1180, 70, 15));
  for (const ScreenSize size : {ScreenSize{200, 50}, ScreenSize{80, 24}, ScreenSize{20, 3}}) {
    const auto lines = top_lines(now, &size, false);
    EXPECT_LE(lines.size(), size.rows);
    for (const std::string& line : lines) EXPECT_LE(columns(line), size.columns) << line;
  }
  const ScreenSize narrow{100, 24};
  EXPECT_THAT(top_lines(now, &narrow, false), Contains(StartsWith("    -> legs/b: transcode")));
  EXPECT_THAT(top_lines(now, nullptr, true), Contains(StartsWith("\x1b[31ms/a")))
      << "10 % of loss is red";
  for (const std::string& line : top_lines(now, nullptr, false)) {
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  }
}

TEST(Top, TheHeaderSaysWhatTheNodeDoes) {
  const Reading before = reading(10, 1000, 50, 7);
  const auto lines = top_lines(compare(&before, reading(14, 1180, 70, 15)), nullptr, false);
  EXPECT_EQ(lines[0], "causeway 1.2 on nodes/n, up 00:00:14, 1970-01-01T00:16:54Z");
  EXPECT_EQ(lines[1], "1 sessions, 1 legs, 0 transcoded, 0 recordings");
  EXPECT_EQ(lines[2], "load 0:25% of a core each worker");
  EXPECT_EQ(lines[3],
            "45 packets/s in, 90 packets/s out, 3.0 drops/s: late 2.0, unknown_checks 1.0");
}

TEST(Top, JsonIsOneLineWithTheNodeAsItIs) {
  const Reading before = reading(10, 1000, 50, 7);
  const std::string json = top_json(compare(&before, reading(14, 1180, 70, 15)));
  EXPECT_THAT(json, StartsWith("{\"node\":{\"name\":\"nodes/n\""));
  EXPECT_THAT(json, HasSubstr("\"loss_percent\":10"));
  EXPECT_EQ(json.find('\n'), json.size() - 1);
}

TEST(EventLine, SaysInAWordHowMuchItMattersAndDisarmsNames) {
  const auto line = [](const std::string& text) {
    return as_line(parse<v1::Event>("time { seconds: 1 } " + text), false);
  };
  EXPECT_EQ(line("session: 'sessions/s' session_orphaned {}"),
            "1970-01-01T00:00:01Z warn  sessions/s session_orphaned");
  EXPECT_EQ(line("leg: 'sessions/s/legs/a' dtls_failed { detail: '\\033[2J' }"),
            "1970-01-01T00:00:01Z ERROR sessions/s/legs/a dtls_failed detail=\\x1b[2J");
  EXPECT_THAT(line("leg_active {}"), HasSubstr(" info "));
  EXPECT_THAT(line("ice_state_changed { state: ICE_STATE_FAILED }"), HasSubstr(" ERROR "));
  EXPECT_THAT(line("recording_state { transition: RECORDING_TRANSITION_DEGRADED }"),
              HasSubstr(" warn "));
  EXPECT_THAT(as_line(parse<v1::Event>("events_lost {}"), true), HasSubstr("\x1b[33mwarn "));
}

}  // namespace
}  // namespace causeway::cli
