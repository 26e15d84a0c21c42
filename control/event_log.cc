#include "control/event_log.h"

#include <algorithm>
#include <charconv>

namespace causeway::control {

namespace {

constexpr std::string_view kTokenForm = "e1.";

std::size_t hash_of(const std::string& session) { return std::hash<std::string>{}(session); }

/// What every subscriber is told, whatever he asked for.
bool is_for_all(int kind) {
  return kind == v1::Event::kStreamOpened || kind == v1::Event::kEventsLost;
}

}  // namespace

bool EventFilter::admits(const v1::Event& event) const {
  const int kind = event.kind_case();
  if (is_for_all(kind)) return true;
  if (!session.empty() && event.session() != session) return false;
  if (!kinds.empty() && std::ranges::find(kinds, kind) == kinds.end()) return false;
  return std::ranges::all_of(labels, [&](const auto& label) {
    const auto found = event.labels().find(label.first);
    return found != event.labels().end() && found->second == label.second;
  });
}

std::optional<int> event_kind(const std::string& name) {
  const auto* field = v1::Event::descriptor()->FindFieldByName(name);
  if (field == nullptr || field->containing_oneof() == nullptr) return std::nullopt;
  return field->number();
}

EventLog::EventLog(std::string instance, const Limits& limits)
    : instance_(std::move(instance)), limits_(limits) {}

std::string EventLog::token_of(std::uint64_t cursor) const {
  return std::string(kTokenForm) + instance_ + "." + std::to_string(cursor);
}

Answer<std::uint64_t> EventLog::parse_token(const std::string& token) const {
  const auto refuse = [] {
    return failure(
        field_error("TOKEN_INVALID", Field("resume_token"), "This is no resume token of a relay."));
  };
  const std::size_t dot = token.rfind('.');
  if (!token.starts_with(kTokenForm) || dot == std::string::npos || dot < kTokenForm.size()) {
    return refuse();
  }
  std::uint64_t cursor = 0;
  const char* const end = token.data() + token.size();
  const auto [at, error] = std::from_chars(token.data() + dot + 1, end, cursor);
  if (error != std::errc{} || at != end) return refuse();
  const std::string instance = token.substr(kTokenForm.size(), dot - kTokenForm.size());
  if (instance.size() != instance_.size()) return refuse();
  if (instance != instance_) {
    return failure(api_error("CURSOR_EXPIRED", "The token is from before the relay was started."));
  }
  if (cursor >= head()) return refuse();  // it was never given
  if (cursor + 1 < base_) {
    return failure(api_error("CURSOR_EXPIRED", "The events after this token are no longer kept."));
  }
  return cursor;
}

v1::Event EventLog::parse(const Entry& entry) {
  v1::Event event;
  if (event.ParseFromString(entry.octets)) return event;
  // Text that is not UTF-8, a recordings folder of such a name perhaps: no reason to end calls.
  event.Clear();
  event.mutable_events_lost()->set_count(1);
  return event;
}

void EventLog::publish(const v1::Event& event) {
  Entry entry{hash_of(event.session()), event.kind_case(), event.SerializeAsString()};
  {
    const Lock lock(mutex_);
    ring_.push_back(std::move(entry));
    if (ring_.size() > limits_.ring) {
      ring_.pop_front();
      ++base_;
    }
  }
  const Lock lock(subscribers_mutex_);
  for (Subscription* subscriber : subscribers_) subscriber->wake_();
}

Answer<std::unique_ptr<EventLog::Subscription>> EventLog::subscribe(EventFilter filter,
                                                                    const std::string& resume_token,
                                                                    std::function<void()> wake) {
  std::unique_ptr<Subscription> subscription;
  {
    const Lock lock(mutex_);
    std::uint64_t next = head();
    if (!resume_token.empty()) {
      const auto cursor = parse_token(resume_token);
      if (!cursor) return failure(cursor.error());
      next = *cursor + 1;
    }
    subscription.reset(new Subscription(*this, std::move(filter), next, std::move(wake)));
  }
  const Lock lock(subscribers_mutex_);
  subscribers_.push_back(subscription.get());
  return subscription;
}

void EventLog::remove(Subscription* subscription) {
  const Lock lock(subscribers_mutex_);
  std::erase(subscribers_, subscription);
}

void EventLog::shut_down() {
  {
    const Lock lock(mutex_);
    is_shut_down_ = true;
  }
  const Lock lock(subscribers_mutex_);
  for (Subscription* subscriber : subscribers_) subscriber->wake_();
}

bool EventLog::knows_session(const std::string& session) const {
  const Lock lock(mutex_);
  return std::ranges::any_of(ring_, [&, hash = hash_of(session)](const Entry& entry) {
    return entry.session_hash == hash && parse(entry).session() == session;
  });
}

std::string EventLog::newest_token() const {
  const Lock lock(mutex_);
  return token_of(head() - 1);
}

std::size_t EventLog::subscribers() const {
  const Lock lock(subscribers_mutex_);
  return subscribers_.size();
}

bool EventLog::Subscription::is_behind() const {
  return next_ < log_.base_ || (!is_catching_up_ && log_.head() - next_ > log_.limits_.backlog);
}

void EventLog::Subscription::note_progress() {
  if (log_.head() - next_ <= log_.limits_.backlog) is_catching_up_ = false;
}

bool EventLog::Subscription::may_admit(const Entry& entry) const {
  if (is_for_all(entry.kind)) return true;
  const auto& kinds = filter_.kinds;
  if (!kinds.empty() && std::ranges::find(kinds, entry.kind) == kinds.end()) return false;
  return filter_.session.empty() || entry.session_hash == hash_of(filter_.session);
}

Answer<std::unique_ptr<v1::Event>> EventLog::Subscription::read() {
  for (;;) {
    std::uint64_t after = 0;
    const auto entry = next_entry(after);
    if (!entry) return failure(entry.error());
    if (!*entry) return nullptr;
    auto event = std::make_unique<v1::Event>(parse(**entry));
    if (!filter_.admits(*event)) continue;
    event->set_resume_token(log_.token_of(after - 1));
    return event;
  }
}

Answer<std::optional<EventLog::Entry>> EventLog::Subscription::next_entry(std::uint64_t& after) {
  const Lock lock(log_.mutex_);
  if (is_behind()) {
    ApiError error =
        api_error("SLOW_READER", "The events were not read fast enough; resume with the token.");
    error.metadata.emplace_back("resume_token", log_.token_of(next_ - 1));
    return failure(std::move(error));
  }
  note_progress();
  while (next_ < log_.head()) {
    const Entry& entry = log_.ring_[static_cast<std::size_t>(next_ - log_.base_)];
    after = ++next_;
    if (may_admit(entry)) return std::optional<Entry>(entry);
  }
  // All that happened before the end has been read.
  if (log_.is_shut_down_)
    return failure(api_error("NODE_DRAINING", "The node is being shut down."));
  return std::optional<Entry>();
}

bool EventLog::Subscription::is_too_slow() const {
  const Lock lock(log_.mutex_);
  return is_behind();
}

std::string EventLog::Subscription::token() const {
  const Lock lock(log_.mutex_);
  return log_.token_of(next_ - 1);
}

}  // namespace causeway::control
