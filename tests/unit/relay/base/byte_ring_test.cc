#include "relay/base/byte_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <thread>
#include <vector>

namespace causeway {
namespace {

bool push(ByteRing& ring, std::size_t octets, std::byte fill) {
  const MutableBytes record = ring.reserve(octets);
  if (record.empty()) return false;
  EXPECT_EQ(record.size(), octets);
  std::ranges::fill(record, fill);
  ring.commit();
  return true;
}

TEST(ByteRing, HandsRecordsOverInOrder) {
  ByteRing ring(4096);
  EXPECT_TRUE(ring.front().empty());
  ASSERT_TRUE(push(ring, 3, std::byte{1}));
  ASSERT_TRUE(push(ring, 100, std::byte{2}));
  EXPECT_EQ(ring.front().size(), 3U);
  EXPECT_EQ(ring.front()[2], std::byte{1}) << "asking twice shows the same record";
  ring.pop();
  EXPECT_EQ(ring.front().size(), 100U);
  ring.pop();
  EXPECT_TRUE(ring.front().empty());
}

TEST(ByteRing, ShowsNothingBeforeItIsCommitted) {
  ByteRing ring(4096);
  ASSERT_FALSE(ring.reserve(10).empty());
  EXPECT_TRUE(ring.front().empty());
  ring.commit();
  EXPECT_EQ(ring.front().size(), 10U);
}

TEST(ByteRing, RoundsItsSizeUp) {
  EXPECT_EQ(ByteRing(1).capacity(), 4096U);
  EXPECT_EQ(ByteRing(5000).capacity(), 8192U);
}

TEST(ByteRing, RefusesEmptyAndOversizedRecords) {
  ByteRing ring(4096);
  EXPECT_TRUE(ring.reserve(0).empty());
  EXPECT_FALSE(ring.reserve(1016).empty());  // 1024 with its size: a quarter
  EXPECT_TRUE(ring.reserve(1017).empty());
}

TEST(ByteRing, SaysWhenItIsFullAndGoesOnWhenThereIsRoom) {
  ByteRing ring(4096);
  int pushed = 0;
  while (push(ring, 504, static_cast<std::byte>(pushed))) ++pushed;
  EXPECT_EQ(pushed, 8);
  EXPECT_EQ(ring.front()[0], std::byte{0});
  ring.pop();
  EXPECT_TRUE(push(ring, 504, std::byte{8}));
  EXPECT_FALSE(push(ring, 1, std::byte{9}));
}

TEST(ByteRing, AgreesWithAPlainQueue) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    ByteRing ring(4096);
    std::deque<std::vector<std::byte>> model;
    for (int i = 0; i < 20000; ++i) {
      if (random() % 2 == 0) {
        const std::size_t octets = 1 + random() % 1016;
        const auto fill = static_cast<std::byte>(random());
        if (push(ring, octets, fill)) model.emplace_back(octets, fill);
      } else {
        const Bytes front = ring.front();
        ASSERT_EQ(front.empty(), model.empty());
        if (model.empty()) continue;
        ASSERT_TRUE(std::ranges::equal(front, model.front()));
        ring.pop();
        model.pop_front();
      }
    }
  }
}

TEST(ByteRing, CarriesEveryRecordBetweenTwoThreads) {
  constexpr std::uint32_t kRecords = 200'000;
  ByteRing ring(8192);
  std::thread producer([&ring] {
    for (std::uint32_t i = 0; i < kRecords;) {
      const std::size_t octets = 4 + i % 300;
      const MutableBytes record = ring.reserve(octets);
      if (record.empty()) {
        std::this_thread::yield();
        continue;
      }
      store_be32(record.data(), i);
      std::ranges::fill(record.subspan(4), static_cast<std::byte>(i));
      ring.commit();
      ++i;
    }
  });
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < kRecords;) {
    const Bytes record = ring.front();
    if (record.empty()) {
      std::this_thread::yield();
      continue;
    }
    const bool is_right = record.size() == 4 + i % 300 && load_be32(record.data()) == i &&
                          std::ranges::all_of(record.subspan(4), [i](std::byte octet) {
                            return octet == static_cast<std::byte>(i);
                          });
    wrong += is_right ? 0U : 1U;
    ring.pop();
    ++i;
  }
  producer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_TRUE(ring.front().empty());
}

}  // namespace
}  // namespace causeway
