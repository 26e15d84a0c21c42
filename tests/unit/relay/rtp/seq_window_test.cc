#include "relay/rtp/seq_window.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace causeway::rtp {
namespace {

TEST(SeqWindow, RemembersExactlyTheLastThousandAcrossWraps) {
  std::mt19937 random(1);
  SeqWindow window;
  std::set<int> seen = {65000};
  int newest = 65000;
  window.restart(SeqNum(65000));
  for (int i = 0; i < 3000; ++i) {
    const int next =
        newest + static_cast<int>(random() % 100 == 0 ? random() % 3000 : random() % 4);
    if (next == newest) {
      const int behind = newest - static_cast<int>(random() % SeqWindow::kSize);
      window.set(SeqNum(static_cast<std::uint16_t>(behind)));
      seen.insert(behind);
    } else {
      window.advance_to(SeqNum(static_cast<std::uint16_t>(next)));
      seen.insert(next);
      newest = next;
    }
    const int asked = newest - static_cast<int>(random() % SeqWindow::kSize);
    ASSERT_EQ(window.has(SeqNum(static_cast<std::uint16_t>(asked))), seen.contains(asked)) << i;
  }
}

}  // namespace
}  // namespace causeway::rtp
