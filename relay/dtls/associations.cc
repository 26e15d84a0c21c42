#include "relay/dtls/associations.h"

#include <algorithm>
#include <utility>

#include "relay/dtls/client_hello.h"

namespace causeway::dtls {

Associations::Source* Associations::find(const SocketAddress& from) {
  auto* const found = std::ranges::find_if(
      sources_, [&](const Source& source) { return is_one() || source.address == from; });
  return found == sources_.end() ? nullptr : found;
}

/// Of the host that has most sources the oldest: whoever tries from many ports takes the places of
/// nobody else.
std::size_t Associations::place_to_give_up() const {
  const auto count_of = [&](const Source& source) {
    return std::ranges::count(sources_, source.address.ip,
                              [](const Source& each) { return each.address.ip; });
  };
  const auto* const found =
      std::ranges::max_element(sources_, [&](const Source& a, const Source& b) {
        return std::pair(count_of(a), b.number) < std::pair(count_of(b), a.number);
      });
  return static_cast<std::size_t>(found - sources_.begin());
}

Associations::Source* Associations::add(const SocketAddress& from) {
  auto association = Association::create(settings_);
  if (!association) return nullptr;
  if (sources_.full()) sources_.erase_unordered(place_to_give_up());
  return &sources_.push_back({from, std::move(*association), next_number_++});
}

void Associations::start(Report& report) {
  if (!is_active() || !sources_.empty()) return;
  // Whoever answers is the endpoint: its certificate says so.
  if (Source* const source = add({})) source->association->start(report);
}

/// A source that is not known yet: what becomes of its datagram.
void Associations::admit(Bytes datagram, const SocketAddress& from, Report& report) {
  if (is_up_ || is_active()) return;
  if (!settings_->needs_cookie) {
    Source* const source = is_client_hello(datagram) ? add(from) : nullptr;
    if (source != nullptr) source->association->handle_datagram(datagram, report);
    return;
  }
  const auto hello = is_acceptable(datagram) ? parse_client_hello(datagram) : std::nullopt;
  if (!hello) return;
  if (!cookies_) cookies_.emplace(Cookies::create());
  if (!cookies_->is_right(from, *hello)) {
    report.flight.push_back(hello_verify_request(*hello, cookies_->make(from, hello->random)));
    report.is_aside = true;
    return;
  }
  Source* const source = add(from);
  if (source == nullptr) return;
  if (source->association->begin_with_cookie(datagram, hello->cookie, report)) return;
  sources_.erase_unordered(static_cast<std::size_t>(source - sources_.begin()));
}

void Associations::handle_datagram(Bytes datagram, const SocketAddress& from, Report& report) {
  // What we began goes to the endpoint's address, whoever answers: an answer proves nothing yet.
  if (!is_active()) report.to = from;
  if (Source* const known = find(from)) {
    known->association->handle_datagram(datagram, report);
  } else {
    admit(datagram, from, report);
  }
  if (Source* const source = find(from)) {
    conclude(static_cast<std::size_t>(source - sources_.begin()), report);
  }
  if (report.outcome == Outcome::Going) {
    report.awaits_answer = std::ranges::any_of(
        sources_, [](const Source& each) { return each.association->awaits_answer(); });
  }
}

void Associations::handle_timeout(Report& report) {
  if (sources_.empty()) return start(report);
  for (std::size_t i = 0; i < sources_.size() && report.flight.empty(); ++i) {
    Source& source = sources_[turn_++ % sources_.size()];
    report.to = source.address;
    source.association->handle_timeout(report);
  }
}

void Associations::set_settings(std::shared_ptr<const Settings> settings, Report& report) {
  settings_ = std::move(settings);
  for (std::size_t i = 0; i < sources_.size() && report.outcome != Outcome::Up;) {
    Report each;
    each.to = sources_[i].address;
    sources_[i].association->set_settings(settings_, each);
    const bool is_gone = each.has_ended();  // and another is in its place
    conclude(i, each);
    if (each.outcome != Outcome::Going) report = std::move(each);
    if (!is_gone) ++i;
  }
}

/// What an association's report means for the leg.
void Associations::conclude(std::size_t place, Report& report) {
  if (report.outcome == Outcome::Up) {
    is_up_ = true;
    Source won = std::move(sources_[place]);
    sources_.clear();
    sources_.push_back(std::move(won));
    return;
  }
  if (!report.has_ended()) return;
  sources_.erase_unordered(place);
  is_up_ = false;
  if (sources_.empty()) return;
  // One of several who try: that a stranger has failed is no news.
  report.outcome = Outcome::Going;
  report.failure = Failure::None;
  report.is_aside = true;
}

}  // namespace causeway::dtls
