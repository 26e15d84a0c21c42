#include "relay/engine/planner.h"

#include <gtest/gtest.h>

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using Action = media::Route::Action;

CodecSpec codec(std::uint8_t type, const char* name, std::uint32_t clock = 8000,
                MediaKind kind = MediaKind::Audio) {
  CodecSpec spec;
  spec.payload_type = PayloadType(type);
  spec.encoding_name = name;
  spec.clock = RtpClockRate(clock);
  spec.kind = kind;
  if (std::string_view(name) == "opus") spec.channels = 2;
  return spec;
}

const CodecSpec kPcmu = codec(0, "PCMU");
const CodecSpec kPcma = codec(8, "PCMA");
const CodecSpec kG722 = codec(9, "G722");
const CodecSpec kOpus = codec(111, "opus", 48000);
const CodecSpec kG729 = codec(18, "G729");
const CodecSpec kEvent8k = codec(101, "telephone-event", 8000, MediaKind::TelephoneEvent);
const CodecSpec kEvent48k = codec(110, "telephone-event", 48000, MediaKind::TelephoneEvent);
const CodecSpec kNoise = codec(13, "CN", 8000, MediaKind::ComfortNoise);
const CodecSpec kVideo = codec(96, "VP8", 90000, MediaKind::Video);

LegSpec leg(const char* id, std::vector<CodecSpec> codecs, Security security = Security::Plain) {
  LegSpec spec;
  spec.id = id;
  spec.codecs = std::move(codecs);
  spec.security = security;
  return spec;
}

std::string text(const LegSpec& from, const LegSpec& to, std::vector<StageSpec> stages = {}) {
  const auto made = plan(from, to, stages);
  return made ? made->text : std::string(made.error().reason);
}

TEST(Planner, ForwardsWhatBothKnow) {
  EXPECT_EQ(text(leg("a", {kPcmu}), leg("b", {kPcma, kPcmu})),
            "legs/a -> legs/b: forward(pcmu) send(rtp)");
}

TEST(Planner, ForwardsWhatWeDoNotKnowOurselves) {
  EXPECT_EQ(text(leg("a", {kG729}), leg("b", {kG729})),
            "legs/a -> legs/b: forward(g729) send(rtp)");
}

