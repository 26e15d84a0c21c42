#include "tests/bench/generator/plan.h"

#include <gtest/gtest.h>

#include <sstream>

namespace causeway::bench {
namespace {

std::vector<LegPlan> read(const std::string& text) {
  std::istringstream in(text);
  return read_plan(in);
}

TEST(Plan, ReadsBothLegsOfACall) {
  const auto legs = read(
      "local=127.0.0.2:10000 remote=127.0.0.1:12000 rtcp=127.0.0.1:12001 payload=pcmu type=0 "
      "hears=1 listen=1\n"
      "local=127.0.0.2:10002 remote=127.0.0.1:12002 payload=opus type=96 hears=0 "
      "send=1,AEAD_AES_128_GCM,inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA "
      "receive=1,AEAD_AES_128_GCM,inline:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA\n");
  ASSERT_EQ(legs.size(), 2U);
  EXPECT_EQ(legs[0].local.port, UdpPort(10'000));
  EXPECT_EQ(legs[0].remote_rtcp->port, UdpPort(12'001));
  EXPECT_TRUE(legs[0].is_listened_to);
  EXPECT_FALSE(legs[0].sealer || legs[0].opener);
  EXPECT_EQ(legs[0].hears, 1U);
  EXPECT_EQ(legs[1].payload, Payload::Opus);
  EXPECT_EQ(legs[1].type, PayloadType(96));
  EXPECT_TRUE(legs[1].sealer && legs[1].opener);
  EXPECT_FALSE(legs[1].remote_rtcp || legs[1].is_listened_to);
}

TEST(PlanDeathTest, RefusesWhatItCannotDo) {
  const std::string good = "local=127.0.0.2:1 remote=127.0.0.1:2 type=0 hears=0 ";
  EXPECT_EXIT((void)read(good + "payload=g729"), testing::ExitedWithCode(2), "unknown payload");
  EXPECT_EXIT((void)read(good + "payload=pcmu send=1,NULL,inline:A"), testing::ExitedWithCode(2),
              "wrong key");
  EXPECT_EXIT((void)read("payload=pcmu hears=0"), testing::ExitedWithCode(2), "no address");
  EXPECT_EXIT((void)read("local=127.0.0.2:1 remote=127.0.0.1:2 payload=pcmu hears=7"),
              testing::ExitedWithCode(2), "not there");
}

}  // namespace
}  // namespace causeway::bench
