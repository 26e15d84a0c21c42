#include "relay/rtp/bundle_demux.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "relay/wire/header_extensions.h"
#include "tests/unit/relay/rtp/compounds.h"

namespace causeway::rtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint8_t kMidId = 4;
constexpr SectionIndex kAudio{0};
constexpr SectionIndex kCamera{1};
constexpr SectionIndex kScreen{2};
constexpr PayloadType kOpus{111};
constexpr PayloadType kVp8{96};
constexpr PayloadType kVp9{98};
constexpr Ssrc kSignalled{0xa11ce};

Instant at(Duration since) { return Instant(seconds(1000) + since); }

/// A bundle of audio (Opus), camera (VP8, VP9) and screen (VP8).
struct Bundle : testing::Test {
  BundleDemux demux{kMidId};
  PacketPool pool{4};
  CompoundUnderTest compound;
  Instant now = at(Duration(0));

  Bundle() { fill(demux, true); }

  static void fill(BundleDemux& into, bool has_signalled) {
    const std::array audio_types = {kOpus};
    const std::array camera_types = {kVp8, kVp9};
    const std::array screen_types = {kVp8};
    const std::array received = {kSignalled};
    EXPECT_TRUE(into.add({kAudio, "a", audio_types, {}}));
    EXPECT_TRUE(
        into.add({kCamera, "cam", camera_types,
                  has_signalled ? std::span<const Ssrc>(received) : std::span<const Ssrc>()}));
    EXPECT_TRUE(into.add({kScreen, "screen", screen_types, {}}));
  }

  Result<SectionIndex, DropReason> receive(Ssrc ssrc, PayloadType type, int seq,
                                           std::string_view mid = {}) {
    const std::array<std::byte, 4> payload{};
    auto packet =
        wire::OpenRtp::make(pool.take(), type, false, SeqNum(static_cast<std::uint16_t>(seq)),
                            RtpTimestamp(0), ssrc, payload);
    if (!mid.empty()) {
      const wire::ExtensionElement element{kMidId, as_octets(mid)};
      EXPECT_EQ(wire::edit_extension(packet, {nullptr, std::span(&element, 1)}),
                wire::ExtensionEditResult::Done);
    }
    return demux.route(packet, now);
  }
  /// What was written.
  void learn() {
    const wire::OpenRtcp open = compound.open();
    demux.learn(open.packets(), now);
    compound.writer = wire::RtcpWriter(scratch_);
  }
  void write_sdes(Ssrc ssrc, std::string_view mid) {
    // One chunk with one MID item, ended by zeros.
    std::vector<std::byte> octets(12 + (2 + mid.size() + 4) / 4 * 4 - 4);
    octets.resize(8 + (2 + mid.size() + 1 + 3) / 4 * 4);
    octets[0] = std::byte{0x81};
    octets[1] = std::byte{202};
    store_be16(&octets[2], static_cast<std::uint16_t>(octets.size() / 4 - 1));
    store_be32(&octets[4], ssrc.raw());
    octets[8] = std::byte{15};
    octets[9] = static_cast<std::byte>(mid.size());
    std::ranges::copy(as_octets(mid), octets.begin() + 10);
    EXPECT_TRUE(compound.writer.packet(octets));
  }

 private:
  std::array<std::byte, 1400> scratch_{};
};

// ---- RTP ----------------------------------------------------------------------------------------

TEST_F(Bundle, IsToldByTheMid) {
  EXPECT_EQ(receive(Ssrc(1), kVp8, 1, "screen"), kScreen);
  EXPECT_EQ(receive(Ssrc(2), kVp8, 1, "cam"), kCamera);
}

TEST_F(Bundle, LearnsTheStreamThatAMidHasTold) {
  EXPECT_EQ(receive(Ssrc(1), kVp8, 1).error(), DropReason::NoPath) << "of two sections";
  EXPECT_EQ(receive(Ssrc(1), kVp8, 2, "screen"), kScreen);
  EXPECT_EQ(receive(Ssrc(1), kVp8, 3), kScreen);
  EXPECT_EQ(demux.section_of(Ssrc(1), now), kScreen);
}

TEST_F(Bundle, FollowsAStreamThatMovesToAnotherMid) {
  EXPECT_EQ(receive(Ssrc(1), kVp8, 10, "screen"), kScreen);
  EXPECT_EQ(receive(Ssrc(1), kVp8, 20, "cam"), kCamera);
  EXPECT_EQ(receive(Ssrc(1), kVp8, 21), kCamera);
  EXPECT_EQ(receive(Ssrc(1), kVp8, 15, "screen"), kCamera) << "an overtaken packet moves nothing";
}

TEST_F(Bundle, DiscardsAMidThatNobodyHas) {
  EXPECT_EQ(receive(Ssrc(1), kOpus, 1, "other").error(), DropReason::NoPath)
      << "though its type is of one section only";
  EXPECT_EQ(receive(Ssrc(1), kOpus, 2).error(), DropReason::NoPath) << "and so is its stream";
  EXPECT_EQ(receive(Ssrc(1), kOpus, 3, "a"), kAudio);
}

TEST_F(Bundle, KnowsAnSsrcThatWasSignalled) { EXPECT_EQ(receive(kSignalled, kVp8, 1), kCamera); }

TEST_F(Bundle, BelievesTheMidMoreThanTheSignalledSsrc) {
  EXPECT_EQ(receive(kSignalled, kVp8, 1, "screen"), kScreen);
}

