#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include <google/protobuf/util/time_util.h>

#include "control/cli/commands.h"
#include "control/cli/print.h"
#include "control/cli/terminal.h"

namespace causeway::cli {

namespace {

using Relay = v1::RelayService::Stub;

struct ReportArguments {
  std::string name;
  bool is_watched = false;
  double interval_seconds = 1;
  std::uint32_t count = 0;  ///< 0: until the session ends.
};

/// What is reported, of a session or of a leg, in the forms that it is printed in.
struct Report {
  std::string text;
  std::string json;       ///< Indented.
  std::string json_line;  ///< On one line.
  bool has_ended = false;
};

template <typename Response>
Report as_printed(const Response& response, const v1::SessionReport& report, bool has_ended) {
  return {as_text(report), as_json(response), as_json(response, false), has_ended};
}

grpc::Status read(const std::string& name, Client& client, Report& out) {
  if (name.find("/legs/") != std::string::npos) {
    v1::GetLegReportRequest request;
    v1::GetLegReportResponse response;
    request.set_name(session_name(name));
    auto status = client.attempt(client.relay(), &Relay::GetLegReport, request, response);
    v1::SessionReport one;
    *one.add_legs() = response.report();
    out = as_printed(response, one, response.report().has_close_time());
    return status;
  }
  v1::GetSessionReportRequest request;
  v1::GetSessionReportResponse response;
  request.set_name(session_name(name));
  auto status = client.attempt(client.relay(), &Relay::GetSessionReport, request, response);
  out = as_printed(response, response.report(), response.report().has_close_time());
  return status;
}

std::string now_text() {
  using google::protobuf::util::TimeUtil;
  return TimeUtil::ToString(
      TimeUtil::SecondsToTimestamp(TimeUtil::TimestampToSeconds(TimeUtil::GetCurrentTime())));
}

int say_end(const ReportArguments& arguments, const Report& last, bool is_shown,
            const Options& options) {
  if (!is_shown && !last.text.empty()) std::cout << visible_lines(last.text) << std::flush;
  (options.is_json ? std::cerr : std::cout)
      << visible(session_name(arguments.name)) << " has ended\n"
      << std::flush;
  return kOk;
}

/// A block each reading, an empty line between two of them; with --json a line.
int print_readings(const ReportArguments& arguments, Client& client, const Options& options) {
  const std::chrono::duration<double> span(arguments.interval_seconds);
  for (std::uint32_t i = 0; arguments.count == 0 || i < arguments.count; ++i) {
    if (i > 0) std::this_thread::sleep_for(span);
    Report report;
    const auto status = read(arguments.name, client, report);
    const bool is_gone = i > 0 && status.error_code() == grpc::StatusCode::NOT_FOUND;
    if (is_gone) return say_end(arguments, report, true, options);
    if (!status.ok()) return client.explain(status);
    if (options.is_json) {
      std::cout << report.json_line << std::flush;
    } else {
      std::cout << (i > 0 ? "\n" : "") << now_text() << "\n"
                << visible_lines(report.text) << std::flush;
    }
    if (report.has_ended) return say_end(arguments, report, true, options);
    if (!std::cout) return kOk;  // the reader has gone
  }
  return kOk;
}

std::vector<std::string> page_of(const ReportArguments& arguments, const std::string& text,
                                 ScreenSize size) {
  std::vector<std::string> lines = {
      fit(visible(session_name(arguments.name)) + "  " + now_text() + "  (q ends)", size.columns)};
  std::size_t begin = 0;
  while (begin < text.size() && lines.size() < size.rows) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(fit(visible(text.substr(begin, end - begin)), size.columns));
    begin = end + 1;
  }
  return lines;
}

/// What ended the page in a terminal: a status of the relay, the end of the session, or the user.
struct Ending {
  grpc::Status status;
  Report last;
  bool has_ended = false;
};

Ending show(const ReportArguments& arguments, Client& client) {
  Ending ending;
  Screen screen;
  for (bool is_first = true;; is_first = false) {
    Report report;
    ending.status = read(arguments.name, client, report);
    if (!is_first && ending.status.error_code() == grpc::StatusCode::NOT_FOUND) {
      ending.status = {};
      ending.has_ended = true;
    }
    if (!ending.status.ok() || ending.has_ended) return ending;
    ending.last = std::move(report);
    ending.has_ended = ending.last.has_ended;
    if (ending.has_ended) return ending;
    const auto next = std::chrono::steady_clock::now() +
                      std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                          std::chrono::duration<double>(arguments.interval_seconds));
    for (auto wake = Screen::Wake::Resized; wake != Screen::Wake::Elapsed;) {
      screen.draw(page_of(arguments, ending.last.text, screen.size()));
      wake = screen.wait(
          std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()));
      if (wake == Screen::Wake::Quit) return ending;
    }
  }
}

int watch(const ReportArguments& arguments, Client& client, const Options& options) {
  if (options.is_json || arguments.count > 0 || !is_terminal(STDOUT_FILENO)) {
    return print_readings(arguments, client, options);
  }
  const Ending ending = show(arguments, client);
  if (ending.has_ended) return say_end(arguments, ending.last, false, options);
  return client.explain(ending.status);
}

int report_once(const ReportArguments& arguments, Client& client, const Options& options) {
  Report report;
  const int code = client.ask([&] { return read(arguments.name, client, report); });
  if (code == kOk) {
    std::cout << (options.is_json ? report.json : visible_lines(report.text)) << std::flush;
  }
  return code;
}

}  // namespace

void add_report_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<ReportArguments>();
  auto* reported = app.add_subcommand("report", "What each leg experienced: loss, jitter, drops");
  reported->add_option("session", arguments->name, "A session, or SESSION/legs/LEG")->required();
  auto* watched = reported->add_flag("--watch", arguments->is_watched,
                                     "Again and again, until the session ends (status 0)");
  reported
      ->add_option("--interval", arguments->interval_seconds, "With --watch: seconds between two")
      ->needs(watched)
      ->check(CLI::Range(0.1, 3600.0));
  reported
      ->add_option("--count", arguments->count, "With --watch: end after so many, as plain text")
      ->needs(watched);
  reported->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      return arguments->is_watched ? watch(*arguments, client, options)
                                   : report_once(*arguments, client, options);
    };
  });
}

}  // namespace causeway::cli
