#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "causeway/v1/node_service.pb.h"
#include "causeway/v1/report.pb.h"
#include "causeway/v1/session.pb.h"
#include "control/cli/terminal.h"

namespace causeway::cli {

/// What `causeway top` asks the relay for, once a refresh.
struct Reading {
  v1::Node node;
  std::vector<v1::Session> sessions;       ///< In full, for what the legs are.
  std::vector<v1::SessionReport> reports;  ///< In the same order; empty for those that have ended.
};

/// One leg now and since the reading before. What is absent is not known.
struct LegRow {
  std::string leg;        ///< `session/leg`
  std::string transport;  ///< `rtp`, `srtp`, `dtls`; `+ice`, `+shared` where it has that.
  std::string codec;      ///< What its endpoint sends, else what is sent to it.
  std::string plan;       ///< What the relay does with what its endpoint says.
  std::optional<double> received_rate;  ///< RTP packets per second from the endpoint.
  std::optional<double> sent_rate;      ///< RTP packets per second to it.
  std::optional<double> loss_percent;   ///< Of what its endpoint sent, since the reading before.
  std::optional<double> jitter_ms;
  std::optional<double> round_trip_ms;
  std::optional<double> drop_rate;  ///< Packets per second.
  std::uint64_t drops = 0;          ///< Since it was created.
  double age_seconds = 0;
};

/// The node now and since the reading before.
struct Snapshot {
  v1::Node node;
  std::optional<double> received_rate;  ///< Packets per second, of any kind.
  std::optional<double> sent_rate;
  /// Packets dropped per second by reason, for living legs and the ICE checks that the workers
  /// leave unanswered. Empty where nothing is known yet.
  std::map<std::string, double> drop_rates;
  std::vector<LegRow> legs;
  std::size_t sessions_read = 0;  ///< Of those that the node has.
};

/// `before` may be null: then there are no rates. So are there none for what is not in both, was
/// made anew, or counts less than before.
[[nodiscard]] Snapshot compare(const Reading* before, const Reading& now);

enum class Sort { Packets, Loss, Jitter, RoundTrip, Drops, Age, Name };
/// The largest first (Age: the oldest); names in their order. Equal ones by name.
void sort_legs(std::vector<LegRow>& legs, Sort sort);

/// As a page of a terminal: cut to its width and height. `size` null: everything, for a script.
[[nodiscard]] std::vector<std::string> top_lines(const Snapshot& snapshot, const ScreenSize* size,
                                                 bool is_colored);
/// As one JSON object on one line: the node as GetNode has it, the rates, and a list of legs.
[[nodiscard]] std::string top_json(const Snapshot& snapshot);

}  // namespace causeway::cli
