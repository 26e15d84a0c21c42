#include "relay/ice/check_list.h"

#include <gtest/gtest.h>

namespace causeway::ice {
namespace {

using namespace std::chrono_literals;

SocketAddress at(std::uint16_t port) { return {IpAddress::v4(0xc0000201), UdpPort(port)}; }

TEST(CheckList, ChecksTheBestCandidateFirst) {
  Random random({1, 1});
  CheckList list;
  list.add({at(1), 10});
  list.add({at(2), 20});
  list.add({at(2), 99});  // known
  const Instant now{1h};
  EXPECT_EQ(list.due(now, true, random)->to, at(2));
  EXPECT_FALSE(list.due(now, true, random));
  EXPECT_EQ(list.due(now + CheckList::kTa, true, random)->to, at(1));
}

TEST(CheckList, TakesNoMoreThanItHasRoomFor) {
  Random random({1, 1});
  CheckList list;
  for (std::uint16_t i = 1; i <= 40; ++i) list.add({at(i), i});
  Instant now{1h};
  int requests = 0;
  while (now < Instant{1h} + 499ms) {
    if (list.due(now, true, random)) ++requests;
    now += CheckList::kTa;
  }
  EXPECT_EQ(requests, 10);  // all that Ta allows in that time
}

TEST(CheckList, FailsOnlyWhenEveryCheckHas) {
  Random random({1, 1});
  CheckList list;
  EXPECT_FALSE(list.has_failed());
  list.add({at(1), 1});
  list.add({at(2), 2});
  Instant now{1h};
  for (int i = 0; i < 100; ++i) {
    while (list.due(now, true, random)) {
    }
    if (i < 30) {
      EXPECT_FALSE(list.has_failed());
    }
    now += 500ms;
  }
  EXPECT_TRUE(list.has_failed());
  list.trigger(at(1), 1);
  EXPECT_FALSE(list.has_failed());
}

TEST(CheckList, KnowsItsOwnRequestsUntilTheyAreAnswered) {
  Random random({1, 1});
  CheckList list;
  list.add({at(1), 7});
  const auto request = list.due(Instant{1h}, true, random);
  EXPECT_FALSE(list.asked(request->transaction, at(2)));
  EXPECT_FALSE(list.asked({}, at(1)));
  ASSERT_TRUE(list.asked(request->transaction, at(1)));
  EXPECT_EQ(list.asked(request->transaction, at(1))->priority, 7U);
  list.conclude(request->transaction, true);
  EXPECT_FALSE(list.asked(request->transaction, at(1)));
}

TEST(CheckList, ARepeatedRequestSaysTheSameInWhateverRoleWeAreNow) {
  Random random({1, 1});
  CheckList list;
  list.add({at(1), 7});
  const Instant now{1h};
  const auto first = list.due(now, true, random);
  const auto again = list.due(now + CheckList::kRto, false, random);
  EXPECT_EQ(again->transaction, first->transaction);
  EXPECT_TRUE(again->is_controlling);
  EXPECT_TRUE(again->nominates);
}

TEST(CheckList, NominatesAnOnlyCandidateAtOnceAndOfSeveralTheOneThatIsChosen) {
  Random random({1, 1});
  CheckList list;
  list.add({at(1), 10});
  list.add({at(2), 20});
  Instant now{1h};
  const auto first = list.due(now, true, random);
  EXPECT_FALSE(first->nominates);
  now += CheckList::kTa;
  const auto second = list.due(now, true, random);
  EXPECT_FALSE(second->nominates);
  list.conclude(second->transaction, true);
  list.choose(second->to);
  EXPECT_TRUE(list.is_chosen());
  EXPECT_FALSE(list.asked(first->transaction, first->to));
  list.add({at(3), 30});  // too late
  for (const Duration wait : {CheckList::kTa, CheckList::kRto, 2 * CheckList::kRto}) {
    now += wait;
    const auto request = list.due(now, true, random);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->to, second->to);
    EXPECT_TRUE(request->nominates);
    EXPECT_NE(request->transaction, second->transaction);
    EXPECT_FALSE(list.due(now + CheckList::kTa, true, random));
  }
}

}  // namespace
}  // namespace causeway::ice
