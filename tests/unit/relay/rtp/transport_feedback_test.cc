#include "relay/rtp/transport_feedback.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <vector>

#include "relay/wire/transport_cc.h"
#include "tests/unit/relay/rtp/compounds.h"

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at(Duration since) { return Instant(seconds(1000) + since); }

/// A transport, and what its sender is told.
struct Transport {
  TransportFeedback feedback;
  std::map<int, Duration> told;  // by unwrapped number
  std::vector<wire::TransportCc> views;
  std::array<std::byte, 1400> octets{};
  int packets = 0;

  void receive(int number, Instant now) {
    feedback.on_packet(SeqNum(static_cast<std::uint16_t>(number)), Ssrc(7), now);
  }
  /// `near`: a number close to those that it is about.
  bool report(Instant now, int near = 0) {
    wire::RtcpWriter writer(octets);
    const bool has_written = feedback.handle_timeout(now, Ssrc(1), writer);
    EXPECT_EQ(has_written, !writer.empty());
    views.clear();
    if (writer.empty()) return false;
    for (const wire::RtcpPacket& packet : packets_of(writer.written())) {
      const auto parsed = wire::Feedback::parse(packet);
      EXPECT_EQ(parsed->sender, Ssrc(1));
      EXPECT_EQ(parsed->media, Ssrc(7));
      auto view = wire::TransportCc::parse(*parsed);
      EXPECT_TRUE(view);
      views.push_back(*view);
      ++packets;
      for (auto arrival = view->next(); arrival; arrival = view->next()) {
        const int number =
            near + arrival->seq.distance_from(SeqNum(static_cast<std::uint16_t>(near)));
        told.emplace(number, arrival->at);
      }
    }
    return true;
  }
};

TEST(TransportFeedback, IsDueAfterTheFirstPacketAndNotWithoutOne) {
  Transport transport;
  EXPECT_FALSE(transport.feedback.next_timeout());
  EXPECT_FALSE(transport.report(at(seconds(1))));
  transport.receive(10, at(milliseconds(5)));
  transport.receive(11, at(milliseconds(25)));
  EXPECT_EQ(transport.feedback.next_timeout(), at(milliseconds(105)));
  EXPECT_FALSE(transport.report(at(milliseconds(104)))) << "a spurious call is a no-op";
  EXPECT_TRUE(transport.report(at(milliseconds(105))));
  EXPECT_EQ(transport.told.size(), 2U);
  EXPECT_FALSE(transport.feedback.next_timeout()) << "silence is not reported again and again";
  transport.receive(12, at(seconds(9)));
  EXPECT_EQ(transport.feedback.next_timeout(), at(seconds(9) + milliseconds(100)));
}

TEST(TransportFeedback, TellsEveryArrivalAndEveryLossOverManyWraps) {
  Transport transport;
  std::mt19937 random(3);
  std::map<int, Instant> arrived;
  int number = 65000;
  for (int i = 0; i < 200000; ++i, ++number) {
    const Instant now = at(i * milliseconds(5));
    if (i == 0 || random() % 10 != 0) {
      transport.receive(number, now);
      arrived[number] = now;
    }
    const auto due = transport.feedback.next_timeout();
    if (due && *due <= now) transport.report(now, number);
  }
  transport.report(at(seconds(2000)), number);
  ASSERT_EQ(transport.told.size(), arrived.size());
  const Duration zero = arrived.begin()->second - Instant{} - transport.told.begin()->second;
  for (const auto& [seq, instant] : arrived) {
    ASSERT_TRUE(transport.told.contains(seq)) << seq;
    const Duration error = instant - Instant{} - zero - transport.told[seq];
    ASSERT_GE(error, Duration(0));
    ASSERT_LT(error, wire::kTransportCcTick);
  }
  EXPECT_NEAR(transport.packets, 200000 * 5 / 105, 100) << "about ten a second";
}

