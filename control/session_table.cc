#include "control/session_table.h"

namespace causeway::control {

std::optional<SessionTable::Reservation> SessionTable::reserve(const std::string& id) {
  const Lock lock(mutex_);
  if (!by_id_.try_emplace(id, nullptr).second) return std::nullopt;
  return std::optional<Reservation>(std::in_place, *this, id);
}

void SessionTable::release(const std::string& id) {
  const Lock lock(mutex_);
  const auto found = by_id_.find(id);
  if (found != by_id_.end() && found->second == nullptr) by_id_.erase(found);
}

void SessionTable::add(const SessionPtr& session) {
  const Lock lock(mutex_);
  session->order = next_order_++;
  by_id_[session->id] = session;
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
  return found == by_id_.end() ? nullptr : found->second;
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
