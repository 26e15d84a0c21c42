#include "relay/wire/rtcp_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

struct Written {
  std::array<std::byte, 1200> buffer{};
  RtcpWriter writer{buffer};

  Written() { buffer.fill(std::byte{0xee}); }  // so that what is not written shows
  [[nodiscard]] RtcpPacket packet() const {
    EXPECT_TRUE(check_rtcp_compound(writer.written()));
    return RtcpPacket(writer.written());
  }
};

TEST(RtcpWriter, WritesSenderReportsThatReadBack) {
  Written w;
  const SenderInfo sender{Ssrc(1), NtpTime(0x0102030405060708), RtpTimestamp(9), 10, 11};
  const std::array blocks = {ReportBlock{Ssrc(2), 3, -4, 5, 6, 7, 8}, ReportBlock{Ssrc(9)}};
  ASSERT_TRUE(w.writer.sender_report(sender, blocks));
  const auto report = SenderReport::parse(w.packet());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender, sender);
  ASSERT_EQ(report->blocks.size(), 2U);
  EXPECT_EQ(report->blocks[0], blocks[0]);
  EXPECT_EQ(report->blocks[1], blocks[1]);
  EXPECT_TRUE(report->extension.empty());
}

TEST(RtcpWriter, WritesTheOctetsOfAReceiverReport) {
  Written w;
  const std::array blocks = {ReportBlock{Ssrc(0x22222222), 0x40, -2, 0x10002, 7, 0x18000, 0x10000}};
  ASSERT_TRUE(w.writer.receiver_report(Ssrc(0x11111111), blocks));
  EXPECT_TRUE(std::ranges::equal(
      w.writer.written(),
      hex("81c90007 11111111 22222222 40fffffe 00010002 00000007 00018000 00010000")));
}

TEST(RtcpWriter, EndsEveryCnameWithANullOnAWholeWord) {
  for (std::size_t length = 0; length <= 255; ++length) {
    Written w;
    const std::string cname(length, 'x');
    ASSERT_TRUE(w.writer.sdes_cname(Ssrc(7), cname));
    auto sdes = Sdes::parse(w.packet());
    ASSERT_TRUE(sdes) << length;
    const auto chunk = sdes->next();
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->find(SdesItemType::Cname)->size(), length);
    EXPECT_EQ(w.writer.written().back(), std::byte{0});
  }
}

TEST(RtcpWriter, WritesByeWithAndWithoutReason) {
  Written w;
  const std::array sources = {Ssrc(1), Ssrc(2)};
  ASSERT_TRUE(w.writer.bye(sources, as_octets("gone")));
  const auto bye = Bye::parse(w.packet());
  ASSERT_TRUE(bye);
  EXPECT_EQ(bye->ssrc(1), Ssrc(2));
  EXPECT_TRUE(std::ranges::equal(bye->reason, as_octets("gone")));
  Written nobody;
  ASSERT_TRUE(nobody.writer.bye({}));
  EXPECT_TRUE(std::ranges::equal(nobody.writer.written(), hex("80cb0000")));
}

TEST(RtcpWriter, WritesFeedbackThatReadsBack) {
  {
    Written w;
    ASSERT_TRUE(w.writer.pli(Ssrc(1), Ssrc(2)));
    EXPECT_TRUE(std::ranges::equal(w.writer.written(), hex("81ce0002 00000001 00000002")));
  }
  {
    Written w;
    const std::array entries = {NackEntry{SeqNum(65535), 0x8001}, NackEntry{SeqNum(20), 0}};
    ASSERT_TRUE(w.writer.nack(Ssrc(1), Ssrc(2), entries));
    const auto nack = Nack::parse(*Feedback::parse(w.packet()));
    ASSERT_TRUE(nack);
    EXPECT_EQ((*nack)[0], entries[0]);
    EXPECT_EQ((*nack)[1], entries[1]);
  }
  {
    Written w;
    const std::array entries = {FirEntry{Ssrc(3), 200}};
    ASSERT_TRUE(w.writer.fir(Ssrc(1), entries));
    EXPECT_EQ((*Fir::parse(*Feedback::parse(w.packet())))[0], entries[0]);
  }
  {
    Written w;
    const std::array sources = {Ssrc(3), Ssrc(4)};
    ASSERT_TRUE(w.writer.remb(Ssrc(1), 1'500'000, sources));
    const auto remb = Remb::parse(*Feedback::parse(w.packet()));
    ASSERT_TRUE(remb);
    EXPECT_LE(remb->bits_per_second, 1'500'000U);
    EXPECT_GT(remb->bits_per_second, 1'499'990U);
    EXPECT_EQ(remb->ssrc(1), Ssrc(4));
  }
  {
    Written w;
    const std::array limits = {BitrateLimit{Ssrc(3), 8000, 40}};
    ASSERT_TRUE(w.writer.bitrate_limits(RtpfbType::Tmmbr, Ssrc(1), limits));
    EXPECT_EQ((*Tmmbr::parse(*Feedback::parse(w.packet())))[0], limits[0]);
  }
}

TEST(RtcpWriter, AddsNothingWhereAPacketDoesNotFit) {
  std::array<std::byte, 20> buffer{};
  RtcpWriter writer(buffer);
  EXPECT_TRUE(writer.receiver_report(Ssrc(1), {}));
  EXPECT_FALSE(writer.sdes_cname(Ssrc(1), "a@b.example"));
  EXPECT_EQ(writer.written().size(), 8U);
  EXPECT_TRUE(writer.pli(Ssrc(1), Ssrc(2)));
  EXPECT_EQ(writer.room(), 0U);
  EXPECT_FALSE(writer.bye({}));
  EXPECT_TRUE(check_rtcp_compound(writer.written()));
}

TEST(ScaleBitrate, RoundsDownByLessThanOneMantissaStep) {
  for (std::uint64_t rate = 1; rate < (std::uint64_t{1} << 62); rate = rate * 3 + 7) {
    const ScaledBitrate scaled = scale_bitrate(rate, 18);
    const std::uint64_t back = std::uint64_t{scaled.mantissa} << scaled.exponent;
    EXPECT_LT(scaled.mantissa, 1U << 18);
    EXPECT_LE(back, rate);
    EXPECT_LT(rate - back, std::uint64_t{1} << scaled.exponent);
  }
}

}  // namespace
}  // namespace causeway::wire
