#include "relay/rtp/retransmission.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "relay/srtp/srtp.h"
#include "tests/unit/relay/rtp/compounds.h"

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at(Duration since) { return Instant(seconds(1000) + since); }

/// A packet's octets, told by its number.
std::vector<std::byte> packet(int n, std::size_t octets = 1000) {
  std::vector<std::byte> made(octets, static_cast<std::byte>(n));
  made[0] = static_cast<std::byte>(n >> 8);
  return made;
}

SeqNum seq(int n) { return SeqNum(static_cast<std::uint16_t>(n)); }

struct Stream : testing::Test {
  RetransmissionBuffer buffer;
  void send(int n, Instant now, std::size_t octets = 1000) {
    buffer.put(seq(n), packet(n, octets), now);
  }
  /// Sends `count` packets a millisecond apart, the last of them just before `until`.
  void send_many(int first, int count, Instant from) {
    for (int i = 0; i < count; ++i) send(first + i, from + i * milliseconds(1));
  }
};

TEST_F(Stream, IsRepeatedOctetForOctet) {
  send_many(65500, 100, at(Duration(0)));
  for (const int n : {65500, 65535, 65536, 65599}) {
    const auto again = buffer.repeat(seq(n), at(milliseconds(150)));
    ASSERT_TRUE(again);
    EXPECT_TRUE(std::ranges::equal(*again, packet(n)));
  }
  EXPECT_EQ(buffer.counters().repeated, 4U);
}

TEST_F(Stream, IsHeldForItsLastPacketsOnly) {
  send_many(0, 200, at(Duration(0)));
  EXPECT_FALSE(buffer.holds(seq(71), at(milliseconds(200))));
  EXPECT_TRUE(buffer.holds(seq(72), at(milliseconds(200))));
  EXPECT_TRUE(buffer.holds(seq(199), at(milliseconds(200))));
  EXPECT_FALSE(buffer.holds(seq(200), at(milliseconds(200)))) << "not sent yet";
  EXPECT_FALSE(buffer.repeat(seq(71), at(milliseconds(200))));
}

TEST_F(Stream, IsHeldForASecondOnly) {
  send_many(0, 10, at(Duration(0)));
  EXPECT_TRUE(buffer.holds(seq(9), at(milliseconds(1008))));
  EXPECT_FALSE(buffer.holds(seq(9), at(milliseconds(1009))));
  EXPECT_FALSE(buffer.repeat(seq(9), at(milliseconds(1009))));
}

TEST_F(Stream, RepeatsAPacketThreeTimesAndNotTwiceAtOnce) {
  send_many(0, 100, at(Duration(0)));
  int repeats = 0;
  for (int i = 0; i < 100; ++i) {
    repeats += buffer.repeat(seq(50), at(milliseconds(100 + i))) ? 1 : 0;
    if (i < 10) {
      EXPECT_EQ(repeats, 1) << "a request that crossed with its answer";
    }
  }
  EXPECT_EQ(repeats, 3);
  EXPECT_TRUE(buffer.holds(seq(50), at(milliseconds(200)))) << "and the NACK still does not cross";
  EXPECT_EQ(buffer.counters().refused, 97U);
}

TEST_F(Stream, GrowsByHalfAtMostWhateverIsAskedFor) {
  std::mt19937 random(1);
  std::size_t sent = 0;
  std::size_t repeated = 0;
  Instant now = at(Duration(0));
  for (int n = 0; n < 5000; ++n) {
    const std::size_t octets = 50 + random() % 1150;
    now += milliseconds(2);
    send(n, now, octets);
    sent += octets;
    // A flood: everything there is, with each packet.
    for (int back = 0; back < 200; ++back) {
      if (const auto again = buffer.repeat(seq(n - back), now)) repeated += again->size();
    }
  }
  EXPECT_LE(repeated, sent / RetransmissionBuffer::kShare);
  EXPECT_GE(repeated, sent / RetransmissionBuffer::kShare - 2 * 1280) << "what is earned is given";
}

TEST_F(Stream, SavesNoMoreThanABurst) {
  send_many(0, 10000, at(Duration(0)));
  std::size_t repeated = 0;
  for (int n = 9872; n < 10000; ++n) {
    if (const auto again = buffer.repeat(seq(n), at(seconds(10)))) repeated += again->size();
  }
  EXPECT_LE(repeated, RetransmissionBuffer::kMostSaved);
  EXPECT_EQ(repeated, 65000U);
}

