#include "relay/wire/transport_cc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Feedback feedback_of(Bytes fci) {
  return {RtcpType::Rtpfb, static_cast<std::uint8_t>(RtpfbType::TransportCc), Ssrc(1), Ssrc(2),
          fci};
}

std::vector<TransportArrival> arrivals_of(TransportCc feedback) {
  std::vector<TransportArrival> arrivals;
  for (auto arrival = feedback.next(); arrival; arrival = feedback.next()) {
    arrivals.push_back(*arrival);
  }
  return arrivals;
}

TransportArrival arrival(int seq, Duration at) {
  return {SeqNum(static_cast<std::uint16_t>(seq)), at};
}

/// Writes all of `arrivals` and reads them back; as many packets as it takes.
struct Exchange {
  std::array<std::byte, 1400> octets{};
  RtcpWriter writer{octets};
  std::size_t taken = 0;

  std::vector<TransportCc> send(SeqNum base, std::span<const TransportArrival> arrivals) {
    taken = write_transport_cc(writer, {Ssrc(1), Ssrc(2), base, 7}, arrivals);
    std::vector<TransportCc> read;
    const auto compound = check_rtcp_compound(writer.written());
    EXPECT_TRUE(compound);
    for (const RtcpPacket packet : *compound) {
      const auto feedback = Feedback::parse(packet);
      EXPECT_TRUE(feedback && feedback->sender == Ssrc(1) && feedback->media == Ssrc(2));
      const auto view = TransportCc::parse(*feedback);
      EXPECT_TRUE(view);
      if (view) read.push_back(*view);
    }
    return read;
  }
};

// ---- reading ------------------------------------------------------------------------------------

TEST(TransportCc, ReadsARunOfSmallDeltas) {
  // Base 5, four packets, reference 2 (128 ms), number 9; run of 4; deltas 0, 4, 8, 255.
  const auto fci = hex("0005 0004 000002 09 2004 000408ff 0000");
  const auto view = TransportCc::parse(feedback_of(fci));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->base(), SeqNum(5));
  EXPECT_EQ(view->size(), 4U);
  EXPECT_EQ(view->number(), 9);
  const std::vector<TransportArrival> expected = {
      arrival(5, milliseconds(128)), arrival(6, milliseconds(129)), arrival(7, milliseconds(131)),
      arrival(8, milliseconds(131) + 255 * kTransportCcTick)};
  EXPECT_EQ(arrivals_of(*view), expected);
}

TEST(TransportCc, ReadsVectorsOfOneAndTwoBits) {
  // 1-bit: 10100000000000 (14), then 2-bit: 00 10 01 (rest beyond the count is not read).
  const auto fci = hex("ffff 0011 000000 00 a800 c900 01 02 fff6 03 0000 00");
  const auto view = TransportCc::parse(feedback_of(fci));
  ASSERT_TRUE(view);
  const std::vector<TransportArrival> expected = {
      arrival(0xffff, microseconds(250)), arrival(1, microseconds(750)),
      arrival(14, microseconds(-1750)), arrival(15, microseconds(-1000))};
  EXPECT_EQ(arrivals_of(*view), expected) << "a large delta may go back";
}

TEST(TransportCc, ReadsANegativeReferenceTime) {
  const auto fci = hex("0000 0001 ffffff 00 2001 04 00");
  EXPECT_EQ(arrivals_of(*TransportCc::parse(feedback_of(fci))).at(0).at, milliseconds(-63));
}

TEST(TransportCc, RefusesWhatDoesNotFitIn) {
  const auto parses = [](std::string_view text) {
    const auto fci = hex(text);
    return TransportCc::parse(feedback_of(fci)).has_value();
  };
  EXPECT_TRUE(parses("0000 0001 000000 00 2001 04 00"));
  EXPECT_FALSE(parses("0000 0001 000000 00")) << "no chunk";
  EXPECT_FALSE(parses("0000 0001 0000")) << "half a header";
  EXPECT_FALSE(parses("0000 0000 000000 00 2001 04 00")) << "about nothing";
  EXPECT_FALSE(parses("0000 0002 000000 00 2001 04 00")) << "too few chunks: padding is none";
  EXPECT_FALSE(parses("0000 0003 000000 00 2003 04 00")) << "too few deltas";
  EXPECT_FALSE(parses("0000 0001 000000 00 6001 0400")) << "a reserved symbol";
  EXPECT_FALSE(parses("0000 0001 000000 00 f000 0400")) << "and in a vector";
}

TEST(TransportCc, IsReadByItsOctetsAndNotByTheCountItClaims) {
  // Chunks of empty runs, then 8 runs of 8191 missing: 65528 numbers in 30 octets.
  const auto fci = hex("0000 fff8 000000 00 0000 2000 1fff 1fff 1fff 1fff 1fff 1fff 1fff 1fff");
  const auto view = TransportCc::parse(feedback_of(fci));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->size(), 65528U);
  EXPECT_TRUE(arrivals_of(*view).empty());
}

