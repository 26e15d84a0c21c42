#include "relay/rtp/rtcp_translator.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "relay/rtp/continuity.h"
#include "relay/wire/transport_cc.h"
#include "tests/unit/relay/rtp/compounds.h"

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::RtcpType;

constexpr RtpClockRate k8k{8000};
constexpr Ssrc kAlice{0xa11ce};      // the sender, as it calls itself
constexpr Ssrc kAliceOut{0x1a11ce};  // the sender, as Bob's leg is told
constexpr Ssrc kBob{0xb0b};          // the receiver, as it calls itself
constexpr Ssrc kReporter{0x4ef};     // us, on Alice's leg: Bob sends nothing

/// Alice's stream on its way to Bob, and the RTCP of both.
struct Bridge {
  OutputStream output{kAliceOut, SeqNum(65000), RtpTimestamp(777), k8k};
  Reception reception{kAlice};
  ForwardedReports reports;
  CompoundUnderTest compound;
  std::array<std::byte, 1400> out{};
  Translation result;
  std::optional<std::uint64_t> estimate;
  std::optional<std::uint64_t> sent_rate;
  bool passes_transport_cc = false;
  RetransmissionBuffer* kept = nullptr;

  /// Packet `n` of Alice (or of another source) reaches the relay; what goes on to Bob.
  Placed forward(int n, Instant now, Ssrc source = kAlice) {
    const SeqNum seq(static_cast<std::uint16_t>(n));
    const RtpTimestamp timestamp(static_cast<std::uint32_t>(n) * 160U);
    if (reception.ssrc() != source) reception = Reception(source);
    reception.on_packet(seq, timestamp, now, k8k, 172);
    return *output.map({source, seq, timestamp, now, k8k});
  }
  [[nodiscard]] ForwardedStream stream() { return {*output.mapping(), &reception, &reports, kept}; }

  Bytes from_alice(Instant now) {
    const std::array sent = {stream()};
    const RtcpRoute route{.sent = sent,
                          .received = {},
                          .reporter = kReporter,
                          .cname = "bobs-leg",
                          .estimate_bits_per_second = estimate};
    result = RtcpTranslator::translate(compound.open(), now, route, out);
    return Bytes(out).first(result.octets);
  }
  Bytes from_bob(Instant now) {
    const std::array received = {stream()};
    const RtcpRoute route{.sent = {},
                          .received = received,
                          .reporter = kReporter,
                          .cname = "alices-leg",
                          .estimate_bits_per_second = estimate,
                          .sent_bits_per_second = sent_rate,
                          .passes_transport_cc = passes_transport_cc};
    result = RtcpTranslator::translate(compound.open(), now, route, out);
    return Bytes(out).first(result.octets);
  }
  /// Bob's report with one block, translated back to Alice.
  std::optional<wire::ReportBlock> report_back(const wire::ReportBlock& block, Instant now) {
    compound.writer = wire::RtcpWriter(scratch_);
    EXPECT_TRUE(compound.writer.receiver_report(kBob, std::array{block}));
    const auto packets = packets_of(from_bob(now));
    if (packets.empty()) return std::nullopt;
    const auto report = wire::ReceiverReport::parse(packets[0]);
    EXPECT_TRUE(report);
    EXPECT_EQ(report->ssrc, kReporter);
    return report->blocks.size() == 0 ? std::nullopt : std::optional(report->blocks[0]);
  }

 private:
  std::array<std::byte, 1400> scratch_{};
};

Instant at(Duration since) { return Instant(seconds(1000) + since); }

// ---- what the sender learns -------------------------------------------------------------------

