#include "relay/record/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

/// 20 ms packets of one octet, from `from` to `until`.
void send(Rig& rig, std::uint8_t channel, Duration from, Duration until, std::uint8_t octet,
          Ssrc ssrc = Ssrc{1}, int first = 0) {
  const std::vector<std::byte> payload(160, std::byte{octet});
  for (int n = first; from < until; ++n, from += 20ms) {
    rig.packet(channel, from, kPcmu, SeqNum(static_cast<std::uint16_t>(n)),
               RtpTimestamp(static_cast<std::uint32_t>(n) * 160), ssrc, payload);
    rig.advance(from);
  }
}

std::int64_t count(const std::vector<std::int16_t>& pcm, std::int16_t value) {
  return std::count(pcm.begin(), pcm.end(), value);
}

constexpr std::int16_t kLoud = 32124;

TEST(RecordingSession, IsAPlayableFileAfterEveryWriteWithAllUpToTheLastFlush) {
  Rig rig(wav_spec());
  send(rig, 0, 0s, 10s, kMuLawClick);
  rig.finish(10s);
  FakeFile file;
  std::size_t samples = 0;
  std::size_t flushes = 0;
  for (const FileWrite& write : rig.writes()) {
    file.apply(write);
    const auto wav = parse_wav(file.octets);
    ASSERT_TRUE(wav);
    if (write.offset != 0) continue;
    // A flush is done: everything that was written counts, and it is at most 1 s more than before.
    EXPECT_EQ(wav->data_octets + 80, file.octets.size());
    EXPECT_LE(wav->samples.size() - samples, 2U * 8000);
    EXPECT_EQ(count(wav->channel(0), kLoud), static_cast<std::int64_t>(wav->samples.size() / 2));
    samples = wav->samples.size();
    ++flushes;
  }
  EXPECT_EQ(samples, 2U * 80'000);
  EXPECT_GE(flushes, 20U);
}

TEST(RecordingSession, IsAPlayableFileWhereverAWriteIsCutShort) {
  Rig rig(wav_spec());
  send(rig, 0, 0s, 2s, kMuLawClick);
  rig.finish(2s);
  FakeFile file;
  file.apply(rig.writes().front());
  for (std::size_t i = 1; i < rig.writes().size(); ++i) {
    const FileWrite& write = rig.writes()[i];
    // Heads are 80 octets in one page, which a kill does not tear; samples may be cut anywhere.
    for (std::size_t cut = 0; write.offset != 0 && cut < write.octets.size(); cut += 97) {
      FakeFile torn = file;
      torn.apply({write.offset,
                  {write.octets.begin(), write.octets.begin() + static_cast<std::ptrdiff_t>(cut)}});
      ASSERT_TRUE(parse_wav(torn.octets));
    }
    file.apply(write);
  }
}

TEST(RecordingSession, RunsNoMoreThanASecondBehindTheClock) {
  Rig rig(wav_spec());
  const std::vector<std::byte> payload(160, std::byte{kMuLawClick});
  for (int n = 0; n < 500; ++n) {
    const Duration now = n * 20ms;
    rig.packet(0, now, kPcmu, SeqNum(static_cast<std::uint16_t>(n)),
               RtpTimestamp(static_cast<std::uint32_t>(n) * 160), Ssrc{1}, payload);
    rig.advance(now);
    const Duration in_file(static_cast<std::int64_t>(rig.wav().samples.size() / 2) * 125'000);
    ASSERT_LE(now - in_file, 1s);
  }
}

TEST(RecordingSession, WritesSilenceWhileNothingArrives) {
  Rig rig(wav_spec());
  for (Duration now = 0s; now <= 5s; now += 20ms) rig.advance(now);
  EXPECT_GE(rig.wav().samples.size(), 2U * 8000 * 4);
  rig.finish(5s);
  EXPECT_EQ(rig.wav().samples, std::vector<std::int16_t>(2 * 8000 * 5));
}

TEST(RecordingSession, TurnsIntoRf64InTheMidstOfACall) {
  RecordingSession::Options options;
  options.max_riff_octets = 100'000;
  Rig rig(wav_spec(), options);
  send(rig, 0, 0s, 10s, kMuLawClick);
  rig.finish(10s);
  const ParsedWav wav = rig.wav();
  EXPECT_TRUE(wav.is_rf64);
  EXPECT_EQ(count(wav.channel(0), kLoud), 80'000);
}

TEST(RecordingSession, CountsAPacketBeyondTheHorizonAsLate) {
  Rig rig(wav_spec());
  send(rig, 0, 0s, 1s, kMuLawClick);
  const std::vector<std::byte> payload(160, std::byte{kMuLawClick});
  send(rig, 0, 1020ms, 3s, kMuLawClick, Ssrc{1}, 51);  // number 50 is on its way
  rig.packet(0, 3s, kPcmu, SeqNum{50}, RtpTimestamp{50 * 160}, Ssrc{1}, payload);
  rig.finish(4s);
  EXPECT_EQ(rig.session().counts(0).streams.late, 1U);
  EXPECT_EQ(count(rig.wav().channel(0), kLoud), 149 * 160);
}

TEST(RecordingSession, CountsTheFirstPacketsOfASourceAsLateToo) {
  Rig rig(wav_spec(1));
  rig.advance(2s);
  // They were on their way to the recorder for longer than the file waits.
  for (int n = 0; n < 10; ++n) {
    rig.packet(0, 1s + n * 20ms, kPcmu, SeqNum(static_cast<std::uint16_t>(n)),
               RtpTimestamp(static_cast<std::uint32_t>(n) * 160), Ssrc{1},
               std::vector<std::byte>(160, std::byte{kMuLawClick}));
  }
  rig.finish(3s);
  EXPECT_EQ(rig.session().total_counts().streams.received, 10U);
  EXPECT_EQ(rig.session().total_counts().streams.late, 10U);
}

TEST(RecordingSession, KeepsPausedTimeAsSilence) {
  Rig rig(wav_spec());
  send(rig, 0, 0s, 1s, kMuLawClick);
  rig.marker(FrameKind::Pause, 1007ms);
  EXPECT_EQ(rig.session().state(), RecordingSession::State::Paused);
  send(rig, 0, 1s, 2s, kMuLawClick, Ssrc{1}, 50);
  rig.marker(FrameKind::Resume, 2s);
  send(rig, 0, 2s, 3s, kMuLawClick, Ssrc{1}, 100);
  rig.marker(FrameKind::Stop, 3s);
  rig.advance(4s);
  EXPECT_EQ(rig.session().state(), RecordingSession::State::Done);
  const auto pcm = rig.wav().channel(0);
  ASSERT_EQ(pcm.size(), 24'000U);
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    // The packet of 1 s was here before the pause: it is heard for its 7 ms, to the sample.
    const bool is_heard = i < 8056 || i >= 16'000;
    ASSERT_EQ(pcm[i], is_heard ? kLoud : 0) << i;
  }
}

TEST(RecordingSession, CutsPausedTimeOutWhereAsked) {
  RecordingSpec spec = wav_spec();
  spec.pause_mode = PauseMode::Cut;
  Rig rig(spec);
  send(rig, 0, 0s, 1s, kMuLawClick);
  rig.marker(FrameKind::Pause, 1s);
  send(rig, 0, 1s, 2s, kMuLawClick, Ssrc{1}, 50);
  rig.marker(FrameKind::Resume, 2s);
  send(rig, 0, 2s, 3s, 0x00, Ssrc{1}, 100);
  rig.marker(FrameKind::Stop, 3s);
  rig.advance(4s);
  EXPECT_EQ(rig.session().duration(), 2s);
  const auto pcm = rig.wav().channel(0);
  ASSERT_EQ(pcm.size(), 16'000U);
  EXPECT_EQ(count(pcm, kLoud), 8000);
  EXPECT_EQ(count(pcm, -kLoud), 8000);
}

TEST(RecordingSession, StaysPausedUntilItIsStopped) {
  Rig rig(wav_spec());
  rig.marker(FrameKind::Pause, 0s);
  send(rig, 0, 0s, 2s, kMuLawClick);
  rig.marker(FrameKind::Stop, 2s);
  rig.advance(3s);
  EXPECT_EQ(rig.wav().samples, std::vector<std::int16_t>(2 * 16'000));
}

TEST(RecordingSession, NeitherDecodesNorMissesEventsAndComfortNoise) {
  Rig rig(wav_spec());
  send(rig, 0, 0s, 1s, kMuLawClick);
  const std::vector<std::byte> event = {std::byte{5}, std::byte{10}, std::byte{0}, std::byte{160}};
  for (std::uint16_t n = 50; n < 60; ++n) {
    rig.packet(0, n * 20ms, kEvents, SeqNum(n), RtpTimestamp(50 * 160), Ssrc{1}, event);
  }
  const std::vector<std::byte> noise = {std::byte{30}};
  rig.packet(0, 1200ms, kNoise, SeqNum(60), RtpTimestamp(60 * 160), Ssrc{1}, noise);
  send(rig, 0, 1220ms, 2s, kMuLawClick, Ssrc{1}, 61);
  rig.finish(2s);
  const ChannelCounts counts = rig.session().counts(0);
  EXPECT_EQ(counts.telephone_events, 10U);
  EXPECT_EQ(counts.comfort_noise, 1U);
  EXPECT_EQ(counts.streams.missing, 0U);
  EXPECT_EQ(counts.undecodable, 0U);
  const auto pcm = rig.wav().channel(0);
  EXPECT_EQ(count(pcm, kLoud), (50 + 39) * 160);
  EXPECT_EQ(count(pcm, 0), 11 * 160);
}

TEST(RecordingSession, IgnoresVideoOfTheSameLeg) {
  RecordingSpec spec = wav_spec();
  RecordedCodec video;
  video.type = PayloadType{96};
  video.kind = PayloadKind::NotSound;
  video.clock = RtpClockRate{90'000};
  spec.channels[0].codecs.push_back(video);
  Rig rig(spec);
  const std::vector<std::byte> payload(1000);
  for (std::uint32_t ssrc = 0; ssrc < 20; ++ssrc) {
    rig.packet(0, 0s, video.type, SeqNum{1}, RtpTimestamp{1}, Ssrc{ssrc}, payload);
  }
  rig.finish(1s);
  EXPECT_FALSE(rig.session().has_undecodable());
  EXPECT_EQ(rig.session().counts(0).ssrcs, 0U);
}

TEST(RecordingSession, AddsUpTwoSourcesThatSpeakAtOnce) {
  Rig rig(wav_spec());
  const std::vector<std::byte> quiet(160, std::byte{0xbe});  // mu-law +122
  for (int n = 0; n < 50; ++n) {
    for (const std::uint32_t ssrc : {1U, 2U}) {
      rig.packet(0, n * 20ms, kPcmu, SeqNum(static_cast<std::uint16_t>(n)),
                 RtpTimestamp(static_cast<std::uint32_t>(n) * 160), Ssrc{ssrc}, quiet);
    }
  }
  rig.finish(1s);
  const auto pcm = rig.wav().channel(0);
  EXPECT_EQ(pcm.front() % 2, 0);
  EXPECT_EQ(count(pcm, pcm.front()), 8000);
  EXPECT_GT(pcm.front(), 0);
  const auto decoder = codecs::make_decoder({}).value();
  std::vector<std::int16_t> one(codecs::kMaxPcmSamples);
  ASSERT_TRUE(decoder->decode(quiet, one));
  EXPECT_EQ(pcm.front(), 2 * one[0]);
}

TEST(RecordingSession, KeepsTheCountsOfSourcesThatMadeRoom) {
  Rig rig(wav_spec());
  for (std::uint32_t ssrc = 0; ssrc < 20; ++ssrc) {
    send(rig, 0, ssrc * 100ms, ssrc * 100ms + 100ms, kMuLawClick, Ssrc{ssrc});
  }
  rig.finish(3s);
  const ChannelCounts counts = rig.session().counts(0);
  EXPECT_EQ(counts.ssrcs, 20U);
  EXPECT_EQ(counts.streams.received, 100U);
}

TEST(RecordingSession, LooksPayloadTypesUpInTheNewestTable) {
  RecordingSpec spec = wav_spec();
  spec.channels[0].codecs.clear();
  Rig rig(spec);
  send(rig, 0, 0s, 200ms, kMuLawClick);
  EXPECT_EQ(rig.session().counts(0).undecodable, 10U);
  EXPECT_TRUE(rig.session().has_undecodable());
  rig.session().add_codec(0, phone_codecs()[0]);
  send(rig, 0, 200ms, 400ms, kMuLawClick, Ssrc{1}, 10);
  rig.finish(1s);
  EXPECT_EQ(count(rig.wav().channel(0), kLoud), 1600);
}

TEST(RecordingSession, TakesPaddingAndExtensionsOff) {
  Rig rig(wav_spec());
  std::vector<std::byte> packet(12 + 8 + 160 + 4, std::byte{kMuLawClick});
  packet[0] = std::byte{0xb0};  // padding and an extension
  packet[1] = std::byte{0};
  store_be16(&packet[2], 1);
  store_be32(&packet[4], 0);
  store_be32(&packet[8], 1);
  store_be16(&packet[12], 0xbede);
  store_be16(&packet[14], 1);
  packet.back() = std::byte{4};
  FrameHeader header;
  header.recording = kId;
  header.at = Instant(std::chrono::hours(30));
  rig.session().handle_frame({header, packet});
  packet.back() = std::byte{250};  // padding longer than the packet
  rig.session().handle_frame({header, packet});
  rig.session().handle_frame({header, Bytes(packet).first(11)});
  rig.finish(1s);
  EXPECT_EQ(count(rig.wav().channel(0), kLoud), 160);
  EXPECT_EQ(rig.session().counts(0).undecodable, 2U);
}

TEST(RecordingSession, IgnoresWhatComesBeforeStartAndAfterStop) {
  Rig rig(wav_spec());
  rig.marker(FrameKind::Stop, 1s);
  send(rig, 0, -100ms, 2s, kMuLawClick);
  rig.advance(3s);
  EXPECT_EQ(rig.session().state(), RecordingSession::State::Done);
  EXPECT_EQ(rig.wav().channel(0), std::vector<std::int16_t>(8000, kLoud));
  send(rig, 0, 3s, 4s, kMuLawClick);
  rig.finish(5s);
  EXPECT_EQ(rig.wav().samples.size(), 16'000U);
}

TEST(RecordingSession, EndsWithoutHavingBegun) {
  RecordingSession::Options options;
  options.make_decoder = codecs::make_decoder;
  RecordingSession session(wav_spec(), options);
  std::vector<FileWrite> writes;
  session.begin(writes);
  FrameHeader stop;
  stop.kind = FrameKind::Stop;
  stop.at = Instant(1h);
  session.handle_frame({stop, {}});
  session.advance(Instant(1h), writes);
  EXPECT_EQ(session.state(), RecordingSession::State::Done);
  FakeFile file;
  file.apply(writes);
  EXPECT_TRUE(parse_wav(file.octets));
}

TEST(RecordingSession, RefusesSpecsThatCannotBe) {
  RecordingSpec spec = wav_spec(3);
  EXPECT_EQ(RecordingSession::check(spec).error().field, "channels");
  spec = wav_spec();
  spec.container = Container::OggOpus;
  EXPECT_EQ(RecordingSession::check(spec).error().field, "channels");
  spec = wav_spec(1, SampleRate{44'100});
  EXPECT_EQ(RecordingSession::check(spec).error().field, "rate");
  spec = wav_spec();
  spec.channels[1].codecs[0].clock = RtpClockRate{0};
  EXPECT_EQ(RecordingSession::check(spec).error().field, "channels.codecs.clock");
}

TEST(RecordingSession, SurvivesPacketsOfEveryShape) {
  // Any mixture of sizes, numbers, timestamps, sources and pauses: no crash, and a strict reader
  // takes the file.
  Random random({7, 8});
  for (int round = 0; round < 20; ++round) {
    RecordingSpec spec = wav_spec(2, SampleRate{round % 2 == 0 ? 8000U : 16'000U});
    spec.channels[1].codecs.push_back(opus_codec());
    spec.pause_mode = round % 3 == 0 ? PauseMode::Cut : PauseMode::Silence;
    Rig rig(spec);
    Duration now{};
    for (int i = 0; i < 2000; ++i) {
      now += Duration(random.below(30'000'000));
      const auto kind = random.below(100);
      if (kind == 0) rig.marker(FrameKind::Pause, now);
      if (kind == 1) rig.marker(FrameKind::Resume, now);
      std::vector<std::byte> payload(random.below(400));
      for (std::byte& octet : payload) octet = static_cast<std::byte>(random.below(256));
      const PayloadType types[] = {kPcmu, kOpus, kEvents, kNoise, PayloadType{99}};
      rig.packet(static_cast<std::uint8_t>(random.below(3)),
                 now - Duration(random.below(900'000'000)), types[random.below(5)],
                 SeqNum(static_cast<std::uint16_t>(i + static_cast<int>(random.below(200)))),
                 RtpTimestamp(random.below(3) == 0 ? random.below(0xffffffff)
                                                   : static_cast<std::uint32_t>(i) * 160),
                 Ssrc{random.below(12)}, payload);
      if (random.below(4) == 0) rig.advance(now);
    }
    rig.finish(now);
    ASSERT_TRUE(parse_wav(rig.file.octets)) << round;
    const auto frames = static_cast<std::int64_t>(rig.wav().samples.size() / 2);
    const std::int64_t want = rig.session().duration().count() / 1000 * spec.rate.raw() / 1'000'000;
    EXPECT_NEAR(static_cast<double>(frames), static_cast<double>(want), 20);
  }
}

}  // namespace
}  // namespace causeway::record::test
