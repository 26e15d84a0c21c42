#include "relay/worker/outlet.h"

#include <utility>

namespace causeway::worker {

namespace {

engine::EventsLost* lost_events_of(Report& report) {
  auto* const event = std::get_if<engine::Event>(&report);
  return event == nullptr ? nullptr : std::get_if<engine::EventsLost>(&event->body);
}

}  // namespace

Outlet::Outlet(WorkerId worker, const Limits& limits, io::WakeSignal& reader)
    : worker_(worker),
      limits_(limits),
      reader_(reader),
      ring_(limits.ring),
      // Between any two reports that are kept may stand one EventsLost, and one after the last.
      backlog_(2 * (limits.sessions + limits.commands) + 1) {}

void Outlet::put(engine::Outbox& outbox) {
  if (outbox.events.empty() && outbox.completions.empty()) return;
  flush();
  for (engine::Event& event : outbox.events) put_event(std::move(event));
  for (engine::Command& command : outbox.completions) keep(std::move(command));
  outbox.events.clear();
  outbox.completions.clear();
  reader_.notify();
}

void Outlet::flush() {
  if (backlog_.empty()) return;
  while (!backlog_.empty() && ring_.try_push(backlog_.front())) backlog_.pop();
  reader_.notify();
}

void Outlet::put_event(engine::Event event) {
  const Instant at = event.at;
  const bool must_keep = std::holds_alternative<engine::SessionClosed>(event.body);
  Report report(std::move(event));
  if (must_keep) {
    keep(std::move(report));
  } else if (!backlog_.empty() || !ring_.try_push(report)) {
    lose(at);
  }
}

void Outlet::keep(Report report) {
  if (!backlog_.empty() || !ring_.try_push(report)) backlog_.push(std::move(report));
}

void Outlet::lose(Instant at) {
  events_lost_.add();
  if (!backlog_.empty()) {
    if (engine::EventsLost* const lost = lost_events_of(backlog_.back())) {
      ++lost->count;
      return;
    }
  }
  backlog_.push(engine::Event(at, engine::EventsLost{worker_, 1}));
}

}  // namespace causeway::worker
