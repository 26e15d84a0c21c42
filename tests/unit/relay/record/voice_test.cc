#include "relay/record/voice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int16_t kLoud = 32'124;

/// One PCMU source on a timeline of one second at 8 kHz.
class VoiceTest : public ::testing::Test {
 protected:
  /// 20 ms of loudness whose timestamp is `ticks`, to begin at `at`.
  bool play(std::int64_t ticks, Duration at, std::uint64_t run = 1, std::size_t samples = 160) {
    HeldPacket packet;
    packet.ticks = ticks;
    packet.run = run;
    packet.payload.assign(samples, std::byte{kMuLawClick});
    return voice_.play(packet, at, timeline_);
  }
  std::vector<std::int16_t> heard(std::int64_t until) {
    std::vector<std::int16_t> out;
    timeline_.take(until, false, out);
    return out;
  }

  std::vector<RecordedCodec> codecs_ = phone_codecs();
  PcmTimeline timeline_{1, 8192};
  Voice voice_{codecs_, 0, SampleRate{8000}, codecs::make_decoder};
};

TEST_F(VoiceTest, PutsSoundThatFollowsEndToEndInSpiteOfSmallErrors) {
  ASSERT_TRUE(play(0, 100ms));
  ASSERT_TRUE(play(160, 120ms + 200us));
  ASSERT_TRUE(play(320, 140ms - 200us));
  const auto pcm = heard(2000);
  EXPECT_EQ(std::count(pcm.begin(), pcm.end(), kLoud), 480);
  EXPECT_EQ(pcm[799], 0);
  EXPECT_EQ(pcm[800], kLoud);
  EXPECT_EQ(pcm[1279], kLoud);
  EXPECT_EQ(voice_.sound_end(), 160ms);
}

TEST_F(VoiceTest, StretchesAndSqueezesByOneSampleAPacket) {
  ASSERT_TRUE(play(0, 100ms));
  ASSERT_TRUE(play(160, 130ms));  // 10 ms late, though it follows
  EXPECT_EQ(voice_.sound_end(), 140ms + 125us);
  ASSERT_TRUE(play(320, 130ms));  // and now early
  EXPECT_EQ(voice_.sound_end(), 160ms);
}

TEST_F(VoiceTest, BeginsAnewExactlyAfterAGap) {
  ASSERT_TRUE(play(0, 100ms));
  ASSERT_TRUE(play(320, 141ms));
  const auto pcm = heard(2000);
  EXPECT_EQ(std::count(pcm.begin(), pcm.begin() + 960, kLoud), 160);
  EXPECT_EQ(pcm[1127], 0);
  EXPECT_EQ(pcm[1128], kLoud);
  EXPECT_EQ(pcm[1287], kLoud);
  EXPECT_EQ(pcm[1288], 0);
}

TEST_F(VoiceTest, BreaksOffSoundThatIsFarBehindItsPlace) {
  ASSERT_TRUE(play(0, 100ms));
  ASSERT_TRUE(play(160, 300ms));
  const auto pcm = heard(4000);
  EXPECT_EQ(pcm[2399], 0);
  EXPECT_EQ(pcm[2400], kLoud);
}

TEST_F(VoiceTest, LeavesOutWhatWouldCoverSoundThatIsWritten) {
  ASSERT_TRUE(play(0, 300ms, 1, 800));  // 100 ms
  ASSERT_TRUE(play(800, 300ms));        // belongs where the last one began
  EXPECT_EQ(voice_.missed_samples(), 160U);
  EXPECT_EQ(voice_.sound_end(), 400ms);
  ASSERT_TRUE(play(960, 319ms));  // 81 ms too early
  EXPECT_EQ(voice_.missed_samples(), 320U);
}

TEST_F(VoiceTest, SaysWhatItCannotDecode) {
  HeldPacket packet;
  packet.codec_slot = 77;
  packet.payload.assign(160, std::byte{0});
  EXPECT_FALSE(voice_.play(packet, 0s, timeline_));
  packet.codec_slot = 0;
  packet.payload.clear();
  EXPECT_FALSE(voice_.play(packet, 0s, timeline_));
  EXPECT_FALSE(voice_.sound_end());
}

TEST_F(VoiceTest, RefusesACodecThatCannotBeMadeOnceAndForAll) {
  static int attempts = 0;
  const MakeDecoder refuses =
      [](const codecs::CodecConfig&) -> Result<std::unique_ptr<codecs::Decoder>, Error> {
    ++attempts;
    return failure(Error{ErrorCode::InvalidArgument, "CODEC", "", "no"});
  };
  Voice voice(codecs_, 0, SampleRate{8000}, refuses);
  HeldPacket packet;
  packet.payload.assign(160, std::byte{0});
  EXPECT_FALSE(voice.play(packet, 0s, timeline_));
  EXPECT_FALSE(voice.play(packet, 20ms, timeline_));
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace causeway::record::test
