#include <dlfcn.h>
#include <pthread.h>

#include "tests/unit/relay/srtp/fixture.h"
#include "tests/unit/support/alloc_counter.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAUSEWAY_COUNTS_LOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAUSEWAY_COUNTS_LOCKS 0
#endif
#endif
#ifndef CAUSEWAY_COUNTS_LOCKS
#define CAUSEWAY_COUNTS_LOCKS 1
#endif

namespace {

thread_local std::uint64_t locks_taken = 0;

}  // namespace

#if CAUSEWAY_COUNTS_LOCKS
// In the program's own symbol table they stand in for glibc's, in libcrypto's eyes too.
namespace {

template <typename F>
F next(F, const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto real = next(&pthread_mutex_lock, "pthread_mutex_lock");
  ++locks_taken;
  return real(mutex);
}
extern "C" int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  static const auto real = next(&pthread_rwlock_rdlock, "pthread_rwlock_rdlock");
  ++locks_taken;
  return real(lock);
}
extern "C" int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  static const auto real = next(&pthread_rwlock_wrlock, "pthread_rwlock_wrlock");
  ++locks_taken;
  return real(lock);
}
#endif

namespace causeway::srtp {
namespace {

using test::make_keys;
using test::make_receiver;
using test::make_sender;
using test_support::AllocationScope;
using test_support::can_count_allocations;

// What the calling thread has done since: heap and locks.
class Quiet {
 public:
  void expect_nothing(const char* what) const {
    EXPECT_EQ(heap_.allocations(), 0U) << what;
    EXPECT_EQ(heap_.frees(), 0U) << what;
    EXPECT_EQ(locks_taken - locks_before_, 0U) << what;
  }

 private:
  AllocationScope heap_;
  std::uint64_t locks_before_ = locks_taken;
};

class SrtpAllocation : public test::SrtpTest,
                       public ::testing::WithParamInterface<wire::SrtpSuite> {
 protected:
  void SetUp() override {
    if (!can_count_allocations()) GTEST_SKIP() << "this build's malloc cannot be counted";
  }
  // A round trip of `count` packets and as many reports, over `ssrcs` SSRCs.
  void exchange(SrtpSender& sender, SrtpReceiver& receiver, std::uint16_t first, int count,
                std::uint32_t ssrcs) {
    for (int i = 0; i < count; ++i) {
      const Ssrc ssrc(static_cast<std::uint32_t>(i) % ssrcs);
      auto packet = sender.seal(open_rtp(static_cast<std::uint16_t>(first + i), ssrc));
      if (!packet) continue;
      auto sealed_packet = wire::SealedRtp::parse(std::move(*packet));
      opened_count_ += receiver.open(std::move(*sealed_packet), test::kStart).has_value() ? 1 : 0;
      auto report = sender.seal_rtcp(std::move(report_));
      auto sealed_report = wire::SealedRtcp::parse(std::move(*report));
      auto opened = receiver.open(std::move(*sealed_report), test::kStart);
      if (!opened) continue;
      report_ = std::move(*opened).take();
      ++opened_count_;
    }
  }

  PacketBuf report_ = compound();
  int opened_count_ = 0;
};

TEST_P(SrtpAllocation, SealingAndOpeningTakeNothingFromTheHeapAndNoLock) {
  auto sender = make_sender(make_keys(GetParam(), 1, "0102"));
  auto receiver = make_receiver(make_keys(GetParam(), 1, "0102"));
  const Quiet quiet;  // from the first packet on: there is nothing to warm up
  exchange(*sender, *receiver, 65500, 200, 3);
  quiet.expect_nothing("round trips");
  EXPECT_EQ(opened_count_, 400);
}

TEST_P(SrtpAllocation, NorDoNewSsrcsThatReplaceOthers) {
  auto sender = make_sender(make_keys(GetParam(), 1));
  auto receiver = make_receiver(make_keys(GetParam(), 1));
  const Quiet quiet;
  exchange(*sender, *receiver, 0, 300, 30);
  quiet.expect_nothing("30 SSRCs in turn");
  EXPECT_EQ(opened_count_, 600);
}

TEST_P(SrtpAllocation, NorDoRefusals) {
  auto sender = make_sender(make_keys(GetParam(), 1));
  auto receiver = make_receiver(make_keys(GetParam(), 2));
  const Quiet quiet;
  for (std::uint16_t seq = 0; seq < 100; ++seq) {
    auto packet = sender->seal(open_rtp(seq));
    auto parsed = wire::SealedRtp::parse(std::move(*packet));
    EXPECT_FALSE(receiver->open(std::move(*parsed), test::kStart).has_value());
    EXPECT_FALSE(sender->seal(open_rtp(seq)).has_value());
  }
  quiet.expect_nothing("wrong keys, with late join's probes");
}

TEST_P(SrtpAllocation, NorDoesARekey) {
  auto sender = make_sender(make_keys(GetParam(), 1));
  auto receiver = make_receiver(make_keys(GetParam(), 1));
  exchange(*sender, *receiver, 0, 10, 2);
  auto next_sender = make_sender(make_keys(GetParam(), 2));
  auto next_receiver = make_receiver(make_keys(GetParam(), 2));
  auto same_again = make_receiver(make_keys(GetParam(), 2));
  {
    const Quiet quiet;
    next_sender = sender->adopt(std::move(next_sender));
    next_receiver = receiver->adopt(std::move(next_receiver), test::kStart);
    same_again = receiver->adopt(std::move(same_again), test::kStart);
    exchange(*sender, *receiver, 10, 10, 2);
    receiver->retire_into(*next_receiver);
    quiet.expect_nothing("adopt and retire");
  }
  EXPECT_EQ(opened_count_, 40);
}

TEST_P(SrtpAllocation, IsCountedAtAll) {
  const AllocationScope scope;
  auto sender = make_sender(make_keys(GetParam(), 1));
  EXPECT_GT(scope.allocations(), 0U);
#if CAUSEWAY_COUNTS_LOCKS
  EXPECT_GT(locks_taken, 0U) << "OpenSSL takes locks to fetch a cipher";
#endif
}

INSTANTIATE_TEST_SUITE_P(EverySuite, SrtpAllocation, ::testing::ValuesIn(test::kAllSuites));

}  // namespace
}  // namespace causeway::srtp
