#include "relay/wire/rtcp_views.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "relay/wire/rtcp_writer.h"
#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

std::string text_of(Bytes octets) {
  std::string text;
  for (const std::byte octet : octets) text.push_back(std::to_integer<char>(octet));
  return text;
}

/// Keeps the octets of one packet alive beside its view.
struct OnePacket {
  explicit OnePacket(std::string_view text) : octets(hex(text)), packet(octets) {
    EXPECT_TRUE(check_rtcp_compound(octets));
  }
  std::vector<std::byte> octets;
  RtcpPacket packet;
};

TEST(SenderReport, ReadsSenderAndBlocks) {
  const OnePacket sr(
      "81c8000d 11111111 e0000001 80000000 00000064 00000005 00000320"
      "22222222 40fffffe 00010002 00000007 00018000 00010000 deadbeef");
  const auto report = SenderReport::parse(sr.packet);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender, (SenderInfo{Ssrc(0x11111111), NtpTime(0xe000000180000000U),
                                        RtpTimestamp(100), 5, 800}));
  EXPECT_EQ(compact_ntp(report->sender.ntp), 0x00018000U);
  ASSERT_EQ(report->blocks.size(), 1U);
  EXPECT_EQ(report->blocks[0],
            (ReportBlock{Ssrc(0x22222222), 0x40, -2, 0x10002, 7, 0x18000, 0x10000}));
  EXPECT_EQ(report->extension.size(), 4U);
  EXPECT_FALSE(ReceiverReport::parse(sr.packet));
}

TEST(SenderReport, RefusesMoreBlocksThanItHolds) {
  EXPECT_FALSE(SenderReport::parse(
      OnePacket("81c80006 11111111 e0000001 80000000 00000064 00000005 00000320").packet));
  EXPECT_FALSE(SenderReport::parse(OnePacket("80c80001 11111111").packet));
  EXPECT_FALSE(ReceiverReport::parse(OnePacket("81c90001 11111111").packet));
  EXPECT_FALSE(ReceiverReport::parse(OnePacket("80c90000").packet));
}

TEST(ReportBlock, HoldsCumulativeLossToTwentyFourBits) {
  for (const auto& [lost, held] : {std::pair{-9'000'000, -8'388'608},
                                   {-1, -1},
                                   {0, 0},
                                   {8'388'607, 8'388'607},
                                   {9'000'000, 8'388'607}}) {
    std::array<std::byte, ReportBlock::kOctets> octets{};
    ReportBlock{Ssrc(1), 255, lost}.write(octets);
    EXPECT_EQ(ReportBlock::read(octets).cumulative_lost, held);
    EXPECT_EQ(ReportBlock::read(octets).fraction_lost, 255);
  }
}

TEST(Sdes, WalksChunksAndItems) {
  // Two chunks: TOOL "x" and CNAME "ab" about one source, CNAME "c" about the other.
  const OnePacket packet("82ca0005 11111111 060178 01026162 00 22222222 010163 00 ");
  // chunk 1: ssrc, 3 + 4 octets of items, 1 null; chunk 2: ssrc, 3 octets, 1 null
  auto sdes = Sdes::parse(packet.packet);
  ASSERT_TRUE(sdes);
  const auto first = sdes->next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->ssrc, Ssrc(0x11111111));
  EXPECT_EQ(text_of(*first->find(SdesItemType::Cname)), "ab");
  EXPECT_EQ(text_of(*first->find(SdesItemType::Tool)), "x");
  EXPECT_FALSE(first->find(SdesItemType::Mid));
  const auto second = sdes->next();
  ASSERT_TRUE(second);
  EXPECT_EQ(text_of(*second->find(SdesItemType::Cname)), "c");
  EXPECT_FALSE(sdes->next());
}

