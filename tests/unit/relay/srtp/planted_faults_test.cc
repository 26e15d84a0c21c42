#include <iostream>

#include "tests/unit/relay/srtp/differential.h"

// Would the differential test notice? Each fault is planted in the sender alone and in the receiver
// alone, for what both ends get wrong alike shows in the sealed octets at once.

namespace causeway::srtp {
namespace {

using test::CoreReceiver;
using test::CoreSender;
using test::Differential;
using test::DifferentialKeys;
using test::kShards;
using test::Shard;

// The edges of window and index guess take some thousand packets to come by.
constexpr std::uint64_t kPacketsForAFault = 17'000;

// Each gets one decision of Rules wrong.

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
    for (std::size_t i = 0; i < kShards.size(); ++i) {
      const Shard& shard = kShards[i * 5 % kShards.size()];  // soon one of each kind
      const DifferentialKeys keys(shard.suite, shard.mki_octets);
      Differential differential(keys, std::make_unique<CoreSender<S>>(keys),
                                std::make_unique<CoreReceiver<R>>(keys), 0);
      if (const auto disagreement = differential.run(kPacketsForAFault)) {
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
