#include "control/jsep/sdp_parser.h"

#include <gmock/gmock.h>

#include "control/jsep/sdp_writer.h"

namespace causeway::jsep {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kHead = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
const std::string kAudio = kHead + "m=audio 4000 RTP/AVP 0 96\r\n";  // its m= is line 5

struct Refusal {
  std::string text;
  int line;
  std::string what;
};

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheLineAndWhatIsWrongWithIt) {
  const auto description = parse_sdp(GetParam().text);
  ASSERT_FALSE(description);
  EXPECT_EQ(description.error().line, GetParam().line);
  EXPECT_EQ(description.error().what, GetParam().what);
}

INSTANTIATE_TEST_SUITE_P(
    Sdp, Refused,
    ::testing::Values(
        Refusal{"", 0, "the description: it is empty"},
        Refusal{"v=1\r\n", 1, "v=: the version is not 0"},
        Refusal{"v=\nv=0\n", 1, "v=: the version is not 0"},
        Refusal{"v=0\nv=0\n", 2, "v=: a second one"},
        Refusal{"o=- 1 1 IN IP4 192.0.2.1\n", 1, "o=: v=0 has to come first"},
        Refusal{"v=0\ns=-\n", 2, "the description: it has no o="},
        Refusal{kHead + "hello\r\n", 5, "the line: not of the form type=value"},
        Refusal{kHead + "q=1\r\n", 5, "the line: no such type of line"},
        Refusal{kHead + "s=a\rb\r\n", 5, "the line: a CR or NUL in it"},
        Refusal{"v=0\no=- 1 1 IN IP4\n", 2, "o=: the address is missing"},
        Refusal{kHead + "c=IN IP5 1\n", 5, "c=: neither IP4 nor IP6"},
        Refusal{kHead + "c=ATM IP4 1\n", 5, "c=: the network is not IN"},
        Refusal{kHead + "b=AS\n", 5, "b=: not of the form type:number"},
        Refusal{kHead + "m=audio 65536 RTP/AVP 0\n", 5, "m=: the port is not a number up to 65535"},
        Refusal{kHead + "m=audio 4000/0 RTP/AVP 0\n", 5,
                "m=: the port is not a number up to 65535"},
        Refusal{kHead + "m=audio 4000\n", 5, "m=: the protocol is missing"},
        Refusal{kHead + "m=audio 4000 RTP/AVP\n", 5, "m=: the formats are missing"},
        Refusal{kHead + "m=audio 4000 RTP/AVP 128\n", 5,
                "m=: a payload type is not a number up to 127"},
        Refusal{kHead + "m=audio 4000 RTP/AVP 0 0\n", 5, "m=: a payload type stands twice"},
        Refusal{kAudio + "a=rtpmap:96 opus/fast\n", 6,
                "a=rtpmap: the clock rate is not a number from 1"},
        Refusal{kAudio + "a=rtpmap:96 opus/48000/0\n", 6,
                "a=rtpmap: the channels are not a number from 1 to 255"},
        Refusal{kAudio + "a=rtpmap:96\n", 6, "a=rtpmap: the encoding name is missing"},
        Refusal{kAudio + "a=fmtp:x y\n", 6, "a=fmtp: the payload type is not a number up to 127"},
        Refusal{kAudio + "a=rtcp-fb:96\n", 6, "a=rtcp-fb: the feedback is missing"},
        Refusal{kAudio + "a=ptime:fast\n", 6, "a=ptime: not a number of milliseconds"},
        Refusal{kAudio + "a=rtcp:x\n", 6, "a=rtcp: the port is not a number up to 65535"},
        Refusal{kAudio + "a=mid:a b\n", 6, "a=mid: not a token"},
        Refusal{kAudio + "a=mid:0\na=mid:1\n", 7, "a=mid: a second one"},
        Refusal{kAudio + "a=mid:0\nm=audio 9 RTP/AVP 0\na=mid:0\n", 8,
                "a=mid: two sections of the same name"},
        Refusal{kAudio + "a=ice-ufrag:abc\n", 6,
                "a=ice-ufrag: not 4 to 256 letters, digits, + and /"},
        Refusal{kAudio + "a=ice-pwd:tooshort\n", 6,
                "a=ice-pwd: not 22 to 256 letters, digits, + and /"},
        Refusal{kAudio + "a=fingerprint:sha-256 AB:C\n", 6,
                "a=fingerprint: not pairs of hexadecimal digits between colons"},
        Refusal{kAudio + "a=fingerprint:sha-256 AB:\n", 6,
                "a=fingerprint: not pairs of hexadecimal digits between colons"},
        Refusal{kAudio + "a=fingerprint:sha-256\n", 6,
                "a=fingerprint: not of the form function digits"},
        Refusal{kAudio + "a=setup:both\n", 6,
                "a=setup: none of actpass, active, passive, holdconn"},
        Refusal{kAudio + "a=extmap:0 urn:x\n", 6, "a=extmap: the number is not one from 1 to 4351"},
        Refusal{kAudio + "a=extmap:1/up urn:x\n", 6, "a=extmap: no such direction"},
        Refusal{kAudio + "a=candidate:1 1 udp 1 192.0.2.1\n", 6,
                "a=candidate: the address and port are wrong or missing"},
        Refusal{kAudio + "a=candidate:1 1 udp 4294967296 192.0.2.1 9 typ host\n", 6,
                "a=candidate: the priority is not a number of 32 bits"},
        Refusal{kAudio + "a=candidate:1 1 udp 1 192.0.2.1 9 host\n", 6,
                "a=candidate: typ and the type are missing"},
        Refusal{kAudio + "a=crypto:\n", 6, "a=crypto: it is empty"},
        Refusal{kAudio + "a=ssrc:-1 cname:x\n", 6, "a=ssrc: the SSRC is not a number of 32 bits"},
        Refusal{kAudio + "a=ssrc-group:FID 1 x\n", 6,
                "a=ssrc-group: an SSRC is not a number of 32 bits"}));

