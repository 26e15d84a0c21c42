#include "control/cli/top_text.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "control/cli/print.h"

namespace causeway::cli {

namespace {

using google::protobuf::util::TimeUtil;

/// Below this the plan has a line of its own.
constexpr std::size_t kLeastPlanColumns = 24;
constexpr std::size_t kLongestName = 32;
constexpr std::size_t kReasonsShown = 3;
constexpr double kSomeLossPercent = 1;
constexpr double kMuchLossPercent = 5;

double seconds_between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return static_cast<double>(TimeUtil::TimestampToNanoseconds(to) -
                             TimeUtil::TimestampToNanoseconds(from)) /
         1e9;
}

double milliseconds(const google::protobuf::Duration& span) {
  return static_cast<double>(TimeUtil::DurationToNanoseconds(span)) / 1e6;
}

std::optional<double> rate(std::uint64_t before, std::uint64_t now, double seconds) {
  if (seconds <= 0 || now < before) return std::nullopt;
  return static_cast<double>(now - before) / seconds;
}

/// `sessions/s/legs/a` as `s/a`.
std::string short_name(const std::string& leg) {
  std::string out = leg.starts_with("sessions/") ? leg.substr(9) : leg;
  if (const auto at = out.find("/legs/"); at != std::string::npos) out.erase(at, 5);
  return visible(out);
}

std::string transport_of(const v1::Leg& leg) {
  std::string out = leg.security().has_dtls() ? "dtls" : leg.security().has_sdes() ? "srtp" : "rtp";
  if (leg.transport().has_ice()) out += "+ice";
  if (leg.transport().kind() == v1::TRANSPORT_KIND_SHARED_PORT) out += "+shared";
  return out;
}

std::string codec_of(const v1::LegReport& report) {
  const bool has_said = !report.received().codec().encoding_name().empty();
  return visible((has_said ? report.received() : report.sent()).codec().encoding_name());
}

/// The plans of what the endpoint of this leg says, without its own name.
std::string plan_of(const v1::SessionReport& report, const std::string& leg) {
  std::string out;
  for (const v1::ConnectionReport& connection : report.connections()) {
    if (connection.from_leg() != leg) continue;
    const std::string& text = connection.plan().text();
    const auto arrow = text.find("-> ");
    if (!out.empty()) out += "; ";
    out += visible(arrow == std::string::npos ? text : text.substr(arrow));
  }
  return out;
}

std::uint64_t sum_of_drops(const v1::LegReport& report) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : report.drops()) sum += count;
  return sum;
}

std::optional<double> loss_percent(const v1::DirectionReport* before,
                                   const v1::DirectionReport& now) {
  const std::uint64_t old_packets = before == nullptr ? 0 : before->packets();
  const std::int64_t old_lost = before == nullptr ? 0 : before->lost_packets();
  if (now.packets() < old_packets) return std::nullopt;
  const auto came = static_cast<double>(now.packets() - old_packets);
  const auto lost = static_cast<double>(std::max<std::int64_t>(now.lost_packets() - old_lost, 0));
  if (came + lost <= 0) return std::nullopt;
  return 100 * lost / (came + lost);
}

/// What one leg has dropped since, into the sums of the node.
void add_drops(const v1::LegReport& before, const v1::LegReport& now, double seconds,
               std::map<std::string, double>& sums) {
  for (const auto& [reason, count] : now.drops()) {
    const auto old = before.drops().find(reason);
    const auto each = rate(old == before.drops().end() ? 0 : old->second, count, seconds);
    if (each && *each > 0) sums[reason] += *each;
  }
}

LegRow make_row(const v1::LegReport& report, const v1::LegReport* before, double seconds) {
  LegRow row;
  row.leg = short_name(report.leg());
  row.codec = codec_of(report);
  row.drops = sum_of_drops(report);
  if (report.received().has_jitter()) row.jitter_ms = milliseconds(report.received().jitter());
  if (report.round_trip().has_last()) row.round_trip_ms = milliseconds(report.round_trip().last());
  row.loss_percent =
      loss_percent(before == nullptr ? nullptr : &before->received(), report.received());
  if (before != nullptr) {
    row.received_rate = rate(before->received().packets(), report.received().packets(), seconds);
    row.sent_rate = rate(before->sent().packets(), report.sent().packets(), seconds);
    row.drop_rate = rate(sum_of_drops(*before), row.drops, seconds);
  }
  return row;
}

