#include <algorithm>
#include <map>

#include "control/describe.h"
#include "control/lookup.h"
#include "control/proto_time.h"
#include "control/relay_api.h"
#include "control/translate_report.h"
#include "relay/wire/telephone_event.h"

namespace causeway::control {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Digit = media::TelephoneEventSender::Digit;

/// The delay that a worker adds, over all packets that it has handled.
void show_added_delay(const worker::WorkerStats& stats, v1::LegReport& report) {
  if (stats.added_delay.total == 0) return;
  v1::AddedDelay& delay = *report.mutable_added_delay();
  delay.set_packets(stats.added_delay.total);
  set(*delay.mutable_p50(), stats.added_delay.quantile(0.5));
  set(*delay.mutable_p95(), stats.added_delay.quantile(0.95));
  set(*delay.mutable_p99(), stats.added_delay.quantile(0.99));
  set(*delay.mutable_max(), stats.added_delay.max);
}

Answer<v1::LegReport> read_leg_report(ControlPlane& plane, SessionState& session,
                                      std::uint16_t number, std::string_view id) {
  auto command = std::make_unique<engine::ReadReport>();
  command->leg = {session.handle, number};
  auto done = carry_out(plane, session, std::move(command));
  if (!done) return failure(std::move(done).error());
  const Lock lock(session.data);
  LegState* const leg = session.leg(number);
  if (leg == nullptr) return failure(no_leg(session.id, id));
  v1::LegReport report = show_leg_report(session, *leg, (*done)->report, plane.node().wall());
  show_added_delay(plane.node().worker_stats(session.handle.worker.raw()), report);
  return report;
}

/// How the digits of a request sound. Errors: FIELD_REQUIRED, FIELD_INVALID.
Answer<std::vector<Digit>> read_digits(const v1::SendDtmfRequest& in) {
  const Field field("digits");
  if (in.digits().empty()) return failure(required(field, "Which digits has to be said."));
  if (in.digits().size() > media::TelephoneEventSender::kMaxDigits) {
    return failure(invalid(field, "At most 64 digits."));
  }
  Digit model;
  if (in.has_duration()) {
    const auto span = read_duration(in.duration(), Field("duration"), milliseconds(40), seconds(8));
    if (!span) return failure(span.error());
    model.duration = std::chrono::duration_cast<media::TelephoneEventSender::DigitTime>(*span);
  }
  if (in.has_gap()) {
    const auto span = read_duration(in.gap(), Field("gap"), milliseconds(30), seconds(5));
    if (!span) return failure(span.error());
    model.gap = std::chrono::duration_cast<media::TelephoneEventSender::DigitTime>(*span);
  }
  if (in.has_volume()) {
    if (in.volume() > 63) return failure(invalid(Field("volume"), "0 to 63."));
    model.volume = static_cast<std::uint8_t>(in.volume());
  }
  std::vector<Digit> digits;
  for (const char character : in.digits()) {
    const int event = wire::dtmf_event(character);
    if (event < 0) return failure(invalid(field, "A digit is one of 0-9 * # A-D."));
    Digit digit = model;
    digit.event = static_cast<std::uint8_t>(event);
    digits.push_back(digit);
  }
  return digits;
}

}  // namespace

Answer<v1::SendDtmfResponse> RelayApi::send_dtmf(const v1::SendDtmfRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const auto digits = read_digits(in);
  if (!digits) return failure(digits.error());
  const Lock operation(session.operation);
  auto command = std::make_unique<engine::SendDtmf>();
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(child->id);
    if (leg == nullptr) return failure(no_leg(session.id, child->id));
    if (!leg->audio.telephone_event) {
      return failure(
          api_error("LEG_NOT_READY", "The leg has no telephone-event at the clock of its audio."));
    }
    if (!leg->is_ready() || !engine::sends(leg->asked.spec.direction)) {
      return failure(api_error("LEG_NOT_READY", "The relay does not send to this leg now."));
    }
    command->leg = {session.handle, leg->number};
  }
  Duration total{};
  for (const Digit& digit : *digits) {
    command->digits.push_back(digit);
    total += Duration(digit.duration) + digit.gap;
  }
  const std::uint16_t number = command->leg.leg;
  auto done = carry_out(plane_, session, std::move(command));
  if (!done) return failure(std::move(done).error());
  const Lock lock(session.data);
  v1::SendDtmfResponse out;
  const Instant now = plane_.now();
  if (LegState* const leg = session.leg(number)) {
    leg->digits_until = std::max(leg->digits_until, now) + total;
    total = leg->digits_until - now;
  }
  set(*out.mutable_total_duration(), total);
  return out;
}

Answer<v1::DescribeSessionResponse> RelayApi::describe_session(
    const v1::DescribeSessionRequest& in) {
  v1::GetSessionRequest get;
  get.set_name(in.name());
  const auto session = get_session(get);
  if (!session) return failure(session.error());
  v1::DescribeSessionResponse out;
  out.set_text(describe(session->session()));
  for (const v1::Connection& connection : session->session().connections()) {
    v1::DescribedPlan& plan = *out.add_plans();
    plan.set_connection(connection.name());
    *plan.mutable_plan() = connection.plan();
  }
  return out;
}

Answer<v1::GetSessionReportResponse> RelayApi::get_session_report(
    const v1::GetSessionReportRequest& in) {
  const auto found = find_session(plane_, in.name(), Field("name"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  std::map<std::uint16_t, v1::LegReport> reports;  // in their order of creation
  std::vector<std::pair<std::uint16_t, std::string>> legs;
  v1::GetSessionReportResponse out;
  v1::SessionReport& report = *out.mutable_report();
  {
    const Lock lock(session.data);
    report = show_session_report(session, plane_.node().wall(), plane_.now_unix());
    reports = session.closed_legs;
    for (const LegState& leg : session.legs) legs.emplace_back(leg.number, leg.id());
    for (const std::string& id : session.recordings) {
      if (auto recording = plane_.recordings().get(session.id, id)) {
        *report.add_recordings() = std::move(*recording);
      }
    }
  }
  for (const auto& [number, id] : legs) {
    auto leg = read_leg_report(plane_, session, number, id);
    if (!leg && leg.error().reason == "LEG_NOT_FOUND") continue;  // deleted meanwhile
    if (!leg) return failure(std::move(leg).error());
    reports.emplace(number, std::move(*leg));
  }
  for (auto& [number, leg] : reports) *report.add_legs() = std::move(leg);
  return out;
}

Answer<v1::GetLegReportResponse> RelayApi::get_leg_report(const v1::GetLegReportRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  std::uint16_t number = 0;
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(child->id);
    if (leg == nullptr) return failure(no_leg(session.id, child->id));
    number = leg->number;
  }
  auto report = read_leg_report(plane_, session, number, child->id);
  if (!report) return failure(std::move(report).error());
  v1::GetLegReportResponse out;
  *out.mutable_report() = std::move(*report);
  return out;
}

}  // namespace causeway::control
