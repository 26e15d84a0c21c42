#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "causeway/v1/event_service.pb.h"
#include "control/errors.h"
#include "control/mutex.h"

namespace causeway::control {

/// Which events a subscriber wants.
struct EventFilter {
  std::string session;                        ///< `sessions/{session}`; empty: all.
  std::vector<int> kinds;                     ///< Field numbers of Event.kind; empty: all.
  std::map<std::string, std::string> labels;  ///< All of these.

  [[nodiscard]] bool admits(const v1::Event& event) const;
};
/// The number of a kind by its field name in Event, `leg_active`; nothing for any other word.
[[nodiscard]] std::optional<int> event_kind(const std::string& name);

/// The last events of the node, and who follows them. An event's place is a cursor that only grows;
/// the resume token is the log's instance (a new one for each start of the daemon) and the cursor.
///
///     ring:    [ base .............. head )      subscriber: cursor in base..head
///     head - cursor > backlog, or cursor < base  ->  SLOW_READER, with the token to go on from
///
/// Nothing is queued for a subscriber: each reads the ring at its own cursor. Events are kept as
/// octets, a third of what they are as messages, and made messages again for who reads them. Any
/// thread.
class EventLog {
 public:
  struct Limits {
    std::size_t ring = 10'000;
    std::size_t backlog = 8'000;
  };
  /// Reads the log from one place on. Belongs to one caller at a time; outlived by the log.
  class Subscription;

  /// `instance`: what tokens of this log begin with.
  EventLog(std::string instance, const Limits& limits);

  /// Appends an event, whose token is its place, and wakes subscribers.
  void publish(const v1::Event& event);

  /// `wake` is called (on the publisher's thread, without a lock of the log) when there may be more
  /// to read after read() has returned nothing. Errors: TOKEN_INVALID, CURSOR_EXPIRED.
  [[nodiscard]] Answer<std::unique_ptr<Subscription>> subscribe(EventFilter filter,
                                                                const std::string& resume_token,
                                                                std::function<void()> wake);

  /// Ends all subscriptions, now and later: their next read is NODE_DRAINING.
  void shut_down();

  /// Whether the log still has an event of this session.
  [[nodiscard]] bool knows_session(const std::string& session) const;
  /// The token of an event that would be published now is that of the one after this.
  [[nodiscard]] std::string newest_token() const;
  [[nodiscard]] std::size_t subscribers() const;

 private:
  /// An event but for its token, which follows from its place. What stands beside the octets tells
  /// most subscribers that the event is not for them.
  struct Entry {
    std::size_t session_hash = 0;
    int kind = 0;
    std::string octets;
  };

  [[nodiscard]] static v1::Event parse(const Entry& entry);
  [[nodiscard]] std::string token_of(std::uint64_t cursor) const;
  [[nodiscard]] Answer<std::uint64_t> parse_token(const std::string& token) const
      CAUSEWAY_REQUIRES(mutex_);
  [[nodiscard]] std::uint64_t head() const CAUSEWAY_REQUIRES(mutex_) {
    return base_ + ring_.size();
  }
  void remove(Subscription* subscription);

  const std::string instance_;
  const Limits limits_;

  mutable Mutex mutex_;
  std::deque<Entry> ring_ CAUSEWAY_GUARDED_BY(mutex_);
  std::uint64_t base_ CAUSEWAY_GUARDED_BY(mutex_) = 1;  // the cursor of ring_.front()
  bool is_shut_down_ CAUSEWAY_GUARDED_BY(mutex_) = false;

  // Wakes run under this one alone, so that a subscription that is destroyed is woken no more.
  mutable Mutex subscribers_mutex_;
  std::vector<Subscription*> subscribers_ CAUSEWAY_GUARDED_BY(subscribers_mutex_);
};

class EventLog::Subscription {
 public:
  ~Subscription() { log_.remove(this); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// The next event that the filter admits; null: none now. Errors: SLOW_READER (with
  /// `resume_token`), NODE_DRAINING; the subscription is then over.
  [[nodiscard]] Answer<std::unique_ptr<v1::Event>> read();
  /// Whether the reader has fallen so far behind that the next read() is SLOW_READER.
  [[nodiscard]] bool is_too_slow() const;
  /// The token of the last event that was looked at.
  [[nodiscard]] std::string token() const;

 private:
  friend class EventLog;
  Subscription(EventLog& log, EventFilter filter, std::uint64_t next, std::function<void()> wake)
      : log_(log), filter_(std::move(filter)), wake_(std::move(wake)), next_(next) {}

  /// The next entry that the filter may admit, and the cursor after it; nothing: none now.
  [[nodiscard]] Answer<std::optional<Entry>> next_entry(std::uint64_t& after);
  [[nodiscard]] bool may_admit(const Entry& entry) const;
  [[nodiscard]] bool is_behind() const CAUSEWAY_REQUIRES(log_.mutex_);
  void note_progress() CAUSEWAY_REQUIRES(log_.mutex_);

  EventLog& log_;
  const EventFilter filter_;
  const std::function<void()> wake_;
  std::uint64_t next_ CAUSEWAY_GUARDED_BY(log_.mutex_);  // the cursor that is read next
  // It began further behind than the bound allows, and has not caught up yet.
  bool is_catching_up_ CAUSEWAY_GUARDED_BY(log_.mutex_) = true;
};

}  // namespace causeway::control
