#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/mutex.h"
#include "control/session_state.h"

namespace causeway::control {

/// The sessions of the node, by id, by engine handle and in the order of their creation. Any
/// thread; its mutex is held for look-ups only.
class SessionTable {
 public:
  /// Keeps an id for a session that is being created. Released by the destructor unless the session
  /// was added; then the place is the session's, and after it anybody's.
  class Reservation {
   public:
    Reservation(SessionTable& table, SessionPtr session)
        : table_(&table), session_(std::move(session)) {}
    Reservation(Reservation&& other) noexcept
        : table_(std::exchange(other.table_, nullptr)), session_(std::move(other.session_)) {}
    Reservation& operator=(Reservation&&) = delete;
    ~Reservation() {
      if (table_ != nullptr) table_->release(*session_);
    }

   private:
    SessionTable* table_;
    SessionPtr session_;
  };

  /// Nothing where the session's id is taken.
  [[nodiscard]] std::optional<Reservation> reserve(const SessionPtr& session);
  /// Fills the place that was reserved for it. The session's `handle` is set.
  void add(const SessionPtr& session);
  void remove(const SessionState& session);

  [[nodiscard]] SessionPtr find(std::string_view id) const;
  [[nodiscard]] SessionPtr find(const engine::SessionHandle& handle) const;
  /// All, or those after `order`, at most `limit`, in the order of their creation.
  [[nodiscard]] std::vector<SessionPtr> after(std::uint64_t order, std::size_t limit) const;
  [[nodiscard]] std::vector<SessionPtr> all() const { return after(0, SIZE_MAX); }
  [[nodiscard]] std::size_t size() const;

 private:
  void release(const SessionState& session);

  struct Place {
    SessionPtr session;
    bool is_open = false;  ///< False: reserved.
  };
  struct HandleHash {
    std::size_t operator()(const engine::SessionHandle& handle) const {
      return (std::size_t{handle.slot} << 24U) ^ (std::size_t{handle.worker.raw()} << 56U) ^
             handle.generation;
    }
  };
  struct IdHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>{}(id); }
  };

  mutable Mutex mutex_;
  std::uint64_t next_order_ CAUSEWAY_GUARDED_BY(mutex_) = 1;
  std::unordered_map<std::string, Place, IdHash, std::equal_to<>> by_id_
      CAUSEWAY_GUARDED_BY(mutex_);
  std::unordered_map<engine::SessionHandle, SessionPtr, HandleHash> by_handle_
      CAUSEWAY_GUARDED_BY(mutex_);
  std::map<std::uint64_t, SessionPtr> by_order_ CAUSEWAY_GUARDED_BY(mutex_);
};

}  // namespace causeway::control
