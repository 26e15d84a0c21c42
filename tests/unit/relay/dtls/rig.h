#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "relay/base/random.h"
#include "relay/base/time.h"
#include "relay/dtls/association.h"
#include "relay/dtls/associations.h"

namespace causeway::dtls::test {

using namespace std::chrono_literals;
using Octets = std::vector<std::byte>;

inline std::shared_ptr<const Identity> make_identity() { return *Identity::create(); }

inline std::shared_ptr<Settings> settings_of(const std::shared_ptr<const Identity>& own, Role role,
                                             std::vector<Fingerprint> theirs) {
  auto settings = std::make_shared<Settings>();
  settings->identity = own;
  settings->role = role;
  settings->remote_fingerprints = std::move(theirs);
  return settings;
}

inline Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A record that looks right and that nobody sealed.
inline Octets forged_record(ContentType type, std::uint16_t epoch, std::uint8_t sequence,
                            const Octets& fragment) {
  Octets octets(kRecordHeadOctets);
  store_u8(octets.data(), static_cast<std::uint8_t>(type));
  store_be16(&octets[1], 0xfefd);
  store_be16(&octets[3], epoch);
  store_u8(&octets[10], sequence);
  store_be16(&octets[11], static_cast<std::uint16_t>(fragment.size()));
  return octets + fragment;
}

/// One end of a handshake as the engine drives it.
struct End {
  std::unique_ptr<Association> association;
  bool awaits_answer = false;
  Report last;
  Outcome outcome = Outcome::Going;
  Failure failure = Failure::None;

  explicit End(const std::shared_ptr<const Settings>& settings)
      : association(*Association::create(settings)) {}

  /// Takes a report in; what is to be sent now goes behind `out`.
  void take(Report&& report, std::vector<Octets>& out) {
    if (report.outcome != Outcome::Going) {
      outcome = report.outcome;
      failure = report.failure;
    }
    out.insert(out.end(), report.flight.begin(), report.flight.end());
    awaits_answer = report.awaits_answer;
    if (report.outcome == Outcome::Up) last = std::move(report);
  }
  void start(std::vector<Octets>& out) {
    Report report;
    association->start(report);
    take(std::move(report), out);
  }
  void receive(const Octets& datagram, std::vector<Octets>& out) {
    Report report;
    association->handle_datagram(datagram, report);
    take(std::move(report), out);
  }
  void time_out(std::vector<Octets>& out) {
    Report report;
    association->handle_timeout(report);
    take(std::move(report), out);
  }
};

/// Two ends and a wire that loses nothing.
struct Link {
  End active;
  End passive;
  std::size_t largest = 0;

  Link(const std::shared_ptr<const Settings>& of_active,
       const std::shared_ptr<const Settings>& of_passive)
      : active(of_active), passive(of_passive) {}

  /// Runs until nothing is left to be said.
  void run() {
    std::vector<Octets> to_passive;
    std::vector<Octets> to_active;
    active.start(to_passive);
    exchange(to_passive, to_active);
  }
  void exchange(std::vector<Octets>& to_passive, std::vector<Octets>& to_active) {
    while (!to_passive.empty() || !to_active.empty()) {
      deliver(to_passive, passive, to_active);
      deliver(to_active, active, to_passive);
    }
  }
  void deliver(std::vector<Octets>& from, End& to, std::vector<Octets>& answers) {
    for (const Octets& datagram : std::exchange(from, {})) {
      largest = std::max(largest, datagram.size());
      to.receive(datagram, answers);
    }
  }
  [[nodiscard]] bool are_up() const {
    return active.outcome == Outcome::Up && passive.outcome == Outcome::Up;
  }
  [[nodiscard]] bool have_same_keys() const {
    const Report& a = active.last;
    const Report& p = passive.last;
    return a.suite == p.suite && a.send_key.equals(p.receive_key) &&
           a.send_salt.equals(p.receive_salt) && a.receive_key.equals(p.send_key) &&
           a.receive_salt.equals(p.send_salt) && !a.send_key.equals(a.receive_key);
  }
};

/// The same two ends under virtual time: a network that loses, repeats, delays and so swaps by a
/// seed, and timers such as the engine has (200 ms, doubling to 3 s).
class Network {
 public:
  struct Faults {
    std::uint32_t loss = 0;     ///< In 1/1000, of datagrams.
    std::uint32_t doubled = 0;  ///< In 1/1000.
    Duration least_delay = 10ms;
    Duration jitter = 0ms;
  };

  Network(Link& link, Faults faults, std::uint64_t seed)
      : link_(link), faults_(faults), random_(Random::Key{seed, 1}) {}

  /// Runs until both are up and nothing is under way, or for `patience`. How long it took.
  Duration run(Duration patience) {
    std::vector<Octets> out;
    link_.active.start(out);
    send(out, true);
    arm(ends_[0]);
    while (!is_done()) {
      const Instant next = next_event();
      if (next - Instant() > patience) break;
      now_ = next;
      step();
    }
    return now_ - Instant();
  }
  [[nodiscard]] int repeats() const { return repeats_; }

 private:
  struct Flying {
    bool to_passive = false;
    Octets datagram;
  };
  struct Timer {
    bool is_active = false;
    Duration timeout = 200ms;
    std::optional<Instant> at;
  };

  [[nodiscard]] bool is_done() const { return link_.are_up() && flying_.empty(); }
  [[nodiscard]] End& end_of(const Timer& timer) const {
    return timer.is_active ? link_.active : link_.passive;
  }
  [[nodiscard]] Instant next_event() const {
    Instant next = Instant() + 10h;
    if (!flying_.empty()) next = flying_.begin()->first;
    for (const Timer& timer : ends_) {
      if (timer.at) next = std::min(next, *timer.at);
    }
    return next;
  }
  void arm(Timer& timer) {
    timer.at.reset();
    if (end_of(timer).awaits_answer) timer.at = now_ + timer.timeout;
  }
  void step() {
    if (!flying_.empty() && flying_.begin()->first == now_) {
      const Flying one = std::move(flying_.extract(flying_.begin()).mapped());
      Timer& timer = ends_[one.to_passive ? 1 : 0];
      std::vector<Octets> out;
      end_of(timer).receive(one.datagram, out);
      if (!out.empty() || !end_of(timer).awaits_answer) arm(timer);
      return send(out, !one.to_passive);
    }
    for (Timer& timer : ends_) {
      if (timer.at != now_) continue;
      std::vector<Octets> out;
      end_of(timer).time_out(out);
      timer.timeout = std::min<Duration>(timer.timeout * 2, 3s);
      arm(timer);
      ++repeats_;
      return send(out, timer.is_active);
    }
  }
  void send(const std::vector<Octets>& datagrams, bool to_passive) {
    for (const Octets& datagram : datagrams) {
      if (random_.below(1000) < faults_.loss) continue;
      fly(datagram, to_passive);
      if (random_.below(1000) < faults_.doubled) fly(datagram, to_passive);
    }
  }
  void fly(const Octets& datagram, bool to_passive) {
    const auto late = static_cast<std::uint32_t>(faults_.jitter / 1us);
    const Duration delay = late == 0 ? Duration(0) : random_.below(late) * 1us;
    flying_.emplace(now_ + faults_.least_delay + delay, Flying{to_passive, datagram});
  }

  Link& link_;
  const Faults faults_;
  Random random_;
  Instant now_;
  std::multimap<Instant, Flying> flying_;
  std::array<Timer, 2> ends_ = {Timer{.is_active = true, .at = {}},
                                Timer{.is_active = false, .at = {}}};
  int repeats_ = 0;
};

}  // namespace causeway::dtls::test
