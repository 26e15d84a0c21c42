#include "relay/base/strong.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

#include "relay/base/types.h"

namespace causeway {
namespace {

template <typename T>
concept HasArithmetic = requires(T a, T b) {
  a + b;
}
|| requires(T a) { ++a; };
template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};

static_assert(!std::is_convertible_v<std::uint32_t, Ssrc>, "a number is no SSRC by itself");
static_assert(!std::is_convertible_v<Ssrc, std::uint32_t>);
static_assert(!std::is_constructible_v<Ssrc, SampleRate>);
static_assert(!HasArithmetic<Ssrc>);
static_assert(!Comparable<SampleRate, RtpClockRate>, "the G.722 trap");
static_assert(!Comparable<Ssrc, std::uint32_t>);
static_assert(sizeof(Ssrc) == 4 && sizeof(UdpPort) == 2 && sizeof(PayloadType) == 1);
static_assert(std::is_trivially_copyable_v<Ssrc>);

TEST(Strong, ComparesAndHashesItsNumber) {
  EXPECT_EQ(Ssrc(7), Ssrc(7));
  EXPECT_LT(UdpPort(1), UdpPort(2));
  EXPECT_EQ(Ssrc().raw(), 0U);
  const std::unordered_set<Ssrc> set = {Ssrc(1), Ssrc(2), Ssrc(1)};
  EXPECT_EQ(set.size(), 2U);
}

}  // namespace
}  // namespace causeway
