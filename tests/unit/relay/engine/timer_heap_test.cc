#include "relay/engine/timer_heap.h"

#include <gtest/gtest.h>

#include <map>

#include "relay/base/random.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;

TEST(TimerHeap, AgreesWithASortedMapThroughRandomChanges) {
  TimerHeap heap(64);
  std::map<std::uint32_t, Instant> plain;
  Random random({5, 6});
  for (int step = 0; step < 50'000; ++step) {
    const std::uint32_t slot = random.below(64);
    if (random.below(4) == 0) {
      heap.set(slot, std::nullopt);
      plain.erase(slot);
    } else {
      const Instant at{std::chrono::milliseconds(random.below(1000))};
      heap.set(slot, at);
      plain[slot] = at;
    }
    std::optional<Instant> earliest;
    for (const auto& [s, at] : plain) earliest = earliest ? std::min(*earliest, at) : at;
    ASSERT_EQ(heap.next(), earliest);
    ASSERT_EQ(heap.at(slot), plain.contains(slot) ? std::optional(plain[slot]) : std::nullopt);
  }
}

TEST(TimerHeap, NothingIsDueBeforeItsTime) {
  TimerHeap heap(4);
  heap.set(2, Instant{10ms});
  EXPECT_FALSE(heap.due(Instant{9ms}));
  EXPECT_EQ(heap.due(Instant{10ms}), 2U);
}

}  // namespace
}  // namespace causeway::engine