struct Earlier {
  const v1::LegReport* leg = nullptr;
  const google::protobuf::Timestamp* time = nullptr;
};

std::map<std::string, Earlier> legs_of(const Reading* reading) {
  std::map<std::string, Earlier> out;
  if (reading == nullptr) return out;
  for (const v1::SessionReport& report : reading->reports) {
    for (const v1::LegReport& leg : report.legs()) out[leg.leg()] = {&leg, &report.report_time()};
  }
  return out;
}

void compare_workers(const v1::Node& before, const v1::Node& now, Snapshot& out) {
  const double seconds = seconds_between(before.read_time(), now.read_time());
  if (TimeUtil::TimestampToNanoseconds(before.start_time()) !=
      TimeUtil::TimestampToNanoseconds(now.start_time())) {
    return;
  }
  struct Sums {
    std::uint64_t received = 0, sent = 0, unknown = 0, misrouted = 0;
  };
  const auto sum = [](const v1::Node& node) {
    Sums sums;
    for (const v1::Worker& worker : node.workers()) {
      sums.received += worker.packets_received();
      sums.sent += worker.packets_sent();
      sums.unknown += worker.unknown_checks();
      sums.misrouted += worker.misrouted_checks();
    }
    return sums;
  };
  const Sums old = sum(before);
  const Sums sums = sum(now);
  out.received_rate = rate(old.received, sums.received, seconds);
  out.sent_rate = rate(old.sent, sums.sent, seconds);
  for (const auto& [reason, each] :
       {std::pair("unknown_checks", rate(old.unknown, sums.unknown, seconds)),
        std::pair("misrouted_checks", rate(old.misrouted, sums.misrouted, seconds))}) {
    if (each && *each > 0) out.drop_rates[reason] = *each;
  }
}

void add_session(const v1::Session& session, const v1::SessionReport& report,
                 const std::map<std::string, Earlier>& earlier, Snapshot& out) {
  std::map<std::string, const v1::Leg*> legs;
  for (const v1::Leg& leg : session.legs()) legs[leg.name()] = &leg;
  for (const v1::LegReport& leg : report.legs()) {
    const auto known = legs.find(leg.leg());
    if (leg.has_close_time() || known == legs.end()) continue;
    const auto found = earlier.find(leg.leg());
    const bool is_same = found != earlier.end() &&
                         TimeUtil::TimestampToNanoseconds(found->second.leg->create_time()) ==
                             TimeUtil::TimestampToNanoseconds(leg.create_time());
    const v1::LegReport* before = is_same ? found->second.leg : nullptr;
    const double seconds = is_same ? seconds_between(*found->second.time, report.report_time()) : 0;
    LegRow row = make_row(leg, before, seconds);
    row.transport = transport_of(*known->second);
    row.plan = plan_of(report, leg.leg());
    row.age_seconds = seconds_between(leg.create_time(), report.report_time());
    if (is_same) add_drops(*before, leg, seconds, out.drop_rates);
    out.legs.push_back(std::move(row));
  }
}

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string number(const std::optional<double>& value, int digits) {
  return value ? number(*value, digits) : "-";
}

/// `3d04:05:06`, `04:05:06`.
std::string clock_text(double seconds) {
  const auto all = static_cast<long long>(std::max(seconds, 0.0));
  char text[64];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", all / 3600 % 24, all / 60 % 60,
                all % 60);
  return (all >= 86400 ? std::to_string(all / 86400) + "d" : "") + text;
}

