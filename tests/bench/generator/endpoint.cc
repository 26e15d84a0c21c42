#include "tests/bench/generator/endpoint.h"

#include <algorithm>
#include <string>

#include "relay/wire/rtcp_writer.h"
#include "tests/bench/generator/clock.h"

namespace causeway::bench {

namespace {

/// At the beginning of a pattern: what it is, who sent it, when.
constexpr std::uint64_t kMagic = 0x43617573'65776179;
constexpr std::size_t kPatternOctets = 160;

constexpr std::size_t kListenSeconds = 30;

/// The same for each run: different seeds would be different runs.
std::uint32_t scrambled(std::size_t index, std::uint32_t salt) {
  std::uint64_t x = (std::uint64_t{salt} << 32 | static_cast<std::uint32_t>(index)) + 1;
  x *= 0x9e3779b97f4a7c15;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9;
  return static_cast<std::uint32_t>(x >> 32);
}

Instant instant(std::int64_t ns) { return Instant(Duration(ns)); }

}  // namespace

Endpoint::Endpoint(LegPlan plan, std::size_t index)
    : plan_(std::move(plan)),
      index_(index),
      rtp_(plan_.local, plan_.remote),
      // A run of its own stream: relays remember those of the run before.
      ssrc_(scrambled(index, static_cast<std::uint32_t>(now_ns() / 1'000'000))),
      first_seq_(static_cast<std::uint16_t>(scrambled(index, 2) & 0x7fffU)),
      first_timestamp_(scrambled(index, 3)) {
  spoken_.first_frame = index * 37;
  if (plan_.remote_rtcp) {
    SocketAddress local = plan_.local;
    local.port = UdpPort(static_cast<std::uint16_t>(local.port.raw() + 1));
    rtcp_ = Socket(local, *plan_.remote_rtcp);
  }
  if (plan_.is_listened_to) {
    arrivals_.payloads.reserve(kListenSeconds * 50);
    arrivals_.at_ns.reserve(kListenSeconds * 50);
  }
  spoken_.sent_ns.reserve(kListenSeconds * 50);
}

void Endpoint::speak(std::int64_t due, Surroundings& around) {
  std::array<std::byte, kPatternOctets> pattern{};
  Bytes payload = pattern;
  if (plan_.payload != Payload::Pattern) {
    const Frames& frames = around.speech[static_cast<std::size_t>(plan_.payload)];
    payload = frames[(spoken_.first_frame + static_cast<std::size_t>(count_)) % frames.size()];
  }
  const std::int64_t now = now_ns();
  if (plan_.payload == Payload::Pattern) {
    store_be64(&pattern[0], kMagic);
    store_be32(&pattern[8], static_cast<std::uint32_t>(index_));
    store_be64(&pattern[12], static_cast<std::uint64_t>(now));
  }
  auto packet = wire::OpenRtp::make(
      around.pool.take(), plan_.type, count_ == 0, first_seq_.plus(static_cast<int>(count_)),
      first_timestamp_.plus(count_ * ticks_of(plan_.payload)), ssrc_, payload);
  PacketBuf buffer;
  if (plan_.sealer) {
    auto sealed = plan_.sealer->seal(std::move(packet));
    if (sealed) buffer = std::move(*sealed);
  } else {
    buffer = std::move(packet).take();
  }
  Tally& tally = around.tally;
  if (!buffer || !rtp_.send(buffer.data())) ++tally.refused;
  ++tally.sent_in_all;
  if (tally.holds(now)) {
    ++tally.sent;
    tally.lateness.add_ns(now - due);
  }
  sent_ns_[static_cast<std::size_t>(count_) % kRemembered] = now;
  if (spoken_.sent_ns.size() < spoken_.sent_ns.capacity()) spoken_.sent_ns.push_back(now);
  octets_ += static_cast<std::uint32_t>(payload.size());
  ++count_;
}

void Endpoint::hear(const Endpoint& other, Surroundings& around) {
  rtp_.receive(around.pool, [&](Arrival arrival) { take(std::move(arrival), other, around); });
}

void Endpoint::take(Arrival arrival, const Endpoint& other, Surroundings& around) {
  Tally& tally = around.tally;
  auto sealed = wire::SealedRtp::parse(std::move(arrival.packet));
  if (!sealed) {
    ++tally.bad;
    return;
  }
  auto opened = plan_.opener ? plan_.opener->open(std::move(*sealed), instant(arrival.at_ns))
                             : wire::open_plain(std::move(*sealed));
  if (!opened) {
    ++tally.bad;
    return;
  }
  if (plan_.is_listened_to) keep(*opened, arrival.at_ns);
  if (plan_.payload == Payload::Pattern) {
    take_pattern(*opened, arrival.at_ns, other, tally);
  } else if (opened->payload_type() == plan_.type) {
    take_speech(*opened, arrival.at_ns, other, tally);
  }
}

void Endpoint::keep(const wire::OpenRtp& packet, std::int64_t at_ns) {
  if (arrivals_.at_ns.size() == arrivals_.at_ns.capacity()) return;
  const Bytes payload = packet.payload();
  arrivals_.payloads.emplace_back(payload.begin(), payload.end());
  arrivals_.at_ns.push_back(at_ns);
}

void Endpoint::take_pattern(const wire::OpenRtp& packet, std::int64_t at_ns, const Endpoint& other,
                            Tally& tally) const {
  const Bytes payload = packet.payload();
  const bool is_ours = payload.size() == kPatternOctets && load_be64(&payload[0]) == kMagic &&
                       load_be32(&payload[8]) == other.index_;
  if (!is_ours) {
    ++tally.bad;
    return;
  }
  const auto sent = static_cast<std::int64_t>(load_be64(&payload[12]));
  if (!tally.holds(sent)) return;
  ++tally.received;
  tally.latency.add_ns(at_ns - sent);
}

std::int64_t Endpoint::sent_at(std::int64_t packet) const {
  if (packet < 0 || packet >= count_ || packet < count_ - std::int64_t{kRemembered}) return 0;
  return sent_ns_[static_cast<std::size_t>(packet) % kRemembered];
}

// What was transcoded carries no stamp. Its timestamps say which packet follows which; that the
// first one answers the packet sent last before it is an assumption, which the standing delay of
// the speech, measured apart, does not share.
void Endpoint::take_speech(const wire::OpenRtp& packet, std::int64_t at_ns, const Endpoint& other,
                           Tally& tally) {
  const std::int64_t ticks = ticks_of(plan_.payload);
  const bool is_same = has_base_ && packet.ssrc() == heard_;
  std::int64_t answers = base_ + packet.timestamp().distance_from(base_timestamp_) / ticks;
  std::int64_t sent = is_same ? other.sent_at(answers) : 0;
  if (sent == 0 || sent > at_ns) {
    if (has_base_ && tally.holds(at_ns)) ++tally.rebased;
    answers = other.count_ - 1;
    while (answers > 0 && other.sent_at(answers) > at_ns) --answers;
    sent = other.sent_at(answers);
    has_base_ = true;
    heard_ = packet.ssrc();
    base_ = answers;
    base_timestamp_ = packet.timestamp();
  }
  if (sent == 0 || !tally.holds(sent)) return;
  ++tally.received;
  tally.latency.add_ns(at_ns - sent);
}

void Endpoint::report(Surroundings& around) {
  if (!rtcp_.is_open() || count_ == 0) return;
  PacketBuf buffer = around.pool.take();
  buffer.resize(256);
  wire::RtcpWriter writer(buffer.data());
  const std::int64_t now = now_ns();
  wire::SenderInfo info;
  info.ssrc = ssrc_;
  info.ntp = WallClock(Duration(0)).ntp(instant(now));
  info.rtp_timestamp = first_timestamp_.plus((count_ - 1) * ticks_of(plan_.payload));
  info.packets = static_cast<std::uint32_t>(count_);
  info.octets = octets_;
  writer.sender_report(info, {});
  writer.sdes_cname(ssrc_, "bench" + std::to_string(index_));
  buffer.resize(writer.written().size());
  if (plan_.sealer) {
    auto sealed = plan_.sealer->seal_rtcp(std::move(buffer));
    if (!sealed) return;
    buffer = std::move(*sealed);
  }
  if (rtcp_.send(buffer.data())) ++around.tally.rtcp_sent;
  hear_rtcp(around);
}

void Endpoint::hear_rtcp(Surroundings& around) {
  if (!rtcp_.is_open()) return;
  rtcp_.receive(around.pool, [&](Arrival arrival) {
    if (plan_.opener) {
      auto sealed = wire::SealedRtcp::parse(std::move(arrival.packet));
      if (!sealed || !plan_.opener->open(std::move(*sealed), instant(arrival.at_ns))) return;
    }
    ++around.tally.rtcp_received;
  });
}

std::uint32_t Endpoint::drops() const {
  return rtp_.drops() + (rtcp_.is_open() ? rtcp_.drops() : 0);
}

}  // namespace causeway::bench
