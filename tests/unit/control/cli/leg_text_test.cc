#include "control/cli/leg_text.h"

#include <gtest/gtest.h>

namespace causeway::cli {
namespace {

std::string wrong(std::string_view text) {
  const auto leg = parse_leg(text);
  return leg ? "" : leg.error();
}

TEST(LegText, SaysAWholeLeg) {
  const auto leg = parse_leg(
      "srtp/opus:96+events,remote=[2001:db8::7]:4000,accept=10.0.0.0/8+2001:db8::/32,mux=yes,"
      "suite=AEAD_AES_128_GCM,direction=sendonly,ptime=40ms,bitrate=16000,fec=yes");
  ASSERT_TRUE(leg) << leg.error();
  ASSERT_EQ(leg->codecs_size(), 2);
  EXPECT_EQ(leg->codecs(0).payload_type(), 96U);
  EXPECT_EQ(leg->codecs(0).ptime().nanos(), 40'000'000);
  EXPECT_EQ(leg->codecs(0).opus().bitrate(), 16'000U);
  EXPECT_TRUE(leg->codecs(0).opus().inband_fec());
  EXPECT_EQ(leg->codecs(1).clock_rate(), 48'000U) << "events on the clock of the audio";
  EXPECT_EQ(leg->remote().rtp().ip(), "2001:db8::7");
  EXPECT_EQ(leg->accept_from().cidrs().cidrs_size(), 2);
  EXPECT_EQ(leg->transport().kind(), v1::TRANSPORT_KIND_RTCP_MUX);
  EXPECT_EQ(leg->security().sdes().receive().suite(), v1::SRTP_SUITE_AEAD_AES_128_GCM);
  EXPECT_EQ(leg->direction(), v1::DIRECTION_SENDONLY);
}

TEST(LegText, SaysWhatIsWrongAndWhatWasMeant) {
  EXPECT_EQ(wrong("pcmu"), "a leg begins with rtp/ or srtp/, not `pcmu`");
  EXPECT_EQ(wrong("rtp/pcmx"), "`pcmx` is no codec of the relay; others are NAME:TYPE:CLOCK");
  EXPECT_EQ(wrong("rtp/pcmu,remte=1.2.3.4:5"),
            "remte: a leg has no `remte`; did you mean `remote`?");
  EXPECT_EQ(wrong("rtp/pcmu,colour=red"),
            "colour: a leg has no `colour`; `causeway call --help` lists what it has");
  EXPECT_EQ(wrong("rtp/pcmu,remote=1.2.3.4"), "remote: `1.2.3.4` is no IP:PORT");
  EXPECT_EQ(wrong("rtp/pcmu,receive=QUJD"), "receive: only a srtp leg has keys");
  EXPECT_EQ(wrong("srtp/opus,receive=%"), "receive: a key is base64");
  EXPECT_EQ(wrong("rtp/pcmu,ptime=20"), "ptime: `20` is no time such as 20ms");
  EXPECT_EQ(wrong("rtp/pcmu,mux=true"), "mux: `true` is neither yes nor no");
}

TEST(LegText, WhatOnlyOpusHasIsNotIgnoredElsewhere) {
  for (const char* setting : {"bitrate=16000", "complexity=3", "fec=yes", "dtx=no"}) {
    EXPECT_NE(wrong(std::string("rtp/pcmu,") + setting).find("only a leg with opus has this"),
              std::string::npos)
        << setting;
  }
  EXPECT_EQ(wrong("rtp,ptime=20ms"), "ptime: a leg without codecs has none");
}

TEST(LegText, ALongPacketTimeIsNotTakenForAShortOne) {
  const auto leg = parse_leg("rtp/pcmu,ptime=4315ms");  // 20 ms modulo 2^32 nanoseconds
  ASSERT_TRUE(leg);
  EXPECT_EQ(leg->codecs(0).ptime().seconds(), 4);
  EXPECT_EQ(leg->codecs(0).ptime().nanos(), 315'000'000);
}

}  // namespace
}  // namespace causeway::cli
