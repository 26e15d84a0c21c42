#include "codecs/opus.h"

#include <gtest/gtest.h>
#include <opus.h>

#include <algorithm>
#include <random>

#include "codecs/opus_framing.h"
#include "tests/unit/codecs/signals.h"

namespace causeway::codecs {
namespace {

const unsigned char* uchars(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

CodecConfig opus(std::uint32_t rate, std::uint8_t channels = 1, OpusEncoderSettings settings = {}) {
  return {.id = CodecId::Opus, .rate = SampleRate(rate), .channels = channels, .opus = settings};
}

// libopus itself, as the oracle of the decoder.
class Reference {
 public:
  Reference(std::uint32_t rate, int channels)
      : channels_(channels), state_(static_cast<std::size_t>(opus_decoder_get_size(channels))) {
    EXPECT_EQ(opus_decoder_init(get(), static_cast<opus_int32>(rate), channels), OPUS_OK);
  }
  Samples decode(Bytes packet) { return run(packet, kMaxPcmSamples, 0); }
  Samples conceal(std::size_t samples) { return run({}, samples, 0); }
  Samples recover(Bytes next, std::size_t samples) { return run(next, samples, 1); }

 private:
  ::OpusDecoder* get() { return reinterpret_cast<::OpusDecoder*>(state_.data()); }
  Samples run(Bytes packet, std::size_t samples, int is_fec) {
    Samples out(samples * static_cast<std::size_t>(channels_));
    const int made = opus_decode(get(), packet.empty() ? nullptr : uchars(packet),
                                 static_cast<opus_int32>(packet.size()), out.data(),
                                 static_cast<int>(samples), is_fec);
    EXPECT_GE(made, 0);
    out.resize(static_cast<std::size_t>(std::max(made, 0) * channels_));
    return out;
  }
  int channels_;
  std::vector<std::max_align_t> state_;  // A flat block: copying it copies the decoder.
};

// What makes a foreign sender's packets: libopus driven directly, in any of its modes.
struct Sender {
  int application = OPUS_APPLICATION_VOIP;
  opus_int32 rate = 48'000;
  int channels = 1;
  opus_int32 bitrate = 24'000;
  int frame_400ths = 8;  // Frame length in units of 2.5 ms.
  bool has_fec = false;
  bool is_cbr = false;
  bool has_dtx = false;
};

std::vector<Octets> send(const Sender& sender, Pcm pcm) {
  auto* state = opus_encoder_create(sender.rate, sender.channels, sender.application, nullptr);
  opus_encoder_ctl(state, OPUS_SET_BITRATE(sender.bitrate));
  opus_encoder_ctl(state, OPUS_SET_VBR(sender.is_cbr ? 0 : 1));
  opus_encoder_ctl(state, OPUS_SET_INBAND_FEC(sender.has_fec ? 1 : 0));
  opus_encoder_ctl(state, OPUS_SET_PACKET_LOSS_PERC(sender.has_fec ? 20 : 0));
  opus_encoder_ctl(state, OPUS_SET_DTX(sender.has_dtx ? 1 : 0));
  std::vector<Octets> packets;
  const auto frame = static_cast<std::size_t>(sender.rate / 400 * sender.frame_400ths);
  const std::size_t step = frame * static_cast<std::size_t>(sender.channels);
  for (std::size_t at = 0; at + step <= pcm.size(); at += step) {
    Octets packet(4000);
    const int size = opus_encode(state, pcm.data() + at, static_cast<int>(frame),
                                 reinterpret_cast<unsigned char*>(packet.data()), 4000);
    EXPECT_GT(size, 0);
    packet.resize(static_cast<std::size_t>(std::max(size, 0)));
    packets.push_back(packet);
  }
  opus_encoder_destroy(state);
  return packets;
}

Samples sound(std::uint32_t rate, int channels, std::size_t samples) {
  const Samples left = speech(SampleRate(rate), samples, 1);
  return channels == 1 ? left : interleave(left, speech(SampleRate(rate), samples, 2));
}

// Puts `count` packets of one sender into each packet, as code 1, 2 or 3.
std::vector<Octets> merge(const std::vector<Octets>& packets, std::size_t count) {
  std::vector<Octets> merged;
  auto* repacketizer = opus_repacketizer_create();
  for (std::size_t at = 0; at + count <= packets.size(); at += count) {
    opus_repacketizer_init(repacketizer);
    int code = OPUS_OK;
    for (std::size_t i = 0; i < count && code == OPUS_OK; ++i) {
      code = opus_repacketizer_cat(repacketizer, uchars(packets[at + i]),
                                   static_cast<opus_int32>(packets[at + i].size()));
    }
    if (code != OPUS_OK) continue;  // The sender changed its mode in between.
    Octets out(65'536);
    const auto size =
        opus_repacketizer_out(repacketizer, reinterpret_cast<unsigned char*>(out.data()), 65'536);
    EXPECT_GT(size, 0);
    out.resize(static_cast<std::size_t>(size));
    merged.push_back(out);
  }
  opus_repacketizer_destroy(repacketizer);
  return merged;
}

void expect_same_as_libopus(const std::vector<Octets>& packets, std::uint32_t rate,
                            std::uint8_t channels) {
  const auto decoder = decoder_of(opus(rate, channels));
  Reference reference(rate, channels);
  for (const Octets& packet : packets) {
    const Samples expected = reference.decode(packet);
    ASSERT_EQ(decoder->samples_in(packet), expected.size() / channels);
    ASSERT_EQ(decode(*decoder, packet), expected);
  }
}

constexpr std::uint32_t kRates[] = {8'000, 12'000, 16'000, 24'000, 48'000};

TEST(OpusDecoder, DecodesEveryFrameLengthAtEveryRateAsLibopusDoes) {
  for (const int frame : {1, 2, 4, 8, 16, 24}) {
    for (const int sent_channels : {1, 2}) {
      const Sender sender{.channels = sent_channels, .frame_400ths = frame};
      const auto packets = send(sender, sound(48'000, sent_channels, 24'000));
      ASSERT_FALSE(packets.empty());
      for (const std::uint32_t rate : kRates) {
        expect_same_as_libopus(packets, rate, 1);
        expect_same_as_libopus(packets, rate, 2);
      }
    }
  }
}

TEST(OpusDecoder, DecodesPacketsOfManyFramesUpTo120Ms) {
  for (const bool is_cbr : {false, true}) {
    for (const auto& [frame, count] :
         {std::pair{1, 48}, {1, 2}, {2, 24}, {4, 12}, {4, 3}, {8, 6}, {8, 2}, {16, 3}, {24, 2}}) {
      // Long frames of their own only in SILK; above, libopus makes them of 20 ms ones.
      const std::uint32_t rate_sent = frame > 8 ? 8'000 : 48'000;
      const Sender sender{.rate = static_cast<opus_int32>(rate_sent),
                          .bitrate = frame > 8 ? 12'000 : 64'000,
                          .frame_400ths = frame,
                          .is_cbr = is_cbr};
      const auto packets =
          merge(send(sender, sound(rate_sent, 1, rate_sent)), static_cast<std::size_t>(count));
      ASSERT_FALSE(packets.empty()) << frame << " x " << count;
      EXPECT_EQ(OpusPacket::parse(packets.back())->frame_count(), static_cast<std::size_t>(count));
      for (const std::uint32_t rate : kRates) expect_same_as_libopus(packets, rate, 1);
    }
  }
}

TEST(OpusDecoder, DecodesPaddedPackets) {
  auto packets = send({}, sound(48'000, 1, 24'000));
  for (Octets& packet : packets) {
    const auto size = static_cast<opus_int32>(packet.size());
    packet.resize(packet.size() + 700);
    ASSERT_EQ(opus_packet_pad(reinterpret_cast<unsigned char*>(packet.data()), size, size + 700),
              OPUS_OK);
    ASSERT_GT(OpusPacket::parse(packet)->padding_octets(), 600U);
  }
  expect_same_as_libopus(packets, 8'000, 1);
}

TEST(OpusDecoder, MixesStereoToMono) {
  const Samples left = tone(440, SampleRate(48'000), 48'000, 12'000);
  const Sender sender{.channels = 2, .bitrate = 96'000};
  const auto packets = send(sender, interleave(left, Samples(left.size())));
  ASSERT_TRUE(OpusPacket::parse(packets.back())->is_stereo());
  const auto decoder = decoder_of(opus(48'000, 1));
  Samples heard;
  for (const Octets& packet : packets) {
    const Samples part = decode(*decoder, packet);
    heard.insert(heard.end(), part.begin(), part.end());
  }
  // One silent side: the mean of both is 6 dB down.
  EXPECT_NEAR(level_change_db(Pcm(heard).last(24'000), Pcm(left).last(24'000)), -6.02, 0.5);
}

TEST(OpusDecoder, RefusesHostilePacketsAndGoesOnAsIfTheyHadNotBeen) {
  const auto packets = send({}, sound(48'000, 1, 48'000));
  Octets too_many_frames = octets({(28 << 3) | 3, 49});
  too_many_frames.resize(60);
  Octets too_long = octets({(1 << 3) | 3, 7});
  too_long.resize(30);
  const std::vector<Octets> hostile = {
      {},
      too_many_frames,
      too_long,
      octets({(1 << 3) | 3, 0}),                // no frames
      octets({(1 << 3) | 3, 0x83, 200, 3, 1}),  // VBR lengths that lie
      octets({(1 << 3) | 3, 0x42, 250, 1}),     // padding that lies
      octets({(1 << 3) | 1, 1, 2, 3}),          // CBR of an odd total
      octets({(1 << 3) | 2, 255}),              // a length cut off
      Octets(1300),                             // one frame of 1299 octets
  };
  const auto decoder = decoder_of(opus(16'000));
  Reference reference(16'000, 1);
  Samples out(kMaxPcmSamples);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Octets& bad = hostile[i % hostile.size()];
    ASSERT_EQ(decoder->decode(bad, out), failure(DropReason::BadPayload)) << i % hostile.size();
    ASSERT_EQ(decoder->samples_in(bad), failure(DropReason::BadPayload));
    ASSERT_FALSE(decoder->recover(bad, 320, out));
    ASSERT_EQ(decode(*decoder, packets[i]), reference.decode(packets[i]));
  }
}

TEST(OpusDecoder, SurvivesRandomOctetsInsideLegalFraming) {
  std::mt19937 random(7);
  const auto decoder = decoder_of(opus(48'000, 2));
  Samples out(2 * kMaxPcmSamples);
  for (int round = 0; round < 3'000; ++round) {
    Octets packet(1 + random() % 200);
    for (auto& octet : packet) octet = std::byte{static_cast<std::uint8_t>(random())};
    const auto samples = decoder->samples_in(packet);
    const auto decoded = decoder->decode(packet, out);
    ASSERT_EQ(decoded.has_value(), samples.has_value());
    if (samples) {
      ASSERT_EQ(*decoded, *samples);
    }
    if (round % 5 == 0) decoder->conceal(960, out);
    if (round % 7 == 0) (void)decoder->recover(packet, 960, out);
  }
}

TEST(OpusDecoder, ConcealsExactlyAsLibopusDoes) {
  const auto packets = send({}, sound(48'000, 1, 48'000));
  for (const std::uint32_t rate : kRates) {
    const std::size_t unit = rate / 400;
    const auto decoder = decoder_of(opus(rate));
    Reference reference(rate, 1);
    std::size_t next_length = 1;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (i % 4 == 3) {
        const std::size_t samples = unit * (1 + next_length++ % 24);  // 2.5 to 60 ms
        Samples out(samples);
        decoder->conceal(samples, out);
        ASSERT_EQ(out, reference.conceal(samples));
      } else {
        ASSERT_EQ(decode(*decoder, packets[i]), reference.decode(packets[i]));
      }
    }
  }
}

TEST(OpusDecoder, ConcealsWhole2500MicrosecondsAndLeavesTheRestSilent) {
  const auto packets = send({}, sound(48'000, 1, 9'600));
  const auto decoder = decoder_of(opus(8'000));
  Reference reference(8'000, 1);
  for (const Octets& packet : packets) {
    (void)decode(*decoder, packet);
    (void)reference.decode(packet);
  }
  Samples out(170, 99);
  decoder->conceal(170, out);  // 21.25 ms
  Samples expected = reference.conceal(160);
  expected.resize(170);
  EXPECT_EQ(out, expected);
  Samples tiny(3, 99);
  decoder->conceal(3, tiny);
  EXPECT_EQ(tiny, Samples(3));
}

TEST(OpusDecoder, RecoversExactlyAsLibopusDoesFromFec) {
  for (const int frame : {4, 8, 16, 24}) {
    for (const int channels : {1, 2}) {
      const Sender sender{.rate = 16'000,
                          .channels = channels,
                          .bitrate = 20'000 * channels,
                          .frame_400ths = frame,
                          .has_fec = true};
      const auto packets = send(sender, sound(16'000, channels, 48'000));
      for (const std::uint32_t rate : {8'000U, 16'000U, 48'000U}) {
        const auto decoder = decoder_of(opus(rate));
        Reference reference(rate, 1);
        const std::size_t samples = rate / 400 * static_cast<std::size_t>(frame);
        int recovered = 0;
        for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
          if (i % 3 != 2) {
            ASSERT_EQ(decode(*decoder, packets[i]), reference.decode(packets[i]));
            continue;
          }
          Samples out(samples);
          if (decoder->recover(packets[i + 1], samples, out)) {
            ++recovered;
            ASSERT_EQ(out, reference.recover(packets[i + 1], samples));
          } else {
            decoder->conceal(samples, out);
            ASSERT_EQ(out, reference.conceal(samples));
          }
        }
        EXPECT_GT(recovered, 3) << frame << " frames, " << channels << " channels";
      }
    }
  }
}

// Where a packet has no LBRR, libopus conceals under the name of FEC; where it has, what comes out
// is something else. So libopus itself says whether our reading of the flags is right.
TEST(OpusDecoder, RecoversIfAndOnlyIfLibopusFindsFec) {
  int with = 0;
  int without = 0;
  for (const auto& [rate, bitrate] :
       {std::pair{8'000, 12'000}, {16'000, 20'000}, {48'000, 36'000}}) {
    for (const int frame : {4, 8}) {
      for (const int channels : {1, 2}) {
        const Sender sender{.rate = rate,
                            .channels = channels,
                            .bitrate = bitrate * channels,
                            .frame_400ths = frame,
                            .has_fec = true};
        const auto samples = static_cast<std::size_t>(16'000 / 400 * frame);
        const auto packets = send(sender, sound(static_cast<std::uint32_t>(rate), channels,
                                                static_cast<std::size_t>(rate) * 4));
        Reference reference(16'000, channels);
        for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
          const auto next = OpusPacket::parse(packets[i + 1]);
          ASSERT_TRUE(next.has_value());
          // Where the mode or bandwidth changes in between, concealment under the name of FEC is
          // not quite concealment: no telling then.
          const bool is_steady = i > 0 && packets[i][0] == packets[i + 1][0];
          if (is_steady && next->mode() != OpusMode::Celt) {
            Reference concealing = reference;
            Reference recovering = reference;
            const bool is_found =
                recovering.recover(packets[i + 1], samples) != concealing.conceal(samples);
            ASSERT_EQ(next->has_lbrr(), is_found) << rate << " Hz, frame " << frame << ", packet "
                                                  << i + 1 << ", channels " << channels;
            ++(is_found ? with : without);
          }
          (void)reference.decode(packets[i]);
        }
      }
    }
  }
  EXPECT_GT(with, 500);
  EXPECT_GT(without, 50);
}

// libopus conceals frames of 40 and 60 ms in parts of 20 ms, so that there the test above cannot
// tell; but a sender without FEC must never seem to have it, and one with FEC must.
TEST(OpusDecoder, FindsFecInLongFramesOnlyWhereTheSenderHasIt) {
  for (const int frame : {16, 24}) {
    for (const int channels : {1, 2}) {
      for (const bool has_fec : {false, true}) {
        const Sender sender{.rate = 16'000,
                            .channels = channels,
                            .bitrate = 20'000 * channels,
                            .frame_400ths = frame,
                            .has_fec = has_fec};
        const auto packets = send(sender, sound(16'000, channels, 64'000));
        const auto count = std::ranges::count_if(
            packets, [](const Octets& packet) { return OpusPacket::parse(packet)->has_lbrr(); });
        if (has_fec) {
          EXPECT_GT(count, static_cast<std::ptrdiff_t>(packets.size() / 2));
        } else {
          EXPECT_EQ(count, 0);
        }
      }
    }
  }
}

TEST(OpusDecoder, DoesNotRecoverFromCeltOrFromSilkWithoutLbrr) {
  const Sender celt{
      .application = OPUS_APPLICATION_RESTRICTED_LOWDELAY, .bitrate = 64'000, .has_fec = true};
  const Sender silk{.rate = 16'000, .bitrate = 16'000};
  for (const Sender& sender : {celt, silk}) {
    const auto packets = send(sender, sound(static_cast<std::uint32_t>(sender.rate), 1, 16'000));
    const auto decoder = decoder_of(opus(16'000));
    Reference reference(16'000, 1);
    for (const Octets& packet : packets) {
      Samples out(320, 42);
      ASSERT_FALSE(decoder->recover(packet, 320, out));
      ASSERT_EQ(out, Samples(320, 42));
      ASSERT_EQ(decode(*decoder, packet), reference.decode(packet)) << "the state was touched";
    }
  }
}

TEST(OpusDecoder, DoesNotRecoverWhereTheLossIsShorterThanTheFrameOrTheLastPacketWasCelt) {
  const Sender silk{.rate = 16'000, .bitrate = 20'000, .has_fec = true};
  const auto packets = send(silk, sound(16'000, 1, 16'000));
  const auto celt =
      send({.application = OPUS_APPLICATION_RESTRICTED_LOWDELAY}, sound(48'000, 1, 4'800));
  const auto decoder = decoder_of(opus(16'000));
  std::size_t at = 1;
  while (!OpusPacket::parse(packets[at])->has_lbrr()) ++at;
  Samples out(640, 42);
  (void)decode(*decoder, packets[at - 1]);
  EXPECT_FALSE(decoder->recover(packets[at], 160, out));
  EXPECT_FALSE(decoder->recover(packets[at], 330, out));
  EXPECT_EQ(out, Samples(640, 42));
  (void)decode(*decoder, celt.back());
  EXPECT_FALSE(decoder->recover(packets[at], 320, out));
  EXPECT_EQ(out, Samples(640, 42));
  (void)decode(*decoder, packets[at - 1]);
  EXPECT_TRUE(decoder->recover(packets[at], 320, out));
}

TEST(OpusEncoder, EncodesExactlyAsLibopusDoes) {
  for (const std::uint32_t rate : kRates) {
    for (const std::uint8_t channels : {std::uint8_t{1}, std::uint8_t{2}}) {
      const OpusEncoderSettings settings{.bitrate = 28'000,
                                         .complexity = 3,
                                         .has_inband_fec = true,
                                         .expected_loss_percent = 10,
                                         .is_cbr = channels == 2};
      const auto encoder = encoder_of(opus(rate, channels, settings));
      auto* reference = opus_encoder_create(static_cast<opus_int32>(rate), channels,
                                            OPUS_APPLICATION_VOIP, nullptr);
      opus_encoder_ctl(reference, OPUS_SET_BITRATE(28'000));
      opus_encoder_ctl(reference, OPUS_SET_COMPLEXITY(3));
      opus_encoder_ctl(reference, OPUS_SET_INBAND_FEC(1));
      opus_encoder_ctl(reference, OPUS_SET_PACKET_LOSS_PERC(10));
      opus_encoder_ctl(reference, OPUS_SET_VBR(channels == 2 ? 0 : 1));
      const Samples voice = sound(rate, channels, rate);
      const std::size_t frame = rate / 50 * channels;
      for (std::size_t at = 0; at + frame <= voice.size(); at += frame) {
        const Pcm pcm = Pcm(voice).subspan(at, frame);
        std::vector<unsigned char> expected(1500);
        const auto size =
            opus_encode(reference, pcm.data(), static_cast<int>(rate / 50), expected.data(), 1500);
        ASSERT_GT(size, 0);
        ASSERT_TRUE(std::ranges::equal(
            encode(*encoder, pcm),
            std::as_bytes(std::span(expected)).first(static_cast<std::size_t>(size))));
      }
      opus_encoder_destroy(reference);
    }
  }
}

TEST(OpusEncoder, TakesLessComplexityAtEightKilohertz) {
  for (const std::uint32_t rate : {8'000U, 16'000U}) {
    CodecConfig usual{.id = CodecId::Opus, .rate = SampleRate(rate), .channels = 1, .opus = {}};
    CodecConfig said = usual;
    said.opus.complexity = rate == 8'000 ? 1 : 5;
    const auto one = encoder_of(usual);
    const auto other = encoder_of(said);
    const std::size_t frame = rate / 50;
    const Samples voice = speech(usual.rate, 50 * frame);
    for (std::size_t at = 0; at < voice.size(); at += frame) {
      ASSERT_EQ(encode(*one, Pcm(voice).subspan(at, frame)),
                encode(*other, Pcm(voice).subspan(at, frame)));
    }
  }
}

TEST(OpusEncoder, Takes10_20_40And60MsAndNothingElse) {
  for (const std::uint32_t rate : kRates) {
    const auto encoder = encoder_of(opus(rate));
    const auto decoder = decoder_of(opus(rate));
    for (const std::size_t milliseconds : {10U, 20U, 40U, 60U}) {
      const Samples frame = speech(SampleRate(rate), rate * milliseconds / 1000);
      EXPECT_EQ(decoder->samples_in(encode(*encoder, frame)), frame.size());
    }
    Octets out(1500);
    for (const std::size_t samples :
         {std::size_t{0}, std::size_t{1}, std::size_t{rate / 400}, std::size_t{rate / 50 + 1},
          std::size_t{rate * 3 / 100}, std::size_t{rate * 3 / 25}}) {
      EXPECT_EQ(encoder->encode(Samples(samples), out), failure(DropReason::BadPayload)) << samples;
    }
  }
}

TEST(OpusEncoder, WithDtxSendsNothingInSilenceButAFrameEvery400Ms) {
  const OpusEncoderSettings settings{.bitrate = 16'000, .has_dtx = true};
  const auto encoder = encoder_of(opus(16'000, 1, settings));
  const Samples voice = speech(SampleRate(16'000), 16'000);
  for (std::size_t at = 0; at < voice.size(); at += 320) {
    (void)encode(*encoder, Pcm(voice).subspan(at, 320));
  }
  int quiet = 0;
  int sent = 0;
  int longest_gap = 0;
  int gap = 0;
  for (int i = 0; i < 250; ++i) {  // 5 s of silence
    const Octets packet = encode(*encoder, Samples(320));
    packet.empty() ? ++quiet : ++sent;
    EXPECT_TRUE(packet.empty() || packet.size() > 2);
    gap = packet.empty() ? gap + 1 : 0;
    longest_gap = std::max(longest_gap, gap);
  }
  EXPECT_GT(quiet, 200);
  EXPECT_GT(sent, 5);
  EXPECT_LE(longest_gap, 20);  // RFC 7587 3.1.3: at most 400 ms.
}

TEST(OpusEncoder, WithoutDtxSendsEveryFrame) {
  const auto encoder = encoder_of(opus(16'000));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(encode(*encoder, Samples(320)).empty());
}

TEST(OpusEncoder, PutsFecInOnlyWhereLossIsExpected) {
  const auto with_lbrr = [](std::uint8_t loss) {
    const auto encoder = encoder_of(opus(16'000, 1, {.bitrate = 20'000, .has_inband_fec = true}));
    encoder->set_expected_loss(loss);
    const Samples voice = speech(SampleRate(16'000), 32'000);
    int count = 0;
    for (std::size_t at = 0; at < voice.size(); at += 320) {
      const Octets packet = encode(*encoder, Pcm(voice).subspan(at, 320));
      count += OpusPacket::parse(packet)->has_lbrr() ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(with_lbrr(0), 0);
  EXPECT_GT(with_lbrr(20), 30);
}

TEST(OpusEncoder, LookaheadIsWhatASignalIsDelayedBy) {
  // 6.5 ms at every rate: what libopus tells, and what Ogg Opus calls pre-skip (RFC 7845 4.2).
  for (const std::uint32_t rate : kRates) {
    EXPECT_EQ(encoder_of(opus(rate))->lookahead(), rate * 65 / 10'000) << rate;
  }
}

TEST(OpusEncoder, TakesOtherSettingsOnAsLibopusDoesInMidStream) {
  CodecConfig config{.id = CodecId::Opus, .rate = SampleRate(8000), .channels = 1, .opus = {}};
  const auto encoder = encoder_of(config);
  int code = OPUS_OK;
  OpusEncoder* reference = opus_encoder_create(8000, 1, OPUS_APPLICATION_VOIP, &code);
  opus_encoder_ctl(reference, OPUS_SET_BITRATE(24'000));
  opus_encoder_ctl(reference, OPUS_SET_COMPLEXITY(usual_complexity(SampleRate(8000))));
  const Samples voice = speech(SampleRate(8000), 160 * 100);
  for (std::size_t i = 0; i < 100; ++i) {
    if (i == 50) {
      config.opus.bitrate = 10'000;
      config.opus.complexity = 2;
      ASSERT_TRUE(encoder->reconfigure(config));
      opus_encoder_ctl(reference, OPUS_SET_BITRATE(10'000));
      opus_encoder_ctl(reference, OPUS_SET_COMPLEXITY(2));
    }
    Octets out(1500);
    Octets expected(1500);
    const Pcm frame = Pcm(voice).subspan(i * 160, 160);
    const auto octets = encoder->encode(frame, out);
    const auto made = opus_encode(reference, frame.data(), 160,
                                  reinterpret_cast<unsigned char*>(expected.data()), 1500);
    ASSERT_TRUE(octets);
    out.resize(*octets);
    expected.resize(static_cast<std::size_t>(made));
    ASSERT_EQ(out, expected) << i;
  }
  opus_encoder_destroy(reference);
  config.rate = SampleRate(16'000);
  EXPECT_FALSE(encoder->reconfigure(config)) << "another rate is another encoder";
}

}  // namespace
}  // namespace causeway::codecs