std::string drops_text(const Snapshot& snapshot) {
  if (!snapshot.received_rate) return "- drops/s";
  std::vector<std::pair<std::string, double>> reasons(snapshot.drop_rates.begin(),
                                                      snapshot.drop_rates.end());
  std::ranges::stable_sort(reasons,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  double sum = 0;
  for (const auto& [reason, each] : reasons) sum += each;
  std::string out = number(sum, 1) + " drops/s";
  for (std::size_t i = 0; i < std::min(reasons.size(), kReasonsShown); ++i) {
    out += (i == 0 ? ": " : ", ") + visible(reasons[i].first) + " " + number(reasons[i].second, 1);
  }
  if (reasons.size() > kReasonsShown) {
    out += ", " + std::to_string(reasons.size() - kReasonsShown) + " more reasons";
  }
  return out;
}

std::vector<std::string> header_of(const Snapshot& snapshot) {
  const v1::Node& node = snapshot.node;
  std::vector<std::string> out;
  const std::string state = node.state() == v1::NODE_STATE_DRAINING ? ", draining" : "";
  out.push_back("causeway " + visible(node.version()) + " on " + visible(node.name()) + state +
                ", up " + clock_text(seconds_between(node.start_time(), node.read_time())) + ", " +
                TimeUtil::ToString(TimeUtil::SecondsToTimestamp(node.read_time().seconds())));
  std::string full = std::to_string(node.capacity().sessions()) + " sessions, " +
                     std::to_string(node.capacity().legs()) + " legs, " +
                     std::to_string(node.capacity().transcoded_connections()) + " transcoded, " +
                     std::to_string(node.capacity().recordings()) + " recordings";
  if (snapshot.sessions_read < node.capacity().sessions()) {
    full += "; legs of the oldest " + std::to_string(snapshot.sessions_read) + " below";
  }
  out.push_back(full);
  std::string load = "load";
  for (const v1::Worker& worker : node.workers()) {
    load += " " + std::to_string(worker.index()) + ":" +
            number(static_cast<double>(worker.load()) * 100, 0) + "%";
  }
  out.push_back(load + " of a core each worker");
  out.push_back(number(snapshot.received_rate, 0) + " packets/s in, " +
                number(snapshot.sent_rate, 0) + " packets/s out, " + drops_text(snapshot));
  return out;
}

/// What a row is marked for; its figures say the same.
Mark mark_of(const LegRow& row) {
  const double loss = row.loss_percent.value_or(0);
  if (loss >= kMuchLossPercent) return Mark::Red;
  return loss >= kSomeLossPercent || row.drop_rate.value_or(0) > 0 ? Mark::Yellow : Mark::None;
}

constexpr std::array<std::string_view, 10> kTitles = {
    "LEG", "KIND", "CODEC", "IN/S", "OUT/S", "LOSS %", "JIT ms", "RTT ms", "DROPS", "AGE"};
using Cells = std::array<std::string, kTitles.size()>;

Cells cells_of(const LegRow& row) {
  return {row.leg,
          row.transport,
          row.codec.empty() ? "-" : row.codec,
          number(row.received_rate, 0),
          number(row.sent_rate, 0),
          number(row.loss_percent, 1),
          number(row.jitter_ms, 1),
          number(row.round_trip_ms, 1),
          std::to_string(row.drops),
          clock_text(row.age_seconds)};
}

std::string join(const Cells& cells, const std::array<std::size_t, kTitles.size()>& widths) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += "  ";
    out += i < 3 ? pad_right(fit(cells[i], widths[i]), widths[i]) : pad_left(cells[i], widths[i]);
  }
  return out;
}

std::vector<std::string> table_of(const std::vector<LegRow>& legs, const ScreenSize* size,
                                  bool is_colored) {
  std::vector<Cells> rows;
  std::array<std::size_t, kTitles.size()> widths{};
  Cells titles;
  for (std::size_t i = 0; i < kTitles.size(); ++i) {
    titles[i] = kTitles[i];
    widths[i] = titles[i].size();
  }
  for (const LegRow& leg : legs) {
    rows.push_back(cells_of(leg));
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], columns(rows.back()[i]));
    }
  }
  if (size != nullptr) widths[0] = std::min(widths[0], kLongestName);
  const std::size_t taken = columns(join(titles, widths)) + 2;
  const bool is_beside = size == nullptr || size->columns >= taken + kLeastPlanColumns;
  const auto shown = [&](const std::string& text) {
    return size == nullptr ? text : fit(text, size->columns);
  };
  std::string head = shown(join(titles, widths) + (is_beside ? "  PLAN" : ""));
  if (is_colored && size != nullptr) head = pad_right(head, size->columns);
  std::vector<std::string> out = {marked(head, Mark::Reverse, is_colored)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Mark mark = mark_of(legs[i]);
    std::string line = join(rows[i], widths);
    if (is_beside && !legs[i].plan.empty()) line += "  " + legs[i].plan;
    out.push_back(marked(shown(line), mark, is_colored));
    if (!is_beside && !legs[i].plan.empty()) {
      out.push_back(marked(shown("    " + legs[i].plan), mark, is_colored));
    }
  }
  return out;
}