TEST(Sdes, RefusesChunksThatDoNotEnd) {
  EXPECT_FALSE(Sdes::parse(OnePacket("81ca0002 11111111 01026162").packet));  // no null octet
  EXPECT_FALSE(Sdes::parse(OnePacket("81ca0002 11111111 01ff6100").packet));  // item past the end
  EXPECT_FALSE(Sdes::parse(OnePacket("82ca0002 11111111 01016100").packet));  // one chunk of two
  EXPECT_FALSE(Sdes::parse(OnePacket("81ca0001 11111111").packet));           // no room for a null
  EXPECT_TRUE(Sdes::parse(OnePacket("80ca0000").packet));
}

TEST(Bye, ReadsSourcesAndReason) {
  const OnePacket packet("82cb0003 11111111 22222222 03627965");
  const auto bye = Bye::parse(packet.packet);
  ASSERT_TRUE(bye);
  EXPECT_EQ(bye->size(), 2U);
  EXPECT_EQ(bye->ssrc(1), Ssrc(0x22222222));
  EXPECT_EQ(text_of(bye->reason), "bye");
  EXPECT_FALSE(Bye::parse(OnePacket("82cb0001 11111111").packet));
  EXPECT_FALSE(Bye::parse(OnePacket("81cb0002 11111111 04627965").packet));
}

TEST(App, ReadsNameAndData) {
  const OnePacket packet("85cc0003 11111111 6e616d65 01020304");
  const auto app = App::parse(packet.packet);
  ASSERT_TRUE(app);
  EXPECT_EQ(app->subtype, 5);
  EXPECT_EQ(text_of(app->name), "name");
  EXPECT_EQ(app->data.size(), 4U);
}

TEST(Feedback, ReadsNackAndFirAndLimits) {
  const OnePacket nack("81cd0003 11111111 22222222 fffe8001");
  const auto nacks = Nack::parse(*Feedback::parse(nack.packet));
  ASSERT_TRUE(nacks);
  ASSERT_EQ(nacks->size(), 1U);
  EXPECT_EQ((*nacks)[0], (NackEntry{SeqNum(0xfffe), 0x8001}));

  const OnePacket fir("84ce0004 11111111 00000000 33333333 07000000");
  const auto firs = Fir::parse(*Feedback::parse(fir.packet));
  ASSERT_TRUE(firs);
  EXPECT_EQ((*firs)[0], (FirEntry{Ssrc(0x33333333), 7}));

  // exponent 3, mantissa 1000, overhead 40
  const OnePacket tmmbr("83cd0004 11111111 00000000 33333333 0c07d028");
  const auto limits = Tmmbr::parse(*Feedback::parse(tmmbr.packet));
  ASSERT_TRUE(limits);
  EXPECT_EQ((*limits)[0], (BitrateLimit{Ssrc(0x33333333), 8000, 40}));
}

TEST(Feedback, RefusesEntriesThatAreNotWhole) {
  EXPECT_FALSE(Feedback::parse(OnePacket("81cd0001 11111111").packet));
  EXPECT_FALSE(Nack::parse(*Feedback::parse(OnePacket("81cd0002 11111111 22222222").packet)));
  EXPECT_FALSE(
      Fir::parse(*Feedback::parse(OnePacket("84ce0003 11111111 00000000 33333333").packet)));
  EXPECT_FALSE(
      Tmmbr::parse(*Feedback::parse(OnePacket("83cd0003 11111111 00000000 33333333").packet)));
}