TEST_F(Stream, DoesNotKeepWhatIsTooLarge) {
  send(1, at(Duration(0)), 1280);
  send(2, at(Duration(0)), 1281);
  EXPECT_TRUE(buffer.holds(seq(1), at(Duration(0))));
  EXPECT_FALSE(buffer.holds(seq(2), at(Duration(0))));
  EXPECT_EQ(buffer.counters().too_large, 1U);
}

TEST_F(Stream, KeepsTheNewerOfTwoThatShareAPlace) {
  send(200, at(Duration(0)));
  send(200 - 128, at(milliseconds(1)));
  EXPECT_TRUE(buffer.holds(seq(200), at(milliseconds(2))));
  EXPECT_FALSE(buffer.holds(seq(72), at(milliseconds(2))));
  send(72, at(seconds(2)));
  EXPECT_TRUE(buffer.holds(seq(72), at(seconds(2)))) << "unless that is old";
}

TEST_F(Stream, ForgetsAllWhenItGoesOnUnderAnotherSsrc) {
  send_many(0, 10, at(Duration(0)));
  buffer.clear();
  for (int n = 0; n < 10; ++n) EXPECT_FALSE(buffer.holds(seq(n), at(milliseconds(10))));
}

// ---- under SRTP ---------------------------------------------------------------------------------

wire::SrtpKeys keys_of(wire::SrtpSuite suite) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  const std::vector<std::byte> key(facts.key, std::byte{1});
  const std::vector<std::byte> salt(facts.salt, std::byte{2});
  wire::SrtpKeys keys{.suite = suite, .keys = {}};
  keys.keys.push_back({SecretKey(key), SecretKey(salt), {}});
  return keys;
}

TEST(SealedStream, IsRepeatedAsItWasSealedAndNeverSealedAnew) {
  for (const auto suite : {wire::SrtpSuite::AesCm128HmacSha1_80, wire::SrtpSuite::AeadAes128Gcm}) {
    PacketPool pool(8);
    auto sender = *srtp::SrtpSender::create(keys_of(suite), {});
    auto receiver = *srtp::SrtpReceiver::create(keys_of(suite), {});
    RetransmissionBuffer buffer;
    const auto make = [&](int n, std::uint8_t fill) {
      const std::vector<std::byte> payload(500, std::byte{fill});
      return wire::OpenRtp::make(pool.take(), PayloadType(96), false, seq(n), RtpTimestamp(0),
                                 Ssrc(9), payload);
    };
    const auto open = [&](Bytes octets) {
      PacketBuf packet = pool.take();
      packet.resize(octets.size());
      std::ranges::copy(octets, packet.data().begin());
      return receiver->open(*wire::SealedRtp::parse(std::move(packet)), at(Duration(0)));
    };
    for (int n = 100; n < 110; ++n) {
      const auto sealed = sender->seal(make(n, 5));
      ASSERT_TRUE(sealed);
      buffer.put(seq(n), sealed->data(), at(Duration(0)));
      const bool is_lost = n == 104;
      ASSERT_TRUE(is_lost || open(sealed->data()));
    }
    EXPECT_EQ(sender->seal(make(104, 6)).error(), DropReason::Replayed)
        << "other octets under the same index would be";
    const auto again = buffer.repeat(seq(104), at(milliseconds(50)));
    ASSERT_TRUE(again);
    const auto opened = open(*again);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->seq(), seq(104));
    EXPECT_EQ(open(*again).error(), DropReason::Replayed) << "and once is enough";
  }
}

TEST(Nack, AsksForSeventeenNumbersInFourOctets) {
  CompoundUnderTest compound;
  ASSERT_TRUE(compound.writer.nack(
      Ssrc(1), Ssrc(2),
      std::array{wire::NackEntry{seq(65530), 0x8001}, wire::NackEntry{seq(7), 0}}));
  const wire::OpenRtcp open = compound.open();
  const auto nack = wire::Nack::parse(*wire::Feedback::parse(*open.packets().begin()));
  std::vector<int> numbers;
  for_each_lost(*nack, [&](SeqNum number) { numbers.push_back(number.raw()); });
  EXPECT_EQ(numbers, (std::vector<int>{65530, 65531, 10, 7}));
}

}  // namespace
}  // namespace causeway::rtp