void put(google::protobuf::Struct& out, const char* name, const std::optional<double>& value) {
  if (value) (*out.mutable_fields())[name].set_number_value(*value);
}

void put(google::protobuf::Struct& out, const char* name, const std::string& value) {
  if (!value.empty()) (*out.mutable_fields())[name].set_string_value(value);
}

std::string one_line(const google::protobuf::Message& message) {
  std::string out = as_json(message, false);
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

Snapshot compare(const Reading* before, const Reading& now) {
  Snapshot out;
  out.node = now.node;
  if (before != nullptr) compare_workers(before->node, now.node, out);
  const auto earlier = legs_of(before);
  for (std::size_t i = 0; i < now.sessions.size(); ++i) {
    add_session(now.sessions[i], now.reports[i], earlier, out);
  }
  out.sessions_read = now.sessions.size();
  return out;
}

void sort_legs(std::vector<LegRow>& legs, Sort sort) {
  const auto figure = [sort](const LegRow& row) -> double {
    switch (sort) {
      case Sort::Packets:
        return row.received_rate.value_or(0) + row.sent_rate.value_or(0);
      case Sort::Loss:
        return row.loss_percent.value_or(-1);
      case Sort::Jitter:
        return row.jitter_ms.value_or(-1);
      case Sort::RoundTrip:
        return row.round_trip_ms.value_or(-1);
      case Sort::Drops:
        return static_cast<double>(row.drops);
      case Sort::Age:
        return row.age_seconds;
      case Sort::Name:
        break;
    }
    return 0;
  };
  std::ranges::sort(legs, [&](const LegRow& a, const LegRow& b) {
    const double left = figure(a);
    const double right = figure(b);
    return left != right ? left > right : a.leg < b.leg;
  });
}

std::vector<std::string> top_lines(const Snapshot& snapshot, const ScreenSize* size,
                                   bool is_colored) {
  std::vector<std::string> out;
  for (const std::string& line : header_of(snapshot)) {
    out.push_back(size == nullptr ? line : fit(line, size->columns));
  }
  out.front() = marked(out.front(), Mark::Bold, is_colored);
  for (std::string& line : table_of(snapshot.legs, size, is_colored)) {
    out.push_back(std::move(line));
  }
  if (size != nullptr && out.size() > size->rows) out.resize(size->rows);
  return out;
}

std::string top_json(const Snapshot& snapshot) {
  google::protobuf::Struct rates;
  put(rates, "packets_received_per_second", snapshot.received_rate);
  put(rates, "packets_sent_per_second", snapshot.sent_rate);
  google::protobuf::Struct& drops =
      *(*rates.mutable_fields())["drops_per_second"].mutable_struct_value();
  for (const auto& [reason, each] : snapshot.drop_rates) put(drops, reason.c_str(), each);
  google::protobuf::ListValue legs;
  for (const LegRow& row : snapshot.legs) {
    google::protobuf::Struct& leg = *legs.add_values()->mutable_struct_value();
    put(leg, "leg", row.leg);
    put(leg, "transport", row.transport);
    put(leg, "codec", row.codec);
    put(leg, "plan", row.plan);
    put(leg, "packets_received_per_second", row.received_rate);
    put(leg, "packets_sent_per_second", row.sent_rate);
    put(leg, "loss_percent", row.loss_percent);
    put(leg, "jitter_ms", row.jitter_ms);
    put(leg, "round_trip_ms", row.round_trip_ms);
    put(leg, "drops_per_second", row.drop_rate);
    put(leg, "drops", static_cast<double>(row.drops));
    put(leg, "age_seconds", row.age_seconds);
  }
  return "{\"node\":" + one_line(snapshot.node) + ",\"rates\":" + one_line(rates) +
         ",\"legs\":" + one_line(legs) + "}\n";
}

}  // namespace causeway::cli