// Bob counts the numbers that the relay gives him. Beside him an oracle counts Alice's own numbers,
// as Bob would if there were no relay: the sender must be told exactly what the oracle says.
void expect_truth(double loss_before, double loss_behind, bool reorders, unsigned seed) {
  std::mt19937 random(seed);
  const auto is_lost = [&](double rate) {
    return static_cast<double>(random()) < rate * 4294967296.0;
  };
  Bridge bridge;
  Reception bob(kAliceOut);
  Reception oracle(kAlice);
  std::vector<std::pair<Placed, int>> held;  // overtaken by the next packet
  int reports = 0;
  for (int n = 65400; n < 65400 + 5000; ++n) {
    const Instant now = at((n - 65400) * milliseconds(20));
    std::vector<std::pair<Placed, int>> arriving;
    if (n == 65400 || !is_lost(loss_before)) {
      const Placed placed = bridge.forward(n, now);
      if (n == 65400 || !is_lost(loss_behind)) arriving.emplace_back(placed, n);
    }
    if (reorders && random() % 20 == 0) {
      held.insert(held.end(), arriving.begin(), arriving.end());
      arriving.clear();
    } else {
      arriving.insert(arriving.end(), held.begin(), held.end());
      held.clear();
    }
    for (const auto& [placed, number] : arriving) {
      bob.on_packet(placed.seq, placed.timestamp, now + milliseconds(30), k8k, 172);
      oracle.on_packet(SeqNum(static_cast<std::uint16_t>(number)),
                       RtpTimestamp(static_cast<std::uint32_t>(number) * 160U),
                       now + milliseconds(30), k8k, 172);
    }
    if (n % 250 != 0 || !bob.has_news()) continue;
    ++reports;
    const wire::ReportBlock truth = oracle.take_report(now);
    const auto told = bridge.report_back(bob.take_report(now), now + milliseconds(60));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->ssrc, kAlice);
    EXPECT_EQ(told->extended_highest_seq, truth.extended_highest_seq) << "cycles are Alice's";
    EXPECT_EQ(told->cumulative_lost, truth.cumulative_lost);
    EXPECT_EQ(told->fraction_lost, truth.fraction_lost);
    EXPECT_EQ(told->jitter, truth.jitter);
  }
  EXPECT_GE(reports, 19);
}

TEST(RtcpTranslator, TellsTheSenderOfLossBeforeTheRelay) { expect_truth(0.1, 0, false, 1); }
TEST(RtcpTranslator, TellsTheSenderOfLossBehindTheRelay) { expect_truth(0, 0.1, false, 2); }
TEST(RtcpTranslator, TellsTheSenderOfNoLossWhereThereIsNone) { expect_truth(0, 0, false, 3); }
TEST(RtcpTranslator, AddsLossOnBothHopsWithoutCountingTwice) {
  for (unsigned seed = 10; seed < 20; ++seed) expect_truth(0.07, 0.12, false, seed);
}
TEST(RtcpTranslator, AddsLossOnBothHopsUnderReordering) {
  for (unsigned seed = 20; seed < 30; ++seed) expect_truth(0.05, 0.05, true, seed);
}

TEST(RtcpTranslator, DoesNotLetTheFarEndHideLossBeforeTheRelay) {
  Bridge bridge;
  for (int n = 0; n < 100; ++n) bridge.forward(n, at(n * milliseconds(20)));
  const SeqNum newest = bridge.output.last_seq();
  wire::ReportBlock block{kAliceOut, 0, 0, newest.raw(), 5};
  EXPECT_EQ(bridge.report_back(block, at(seconds(2)))->cumulative_lost, 0);
  for (int n = 125; n < 200; ++n) bridge.forward(n, at(n * milliseconds(20)));
  block.extended_highest_seq = bridge.output.last_seq().raw();
  const auto told = bridge.report_back(block, at(seconds(4)));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->cumulative_lost, 25);
  EXPECT_EQ(told->fraction_lost, 25 * 256 / 100);
  // A lossy burst after the number that Bob reports is not part of this report.
  for (int n = 300; n < 310; ++n) bridge.forward(n, at(n * milliseconds(20)));
  EXPECT_EQ(bridge.report_back(block, at(seconds(6)))->cumulative_lost, 25);
}

TEST(RtcpTranslator, DoesNotBlameANewSourceForTheLossOfTheOneBefore) {
  Bridge bridge;
  for (int n = 0; n < 100; ++n) bridge.forward(n, at(n * milliseconds(20)));
  ASSERT_TRUE(
      bridge.report_back({kAliceOut, 100, 40, bridge.output.last_seq().raw(), 0}, at(seconds(2))));
  const Ssrc carol{0xca401};
  for (int n = 5000; n < 5100; ++n) {
    bridge.forward(n, at(seconds(2) + (n - 5000) * milliseconds(20)), carol);
  }
  const auto told =
      bridge.report_back({kAliceOut, 12, 43, bridge.output.last_seq().raw(), 0}, at(seconds(4)));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ssrc, carol);
  EXPECT_EQ(told->cumulative_lost, 3);
  EXPECT_EQ(told->extended_highest_seq, 5099U);
}