TEST(Sdp, ARefusalDoesNotQuoteAPassword) {
  const auto description = parse_sdp(kAudio + "a=ice-pwd:a secret of somebody's\n");
  ASSERT_FALSE(description);
  EXPECT_THAT(description.error().to_string(), Not(HasSubstr("secret")));
  EXPECT_THAT(description.error().to_string(), HasSubstr("line 6: a=ice-pwd"));
}

TEST(Sdp, ListsHaveAnEnd) {
  std::string sections = kHead;
  for (int i = 0; i < 33; ++i) sections += "m=audio 9 RTP/AVP 0\n";
  EXPECT_EQ(parse_sdp(sections).error().what, "m=: more than 32 of them");

  std::string candidates = kAudio;
  for (int i = 0; i < 129; ++i) candidates += "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n";
  EXPECT_EQ(parse_sdp(candidates).error().what, "a=candidate: too many of them");

  EXPECT_EQ(parse_sdp(kHead + "a=x:" + std::string(65536, 'x')).error().what,
            "it is longer than 64 KiB");
}

TEST(Sdp, WhatASectionSaysCountsInsteadOfWhatTheSessionSays) {
  const auto description = parse_sdp(kHead +
                                     "c=IN IP4 192.0.2.1\na=sendonly\na=setup:actpass\n"
                                     "m=audio 9 RTP/AVP 0\nc=IN IP4 192.0.2.2\na=inactive\n"
                                     "m=audio 9 RTP/AVP 0\n");
  ASSERT_TRUE(description);
  EXPECT_EQ(description->connection_of(description->media[0])->address, "192.0.2.2");
  EXPECT_EQ(description->direction_of(description->media[0]), Direction::Inactive);
  EXPECT_EQ(description->connection_of(description->media[1])->address, "192.0.2.1");
  EXPECT_EQ(description->direction_of(description->media[1]), Direction::SendOnly);
  EXPECT_EQ(description->setup_of(description->media[1]), Setup::ActPass);
}

TEST(Sdp, IsPoliteToWhatItNeedNotKnow) {
  const auto polite =
      parse_sdp(kAudio +
                "i=a title\na=rtpmap:99 of/8000\na=fmtp:99 none\na=:\na=no token?\n"
                "a=x-vendor:1\na=ptime:0\na=group:ignored here\n\n"
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=fmtp:webrtc-datachannel x\n");
  ASSERT_TRUE(polite) << polite.error().to_string();
  EXPECT_THAT(polite->groups, IsEmpty());
  EXPECT_EQ(polite->media[0].ptime_ms, std::nullopt);
  EXPECT_THAT(polite->media, SizeIs(2));
}

TEST(Sdp, SeveralFmtpLinesOfATypeAreOne) {
  const auto description = parse_sdp(kAudio + "a=fmtp:96 stereo=1\na=fmtp:96 cbr=1\n");
  ASSERT_TRUE(description);
  EXPECT_EQ(description->media[0].find(PayloadType(96))->parameters, "stereo=1;cbr=1");
}

TEST(Sdp, IsWrittenInTheOrderOfTheGrammar) {
  const auto description =
      parse_sdp(kHead + "m=audio 4000 RTP/AVP 0\nb=AS:64\nc=IN IP4 192.0.2.1\na=sendonly\n");
  ASSERT_TRUE(description);
  EXPECT_EQ(write_sdp(*description),
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
            "c=IN IP4 192.0.2.1\r\nb=AS:64\r\na=sendonly\r\na=rtpmap:0 PCMU/8000\r\n");
}

}  // namespace
}  // namespace causeway::jsep
