#include "relay/engine/event.h"

#include "relay/engine/session.h"

namespace causeway::engine {

// Here, where Session is complete, because SessionClosed owns one.
Event::Event() = default;
Event::Event(Instant when, EventBody what) : at(when), body(std::move(what)) {}
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;

}  // namespace causeway::engine
