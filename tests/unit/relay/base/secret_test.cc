#include "relay/base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <new>
#include <sstream>
#include <type_traits>
#include <utility>

namespace causeway {
namespace {

constexpr std::string_view kMaterial = "sixteen octets!!";

bool contains(Bytes memory, Bytes wanted) {
  return std::search(memory.begin(), memory.end(), wanted.begin(), wanted.end()) != memory.end();
}

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<SecretKey>);
static_assert(!std::is_copy_assignable_v<SecretKey>);
static_assert(std::is_nothrow_move_constructible_v<SecretKey>);
static_assert(!Printable<SecretKey>);
static_assert(!Printable<Pii<int>>);

TEST(SecretKey, HoldsItsMaterial) {
  const SecretKey key(as_octets(kMaterial));
  EXPECT_EQ(key.size(), kMaterial.size());
  EXPECT_FALSE(key.empty());
  EXPECT_TRUE(std::ranges::equal(key.bytes(), as_octets(kMaterial)));
  EXPECT_TRUE(SecretKey().empty());
}

TEST(SecretKey, ComparesContentsAndLength) {
  const SecretKey key(as_octets("abcd"));
  EXPECT_TRUE(key.equals(SecretKey(as_octets("abcd"))));
  EXPECT_FALSE(key.equals(SecretKey(as_octets("abce"))));
  EXPECT_FALSE(key.equals(SecretKey(as_octets("abc"))));
  EXPECT_FALSE(key.equals(SecretKey(as_octets(std::string_view("abcd\0", 5)))));
  EXPECT_TRUE(key.equals(key.clone()));
}

TEST(SecretKey, LeavesNothingBehindWhenDestroyed) {
  alignas(SecretKey) std::array<std::byte, sizeof(SecretKey)> storage{};
  auto* key = new (storage.data()) SecretKey(as_octets(kMaterial));
  EXPECT_TRUE(contains(storage, as_octets(kMaterial)));
  key->~SecretKey();
  EXPECT_FALSE(contains(storage, as_octets(kMaterial).first(4)));
}

TEST(SecretKey, LeavesNothingBehindWhenMovedFrom) {
  alignas(SecretKey) std::array<std::byte, sizeof(SecretKey)> storage{};
  auto* key = new (storage.data()) SecretKey(as_octets(kMaterial));
  SecretKey constructed(std::move(*key));
  EXPECT_FALSE(contains(storage, as_octets(kMaterial).first(4)));
  EXPECT_TRUE(key->empty());
  EXPECT_TRUE(std::ranges::equal(constructed.bytes(), as_octets(kMaterial)));
  *key = std::move(constructed);
  EXPECT_TRUE(std::ranges::equal(key->bytes(), as_octets(kMaterial)));
  key->~SecretKey();
}

TEST(SecretKey, ForgetsTheLongerKeyThatItHeldBefore) {
  alignas(SecretKey) std::array<std::byte, sizeof(SecretKey)> storage{};
  auto* key = new (storage.data()) SecretKey(as_octets(kMaterial));
  *key = SecretKey(as_octets("ab"));
  EXPECT_FALSE(contains(storage, as_octets("octets")));
  key->~SecretKey();
}

TEST(SecretKeyDeathTest, HoldsAtMostSixtyFourOctets) {
  const std::array<std::byte, 65> material{};
  EXPECT_DEATH(SecretKey{Bytes(material)}, "at most 64");
  EXPECT_EQ(SecretKey(Bytes(material).first(64)).size(), 64U);
}

TEST(Wipe, ClearsMemory) {
  std::array<std::byte, 9> memory;
  memory.fill(std::byte{0xff});
  wipe(memory.data(), 8);
  EXPECT_TRUE(
      std::ranges::all_of(Bytes(memory).first(8), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(memory[8], std::byte{0xff});
}

}  // namespace
}  // namespace causeway
