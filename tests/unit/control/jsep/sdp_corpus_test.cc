#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "control/jsep/sdp_parser.h"
#include "control/jsep/sdp_writer.h"

namespace causeway::jsep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Descriptions in the style of real endpoints; the fuzz target begins with them too.
const std::filesystem::path kCorpus = "tests/fuzz/seeds/fuzz_sdp";

std::string text_of(const std::string& name) {
  std::ifstream file(kCorpus / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

SessionDescription description_of(const std::string& name) {
  auto description = parse_sdp(text_of(name));
  EXPECT_TRUE(description) << name << ": " << description.error().to_string();
  return description ? std::move(*description) : SessionDescription{};
}

std::vector<std::string> encodings_of(const MediaSection& section) {
  std::vector<std::string> names;
  for (const PayloadFormat& format : section.formats) names.push_back(format.encoding_name);
  return names;
}

TEST(SdpCorpus, IsReadAndWrittenWithoutAChange) {
  const std::vector<std::string> refused{"two_versions", "wrong_rtpmap"};
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    const std::string name = entry.path().filename();
    const auto description = parse_sdp(text_of(name));
    if (std::ranges::find(refused, name) != refused.end()) {
      EXPECT_FALSE(description) << name;
      continue;
    }
    ASSERT_TRUE(description) << name << ": " << description.error().to_string();
    const std::string written = write_sdp(*description);
    const auto again = parse_sdp(written);
    ASSERT_TRUE(again) << name << ": " << again.error().to_string() << "\n" << written;
    EXPECT_EQ(write_sdp(*again), written) << name;
    ++read;
  }
  EXPECT_GE(read, 15U);
}

TEST(SdpCorpus, ChromiumOffersOneBundledAudioSection) {
  const SessionDescription offer = description_of("chromium_audio");
  ASSERT_THAT(offer.media, SizeIs(1));
  const MediaSection& audio = offer.media[0];
  EXPECT_TRUE(audio.is_dtls_srtp());
  EXPECT_TRUE(audio.has_avpf());
  EXPECT_EQ(offer.ice_ufrag_of(audio), "F7gI");
  EXPECT_EQ(offer.ice_pwd_of(audio)->reveal(), "x9cml6RvRXJKqEJwRQzfzgVy");
  EXPECT_EQ(offer.setup_of(audio), Setup::ActPass);
  EXPECT_EQ(offer.direction_of(audio), Direction::SendRecv);
  ASSERT_THAT(offer.fingerprints_of(audio), SizeIs(1));
  EXPECT_EQ(offer.fingerprints_of(audio)[0].hash_function, "sha-256");
  EXPECT_THAT(offer.fingerprints_of(audio)[0].digest, SizeIs(32));
  EXPECT_NE(offer.bundle_of(audio), nullptr);
  EXPECT_TRUE(audio.has_rtcp_mux);
  EXPECT_THAT(audio.candidates, SizeIs(4));
  EXPECT_EQ(audio.candidates[2].transport, "tcp");
  const PayloadFormat* const opus = audio.find(PayloadType(111));
  ASSERT_NE(opus, nullptr);
  EXPECT_EQ(opus->encoding_name, "opus");
  EXPECT_EQ(opus->clock_rate, RtpClockRate(48000));
  EXPECT_EQ(opus->channels, 2U);
  EXPECT_EQ(opus->parameters, "minptime=10;useinbandfec=1");
  EXPECT_THAT(opus->feedback, ElementsAre("transport-cc"));
}

TEST(SdpCorpus, ChromiumVideoKeepsRetransmissionAndFeedback) {
  const SessionDescription offer = description_of("chromium_audio_video");
  ASSERT_THAT(offer.media, SizeIs(3));
  const MediaSection& video = offer.media[1];
  EXPECT_THAT(encodings_of(video), ElementsAre("VP8", "rtx", "H264", "rtx", "AV1", "rtx"));
  EXPECT_EQ(video.find(PayloadType(97))->parameters, "apt=96");
  EXPECT_THAT(video.find(PayloadType(96))->feedback,
              ElementsAre("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"));
  ASSERT_THAT(video.source_groups, SizeIs(1));
  EXPECT_THAT(video.source_groups[0].ssrcs, ElementsAre(Ssrc(2231627014), Ssrc(632943048)));
  EXPECT_EQ(video.shared.header_extensions[2].direction, Direction::SendOnly);
  EXPECT_FALSE(offer.media[2].is_rtp());
  EXPECT_THAT(offer.media[2].other_formats, ElementsAre("webrtc-datachannel"));
}

TEST(SdpCorpus, FirefoxSaysTheFingerprintForAllSections) {
  const SessionDescription offer = description_of("firefox_audio");
  EXPECT_THAT(offer.media[0].shared.fingerprints, IsEmpty());
  EXPECT_THAT(offer.fingerprints_of(offer.media[0]), SizeIs(1));
  EXPECT_TRUE(offer.media[0].has_all_candidates);
  EXPECT_EQ(offer.media[0].find(PayloadType(9))->channels, 1U);
}

TEST(SdpCorpus, StaticTypesNeedNoRtpmap) {
  const SessionDescription offer = description_of("oracle_sbc");
  EXPECT_THAT(encodings_of(offer.media[0]), ElementsAre("PCMA", "AMR-WB", "telephone-event"));
  EXPECT_TRUE(offer.connection_of(offer.media[0])->is_v6);
  EXPECT_EQ(offer.connection_of(offer.media[0])->address, "2001:db8:10::5");
}

TEST(SdpCorpus, KeysStandAsTheyWereWritten) {
  const SessionDescription offer = description_of("freeswitch_savp");
  ASSERT_THAT(offer.media[0].crypto, SizeIs(2));
  EXPECT_EQ(offer.media[0].crypto[1].reveal(),
            "2 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw");
}

TEST(SdpCorpus, ALitePeerSaysSo) {
  EXPECT_TRUE(description_of("whatsapp_business").is_ice_lite);
  EXPECT_FALSE(description_of("chromium_audio").is_ice_lite);
}

TEST(SdpCorpus, HoldFaxAndARefusedSectionAreTold) {
  const SessionDescription offer = description_of("fax_and_hold");
  ASSERT_THAT(offer.media, SizeIs(3));
  EXPECT_EQ(offer.direction_of(offer.media[0]), Direction::Inactive);
  EXPECT_EQ(offer.connection_of(offer.media[0])->address, "0.0.0.0");
  EXPECT_THAT(offer.media[1].other_formats, ElementsAre("t38"));
  EXPECT_EQ(offer.media[2].port, UdpPort(0));
  EXPECT_EQ(offer.media[2].line, 11);
}

}  // namespace
}  // namespace causeway::jsep
