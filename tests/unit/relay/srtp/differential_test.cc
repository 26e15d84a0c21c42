#include "tests/unit/relay/srtp/differential.h"

namespace causeway::srtp {
namespace {

using test::CoreReceiver;
using test::CoreSender;
using test::Differential;
using test::DifferentialKeys;
using test::kShards;
using test::Shard;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kPackets = 60'000;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t kPackets = 60'000;
#else
constexpr std::uint64_t kPackets = 1'020'000;
#endif
#else
constexpr std::uint64_t kPackets = 1'020'000;
#endif

constexpr std::uint64_t kSeedsPerShard = 5;  // so that streams begin in several ways

class SrtpDifferential : public ::testing::TestWithParam<Shard> {};

TEST_P(SrtpDifferential, NeverDisagreesWithLibsrtp) {
  std::uint64_t opened = 0;
  std::uint64_t replays = 0;
  std::uint32_t rollovers = 0;
  for (std::uint64_t seed = 0; seed < kSeedsPerShard; ++seed) {
    const DifferentialKeys keys(GetParam().suite, GetParam().mki_octets);
    Differential differential(keys, std::make_unique<CoreSender<Rules>>(keys),
                              std::make_unique<CoreReceiver<Rules>>(keys), seed);
    const auto disagreement = differential.run(kPackets / kShards.size() / kSeedsPerShard);
    ASSERT_EQ(disagreement, std::nullopt) << "seed " << seed;
    opened += differential.opened();
    replays += differential.replays();
    rollovers = std::max(rollovers, differential.highest_roc());
  }
  // Agreement about nothing would prove nothing.
  const std::uint64_t delivered = kPackets / kShards.size();
  EXPECT_GT(opened, delivered / 3);
  EXPECT_GT(replays, delivered / 20);
  EXPECT_GE(rollovers, 2U);
  RecordProperty("opened", static_cast<int>(opened));
  RecordProperty("replays", static_cast<int>(replays));
}

std::string shard_name(const ::testing::TestParamInfo<Shard>& info) {
  return std::string(wire::facts_of(info.param.suite).name) +
         (info.param.mki_octets == 0 ? "" : "_mki");
}
INSTANTIATE_TEST_SUITE_P(Shard, SrtpDifferential, ::testing::ValuesIn(kShards), shard_name);

}  // namespace
}  // namespace causeway::srtp
