#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "control/errors.h"
#include "control/mutex.h"
#include "relay/base/time.h"

namespace google::protobuf {
class MessageLite;
}

namespace causeway::control {

/// Remembers what was answered to each `request_id`, so that a retry changes nothing and gets the
/// first answer again. Only successes are remembered: a request that was refused has changed
/// nothing, and its retry is a new try.
///
/// Bodies are kept as a keyed hash. Responses are kept as they were sent, because a repeat must get
/// the same send key again; they are wiped when they are forgotten. Any thread.
class RequestLog {
 public:
  struct Limits {
    Duration memory = std::chrono::minutes(10);
    std::size_t octets = 64U << 20U;  ///< Of all responses; the oldest are forgotten first.
  };

  explicit RequestLog(const Limits& limits);
  ~RequestLog();

  /// Runs `handle`, which fills `response`, unless the same request with the same id was answered
  /// before; one that is being handled is waited for. `method` is part of the body.
  /// Errors: FIELD_INVALID (a malformed id), REQUEST_ID_REUSED, and those of `handle`.
  [[nodiscard]] Answer<void> run(Instant now, const std::string& request_id,
                                 std::string_view method,
                                 const google::protobuf::MessageLite& request,
                                 google::protobuf::MessageLite& response,
                                 const std::function<Answer<void>()>& handle);

  [[nodiscard]] std::size_t size() const;

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Entry {
    Digest body{};
    bool is_done = false;
    std::string response;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  [[nodiscard]] Digest digest_of(std::string_view method,
                                 const google::protobuf::MessageLite& request) const;
  void forget_old(Instant now) CAUSEWAY_REQUIRES(mutex_);
  void forget(const std::string& request_id) CAUSEWAY_REQUIRES(mutex_);

  const Limits limits_;
  std::array<unsigned char, 32> hash_key_{};

  mutable Mutex mutex_;
  Condition is_settled_;
  std::unordered_map<std::string, EntryPtr> entries_ CAUSEWAY_GUARDED_BY(mutex_);
  struct Age {
    Instant at;
    std::string request_id;
  };
  std::deque<Age> by_age_ CAUSEWAY_GUARDED_BY(mutex_);
  std::size_t octets_ CAUSEWAY_GUARDED_BY(mutex_) = 0;
};

}  // namespace causeway::control