TEST(RtcpTranslator, BeginsAnewWhereItsPlaceIsGivenToAnotherStream) {
  Bridge bridge;
  for (int n = 0; n < 100; ++n) bridge.forward(n, at(n * milliseconds(20)));
  ASSERT_TRUE(
      bridge.report_back({kAliceOut, 100, 40, bridge.output.last_seq().raw(), 0}, at(seconds(2))));
  const Ssrc other{0x0777};
  bridge.output = OutputStream(other, SeqNum(1), RtpTimestamp(1), k8k);
  bridge.forward(100, at(seconds(2)));
  EXPECT_EQ(bridge.report_back({other, 0, 3, 1, 0}, at(seconds(3)))->cumulative_lost, 3);
}

TEST(RtcpTranslator, LeavesOutABlockThatIsStillAboutTheSourceBefore) {
  Bridge bridge;
  for (int n = 0; n < 100; ++n) bridge.forward(n, at(n * milliseconds(20)));
  const SeqNum last_of_alice = bridge.output.last_seq();
  bridge.forward(5000, at(seconds(2)), Ssrc(0xca401));
  EXPECT_FALSE(bridge.report_back({kAliceOut, 0, 0, last_of_alice.raw(), 0}, at(seconds(2))));
}

TEST(RtcpTranslator, SurvivesAnyBlock) {
  std::mt19937 random(4);
  Bridge bridge;
  for (int i = 0; i < 5000; ++i) {
    bridge.forward(i, at(i * milliseconds(20)));
    const wire::ReportBlock block{
        kAliceOut,
        static_cast<std::uint8_t>(random()),
        static_cast<std::int32_t>(random()) >> 8,
        random() % 2 == 0 ? static_cast<std::uint32_t>(random()) : bridge.output.last_seq().raw(),
        static_cast<std::uint32_t>(random()),
        static_cast<std::uint32_t>(random()),
        static_cast<std::uint32_t>(random())};
    (void)bridge.report_back(block, at(i * milliseconds(20)));
  }
}

// ---- round trip -------------------------------------------------------------------------------

