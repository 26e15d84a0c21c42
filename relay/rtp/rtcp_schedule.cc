#include "relay/rtp/rtcp_schedule.h"

#include <algorithm>

namespace causeway::rtp {

namespace {

std::uint32_t high_half(std::uint64_t random) { return static_cast<std::uint32_t>(random >> 32); }

}  // namespace

RtcpSchedule::RtcpSchedule(Instant start, std::uint32_t bandwidth_octets_per_second,
                           std::uint64_t random)
    : last_(start), bandwidth_(std::max(1U, bandwidth_octets_per_second)) {
  next_ = start + interval(high_half(random));
}

Duration RtcpSchedule::deterministic_interval() const {
  const Duration minimum = is_initial_ ? kMinimum / 2 : kMinimum;
  // Senders share a quarter of the bandwidth, unless they are more than a quarter of the members.
  std::uint64_t sharers = members_;
  std::uint64_t quarters = 4;
  if (std::uint64_t{4} * senders_ <= members_) {
    sharers = we_sent_ ? senders_ : members_ - senders_;
    quarters = we_sent_ ? 1 : 3;
  }
  const std::uint64_t octets = average_octets_ * std::max<std::uint64_t>(1, sharers);
  const std::uint64_t ns = octets * 4 * 1'000'000'000 / (quarters * bandwidth_);
  return std::max(minimum, Duration(static_cast<std::int64_t>(ns)));
}

Duration RtcpSchedule::interval(std::uint32_t random) const {
  // Uniform in 0.5..1.5 of it; then by e - 3/2, which makes up for reconsideration (6.3.1).
  constexpr double kCompensation = 2.71828182845904523536 - 1.5;
  const double factor = 0.5 + static_cast<double>(random) / 4294967296.0;
  const auto ns = static_cast<double>(deterministic_interval().count());
  return Duration(static_cast<std::int64_t>(ns * factor / kCompensation));
}

void RtcpSchedule::set_members(Instant now, std::uint32_t members, std::uint32_t senders,
                               bool we_sent) {
  if (members < members_ && now < next_) {
    // Reverse reconsideration: with fewer members, all that is ahead and behind shrinks.
    const double ratio = static_cast<double>(members) / members_;
    const auto shrink = [ratio](Duration span) {
      return Duration(static_cast<std::int64_t>(static_cast<double>(span.count()) * ratio));
    };
    next_ = now + shrink(next_ - now);
    last_ = now - shrink(now - last_);
  }
  members_ = std::max(1U, members);
  senders_ = senders;
  we_sent_ = we_sent;
}

void RtcpSchedule::on_compound(std::size_t octets) {
  // In sixteenths, rounded to the nearest, so that the average does not stick below its input.
  average_octets_ =
      static_cast<std::uint32_t>((octets + std::size_t{15} * average_octets_ + 8) / 16);
}

bool RtcpSchedule::handle_timeout(Instant now, std::uint64_t random) {
  if (now < next_) return false;
  const Instant reconsidered = last_ + interval(high_half(random));
  if (reconsidered > now) {
    next_ = reconsidered;
    return false;
  }
  last_ = now;
  is_initial_ = false;
  may_go_early_ = true;
  // Other bits than those that let this one pass, or intervals would come out short.
  next_ = now + interval(static_cast<std::uint32_t>(random));
  return true;
}

bool RtcpSchedule::request_early(Instant now) {
  if (now >= next_ || !may_go_early_) return false;
  may_go_early_ = false;
  const Duration regular = next_ - last_;
  last_ = next_;
  next_ += regular;
  return true;
}

}  // namespace causeway::rtp
