#include "relay/base/fmtp.h"

#include <gtest/gtest.h>

namespace causeway {
namespace {

TEST(Fmtp, FindsParametersWhateverTheirSpacingAndCase) {
  EXPECT_EQ(fmtp_value("minptime=10; UseInbandFec = 1 ;stereo=0", "useinbandfec"), "1");
  EXPECT_EQ(fmtp_value("minptime=10;useinbandfec=1", "usedtx"), std::nullopt);
  EXPECT_EQ(fmtp_value("0-16", "0-16"), std::nullopt);
  EXPECT_EQ(fmtp_value("", "x"), std::nullopt);
  EXPECT_EQ(fmtp_value(";;=;a=", "a"), "");
}

TEST(Fmtp, NumbersAreWholeOrNothing) {
  EXPECT_EQ(fmtp_number("maxplaybackrate=16000", "maxplaybackrate"), 16000U);
  EXPECT_EQ(fmtp_number("maxplaybackrate=16k", "maxplaybackrate"), std::nullopt);
  EXPECT_EQ(fmtp_number("maxplaybackrate=-1", "maxplaybackrate"), std::nullopt);
  EXPECT_EQ(fmtp_number("maxplaybackrate=4294967296", "maxplaybackrate"), std::nullopt);
}

TEST(Fmtp, KnowsWhichDifferencesChangeWhatAPayloadIs) {
  EXPECT_TRUE(reads_alike("opus", "minptime=10;useinbandfec=1", ""));
  EXPECT_TRUE(reads_alike("Telephone-Event", "0-15", "0-16"));
  EXPECT_TRUE(reads_alike("VP8", "max-fr=30;max-fs=3600", ""));
  EXPECT_TRUE(reads_alike("VP9", "profile-id=0", ""));
  EXPECT_FALSE(reads_alike("VP9", "profile-id=0", "profile-id=2"));
  EXPECT_FALSE(reads_alike("AV1", "level-idx=5;profile=1;tier=0", "level-idx=5;profile=0"));
  const char* const chromium = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=";
  const auto h264 = [&](const char* id) { return std::string(chromium) + id; };
  EXPECT_TRUE(reads_alike("H264", h264("42e01f"), h264("42E034")));
  EXPECT_TRUE(reads_alike("H264", h264("42e01f"), h264("42c01f")));
  EXPECT_FALSE(reads_alike("H264", h264("42e01f"), h264("42001f")));
  EXPECT_FALSE(reads_alike("H264", h264("42e01f"), h264("64001f")));
  EXPECT_FALSE(reads_alike("H264", h264("42e01f"), "profile-level-id=42e01f")) << "single NAL unit";
  EXPECT_FALSE(reads_alike("H263", "", "CIF=1")) << "not known, so it has to be the same";
}

}  // namespace
}  // namespace causeway
