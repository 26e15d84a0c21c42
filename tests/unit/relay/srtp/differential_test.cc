#include "tests/unit/relay/srtp/differential.h"

#include <iostream>

namespace causeway::srtp {
namespace {

using test::Differential;
using test::DifferentialKeys;

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

struct Shard {
  wire::SrtpSuite suite;
  std::size_t mki_octets;
};
constexpr std::size_t kShards = 12;
constexpr std::uint64_t kSeedsPerShard = 5;  // so that streams begin in several ways

class SrtpDifferential : public ::testing::TestWithParam<Shard> {};

TEST_P(SrtpDifferential, NeverDisagreesWithLibsrtp) {
  std::uint64_t opened = 0;
  std::uint64_t replays = 0;
  std::uint32_t rollovers = 0;
  for (std::uint64_t seed = 0; seed < kSeedsPerShard; ++seed) {
    const DifferentialKeys keys(GetParam().suite, GetParam().mki_octets);
    Differential<Rules, Rules> differential(keys.both, keys.second, seed);
    const auto disagreement = differential.run(kPackets / kShards / kSeedsPerShard);
    ASSERT_EQ(disagreement, std::nullopt) << "seed " << seed;
    opened += differential.opened();
    replays += differential.replays();
    rollovers = std::max(rollovers, differential.highest_roc());
  }
  // Agreement about nothing would prove nothing.
  const std::uint64_t delivered = kPackets / kShards;
  EXPECT_GT(opened, delivered / 3);
  EXPECT_GT(replays, delivered / 20);
  EXPECT_GE(rollovers, 2U);
  RecordProperty("opened", static_cast<int>(opened));
  RecordProperty("replays", static_cast<int>(replays));
}

std::vector<Shard> all_shards() {
  std::vector<Shard> shards;
  for (const wire::SrtpSuite suite : test::kAllSuites) {
    shards.push_back({suite, 0});
    shards.push_back({suite, suite == wire::SrtpSuite::AeadAes256Gcm ? 128U : 4U});
  }
  EXPECT_EQ(shards.size(), kShards);
  return shards;
}
std::string shard_name(const ::testing::TestParamInfo<Shard>& info) {
  return std::string(wire::facts_of(info.param.suite).name) +
         (info.param.mki_octets == 0 ? "" : "_mki");
}
INSTANTIATE_TEST_SUITE_P(Shard, SrtpDifferential, ::testing::ValuesIn(all_shards()), shard_name);

// ---- planted faults: each gets one decision of Rules wrong

struct GuessEdgeTooLow : Rules {
  static constexpr std::int32_t kHalfSpace = 32767;
};
struct GuessEdgeTooHigh : Rules {
  static constexpr std::int32_t kHalfSpace = 32769;
};
struct WindowOneShort : Rules {
  static constexpr std::uint64_t kWindowSlack = ~std::uint64_t{0};
};
struct CommitBeforeTag : Rules {
  static constexpr bool kCommitAfterTag = false;
};
struct WrongRtcpAuthLabel : Rules {
  static constexpr std::array<std::uint8_t, 6> kLabels = {0, 1, 2, 3, 1, 5};
};
struct WrongRtpSaltLabel : Rules {
  static constexpr std::array<std::uint8_t, 6> kLabels = {0, 1, 5, 3, 4, 5};
};
struct CmIndexNotShifted : Rules {
  static constexpr std::size_t kCmIndexOctet = 10;
};
struct CmSsrcMisplaced : Rules {
  static constexpr std::size_t kCmSsrcOctet = 5;
};
struct GcmSsrcMisplaced : Rules {
  static constexpr std::size_t kGcmSsrcOctet = 1;
};
struct GcmIndexMisplaced : Rules {
  static constexpr std::size_t kGcmIndexOctet = 5;
};
struct TagWithoutRoc : Rules {
  static constexpr bool kTagCoversRoc = false;
};
struct ShortSrtcpTag : Rules {
  static constexpr bool kSrtcpTagStaysLong = false;
};
struct MkiBehindTag : Rules {
  static constexpr bool kMkiPrecedesTag = false;
};
struct NoEBit : Rules {
  static constexpr std::uint32_t kSrtcpEncrypted = 0x40000000;
};
struct AadOfFixedHeaderOnly : Rules {
  static constexpr bool kAadCoversExtension = false;
};
struct AadWithoutSrtcpIndex : Rules {
  static constexpr bool kAadCoversSrtcpIndex = false;
};

template <typename Fault>
class PlantedFault : public ::testing::Test {
 protected:
  // The first disagreement that the fault leads to, over all shards.
  template <typename S, typename R>
  static std::string find() {
    const std::vector<Shard> shards = all_shards();
    for (std::size_t i = 0; i < kShards; ++i) {
      const Shard& shard = shards[i * 5 % kShards];  // soon one of each kind
      const DifferentialKeys keys(shard.suite, shard.mki_octets);
      Differential<S, R> differential(keys.both, keys.second, 0);
      if (const auto disagreement = differential.run(kPackets / kShards / kSeedsPerShard)) {
        return std::string(wire::facts_of(shard.suite).name) + " " + *disagreement;
      }
    }
    return "";
  }
};
using Faults =
    ::testing::Types<GuessEdgeTooLow, GuessEdgeTooHigh, WindowOneShort, CommitBeforeTag,
                     WrongRtcpAuthLabel, WrongRtpSaltLabel, CmIndexNotShifted, CmSsrcMisplaced,
                     GcmSsrcMisplaced, GcmIndexMisplaced, TagWithoutRoc, ShortSrtcpTag,
                     MkiBehindTag, NoEBit, AadOfFixedHeaderOnly, AadWithoutSrtcpIndex>;
struct FaultName {
  template <typename T>
  static std::string GetName(int /*index*/) {
    const std::string name = ::testing::internal::GetTypeName<T>();
    return name.substr(name.rfind(':') + 1);
  }
};
TYPED_TEST_SUITE(PlantedFault, Faults, FaultName);

TYPED_TEST(PlantedFault, IsFoundInTheReceiver) {
  const std::string found = this->template find<Rules, TypeParam>();
  EXPECT_NE(found, "") << "the differential test would not notice this fault";
  std::cout << "  found: " << found.substr(0, 100) << "\n";
}

TYPED_TEST(PlantedFault, IsFoundInTheSender) {
  if constexpr (std::is_same_v<TypeParam, CommitBeforeTag>) {
    GTEST_SKIP() << "a sender has no tag to wait for";
  }
  const std::string found = this->template find<TypeParam, Rules>();
  EXPECT_NE(found, "") << "the differential test would not notice this fault";
  std::cout << "  found: " << found.substr(0, 100) << "\n";
}

}  // namespace
}  // namespace causeway::srtp