TEST(TransportCc, NeverReadsPastTheEndOfRandomOctets) {
  std::mt19937 random(5);
  for (int round = 0; round < 50000; ++round) {
    std::vector<std::byte> fci(random() % 60);
    for (std::byte& octet : fci) octet = static_cast<std::byte>(random());
    if (fci.size() > 3 && random() % 2 == 0) fci[2] = std::byte{0};
    const auto view = TransportCc::parse(feedback_of(fci));
    if (!view) continue;
    EXPECT_LE(arrivals_of(*view).size(), view->size());
  }
}

// ---- writing ------------------------------------------------------------------------------------

TEST(TransportCc, WritesARunWhereAllCameInTime) {
  std::vector<TransportArrival> arrivals;
  for (int i = 0; i < 100; ++i) arrivals.push_back(arrival(65500 + i, milliseconds(1000 + 10 * i)));
  Exchange exchange;
  const auto read = exchange.send(SeqNum(65500), arrivals);
  EXPECT_EQ(exchange.taken, 100U);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(arrivals_of(read[0]), arrivals);
  EXPECT_EQ(exchange.writer.written().size(), 12 + 8 + 2 + 100 + 2U) << "one chunk, padded";
}

TEST(TransportCc, SaysWhatIsMissingBeforeTheFirstArrivalAndBetween) {
  const std::vector<TransportArrival> arrivals = {arrival(103, milliseconds(64)),
                                                  arrival(20000, milliseconds(70)),
                                                  arrival(20001, milliseconds(65))};
  Exchange exchange;
  const auto read = exchange.send(SeqNum(100), arrivals);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].size(), 19902U);
  EXPECT_EQ(arrivals_of(read[0]), arrivals);
}

TEST(TransportCc, RoundsDownWithoutAddingUpItsRounding) {
  std::vector<TransportArrival> arrivals;
  for (int i = 0; i < 1000; ++i) arrivals.push_back(arrival(i, microseconds(1249) * i));
  Exchange exchange;
  const auto read = exchange.send(SeqNum(0), arrivals);
  ASSERT_EQ(read.size(), 1U);
  const auto back = arrivals_of(read[0]);
  ASSERT_EQ(back.size(), arrivals.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    EXPECT_LE(back[i].at, arrivals[i].at);
    EXPECT_LT(arrivals[i].at - back[i].at, kTransportCcTick);
  }
}

TEST(TransportCc, LeavesForAnotherPacketWhatIsTooFarApart) {
  const std::vector<TransportArrival> arrivals = {arrival(1, seconds(1)), arrival(2, seconds(2)),
                                                  arrival(3, seconds(11))};
  Exchange exchange;
  const auto read = exchange.send(SeqNum(1), arrivals);
  EXPECT_EQ(exchange.taken, 2U);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].size(), 2U);
}

TEST(TransportCc, WritesAsMuchAsThereIsRoomFor) {
  std::vector<TransportArrival> arrivals;
  for (int i = 0; i < 200; ++i) arrivals.push_back(arrival(2 * i, milliseconds(i)));
  std::array<std::byte, 100> octets{};
  std::size_t done = 0;
  int packets = 0;
  while (done < arrivals.size()) {
    RtcpWriter writer(octets);
    const SeqNum base = done == 0 ? SeqNum(0) : arrivals[done - 1].seq.plus(1);
    const std::size_t taken =
        write_transport_cc(writer, {Ssrc(1), Ssrc(2), base, 0}, std::span(arrivals).subspan(done));
    ASSERT_NE(taken, 0U);
    done += taken;
    ++packets;
  }
  EXPECT_EQ(packets, 4);
  std::array<std::byte, 20> tiny{};
  RtcpWriter writer(tiny);
  EXPECT_EQ(write_transport_cc(writer, {Ssrc(1), Ssrc(2), SeqNum(0), 0}, arrivals), 0U);
  EXPECT_TRUE(writer.empty());
}

TEST(TransportCc, ReadsBackWhateverItWrites) {
  std::mt19937 engine(11);
  const auto random = [&] { return static_cast<unsigned>(engine()); };
  for (int round = 0; round < 5000; ++round) {
    const SeqNum base(static_cast<std::uint16_t>(random()));
    std::vector<TransportArrival> arrivals;
    int place = static_cast<int>(random() % 20);
    std::int64_t ticks = random() % 100000;
    const unsigned loss = random() % 4;
    const unsigned chaos = random() % 30;
    for (unsigned i = 0; i < 1 + random() % 400; ++i) {
      arrivals.push_back({base.plus(place), ticks * kTransportCcTick});
      place +=
          1 + (random() % 10 < loss ? static_cast<int>(random() % (loss == 3 ? 200U : 3U)) : 0);
      ticks += random() % 30 < chaos ? static_cast<int>(random() % 3000) - 1000
                                     : static_cast<int>(random() % 200);
    }
    std::size_t done = 0;
    while (done < arrivals.size()) {
      Exchange exchange;
      const SeqNum from = done == 0 ? base : arrivals[done - 1].seq.plus(1);
      const auto read = exchange.send(from, std::span(arrivals).subspan(done));
      ASSERT_EQ(read.size(), 1U);
      const auto back = arrivals_of(read[0]);
      ASSERT_EQ(back.size(), exchange.taken);
      ASSERT_TRUE(std::equal(back.begin(), back.end(), arrivals.begin() + static_cast<long>(done)));
      done += exchange.taken;
    }
  }
}

}  // namespace
}  // namespace causeway::wire
