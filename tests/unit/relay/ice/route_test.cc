#include "relay/ice/route.h"

#include <gtest/gtest.h>

#include <set>

#include "relay/ice/credentials.h"
#include "relay/ice/transaction_ids.h"

namespace causeway::ice {
namespace {

TEST(Route, NamesNodeAndWorkerInFiveCharacters) {
  // FNV-1a of "" is 0x811c9dc5: the upper 18 bits are 100000 010001 110010.
  EXPECT_EQ(route_of("", WorkerId(0)), "gRyAA");
  EXPECT_EQ(route_of("", WorkerId(255)), "gRyD/");
  EXPECT_EQ(route_of("a", WorkerId(1)).size(), kRouteChars);
  EXPECT_TRUE(is_ufrag(route_of("a", WorkerId(1))));
}

TEST(Route, IsAnotherForEachWorkerAndForAnotherNode) {
  std::set<std::string> seen;
  for (std::uint16_t worker = 0; worker < 256; ++worker) {
    EXPECT_TRUE(seen.insert(route_of("media-1", WorkerId(worker))).second);
    EXPECT_TRUE(seen.insert(route_of("media-2", WorkerId(worker))).second);
  }
}

TEST(TransactionIds, NameThePlaceToWhoHasTheKey) {
  const SipKey key = {3, 4};
  Random random({1, 2});
  const TransactionIds ids(key, 77);
  std::set<wire::StunTransaction> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = ids.make(random);
    EXPECT_EQ(TransactionIds::place_in(id, key), 77U);
    EXPECT_NE(TransactionIds::place_in(id, {3, 5}), 77U);
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(TransactionIds, AreRandomWhereNoPortIsShared) {
  Random random({1, 2});
  Random same({1, 2});
  const auto id = TransactionIds().make(random);
  EXPECT_EQ(load_be64(id.data()), same.next());
  EXPECT_EQ(load_be32(&id[8]), static_cast<std::uint32_t>(same.next()));
}

}  // namespace
}  // namespace causeway::ice
