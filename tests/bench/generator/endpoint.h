#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tests/bench/generator/listening.h"
#include "tests/bench/generator/plan.h"
#include "tests/bench/generator/socket.h"
#include "tests/bench/generator/statistics.h"

namespace causeway::bench {

/// What a run counts. Sent and received are those of the packets sent within the window.
struct Tally {
  explicit Tally(std::size_t packets) : latency(packets), lateness(packets) {}
  std::uint64_t sent = 0;
  std::uint64_t sent_in_all = 0;  ///< Warm-up and tail too.
  std::uint64_t received = 0;
  std::uint64_t refused = 0;  ///< By the kernel, at sending.
  std::uint64_t bad = 0;      ///< Arrived, but not what was sent: not opened, another pattern.
  std::uint64_t rebased =
      0;  ///< How often a transcoded stream's timeline was not the one expected.
  std::uint64_t rtcp_sent = 0;
  std::uint64_t rtcp_received = 0;
  Values latency;
  Values lateness;
  /// Packets sent from `begin` until `end` count.
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] bool holds(std::int64_t sent_ns) const { return sent_ns >= begin && sent_ns < end; }
};

/// What all endpoints share.
struct Surroundings {
  PacketPool& pool;
  Tally& tally;
  /// The coded speech for each Payload; empty where nobody speaks it.
  const std::array<Frames, 4>& speech;
};

/// One end of a call: speaks at its pace, and takes what comes.
class Endpoint {
 public:
  /// `index`: of the leg in the plan.
  Endpoint(LegPlan plan, std::size_t index);

  /// Sends the next packet, due at `due`.
  void speak(std::int64_t due, Surroundings& around);
  /// Takes what has arrived; `other` is whom this leg hears (itself, for an echo).
  void hear(const Endpoint& other, Surroundings& around);
  /// An SR with a CNAME, as every 5 s; and takes the RTCP that has arrived.
  void report(Surroundings& around);
  void hear_rtcp(Surroundings& around);

  [[nodiscard]] std::uint32_t drops() const;
  [[nodiscard]] const LegPlan& plan() const { return plan_; }
  [[nodiscard]] const Arrivals& arrivals() const { return arrivals_; }
  [[nodiscard]] const Spoken& spoken() const { return spoken_; }

 private:
  static constexpr std::size_t kRemembered = 256;  ///< 5 s of send instants.

  [[nodiscard]] std::int64_t sent_at(std::int64_t packet) const;
  void keep(const wire::OpenRtp& packet, std::int64_t at_ns);
  void take(Arrival arrival, const Endpoint& other, Surroundings& around);
  void take_pattern(const wire::OpenRtp& packet, std::int64_t at_ns, const Endpoint& other,
                    Tally& tally) const;
  void take_speech(const wire::OpenRtp& packet, std::int64_t at_ns, const Endpoint& other,
                   Tally& tally);

  LegPlan plan_;
  std::size_t index_;
  Socket rtp_;
  Socket rtcp_;
  Ssrc ssrc_;
  SeqNum first_seq_;
  RtpTimestamp first_timestamp_;
  std::int64_t count_ = 0;  ///< Packets sent.
  std::uint32_t octets_ = 0;
  std::array<std::int64_t, kRemembered> sent_ns_{};
  Spoken spoken_;
  Arrivals arrivals_;

  /// The timeline of what is heard: the timestamp of packet `base_` of the other.
  Ssrc heard_;
  bool has_base_ = false;
  std::int64_t base_ = 0;
  RtpTimestamp base_timestamp_;
};

}  // namespace causeway::bench