TEST_F(Bundle, RefusesATypeThatItsSectionDoesNotHave) {
  EXPECT_EQ(receive(kSignalled, kOpus, 1).error(), DropReason::UnknownPayloadType);
  EXPECT_EQ(receive(Ssrc(1), kVp9, 1, "screen").error(), DropReason::UnknownPayloadType);
}

TEST_F(Bundle, IsToldByATypeOfOneSectionOnlyAndLearnsItsStream) {
  EXPECT_EQ(receive(Ssrc(1), kVp9, 1), kCamera);
  EXPECT_EQ(receive(Ssrc(1), kVp8, 2), kCamera) << "a type of two sections, of a known stream";
  EXPECT_EQ(receive(Ssrc(1), kOpus, 3).error(), DropReason::UnknownPayloadType)
      << "a stream does not move by its type";
}

TEST_F(Bundle, DiscardsWhatNothingTells) {
  EXPECT_EQ(receive(Ssrc(1), kVp8, 1).error(), DropReason::NoPath);
  EXPECT_EQ(receive(Ssrc(1), PayloadType(5), 1).error(), DropReason::NoPath);
  EXPECT_FALSE(demux.section_of(Ssrc(1), now)) << "and learns nothing from it";
}

TEST_F(Bundle, ReadsNoMidWhereNoneWasNegotiated) {
  demux = BundleDemux();
  fill(demux, true);
  EXPECT_EQ(receive(Ssrc(1), kVp9, 1, "screen"), kCamera);
}

TEST_F(Bundle, ForgetsOnlyStreamsThatItLearned) {
  EXPECT_EQ(receive(Ssrc(5), kVp9, 1), kCamera);
  for (std::uint32_t i = 0; i < 100000; ++i) {
    now += milliseconds(1);
    ASSERT_EQ(receive(Ssrc(1000 + i), kVp9, 1), kCamera) << "an SSRC storm";
  }
  EXPECT_FALSE(demux.section_of(Ssrc(5), now)) << "the one silent longest made room";
  EXPECT_TRUE(demux.section_of(Ssrc(100999), now));
  EXPECT_EQ(receive(kSignalled, kVp8, 1), kCamera);
}

// ---- RTCP ---------------------------------------------------------------------------------------

TEST_F(Bundle, LearnsAStreamFromTheMidInItsSdes) {
  // The SR comes before the SDES that says whose it is.
  compound.writer.sender_report({Ssrc(7), NtpTime(1), RtpTimestamp(1), 1, 1}, {});
  write_sdes(Ssrc(7), "screen");
  learn();
  EXPECT_EQ(receive(Ssrc(7), kVp8, 1), kScreen);
}

TEST_F(Bundle, LearnsNothingFromAnSdesMidThatNobodyHas) {
  write_sdes(Ssrc(7), "other");
  learn();
  EXPECT_FALSE(demux.section_of(Ssrc(7), now));
}

TEST_F(Bundle, ForgetsAStreamAfterItsByeButNotItsStragglers) {
  EXPECT_EQ(receive(Ssrc(7), kVp8, 1, "screen"), kScreen);
  compound.writer.bye(std::array{Ssrc(7)});
  learn();
  now += milliseconds(500);
  EXPECT_EQ(receive(Ssrc(7), kVp8, 2), kScreen);
  now += seconds(2);
  EXPECT_FALSE(demux.section_of(Ssrc(7), now));
  EXPECT_EQ(receive(Ssrc(7), kVp8, 3).error(), DropReason::NoPath);
}

// ---- descriptions -------------------------------------------------------------------------------

TEST_F(Bundle, GoesOnWithWhatItLearnedThroughAnotherDescription) {
  EXPECT_EQ(receive(Ssrc(1), kVp8, 1, "screen"), kScreen);
  EXPECT_EQ(receive(Ssrc(2), kVp9, 1), kCamera);
  // The screen is now the second section, the camera is gone.
  BundleDemux next(kMidId);
  const std::array types = {kVp8};
  ASSERT_TRUE(next.add({SectionIndex(1), "screen", types, {}}));
  next.take_over(demux);
  demux = next;
  EXPECT_EQ(receive(Ssrc(1), kVp8, 2), SectionIndex(1));
  EXPECT_FALSE(demux.section_of(Ssrc(2), now));
  EXPECT_EQ(receive(Ssrc(2), kVp8, 2).error(), DropReason::NoPath) << "not the screen's";
  EXPECT_EQ(receive(Ssrc(3), kVp8, 1), SectionIndex(1));
}

TEST_F(Bundle, RefusesASectionThatIsTakenOrTooMuch) {
  const std::array types = {kVp8};
  EXPECT_FALSE(demux.add({SectionIndex(3), "cam", types, {}})) << "a MID twice";
  EXPECT_FALSE(demux.add({kCamera, "x", types, {}})) << "an index twice";
  EXPECT_FALSE(demux.add({SectionIndex(16), "x", types, {}}));
  const std::string long_mid(65, 'x');
  EXPECT_FALSE(demux.add({SectionIndex(3), long_mid, types, {}}));
  std::vector<Ssrc> many;
  for (std::uint32_t i = 0; i < 32; ++i) many.push_back(Ssrc(1000 + i));
  EXPECT_FALSE(demux.add({SectionIndex(3), "x", types, many})) << "one is signalled already";
  many.pop_back();
  EXPECT_TRUE(demux.add({SectionIndex(3), "x", types, many}));
}

}  // namespace
}  // namespace causeway::rtp