TEST(RtcpTranslator, LetsTheSenderMeasureTheRoundTripOfBothHops) {
  Bridge bridge;
  const Duration first_hop = milliseconds(35);
  const Duration second_hop = milliseconds(55);
  Sender alice(kAlice, WallClock(seconds(1'600'000'000)));  // a clock of her own
  alice.on_sent(RtpTimestamp(0), at({}), k8k, 160);
  bridge.forward(0, at(first_hop));
  const wire::SenderInfo info = alice.make_report(at(seconds(1)));
  ASSERT_TRUE(bridge.compound.writer.sender_report(info, {}));
  const Bytes at_bob = bridge.from_alice(at(seconds(1) + first_hop));
  const auto passed = wire::SenderReport::parse(packets_of(at_bob)[0]);
  ASSERT_TRUE(passed);

  Reception bob(kAliceOut);
  bob.on_packet(SeqNum(65000), RtpTimestamp(777), at(first_hop + second_hop), k8k, 172);
  bob.on_sender_report(passed->sender, at(seconds(1) + first_hop + second_hop));
  const wire::ReportBlock block = bob.take_report(at(seconds(3)));
  const auto told = bridge.report_back(block, at(seconds(3) + second_hop));
  ASSERT_TRUE(told);
  alice.on_report_block(*told, at(seconds(3) + second_hop + first_hop));
  ASSERT_TRUE(alice.far_report()->round_trips.count != 0);
  EXPECT_LE(std::abs((alice.far_report()->round_trips.last - 2 * (first_hop + second_hop)).count()),
            32'000);
  // And the relay knows the hop behind it.
  ASSERT_TRUE(bridge.reports.far_report()->round_trips.count != 0);
  EXPECT_LE(std::abs((bridge.reports.far_report()->round_trips.last - 2 * second_hop).count()),
            32'000);
}

TEST(RtcpTranslator, ZeroesAReferenceToAReportThatItDidNotPassOn) {
  Bridge bridge;
  bridge.forward(0, at({}));
  const auto told = bridge.report_back(
      {kAliceOut, 0, 0, bridge.output.last_seq().raw(), 0, 0x12345678, 65536}, at(seconds(1)));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->last_sr, 0U);
  EXPECT_EQ(told->delay_since_last_sr, 0U);
}

// ---- what crosses -----------------------------------------------------------------------------

TEST(RtcpTranslator, MapsASenderReport) {
  Bridge bridge;
  bridge.forward(10, at({}));
  const wire::SenderInfo info{kAlice, NtpTime(0x0102030405060708), RtpTimestamp(1600 + 80), 11,
                              1760};
  ASSERT_TRUE(bridge.compound.writer.sender_report(info, {}) &&
              bridge.compound.writer.sdes_cname(kAlice, "alice@her-laptop"));
  const Bytes out = bridge.from_alice(at(seconds(1)));
  ASSERT_EQ(types_of(out), (std::vector{RtcpType::Sr, RtcpType::Sdes}));
  const wire::SenderInfo passed = wire::SenderReport::parse(packets_of(out)[0])->sender;
  EXPECT_EQ(passed, (wire::SenderInfo{kAliceOut, info.ntp, RtpTimestamp(777 + 80), 11, 1760}));
  const auto chunk = wire::Sdes::parse(packets_of(out)[1])->next();
  EXPECT_EQ(chunk->ssrc, kAliceOut);
  EXPECT_TRUE(std::ranges::equal(*chunk->find(wire::SdesItemType::Cname), as_octets("bobs-leg")));
  EXPECT_EQ(bridge.reception.last_sender_report()->info, info);
}

TEST(RtcpTranslator, KeepsThePersonBehindTheCnameToItself) {
  Bridge bridge;
  bridge.forward(10, at({}));
  ASSERT_TRUE(bridge.compound.writer.receiver_report(kAlice, {}) &&
              bridge.compound.writer.sdes_cname(kAlice, "alice@192.0.2.7"));
  const Bytes out = bridge.from_alice(at(seconds(1)));
  for (const Bytes secret : {as_octets("alice"), as_octets("192.0.2.7")}) {
    EXPECT_EQ(std::search(out.begin(), out.end(), secret.begin(), secret.end()), out.end());
  }
}

TEST(RtcpTranslator, NamesASourceOnceHoweverOftenItIsNamed) {
  Bridge bridge;
  bridge.forward(1, at(seconds(0)));
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(bridge.compound.writer.sdes_cname(i % 2 == 0 ? kAlice : kBob, ""));
  }
  const Bytes out = bridge.from_alice(at(seconds(1)));
  EXPECT_EQ(types_of(out), (std::vector{RtcpType::Sdes, RtcpType::Sdes}));
  EXPECT_LT(out.size(), bridge.compound.writer.written().size());
}

TEST(RtcpTranslator, TurnsAReportOfASourceWithoutAStreamIntoOneOfTheReporter) {
  Bridge bridge;
  bridge.forward(10, at({}));
  ASSERT_TRUE(bridge.compound.writer.sender_report({Ssrc(404), NtpTime(1), {}, 1, 1}, {}));
  const Bytes out = bridge.from_alice(at(seconds(1)));
  ASSERT_EQ(types_of(out), (std::vector{RtcpType::Rr}));
  EXPECT_EQ(wire::ReceiverReport::parse(packets_of(out)[0])->ssrc, kReporter);
}

TEST(RtcpTranslator, LeavesOutBlocksAboutStrangers) {
  Bridge bridge;
  bridge.forward(10, at({}));
  EXPECT_FALSE(bridge.report_back({Ssrc(404), 1, 1, 1, 1}, at(seconds(1))));
}

TEST(RtcpTranslator, PassesAByeAndTellsOfIt) {
  Bridge bridge;
  bridge.forward(10, at({}));
  ASSERT_TRUE(bridge.compound.writer.receiver_report(kAlice, {}) &&
              bridge.compound.writer.bye(std::array{Ssrc(404), kAlice}, as_octets("gone")));
  const Bytes out = bridge.from_alice(at(seconds(1)));
  EXPECT_TRUE(bridge.result.has_bye);
  const auto bye = wire::Bye::parse(*first_of(out, RtcpType::Bye));
  ASSERT_EQ(bye->size(), 1U);
  EXPECT_EQ(bye->ssrc(0), kAliceOut);
}

TEST(RtcpTranslator, MapsNackedNumbersBack) {
  Bridge bridge;
  for (int n = 0; n < 40; ++n) bridge.forward(n, at(n * milliseconds(20)));
  // 65000 + 30 and, by its mask, 31 and 46.
  const std::array entries = {wire::NackEntry{SeqNum(65030), 0x8001}};
  ASSERT_TRUE(bridge.compound.writer.nack(kBob, kAliceOut, entries));
  const Bytes out = bridge.from_bob(at(seconds(1)));
  ASSERT_EQ(types_of(out), (std::vector{RtcpType::Rtpfb})) << "reduced size stays so";
  const auto feedback = wire::Feedback::parse(packets_of(out)[0]);
  EXPECT_EQ(feedback->sender, kReporter);
  EXPECT_EQ(feedback->media, kAlice);
  EXPECT_EQ((*wire::Nack::parse(*feedback))[0], (wire::NackEntry{SeqNum(30), 0x8001}));
}

TEST(RtcpTranslator, LeavesOutNackedNumbersFromBeforeTheOffsets) {
  Bridge bridge;
  for (int n = 0; n < 10; ++n) bridge.forward(n, at(n * milliseconds(20)));
  for (int n = 500; n < 510; ++n) bridge.forward(n, at(n * milliseconds(20)), Ssrc(0xca401));
  // 65007 of Alice; by the mask 65008 of hers, 65010 (500), 65012 (502) of Carol.
  const std::array entries = {wire::NackEntry{SeqNum(65007), 0b10101},
                              wire::NackEntry{SeqNum(65001), 1}};
  ASSERT_TRUE(bridge.compound.writer.nack(kBob, kAliceOut, entries));
  const auto nack =
      wire::Nack::parse(*wire::Feedback::parse(packets_of(bridge.from_bob(at(seconds(11))))[0]));
  ASSERT_TRUE(nack);
  ASSERT_EQ(nack->size(), 1U);
  EXPECT_EQ((*nack)[0], (wire::NackEntry{SeqNum(500), 0b10}));
}

TEST(RtcpTranslator, LeavesOutNackedNumbersThatAreAnsweredFromHere) {
  Bridge bridge;
  RetransmissionBuffer kept;
  bridge.kept = &kept;
  for (int n = 0; n < 40; ++n) {
    const Placed placed = bridge.forward(n, at(n * milliseconds(20)));
    const std::array<std::byte, 40> octets{};
    if (n == 30 || n == 32) kept.put(placed.seq, octets, at(n * milliseconds(20)));
  }
  // 65030 and 65032 are here; 65031, 65033 and, in an entry of its own, 65035 are not.
  std::array<std::byte, 200> scratch{};
  const auto crossed = [&](std::initializer_list<wire::NackEntry> entries) {
    bridge.compound.writer = wire::RtcpWriter(scratch);
    EXPECT_TRUE(bridge.compound.writer.nack(kBob, kAliceOut, {entries.begin(), entries.size()}));
    return bridge.from_bob(at(seconds(1)));
  };
  const Bytes some = crossed({{SeqNum(65030), 0b111}, {SeqNum(65035), 0}});
  const auto nack = wire::Nack::parse(*wire::Feedback::parse(packets_of(some).at(0)));
  ASSERT_TRUE(nack);
  ASSERT_EQ(nack->size(), 2U);
  EXPECT_EQ((*nack)[0], (wire::NackEntry{SeqNum(31), 0b10}));
  EXPECT_EQ((*nack)[1], (wire::NackEntry{SeqNum(35), 0}));
  EXPECT_TRUE(crossed({{SeqNum(65030), 0b10}}).empty()) << "nothing is left to be asked for";
  EXPECT_EQ(bridge.result.dropped, 0U) << "and nothing was thrown away";
}

TEST(RtcpTranslator, PassesTransportWideFeedbackWhereItsNumbersPass) {
  Bridge bridge;
  bridge.forward(0, at(seconds(0)));
  const std::array arrivals = {wire::TransportArrival{SeqNum(500), milliseconds(64)},
                               wire::TransportArrival{SeqNum(502), milliseconds(70)}};
  std::array<std::byte, 200> scratch{};
  const auto write = [&](Ssrc media) {
    bridge.compound.writer = wire::RtcpWriter(scratch);
    EXPECT_EQ(
        wire::write_transport_cc(bridge.compound.writer, {kBob, media, SeqNum(499), 3}, arrivals),
        2U);
  };
  write(kAliceOut);
  EXPECT_TRUE(bridge.from_bob(at(seconds(1))).empty()) << "not negotiated on both legs";
  EXPECT_EQ(bridge.result.dropped, 1U);
  bridge.passes_transport_cc = true;
  for (const Ssrc media : {kAliceOut, Ssrc(0)}) {
    write(media);
    const auto feedback = wire::Feedback::parse(packets_of(bridge.from_bob(at(seconds(1)))).at(0));
    ASSERT_TRUE(feedback);
    EXPECT_EQ(feedback->sender, kReporter);
    EXPECT_EQ(feedback->media, kAlice) << "it is about the transport, whichever stream it names";
    auto view = wire::TransportCc::parse(*feedback);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->base(), SeqNum(499));
    EXPECT_EQ(view->number(), 3);
    EXPECT_EQ(view->next(), arrivals[0]);
    EXPECT_EQ(view->next(), arrivals[1]);
  }
}

TEST(RtcpTranslator, RefusesTransportWideFeedbackThatLies) {
  Bridge bridge;
  bridge.forward(0, at(seconds(0)));
  bridge.passes_transport_cc = true;
  const std::array<std::byte, 12> fci{std::byte{0}, std::byte{0}, std::byte{0xff}};
  ASSERT_TRUE(bridge.compound.writer.feedback(
      {RtcpType::Rtpfb, static_cast<std::uint8_t>(wire::RtpfbType::TransportCc), kBob, kAliceOut,
       fci}));
  EXPECT_TRUE(bridge.from_bob(at(seconds(1))).empty());
  EXPECT_EQ(bridge.result.malformed, 1U);
}

TEST(RtcpTranslator, MapsPictureRequests) {
  Bridge bridge;
  bridge.forward(10, at({}));
  ASSERT_TRUE(bridge.compound.writer.receiver_report(kBob, {}) &&
              bridge.compound.writer.pli(kBob, kAliceOut) &&
              bridge.compound.writer.fir(
                  kBob, std::array{wire::FirEntry{Ssrc(404), 1}, wire::FirEntry{kAliceOut, 7}}));
  const Bytes out = bridge.from_bob(at(seconds(1)));
  EXPECT_TRUE(bridge.result.wants_picture);
  ASSERT_EQ(types_of(out), (std::vector{RtcpType::Rr, RtcpType::Psfb, RtcpType::Psfb}));
  EXPECT_EQ(wire::Feedback::parse(packets_of(out)[1])->media, kAlice);
  const auto fir = wire::Fir::parse(*wire::Feedback::parse(packets_of(out)[2]));
  ASSERT_EQ(fir->size(), 1U);
  EXPECT_EQ((*fir)[0], (wire::FirEntry{kAlice, 7}));
}

TEST(RtcpTranslator, TellsTheSenderTheLesserEstimate) {
  for (const auto& [own, told] : {std::pair{1'000'000, 500'000}, {200'000, 200'000}}) {
    Bridge bridge;
    bridge.estimate = own;
    bridge.forward(10, at({}));
    ASSERT_TRUE(
        bridge.compound.writer.remb(kBob, 500'000, std::array{kAliceOut, Ssrc(404)}) &&
        bridge.compound.writer.bitrate_limits(
            wire::RtpfbType::Tmmbr, kBob, std::array{wire::BitrateLimit{kAliceOut, 500'000, 40}}));
    const Bytes out = bridge.from_bob(at(seconds(1)));
    const auto remb = wire::Remb::parse(*wire::Feedback::parse(*first_of(out, RtcpType::Psfb)));
    ASSERT_TRUE(remb);
    EXPECT_EQ(remb->bits_per_second, static_cast<std::uint64_t>(told));
    ASSERT_EQ(remb->size(), 1U);
    EXPECT_EQ(remb->ssrc(0), kAlice);
    const auto limits = wire::Tmmbr::parse(*wire::Feedback::parse(*first_of(out, RtcpType::Rtpfb)));
    ASSERT_TRUE(limits);
    EXPECT_EQ((*limits)[0].ssrc, kAlice);
    EXPECT_NEAR(static_cast<double>((*limits)[0].bits_per_second), told, told / 1000.0);
  }
}

// What a receiver estimates of a still picture is no more than that it is still.
TEST(RtcpTranslator, AnEstimateThatIsNotUsedHoldsNobodyBelowTheLeast) {
  constexpr auto kLeast = RtcpTranslator::kLeastEstimate;
  struct Case {
    std::optional<std::uint64_t> sent;
    std::uint8_t lost;
    std::uint64_t estimate;
    std::uint64_t told;
  };
  for (const Case& each : {
           Case{10'000, 0, 25'000, kLeast},        // held down by what is sent
           Case{0, 0, 25'000, kLeast},             // nothing was sent yet
           Case{10'000, 20, 25'000, kLeast},       // some loss is no congestion
           Case{10'000, 26, 25'000, 25'000},       // more than a tenth is
           Case{100'000, 0, 90'000, 90'000},       // less than is sent: the way is narrow
           Case{100'000, 0, 120'000, 120'000},     // as much as is used
           Case{10'000, 0, 2'000'000, 2'000'000},  // more than the least anyway
           Case{std::nullopt, 0, 25'000, 25'000},  // it is not known what is sent
       }) {
    Bridge bridge;
    bridge.sent_rate = each.sent;
    const Placed placed = bridge.forward(10, at({}));
    wire::ReportBlock block;
    block.ssrc = kAliceOut;
    block.extended_highest_seq = placed.seq.raw();
    block.fraction_lost = each.lost;
    ASSERT_TRUE(bridge.compound.writer.receiver_report(kBob, std::array{block}) &&
                bridge.compound.writer.remb(kBob, each.estimate, std::array{kAliceOut}));
    const Bytes out = bridge.from_bob(at(seconds(1)));
    const auto remb = wire::Remb::parse(*wire::Feedback::parse(*first_of(out, RtcpType::Psfb)));
    ASSERT_TRUE(remb);
    EXPECT_NEAR(static_cast<double>(remb->bits_per_second), static_cast<double>(each.told),
                static_cast<double>(each.told) / 1000.0);
  }
}

TEST(RtcpTranslator, TheLeastIsHeldToOurOwnEstimateToo) {
  Bridge bridge;
  bridge.sent_rate = 10'000;
  bridge.estimate = 200'000;
  bridge.forward(10, at({}));
  ASSERT_TRUE(bridge.compound.writer.remb(kBob, 25'000, std::array{kAliceOut}));
  const Bytes out = bridge.from_bob(at(seconds(1)));
  const auto remb = wire::Remb::parse(*wire::Feedback::parse(*first_of(out, RtcpType::Psfb)));
  EXPECT_EQ(remb->bits_per_second, 200'000U);
}

TEST(RtcpTranslator, DropsAndCountsWhatItCannotMap) {
  Bridge bridge;
  bridge.forward(10, at({}));
  const wire::Feedback transport_cc{RtcpType::Rtpfb, 15, kBob, kAliceOut, {}};
  const wire::Feedback unknown{RtcpType::Psfb, 9, kBob, kAliceOut, {}};
  const std::array app = {std::byte{0x80}, std::byte{204}, std::byte{0},   std::byte{2},
                          std::byte{0},    std::byte{0},   std::byte{0},   std::byte{1},
                          std::byte{'a'},  std::byte{'b'}, std::byte{'c'}, std::byte{'d'}};
  ASSERT_TRUE(bridge.compound.writer.feedback(transport_cc) &&
              bridge.compound.writer.feedback(unknown) && bridge.compound.writer.packet(app) &&
              bridge.compound.writer.pli(kBob, Ssrc(404)));
  EXPECT_TRUE(bridge.from_bob(at(seconds(1))).empty());
  EXPECT_EQ(bridge.result.dropped, 4U);
  EXPECT_EQ(bridge.result.malformed, 0U);
}

TEST(RtcpTranslator, StillBeginsWithAReportWhenTheSendersReportLied) {
  Bridge bridge;
  bridge.forward(10, at({}));
  const std::array lying = {std::byte{0x85}, std::byte{201}, std::byte{0}, std::byte{1},
                            std::byte{0},    std::byte{0},   std::byte{0}, std::byte{1}};
  ASSERT_TRUE(bridge.compound.writer.packet(lying) && bridge.compound.writer.pli(kBob, kAliceOut));
  EXPECT_EQ(types_of(bridge.from_bob(at(seconds(1)))), (std::vector{RtcpType::Rr, RtcpType::Psfb}));
  EXPECT_EQ(bridge.result.malformed, 1U);
}

TEST(RtcpTranslator, MapsWhatAnEndpointSaysAboutBothItsDirectionsAtOnce) {
  Bridge there;  // Alice to Bob
  Bridge back;   // Bob to Alice
  back.output = OutputStream(Ssrc(0x1b0b), SeqNum(9), RtpTimestamp(9), k8k);
  back.reception = Reception(kBob);
  there.forward(10, at({}));
  for (int n = 70; n < 80; ++n) back.forward(n, at(n * milliseconds(20)), kBob);
  // Alice's SR, with a block about Bob's stream as she knows it.
  const std::array blocks = {
      wire::ReportBlock{Ssrc(0x1b0b), 3, 1, back.output.last_seq().raw(), 2}};
  ASSERT_TRUE(
      there.compound.writer.sender_report({kAlice, NtpTime(1), RtpTimestamp(1600), 1, 1}, blocks));
  const std::array sent = {there.stream()};
  const std::array received = {back.stream()};
  const RtcpRoute route{.sent = sent, .received = received, .reporter = kReporter, .cname = "b"};
  const auto result =
      RtcpTranslator::translate(there.compound.open(), at(seconds(2)), route, there.out);
  const auto report =
      wire::SenderReport::parse(packets_of(Bytes(there.out).first(result.octets))[0]);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->sender.ssrc, kAliceOut);
  ASSERT_EQ(report->blocks.size(), 1U);
  EXPECT_EQ(report->blocks[0].ssrc, kBob);
  EXPECT_EQ(report->blocks[0].extended_highest_seq, 79U);
}

// ---- a far end that says nothing --------------------------------------------------------------

TEST(RtcpTranslator, AnswersTheSenderItselfWhereTheFarEndIsSilent) {
  Bridge bridge;
  const auto answer = [&](Instant now) {
    const std::array sent = {bridge.stream()};
    return Bytes(bridge.out)
        .first(RtcpTranslator::answer_sender(now, sent, kReporter, "alices-leg", bridge.out));
  };
  for (int n = 0; n < 100; ++n) bridge.forward(n, at(n * milliseconds(20)));
  EXPECT_TRUE(answer(at(seconds(2))).empty()) << "the far end has its time";
  bridge.forward(149, at(seconds(3)));
  bridge.reception.on_sender_report({kAlice, NtpTime(0x0000000500000000), {}, 1, 1},
                                    at(seconds(11)));
  const Bytes out = answer(at(seconds(12)));
  ASSERT_EQ(types_of(out), (std::vector{RtcpType::Rr, RtcpType::Sdes}));
  const auto block = wire::ReceiverReport::parse(packets_of(out)[0])->blocks[0];
  EXPECT_EQ(block.ssrc, kAlice);
  EXPECT_EQ(block.cumulative_lost, 49);
  EXPECT_EQ(block.last_sr, 0x50000U);
  EXPECT_EQ(block.delay_since_last_sr, 65536U);
  EXPECT_TRUE(answer(at(seconds(13))).empty()) << "spaced, and nothing new came";
}

TEST(RtcpTranslator, LeavesTheAnswerToAFarEndThatSpeaks) {
  Bridge bridge;
  for (int n = 0; n < 1500; ++n) {
    const Instant now = at(n * milliseconds(20));
    bridge.forward(n, now);
    if (n % 250 == 100) {
      ASSERT_TRUE(bridge.report_back({kAliceOut, 0, 0, bridge.output.last_seq().raw(), 0}, now));
    }
    const std::array sent = {bridge.stream()};
    EXPECT_EQ(RtcpTranslator::answer_sender(now, sent, kReporter, "a", bridge.out), 0U);
  }
}

// ---- hostile input ----------------------------------------------------------------------------

TEST(RtcpTranslator, WritesWellFramedCompoundsWhateverComes) {
  std::mt19937 random(9);
  Bridge bridge;
  for (int n = 0; n < 50; ++n) bridge.forward(n, at(n * milliseconds(20)));
  const std::array ssrcs = {kAlice.raw(), kAliceOut.raw(), kBob.raw(), 0U};
  int written = 0;
  for (int i = 0; i < 30000; ++i) {
    std::vector<std::byte> octets;
    const auto packets = 1 + random() % 4;
    for (std::size_t p = 0; p < packets; ++p) {
      std::vector<std::byte> packet(4 * (1 + random() % 12));
      for (std::byte& octet : packet)
        octet = static_cast<std::byte>(random() % 4 == 0 ? random() : 0);
      packet[0] = static_cast<std::byte>(0x80U | (random() % 17));
      packet[1] = static_cast<std::byte>(200 + random() % 9);
      store_be16(&packet[2], static_cast<std::uint16_t>(packet.size() / 4 - 1));
      for (std::size_t at_word = 4; at_word < packet.size(); at_word += 4) {
        if (random() % 2 == 0) store_be32(&packet[at_word], ssrcs[random() % ssrcs.size()]);
      }
      octets.insert(octets.end(), packet.begin(), packet.end());
    }
    if (octets.size() < 8) continue;
    bridge.compound.writer = wire::RtcpWriter(bridge.out);
    CompoundUnderTest compound;
    ASSERT_TRUE(compound.writer.packet(octets));
    const std::array streams = {bridge.stream()};
    const RtcpRoute route{.sent = streams,
                          .received = streams,
                          .reporter = kReporter,
                          .cname = "x",
                          .estimate_bits_per_second = 1000};
    std::vector<std::byte> out(random() % 200);
    const auto result = RtcpTranslator::translate(compound.open(), at(seconds(1)), route, out);
    ASSERT_LE(result.octets, out.size());
    if (result.octets == 0) continue;
    ++written;
    EXPECT_TRUE(wire::check_rtcp_compound(Bytes(out).first(result.octets)));
  }
  EXPECT_GT(written, 2000);
}

}  // namespace
}  // namespace causeway::rtp
