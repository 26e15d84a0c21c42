#include <unistd.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "control/cli/commands.h"
#include "control/cli/print.h"
#include "control/cli/terminal.h"
#include "control/cli/top_text.h"

namespace causeway::cli {

namespace {

using Relay = v1::RelayService::Stub;

/// Each costs a question a refresh; the relay's workers have other things to do.
constexpr std::size_t kSessionsRead = 500;

struct TopArguments {
  double interval_seconds = 1;
  std::uint32_t count = 0;  ///< 0: until the user ends it.
  bool is_once = false;
  Sort sort = Sort::Packets;
};

grpc::Status list(Client& client, std::vector<v1::Session>& out) {
  v1::ListSessionsRequest request;
  request.set_page_size(100);
  request.set_view(v1::SESSION_VIEW_FULL);
  do {
    v1::ListSessionsResponse response;
    if (auto s = client.attempt(client.relay(), &Relay::ListSessions, request, response); !s.ok()) {
      return s;
    }
    for (v1::Session& session : *response.mutable_sessions()) out.push_back(std::move(session));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && out.size() < kSessionsRead);
  if (out.size() > kSessionsRead) out.resize(kSessionsRead);
  return {};
}

grpc::Status read(Client& client, Reading& out) {
  v1::GetNodeResponse node;
  if (auto status = client.attempt(client.node(), &v1::NodeService::Stub::GetNode, {}, node);
      !status.ok()) {
    return status;
  }
  out.node = std::move(*node.mutable_node());
  if (auto status = list(client, out.sessions); !status.ok()) return status;
  for (const v1::Session& session : out.sessions) {
    v1::GetSessionReportRequest request;
    v1::GetSessionReportResponse response;
    request.set_name(session.name());
    const auto status = client.attempt(client.relay(), &Relay::GetSessionReport, request, response);
    // One that has ended meanwhile has no report.
    if (!status.ok() && status.error_code() != grpc::StatusCode::NOT_FOUND) return status;
    out.reports.push_back(std::move(*response.mutable_report()));
  }
  return {};
}

std::chrono::milliseconds span_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// For scripts: the first snapshot is an interval after the start, so that it has rates.
int print_snapshots(const TopArguments& arguments, Client& client, const Options& options) {
  Reading before;
  if (const auto status = read(client, before); !status.ok()) return client.explain(status);
  const std::uint32_t count = arguments.is_once ? 1 : arguments.count;
  for (std::uint32_t i = 0; count == 0 || i < count; ++i) {
    std::this_thread::sleep_for(span_of(arguments.interval_seconds));
    Reading now;
    if (const auto status = read(client, now); !status.ok()) return client.explain(status);
    Snapshot snapshot = compare(&before, now);
    sort_legs(snapshot.legs, arguments.sort);
    if (options.is_json) {
      std::cout << top_json(snapshot) << std::flush;
    } else {
      if (i > 0) std::cout << "\n";
      for (const auto& line : top_lines(snapshot, nullptr, options.is_colored())) {
        std::cout << line << "\n";
      }
      std::cout << std::flush;
    }
    if (!std::cout) return kOk;  // the reader has gone
    before = std::move(now);
  }
  return kOk;
}

/// In a terminal, until `q`. The figures stay as they are when only the size has changed.
grpc::Status show(const TopArguments& arguments, Client& client, const Options& options) {
  Screen screen;
  std::optional<Reading> before;
  while (true) {
    Reading now;
    if (auto status = read(client, now); !status.ok()) return status;
    Snapshot snapshot = compare(before ? &*before : nullptr, now);
    sort_legs(snapshot.legs, arguments.sort);
    const auto next = std::chrono::steady_clock::now() + span_of(arguments.interval_seconds);
    for (auto wake = Screen::Wake::Resized; wake != Screen::Wake::Elapsed;) {
      const ScreenSize size = screen.size();
      screen.draw(top_lines(snapshot, &size, options.is_colored()));
      wake = screen.wait(
          std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()));
      if (wake == Screen::Wake::Quit) return {};
    }
    before = std::move(now);
  }
}

}  // namespace

void add_top_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<TopArguments>();
  auto* top = app.add_subcommand("top", "Live: the node, its load, and each leg; `q` ends it");
  top->add_option("--interval", arguments->interval_seconds, "Seconds between two readings")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  top->add_option("--count", arguments->count, "Print so many snapshots as plain text and end");
  top->add_flag("--once", arguments->is_once, "The same as --count 1");
  top->add_option("--sort", arguments->sort,
                  "packets, loss, jitter, rtt, drops, age (oldest first) or name")
      ->transform(CLI::Transformer(std::map<std::string, Sort>{{"packets", Sort::Packets},
                                                               {"loss", Sort::Loss},
                                                               {"jitter", Sort::Jitter},
                                                               {"rtt", Sort::RoundTrip},
                                                               {"drops", Sort::Drops},
                                                               {"age", Sort::Age},
                                                               {"name", Sort::Name}}));
  top->footer(
      "In a terminal it draws one page over and over. With --json, --once or --count, or where "
      "the\n"
      "output is no terminal, it prints one snapshot after another, the first one after an\n"
      "interval. Rates are differences between two readings, by the relay's clock.");
  top->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      const bool is_plain = options.is_json || arguments->is_once || arguments->count > 0 ||
                            !is_terminal(STDOUT_FILENO);
      return is_plain ? print_snapshots(*arguments, client, options)
                      : client.explain(show(*arguments, client, options));
    };
  });
}

}  // namespace causeway::cli