TEST(Remb, ReadsBitrateAndSources) {
  // One source, exponent 2, mantissa 0x20000: 524,288 bit/s.
  const OnePacket packet("8fce0005 11111111 00000000 52454d42 010a0000 33333333");
  const auto remb = Remb::parse(*Feedback::parse(packet.packet));
  ASSERT_TRUE(remb);
  EXPECT_EQ(remb->bits_per_second, 524'288U);
  ASSERT_EQ(remb->size(), 1U);
  EXPECT_EQ(remb->ssrc(0), Ssrc(0x33333333));
}

TEST(Remb, HoldsTheLargestExponentToSixtyFourBits) {
  const OnePacket packet("8fce0004 11111111 00000000 52454d42 00ffffff");
  EXPECT_EQ(Remb::parse(*Feedback::parse(packet.packet))->bits_per_second, ~std::uint64_t{0});
  const OnePacket zero("8fce0004 11111111 00000000 52454d42 00fc0000");
  EXPECT_EQ(Remb::parse(*Feedback::parse(zero.packet))->bits_per_second, 0U);
}

TEST(Remb, IsNotMistakenForOtherApplicationFeedback) {
  EXPECT_FALSE(Remb::parse(
      *Feedback::parse(OnePacket("8fce0004 11111111 00000000 52454d41 00ffffff").packet)));
  EXPECT_FALSE(Remb::parse(*Feedback::parse(  // two sources promised, one there
      OnePacket("8fce0005 11111111 00000000 52454d42 020a0000 33333333").packet)));
}

TEST(Xr, WalksItsBlocks) {
  const OnePacket packet("80cf0005 11111111 04000002 e0000001 80000000 05000000");
  auto xr = Xr::parse(packet.packet);
  ASSERT_TRUE(xr);
  EXPECT_EQ(xr->ssrc(), Ssrc(0x11111111));
  const auto time = xr->next();
  ASSERT_TRUE(time);
  EXPECT_EQ(time->type, 4);
  EXPECT_EQ(time->body.size(), 8U);
  EXPECT_EQ(xr->next()->type, 5);
  EXPECT_FALSE(xr->next());
  EXPECT_FALSE(Xr::parse(OnePacket("80cf0002 11111111 04000001").packet));
}

// Every view over random bodies: it refuses, or what it answers lies inside (AddressSanitizer
// sees).
TEST(RtcpViews, NeverReadPastTheEndOfRandomPackets) {
  std::mt19937 random(3);
  for (int i = 0; i < 50000; ++i) {
    std::vector<std::byte> octets(4 * (1 + random() % 16));
    for (std::byte& octet : octets)
      octet = static_cast<std::byte>(random() % 3 == 0 ? 0 : random());
    octets[0] = static_cast<std::byte>(0x80U | (random() % 16));
    octets[1] = static_cast<std::byte>(200 + random() % 8);
    store_be16(&octets[2], static_cast<std::uint16_t>(octets.size() / 4 - 1));
    const RtcpPacket packet{octets};
    std::uint64_t sum = 0;
    if (const auto sr = SenderReport::parse(packet)) {
      for (std::size_t b = 0; b < sr->blocks.size(); ++b) sum += sr->blocks[b].jitter;
    }
    if (auto sdes = Sdes::parse(packet)) {
      unsigned chunks = 0;
      for (auto chunk = sdes->next(); chunk; chunk = sdes->next()) {
        ++chunks;
        if (const auto cname = chunk->find(SdesItemType::Cname)) sum += text_of(*cname).size();
      }
      EXPECT_EQ(chunks, packet.count());
    }
    if (const auto bye = Bye::parse(packet)) {
      for (std::size_t s = 0; s < bye->size(); ++s) sum += bye->ssrc(s).raw();
      sum += text_of(bye->reason).size();
    }
    if (auto xr = Xr::parse(packet)) {
      for (auto block = xr->next(); block; block = xr->next()) sum += text_of(block->body).size();
    }
    if (const auto feedback = Feedback::parse(packet)) {
      if (const auto nack = Nack::parse(*feedback)) sum += (*nack)[nack->size() - 1].mask;
      if (const auto fir = Fir::parse(*feedback)) sum += (*fir)[fir->size() - 1].number;
      if (const auto limits = Tmmbr::parse(*feedback)) {
        for (std::size_t l = 0; l < limits->size(); ++l) sum += (*limits)[l].overhead_octets;
      }
      if (const auto remb = Remb::parse(*feedback)) {
        for (std::size_t s = 0; s < remb->size(); ++s) sum += remb->ssrc(s).raw();
      }
    }
    volatile std::uint64_t kept = sum;
    (void)kept;
  }
}

}  // namespace
}  // namespace causeway::wire
