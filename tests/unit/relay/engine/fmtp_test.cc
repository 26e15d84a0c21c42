#include "relay/engine/fmtp.h"

#include <gtest/gtest.h>

namespace causeway::engine {
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

}  // namespace
}  // namespace causeway::engine
