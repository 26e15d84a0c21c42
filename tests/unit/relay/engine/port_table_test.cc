#include "relay/engine/port_table.h"

#include <gtest/gtest.h>

#include <set>

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{};

PortTable table_of(std::uint16_t first, std::uint16_t last, Duration quarantine = 30s) {
  return {UdpPort(first), UdpPort(last), quarantine};
}

TEST(PortTable, PairsAreEvenAndNeverGivenTwice) {
  PortTable table = table_of(20000, 20099);
  Random random({1, 2});
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 50; ++i) {
    const auto port = table.allocate_pair(kStart, random);
    ASSERT_TRUE(port);
    EXPECT_EQ(port->raw() % 2, 0);
    EXPECT_TRUE(seen.insert(port->raw()).second);
  }
  EXPECT_FALSE(table.allocate_pair(kStart, random));
  EXPECT_EQ(table.free(), 0U);
}

TEST(PortTable, LeavesOutAnOddFirstAndAnEvenLastPort) {
  EXPECT_EQ(table_of(20001, 20010).size(), 8U);  // 20002..20009
  EXPECT_EQ(table_of(20001, 20002).size(), 0U);
  EXPECT_EQ(table_of(65534, 65535).size(), 2U);
}

TEST(PortTable, HasRoomForExactlyWhatCanBeAllocated) {
  Random random({1, 2});
  for (int broken = 0; broken < 3; ++broken) {
    for (std::size_t pairs = 0; pairs <= 5; ++pairs) {
      for (std::size_t singles = 0; singles <= 9; ++singles) {
        PortTable table = table_of(20000, 20007);
        // Each of these leaves the mate of another pair alone.
        for (std::uint16_t i = 0; i < broken; ++i) {
          ASSERT_TRUE(table.claim(kStart, UdpPort(static_cast<std::uint16_t>(20000 + 2 * i))));
        }
        const bool has_room = table.has_room(kStart, pairs, singles);
        bool fits = true;
        for (std::size_t i = 0; i < singles; ++i)
          fits &= table.allocate_one(kStart, random).has_value();
        for (std::size_t i = 0; i < pairs; ++i)
          fits &= table.allocate_pair(kStart, random).has_value();
        EXPECT_EQ(has_room, fits) << broken << " broken, " << pairs << "+" << singles;
      }
    }
  }
}

TEST(PortTable, HasRoomAgainOnceThePortsHaveRested) {
  PortTable table = table_of(20000, 20001);
  Random random({1, 2});
  const auto port = table.allocate_pair(kStart, random);
  table.release(kStart, *port);
  table.release(kStart, UdpPort(static_cast<std::uint16_t>(port->raw() + 1)));
  EXPECT_FALSE(table.has_room(kStart + 29s, 1, 0));
  EXPECT_TRUE(table.has_room(kStart + 30s, 1, 0));
}

TEST(PortTable, ChoiceIsRandomButReplaysFromTheSameKey) {
  Random one({7, 7});
  Random same({7, 7});
  Random other({8, 8});
  PortTable a = table_of(20000, 29999);
  PortTable b = table_of(20000, 29999);
  PortTable c = table_of(20000, 29999);
  int equal_to_other = 0;
  for (int i = 0; i < 100; ++i) {
    const auto x = a.allocate_pair(kStart, one);
    EXPECT_EQ(x, b.allocate_pair(kStart, same));
    equal_to_other += x == c.allocate_pair(kStart, other) ? 1 : 0;
  }
  EXPECT_LT(equal_to_other, 5);
}

TEST(PortTable, SinglesUseUpBrokenPairsFirst) {
  PortTable table = table_of(20000, 20003);
  Random random({1, 2});
  const auto first = table.allocate_one(kStart, random);
  const auto second = table.allocate_one(kStart, random);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->raw() ^ 1U, second->raw()) << "the mate, so that the other pair stays whole";
  EXPECT_TRUE(table.allocate_pair(kStart, random));
}

TEST(PortTable, APortRestsForItsQuarantine) {
  PortTable table = table_of(20000, 20001, 30s);
  Random random({1, 2});
  const auto port = table.allocate_pair(kStart, random);
  ASSERT_TRUE(port);
  table.release(kStart, *port);
  table.release(kStart, UdpPort(static_cast<std::uint16_t>(port->raw() + 1)));
  EXPECT_FALSE(table.allocate_pair(kStart + 29s, random));
  EXPECT_EQ(table.quarantined(), 2U);
  EXPECT_TRUE(table.allocate_pair(kStart + 30s, random));
}

TEST(PortTable, APortThatNobodyWasToldOfIsFreeAtOnce) {
  PortTable table = table_of(20000, 20001, 30s);
  Random random({1, 2});
  const auto port = table.allocate_pair(kStart, random);
  ASSERT_TRUE(port);
  table.put_back(*port);
  table.put_back(UdpPort(static_cast<std::uint16_t>(port->raw() + 1)));
  EXPECT_EQ(table.free(), 2U);
  EXPECT_TRUE(table.allocate_pair(kStart, random)) << "as a whole pair";
}

TEST(PortTable, ClaimTakesExactlyAFreePort) {
  PortTable table = table_of(20000, 20003);
  EXPECT_TRUE(table.claim(kStart, UdpPort(20001)));
  EXPECT_FALSE(table.claim(kStart, UdpPort(20001)));
  EXPECT_FALSE(table.claim(kStart, UdpPort(19999)));
  EXPECT_FALSE(table.claim(kStart, UdpPort(20004)));
  EXPECT_EQ(table.used(), 1U);
}

TEST(PortTable, FreeUsedAndQuarantinedAlwaysAddUp) {
  PortTable table = table_of(20000, 20063, 5s);
  Random random({3, 4});
  std::vector<UdpPort> used;
  Instant now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    now += std::chrono::milliseconds(random.below(200));
    const std::uint32_t what = random.below(3);
    if (what == 0) {
      if (const auto port = table.allocate_pair(now, random)) {
        used.push_back(*port);
        used.push_back(UdpPort(static_cast<std::uint16_t>(port->raw() + 1)));
      }
    } else if (what == 1) {
      if (const auto port = table.allocate_one(now, random)) used.push_back(*port);
    } else if (!used.empty()) {
      const std::size_t pick = random.below(static_cast<std::uint32_t>(used.size()));
      table.release(now, used[pick]);
      used[pick] = used.back();
      used.pop_back();
    }
    ASSERT_EQ(table.used(), used.size());
    ASSERT_EQ(table.free() + table.used() + table.quarantined(), table.size());
  }
  for (const UdpPort port : used) table.release(now, port);
  now += 5s;
  for (std::size_t pairs = 0; pairs < 32; ++pairs) {
    EXPECT_TRUE(table.allocate_pair(now, random)) << "all pairs are whole again";
  }
}

}  // namespace
}  // namespace causeway::engine
