#include "control/session_table.h"

namespace causeway::control {

std::optional<SessionTable::Reservation> SessionTable::reserve(const SessionPtr& session) {
  const Lock lock(mutex_);
  if (!by_id_.try_emplace(session->id, Place{session, false}).second) return std::nullopt;
  return std::optional<Reservation>(std::in_place, *this, session);
}

/// The id may be another session's by now: of one that was added, closed and followed.
void SessionTable::release(const SessionState& session) {
  const Lock lock(mutex_);
  const auto found = by_id_.find(session.id);
  if (found == by_id_.end() || found->second.session.get() != &session) return;
  if (!found->second.is_open) by_id_.erase(found);
}

void SessionTable::add(const SessionPtr& session) {
  const Lock lock(mutex_);
  session->order = next_order_++;
  by_id_[session->id] = {session, true};
  by_handle_[session->handle] = session;
  by_order_[session->order] = session;
}

void SessionTable::remove(const SessionState& session) {
  const Lock lock(mutex_);
  by_handle_.erase(session.handle);
  by_order_.erase(session.order);
  by_id_.erase(session.id);
}

SessionPtr SessionTable::find(std::string_view id) const {
  const Lock lock(mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() || !found->second.is_open ? nullptr : found->second.session;
}

SessionPtr SessionTable::find(const engine::SessionHandle& handle) const {
  const Lock lock(mutex_);
  const auto found = by_handle_.find(handle);
  return found == by_handle_.end() ? nullptr : found->second;
}

std::vector<SessionPtr> SessionTable::after(std::uint64_t order, std::size_t limit) const {
  const Lock lock(mutex_);
  std::vector<SessionPtr> sessions;
  for (auto at = by_order_.upper_bound(order); at != by_order_.end() && sessions.size() < limit;
       ++at) {
    sessions.push_back(at->second);
  }
  return sessions;
}

std::size_t SessionTable::size() const {
  const Lock lock(mutex_);
  return by_order_.size();
}

}  // namespace causeway::control