TEST(Planner, ForwardsAnythingBetweenLegsWithoutCodecs) {
  const auto made = plan(leg("a", {}), leg("b", {}), {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->text, "legs/a -> legs/b: forward(any) send(rtp)");
  EXPECT_EQ(made->routes[PayloadType(127)].action, Action::Pass);
  EXPECT_FALSE(made->routes[PayloadType(127)].is_audio);
  EXPECT_TRUE(made->routes[PayloadType(0)].is_audio);
}

TEST(Planner, RekeysWhereEitherSideHasKeys) {
  EXPECT_EQ(text(leg("a", {kOpus}, Security::Sdes), leg("b", {kOpus})),
            "legs/a -> legs/b: open(AES_CM_128_HMAC_SHA1_80) rekey(opus) send(rtp)");
  EXPECT_EQ(text(leg("b", {kOpus}), leg("a", {kOpus}, Security::Sdes)),
            "legs/b -> legs/a: rekey(opus) seal(AES_CM_128_HMAC_SHA1_80) send(srtp)");
}

TEST(Planner, SaysTheMainJobAsTheDesignDoes) {
  LegSpec a = leg("a", {kOpus}, Security::Sdes);
  a.receive_suite = wire::SrtpSuite::AeadAes128Gcm;
  StageSpec record;
  record.recording = "rec1";
  EXPECT_EQ(text(a, leg("b", {kPcmu}), {record}),
            "legs/a -> legs/b: open(AEAD_AES_128_GCM) record(rec1) transcode(opus@8k->pcmu) "
            "send(rtp)");
}

TEST(Planner, MapsPayloadTypesOfTheSameFormat) {
  CodecSpec other = kOpus;
  other.payload_type = PayloadType(96);
  const auto made = plan(leg("a", {kOpus, kEvent48k}), leg("b", {other, kEvent48k}), {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->routes[PayloadType(111)].out, PayloadType(96));
  EXPECT_EQ(made->routes[PayloadType(110)].action, Action::Pass);
  EXPECT_EQ(made->routes[PayloadType(96)].action, Action::Drop) << "b's numbers are not a's";
}

TEST(Planner, SendsAsTheEndpointWantsItNamed) {
  CodecSpec opus = codec(96, "opus", 48000);
  opus.sent_as = PayloadType(109);
  const auto passed = plan(leg("a", {kOpus}), leg("b", {opus}), {});
  ASSERT_TRUE(passed);
  EXPECT_EQ(passed->routes[PayloadType(111)].out, PayloadType(109));
  const auto transcoded = plan(leg("a", {kPcmu}), leg("b", {opus}), {});
  ASSERT_TRUE(transcoded);
  EXPECT_EQ(transcoded->transcoder->output.payload_type, PayloadType(109));
  const auto back = plan(leg("b", {opus}), leg("a", {kOpus}), {});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->routes[PayloadType(96)].out, PayloadType(111));
}

TEST(Planner, NamesNoSuiteThatAHandshakeHasYetToChoose) {
  LegSpec dtls = leg("a", {kOpus}, Security::Dtls);
  dtls.are_suites_known = false;
  const LegSpec trunk = leg("b", {kPcmu});
  EXPECT_EQ(text(dtls, trunk), "legs/a -> legs/b: open(dtls) transcode(opus@8k->pcmu) send(rtp)");
  EXPECT_EQ(text(trunk, dtls), "legs/b -> legs/a: transcode(pcmu->opus@8k) seal(dtls) send(srtp)");
  StageSpec open;
  open.kind = StageSpec::Kind::Open;
  EXPECT_EQ(text(dtls, trunk, {open}), text(dtls, trunk));
  open.suite = wire::SrtpSuite::AeadAes128Gcm;
  EXPECT_EQ(text(dtls, trunk, {open}), "PLAN_MISMATCH");
  dtls.are_suites_known = true;
  dtls.receive_suite = wire::SrtpSuite::AeadAes128Gcm;
  EXPECT_EQ(text(dtls, leg("b", {kOpus})),
            "legs/a -> legs/b: open(AEAD_AES_128_GCM) rekey(opus) send(rtp)");
}

TEST(Planner, RunsEachCodecAtTheRateThatIsNeeded) {
  const auto rates = [](const CodecSpec& from, const CodecSpec& to) {
    const auto made = plan(leg("a", {from}), leg("b", {to}), {});
    return std::pair(made->transcoder->inputs[0].codec.rate.raw(),
                     made->transcoder->output.codec.rate.raw());
  };
  EXPECT_EQ(rates(kOpus, kPcmu), std::pair(8000U, 8000U));
  EXPECT_EQ(rates(kPcmu, kOpus), std::pair(8000U, 8000U));
  EXPECT_EQ(rates(kOpus, kG722), std::pair(16000U, 16000U));
  EXPECT_EQ(rates(kG722, kOpus), std::pair(16000U, 16000U));
  EXPECT_EQ(rates(kG722, kPcma), std::pair(8000U, 8000U));
  EXPECT_EQ(rates(codec(97, "L16", 44100), kOpus), std::pair(44100U, 48000U));
}

TEST(Planner, KeepsOpusWithinTheEndpointsLimits) {
  CodecSpec limited = kOpus;
  limited.fmtp = "maxplaybackrate=16000;maxaveragebitrate=12000;cbr=1";
  limited.opus.bitrate = 32'000;
  const auto made = plan(leg("a", {codec(97, "L16", 48000)}), leg("b", {limited}), {});
  ASSERT_TRUE(made && made->transcoder);
  EXPECT_EQ(made->transcoder->output.codec.rate, SampleRate(16000));
  EXPECT_EQ(made->transcoder->output.codec.opus.bitrate, 12'000U);
  EXPECT_TRUE(made->transcoder->output.codec.opus.is_cbr);
}

TEST(Planner, TranscodesOnlyWhatTheOtherSideDoesNotKnow) {
  const auto made = plan(leg("a", {kOpus, kPcmu}), leg("b", {kPcmu}), {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->routes[PayloadType(111)].action, Action::Transcode);
  EXPECT_EQ(made->routes[PayloadType(0)].action, Action::Pass);
  EXPECT_EQ(made->text, "legs/a -> legs/b: transcode(opus@8k->pcmu) pass(pcmu) send(rtp)");
}

TEST(Planner, PreferOrderTranscodesToTheFirstCodec) {
  LegSpec b = leg("b", {kG722, kPcmu});
  EXPECT_EQ(text(leg("a", {kPcmu}), b), "legs/a -> legs/b: forward(pcmu) send(rtp)");
  b.transcoding = TranscodingPolicy::PreferOrder;
  EXPECT_EQ(text(leg("a", {kPcmu}), b), "legs/a -> legs/b: transcode(pcmu->g722@8k) send(rtp)");
}

TEST(Planner, RunsG722AtEightKilohertzWhereTheOtherSideHasNoMore) {
  const LegSpec g722 = leg("a", {kG722});
  EXPECT_EQ(text(g722, leg("b", {kPcmu})), "legs/a -> legs/b: transcode(g722@8k->pcmu) send(rtp)");
  EXPECT_EQ(text(leg("a", {kPcmu}), leg("b", {kG722})),
            "legs/a -> legs/b: transcode(pcmu->g722@8k) send(rtp)");
  EXPECT_EQ(text(leg("a", {kOpus}), leg("b", {kG722})),
            "legs/a -> legs/b: transcode(opus@16k->g722@16k) send(rtp)");
  EXPECT_EQ(text(g722, leg("b", {kOpus})),
            "legs/a -> legs/b: transcode(g722@16k->opus@16k) send(rtp)");
}

TEST(Planner, EventsFollowTheAudioTheyStandInFor) {
  const auto made =
      plan(leg("a", {kOpus, kEvent48k, kEvent8k}), leg("b", {kPcmu, kEvent8k, kNoise}), {});
  ASSERT_TRUE(made && made->transcoder);
  EXPECT_EQ(made->transcoder->output.event_payload_type, PayloadType(101));
  EXPECT_EQ(made->transcoder->output.noise_payload_type, PayloadType(13));
  EXPECT_EQ(made->transcoder->events.size(), 2U);
  EXPECT_EQ(made->routes[PayloadType(110)].action, Action::Transcode);
}

TEST(Planner, VideoPassesBesideTranscodedAudio) {
  const auto made = plan(leg("a", {kOpus, kVideo}), leg("b", {kPcmu, kVideo}), {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->routes[PayloadType(96)].action, Action::Pass);
  EXPECT_FALSE(made->routes[PayloadType(96)].is_audio);
  EXPECT_EQ(made->text, "legs/a -> legs/b: transcode(opus@8k->pcmu) pass(vp8) send(rtp)");
}

TEST(Planner, RetransmissionsOfOneLegAreNotPassedToTheOther) {
  CodecSpec rtx = codec(97, "rtx", 90000, MediaKind::Retransmission);
  rtx.fmtp = "apt=96";
  const auto made = plan(leg("a", {kOpus, kVideo, rtx}), leg("b", {kOpus, kVideo, rtx}), {});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->routes[PayloadType(96)].is_video);
  EXPECT_EQ(made->routes[PayloadType(97)].action, Action::Drop);
  EXPECT_EQ(text(leg("a", {rtx}), leg("b", {rtx})), "NO_COMMON_CODEC");
}

TEST(Planner, RefusesWhatCannotReachTheOtherSide) {
  EXPECT_EQ(text(leg("a", {kG729}), leg("b", {kPcmu})), "NO_COMMON_CODEC");
  LegSpec a = leg("a", {kOpus});
  a.transcoding = TranscodingPolicy::Forbid;
  EXPECT_EQ(text(a, leg("b", {kPcmu})), "NO_COMMON_CODEC");
  EXPECT_EQ(text(leg("a", {kPcmu, kEvent8k}), leg("b", {kG729, kEvent8k})), "NO_COMMON_CODEC");
}

TEST(Planner, ListedStagesAreAssertions) {
  StageSpec open;
  open.kind = StageSpec::Kind::Open;
  StageSpec transcode;
  transcode.kind = StageSpec::Kind::Transcode;
  transcode.from_codec = "opus";
  transcode.to_codec = "PCMU";
  const LegSpec a = leg("a", {kOpus}, Security::Sdes);
  EXPECT_NE(text(a, leg("b", {kPcmu}), {open, transcode}), "PLAN_MISMATCH");
  EXPECT_EQ(text(leg("a", {kOpus}), leg("b", {kPcmu}), {open}), "PLAN_MISMATCH");
  open.suite = wire::SrtpSuite::AeadAes256Gcm;
  EXPECT_EQ(text(a, leg("b", {kPcmu}), {open}), "PLAN_MISMATCH");
  const auto refused = plan(leg("a", {kPcmu}), leg("b", {kPcmu}), std::vector{transcode});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "stages[0]");
  EXPECT_EQ(refused.error().code, ErrorCode::FailedPrecondition);
}

TEST(Planner, MakesPacketsOfL16ThatFit) {
  struct Case {
    std::uint32_t rate;
    std::uint8_t channels;
    Duration usual;
    Duration longest;  ///< That can be asked for.
  };
  for (const Case& each :
       {Case{8000, 1, 20ms, 60ms}, Case{16000, 1, 20ms, 50ms}, Case{16000, 2, 20ms, 20ms},
        Case{32000, 1, 20ms, 20ms}, Case{32000, 2, 10ms, 10ms}, Case{44100, 1, 10ms, 20ms},
        Case{44100, 2, 10ms, 10ms}, Case{48000, 1, 10ms, 10ms}, Case{48000, 2, 5ms, 0ms}}) {
    CodecSpec l16 = codec(97, "L16", each.rate);
    l16.channels = each.channels;
    const auto made = plan(leg("a", {kPcmu}), leg("b", {l16}), {});
    ASSERT_TRUE(made) << each.rate;
    EXPECT_EQ(made->transcoder->output.ptime, each.usual) << each.rate << "/" << +each.channels;
    EXPECT_TRUE(compile(*made)) << each.rate << "/" << +each.channels;
    for (Duration ptime = 10ms; ptime <= 60ms; ptime += 10ms) {
      l16.ptime = ptime;
      const auto asked = plan(leg("a", {kPcmu}), leg("b", {l16}), {});
      EXPECT_EQ(asked.has_value(), ptime <= each.longest) << each.rate << " " << ptime.count();
      EXPECT_TRUE(!asked || compile(*asked)) << each.rate << " " << ptime.count();
    }
  }
}

TEST(Planner, RefusesAPtimeThatTheCodecCannotMake) {
  CodecSpec opus30 = kOpus;
  opus30.ptime = 30ms;
  EXPECT_EQ(text(leg("a", {kPcmu}), leg("b", {opus30})), "PTIME_UNSUPPORTED");
  CodecSpec pcmu30 = kPcmu;
  pcmu30.ptime = 30ms;
  EXPECT_EQ(text(leg("a", {kOpus}), leg("b", {pcmu30})),
            "legs/a -> legs/b: transcode(opus@8k->pcmu) send(rtp)");
}

}  // namespace
}  // namespace causeway::engine
