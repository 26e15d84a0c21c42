#include "tests/sim/chaos.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace causeway::sim {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

/// CAUSEWAY_SEEDS says how many, CAUSEWAY_SEED which is the first: `CAUSEWAY_SEED=77
/// CAUSEWAY_SEEDS=1` runs one again.
TEST(Chaos, ItsPromisesHoldForEverySeed) {
  const std::uint64_t first = number_from("CAUSEWAY_SEED", 1);
  const std::uint64_t count = number_from("CAUSEWAY_SEEDS", 500);
  int broken = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const std::string what = Chaos(seed).run();
    EXPECT_EQ(what, "");
    if (!what.empty() && ++broken == 10) break;  // enough to see what it is
  }
}

}  // namespace
}  // namespace causeway::sim
