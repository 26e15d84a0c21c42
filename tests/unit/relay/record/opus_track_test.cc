#include "relay/record/opus_track.h"

#include <gtest/gtest.h>

#include <chrono>

#include "codecs/opus_framing.h"
#include "tests/unit/relay/record/ogg.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

RecordingSpec ogg_spec(std::uint8_t channels = 1) {
  RecordingSpec spec = wav_spec(1);
  spec.container = Container::OggOpus;
  spec.path = "s/r.opus";
  spec.channels[0].codecs = phone_codecs();
  spec.channels[0].codecs.push_back(opus_codec());
  spec.channels[0].codecs.back().codec.channels = channels;
  return spec;
}

std::int64_t samples_of(const std::vector<std::byte>& packet) {
  return static_cast<std::int64_t>(
      codecs::OpusPacket::parse(packet).value().samples_at(SampleRate{48'000}));
}

/// The audio packets of a file, and where each begins in samples of 48 kHz.
struct Audio {
  std::vector<std::vector<std::byte>> packets;
  std::vector<std::int64_t> begins;
  std::int64_t end = 0;
};

/// Reads the file strictly: head, tags, serial, numbers, and every granule the sum of what was.
Audio read_audio(const std::vector<std::byte>& file) {
  const auto pages = parse_ogg(file);
  EXPECT_TRUE(pages);
  Audio audio;
  if (!pages || pages->size() < 2) return audio;
  EXPECT_EQ((*pages)[0].flags, OggPage::kBeginOfStream);
  EXPECT_EQ((*pages)[0].packets.size(), 1U);
  EXPECT_EQ((*pages)[1].packets.size(), 1U);
  for (std::size_t i = 0; i < pages->size(); ++i) {
    const ParsedPage& page = (*pages)[i];
    EXPECT_EQ(page.number, i);
    EXPECT_EQ(page.serial, 1U);
    EXPECT_EQ((page.flags & OggPage::kEndOfStream) != 0 && i + 1 < pages->size(), false);
    for (const auto& packet : page.packets) {
      if (i < 2) continue;
      audio.packets.push_back(packet);
      audio.begins.push_back(audio.end);
      audio.end += samples_of(packet);
    }
    EXPECT_EQ(page.granule, audio.end);
  }
  return audio;
}

/// A CELT packet of 20 ms that cannot be mistaken for another.
std::vector<std::byte> celt(int number) {
  return {std::byte{0xf8}, std::byte{0x11}, static_cast<std::byte>(number & 0xff),
          static_cast<std::byte>(number >> 8)};
}

void send(Rig& rig, int from, int until, Duration delay = {}) {
  for (int n = from; n < until; ++n) {
    rig.packet(0, delay + n * 20ms, kOpus, SeqNum(static_cast<std::uint16_t>(n)),
               RtpTimestamp(static_cast<std::uint32_t>(n) * 960), Ssrc{1}, celt(n));
    rig.advance(delay + n * 20ms);
  }
}

TEST(OpusTrack, BeginsWithHeadAndTagsOfRfc7845) {
  Rig rig(ogg_spec(2));
  const auto pages = parse_ogg(rig.file.octets);
  ASSERT_TRUE(pages);
  ASSERT_EQ(pages->size(), 2U);
  const auto& head = (*pages)[0].packets.at(0);
  ASSERT_EQ(head.size(), 19U);
  EXPECT_EQ(load_le(head, 0, 8), 0x646165487375704fU);  // "OpusHead"
  EXPECT_EQ(load_le(head, 8, 1), 1U);
  EXPECT_EQ(load_le(head, 9, 1), 2U);
  EXPECT_EQ(load_le(head, 10, 2), 312U);
  EXPECT_EQ(load_le(head, 12, 4), 48'000U);
  EXPECT_EQ(load_le(head, 16, 3), 0U);
  const auto& tags = (*pages)[1].packets.at(0);
  EXPECT_EQ(load_le(tags, 0, 8), 0x736761547375704fU);  // "OpusTags"
  EXPECT_EQ(load_le(tags, 8, 4) + 16, tags.size());
}

TEST(OpusTrack, KeepsEveryPacketAsItCame) {
  Rig rig(ogg_spec());
  send(rig, 0, 200);
  rig.finish(4s);
  const Audio audio = read_audio(rig.file.octets);
  ASSERT_EQ(audio.packets.size(), 200U);
  for (int n = 0; n < 200; ++n) EXPECT_EQ(audio.packets[static_cast<std::size_t>(n)], celt(n));
  EXPECT_EQ(audio.end, 4 * 48'000);
  EXPECT_EQ(parse_ogg(rig.file.octets)->back().flags, OggPage::kEndOfStream);
}

TEST(OpusTrack, KeepsTheOrderOfTimeWhereASourceComesBack) {
  Rig rig(ogg_spec());
  const auto say = [&rig](int n, Ssrc ssrc, int seq) {
    rig.packet(0, n * 20ms, kOpus, SeqNum(static_cast<std::uint16_t>(seq)),
               RtpTimestamp(static_cast<std::uint32_t>(n) * 960), ssrc, celt(n));
    rig.advance(n * 20ms);
  };
  // The second source has two packets in the midst of a step of the file.
  for (int n = 0; n < 50; ++n) {
    const bool is_second = n == 21 || n == 22;
    say(n, Ssrc{is_second ? 2U : 1U}, is_second || n < 21 ? n : n - 2);
  }
  rig.finish(1s);
  const Audio audio = read_audio(rig.file.octets);
  ASSERT_EQ(audio.packets.size(), 50U);
  for (int n = 0; n < 50; ++n) EXPECT_EQ(audio.packets[static_cast<std::size_t>(n)], celt(n));
}

TEST(OpusTrack, FillsALateStartAndALossSoThatWhatFollowsIsInItsPlace) {
  Rig rig(ogg_spec());
  send(rig, 0, 50, 3217ms);
  send(rig, 70, 150, 3217ms);
  rig.finish(3217ms + 3s);
  const Audio audio = read_audio(rig.file.octets);
  int found = 0;
  for (std::size_t i = 0; i < audio.packets.size(); ++i) {
    const auto& packet = audio.packets[i];
    if (packet.size() == 1) continue;  // TOC only
    const int n = std::to_integer<int>(packet[2]) | std::to_integer<int>(packet[3]) << 8;
    const Duration place(audio.begins[i] * 1'000'000 / 48);
    // To the nearest 2.5 ms, which is all that Opus frames can do.
    EXPECT_LE(std::abs((place - 3217ms - n * 20ms).count()), 1'250'000) << n;
    ++found;
  }
  EXPECT_EQ(found, 130);
}

TEST(OpusTrack, FillsWithPacketsLikeTheOneBefore) {
  // TOC of SILK narrow band 20 ms, SILK medium band 60 ms, hybrid full band 20 ms, stereo CELT.
  struct Case {
    std::uint8_t toc;
    std::uint8_t full_gap;   // 20 ms
    std::uint8_t half_gap;   // 10 ms
    std::uint8_t short_gap;  // 2.5 ms
  };
  for (const Case& test : {Case{0x08, 0x08, 0x00, 0x80}, Case{0x38, 0x28, 0x20, 0xa0},
                           Case{0x78, 0x78, 0x70, 0xe0}, Case{0xfc, 0xfc, 0xf4, 0xe4}}) {
    OpusTrack track(1, 1, "test");
    std::vector<FileWrite> writes;
    track.begin(writes);
    HeldPacket packet;
    packet.run = 1;
    packet.payload = {std::byte{test.toc}, std::byte{1}, std::byte{2}, std::byte{3}};
    const std::int64_t length = samples_of(packet.payload);
    ASSERT_TRUE(track.add(packet, 0ms));
    packet.ticks = length + 960 + 480 + 120;
    ASSERT_TRUE(track.add(packet, Duration(packet.ticks * 1'000'000 / 48)));
    track.flush(writes, true);
    FakeFile file;
    file.apply(writes);
    const Audio audio = read_audio(file.octets);
    ASSERT_EQ(audio.packets.size(), 5U);
    EXPECT_EQ(audio.packets[1], std::vector<std::byte>{std::byte{test.full_gap}});
    EXPECT_EQ(audio.packets[2], std::vector<std::byte>{std::byte{test.half_gap}});
    EXPECT_EQ(audio.packets[3], std::vector<std::byte>{std::byte{test.short_gap}});
    EXPECT_EQ(audio.end, 2 * length + 960 + 480 + 120);
  }
}

TEST(OpusTrack, GrowsWhileNothingArrives) {
  Rig rig(ogg_spec());
  for (Duration now{}; now < 10s; now += 20ms) rig.advance(now);
  EXPECT_GE(read_audio(rig.file.octets).end, 48'000 * 9);
}

TEST(OpusTrack, SetsDriftRightAtTheNextGap) {
  // A sender that is slow by 250 ppm: 60 ms in four minutes, then it pauses.
  Rig rig(ogg_spec());
  Duration at{};
  for (int n = 0; n < 12'000; ++n, at += 20'005us) {
    rig.packet(0, at, kOpus, SeqNum(static_cast<std::uint16_t>(n)),
               RtpTimestamp(static_cast<std::uint32_t>(n) * 960), Ssrc{1}, celt(n));
    rig.advance(at);
  }
  // What follows without a gap is put together as it is.
  for (const auto& packet : read_audio(rig.file.octets).packets) ASSERT_GT(packet.size(), 1U);
  for (int i = 0; i < 50; ++i, at += 20'005us) rig.advance(at);
  rig.packet(0, at, kOpus, SeqNum(12'000), RtpTimestamp(12'050 * 960), Ssrc{1}, celt(12'000));
  rig.finish(at + 1s);
  const Audio audio = read_audio(rig.file.octets);
  for (std::size_t i = 0; i < audio.packets.size(); ++i) {
    if (audio.packets[i] != celt(12'000)) continue;
    const Duration place(audio.begins[i] * 1'000'000 / 48);
    EXPECT_LE(std::abs((place - at).count()), 2'500'000);
    return;
  }
  FAIL() << "the packet after the pause is not there";
}

TEST(OpusTrack, DropsWhatIsNotOpusAndSaysSo) {
  Rig rig(ogg_spec());
  send(rig, 0, 10);
  const std::vector<std::byte> pcmu(160, std::byte{kMuLawSilence});
  rig.packet(0, 200ms, kPcmu, SeqNum{10}, RtpTimestamp{0}, Ssrc{1}, pcmu);
  const std::vector<std::byte> lie = {std::byte{0xfb}, std::byte{0x3f}};  // 63 frames
  rig.packet(0, 220ms, kOpus, SeqNum{11}, RtpTimestamp{11 * 960}, Ssrc{1}, lie);
  rig.finish(1s);
  EXPECT_EQ(rig.session().counts(0).undecodable, 2U);
  const Audio audio = read_audio(rig.file.octets);
  EXPECT_EQ(audio.packets[9], celt(9));
}

TEST(OpusTrack, CutsPausesOutOrFillsThem) {
  for (const PauseMode mode : {PauseMode::Silence, PauseMode::Cut}) {
    RecordingSpec spec = ogg_spec();
    spec.pause_mode = mode;
    Rig rig(spec);
    send(rig, 0, 50);
    rig.marker(FrameKind::Pause, 1s);
    send(rig, 50, 100);
    rig.marker(FrameKind::Resume, 2s);
    send(rig, 100, 150);
    rig.finish(3s);
    const Audio audio = read_audio(rig.file.octets);
    EXPECT_EQ(audio.end, (mode == PauseMode::Cut ? 2 : 3) * 48'000);
    std::size_t kept = 0;
    for (const auto& packet : audio.packets) kept += packet.size() > 1 ? 1U : 0U;
    EXPECT_EQ(kept, 100U);
  }
}

TEST(OpusTrack, EndsAtAWholePageWhereverItIsCutOff) {
  Rig rig(ogg_spec());
  send(rig, 0, 100);
  rig.finish(2s);
  for (std::size_t cut = 200; cut < rig.file.octets.size(); cut += 37) {
    const std::vector<std::byte> torn(rig.file.octets.begin(),
                                      rig.file.octets.begin() + static_cast<std::ptrdiff_t>(cut));
    EXPECT_TRUE(parse_ogg(torn));
  }
  // A page at least every second.
  const auto pages = parse_ogg(rig.file.octets);
  for (std::size_t i = 3; i < pages->size(); ++i) {
    EXPECT_LE((*pages)[i].granule - (*pages)[i - 1].granule, 48'000);
  }
}

}  // namespace
}  // namespace causeway::record::test