TEST(TransportFeedback, NumbersItsPackets) {
  Transport transport;
  for (int i = 0; i < 300; ++i) {
    transport.receive(i, at(i * milliseconds(200)));
    ASSERT_TRUE(transport.report(at(i * milliseconds(200) + milliseconds(100)), i));
    EXPECT_EQ(transport.views.at(0).number(), i % 256);
  }
}

TEST(TransportFeedback, ReportsALatePacketTogetherWithWhatCameSince) {
  Transport transport;
  transport.receive(1, at(milliseconds(0)));
  transport.receive(3, at(milliseconds(10)));
  transport.report(at(milliseconds(100)));
  transport.receive(2, at(milliseconds(150)));
  transport.receive(4, at(milliseconds(151)));
  transport.report(at(milliseconds(250)));
  ASSERT_EQ(transport.views.size(), 1U);
  EXPECT_EQ(transport.views[0].base(), SeqNum(2));
  EXPECT_EQ(transport.views[0].size(), 3U) << "2 came, 3 is not taken back, 4 came";
  EXPECT_EQ(transport.told.size(), 4U);
}

TEST(TransportFeedback, CountsANumberOnce) {
  Transport transport;
  transport.receive(1, at(milliseconds(0)));
  transport.receive(1, at(milliseconds(50)));
  transport.report(at(milliseconds(100)));
  EXPECT_EQ(transport.told.at(1), Duration(0)) << "when it came first";
  transport.receive(1, at(milliseconds(120)));
  EXPECT_FALSE(transport.feedback.next_timeout()) << "nothing new";
}

TEST(TransportFeedback, IsDueAtOnceWhereMuchIsWaiting) {
  Transport transport;
  for (int i = 0; i < TransportFeedback::kMostWaiting; ++i) transport.receive(i, at(Duration(i)));
  EXPECT_LE(*transport.feedback.next_timeout(), at(milliseconds(1)));
  EXPECT_TRUE(transport.report(at(milliseconds(1))));
  EXPECT_EQ(transport.told.size(), std::size_t{TransportFeedback::kMostWaiting});
}

TEST(TransportFeedback, BeginsAnewWhereTheNumbersJump) {
  Transport transport;
  transport.receive(1, at(milliseconds(0)));
  transport.receive(30000, at(milliseconds(1)));
  transport.receive(30002, at(milliseconds(2)));
  transport.report(at(milliseconds(100)), 30000);
  EXPECT_EQ(transport.views.at(0).base(), SeqNum(30000));
  EXPECT_EQ(transport.views.at(0).size(), 3U);
}

TEST(TransportFeedback, LeavesDueWhatDoesNotFit) {
  Transport transport;
  for (int i = 0; i < 300; ++i) transport.receive(i, at(i * milliseconds(1)));
  std::array<std::byte, 120> small{};
  int rounds = 0;
  std::size_t told = 0;
  while (transport.feedback.next_timeout()) {
    ASSERT_LT(++rounds, 10);
    wire::RtcpWriter writer(small);
    ASSERT_TRUE(transport.feedback.handle_timeout(at(seconds(1)), Ssrc(1), writer));
    auto view = wire::TransportCc::parse(
        *wire::Feedback::parse(*first_of(writer.written(), wire::RtcpType::Rtpfb)));
    while (view->next()) ++told;
  }
  EXPECT_EQ(told, 300U);
}

TEST(TransportFeedback, StaysBoundedWhateverTheNumbersAre) {
  Transport transport;
  std::mt19937 random(9);
  Instant now = at(Duration(0));
  for (int i = 0; i < 100000; ++i) {
    now += milliseconds(random() % 3);
    transport.receive(static_cast<int>(random() % (i % 2 == 0 ? 65536 : 3000)), now);
    if (transport.feedback.next_timeout() <= now) transport.report(now);
  }
  SUCCEED() << "no check failed, and the sanitizers saw nothing";
}

}  // namespace
}  // namespace causeway::rtp
