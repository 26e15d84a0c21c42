#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "control/cli/commands.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

constexpr std::chrono::milliseconds kFirstPause(250);
constexpr std::chrono::milliseconds kLongestPause(5000);

struct EventArguments {
  std::string session;
  std::vector<std::string> kinds;
  std::string resume;
  std::uint32_t count = 0;
  bool is_followed = false;
};

/// One `causeway events`: what has been seen, and where to go on.
class EventPrinter {
 public:
  EventPrinter(const EventArguments& arguments, Client& client, const Options& options)
      : arguments_(arguments), client_(client), options_(options) {
    if (!arguments.session.empty()) request_.set_session(session_name(arguments.session));
    for (const std::string& kind : arguments.kinds) request_.add_kinds(kind);
    request_.set_resume_token(arguments.resume);
  }

  /// Until the relay ends the stream, the user does, or --count events have come; with --follow the
  /// relay's end is none once a stream was open.
  int run() {
    while (true) {
      const grpc::Status status = read_stream();
      if (is_done_) return kOk;
      if (!arguments_.is_followed || !was_open_ || !may_go_on(status)) {
        return client_.explain(status);
      }
      std::this_thread::sleep_for(pause_);
      pause_ = std::min(2 * pause_, kLongestPause);
    }
  }

 private:
  void print(const v1::Event& event) {
    std::cout << (options_.is_json ? as_json(event, false)
                                   : as_line(event, options_.is_colored()) + "\n")
              << std::flush;
  }

  grpc::Status read_stream() {
    grpc::ClientContext context;
    const auto reader = client_.events().WatchEvents(&context, request_);
    v1::WatchEventsResponse response;
    while (reader->Read(&response)) {
      const v1::Event& event = response.event();
      if (!event.resume_token().empty()) request_.set_resume_token(event.resume_token());
      if (event.has_stream_opened()) {
        on_open(event);
        continue;
      }
      print(event);
      is_done_ = ++seen_ == arguments_.count || !std::cout;
      if (is_done_) context.TryCancel();
      if (is_done_) break;
    }
    return reader->Finish();
  }

  /// Only the first opening is an event to the reader; later ones are words.
  void on_open(const v1::Event& event) {
    if (is_broken_) std::cerr << "causeway: the stream of events goes on\n";
    if (!was_open_) print(event);
    was_open_ = true;
    is_broken_ = false;
    pause_ = kFirstPause;
  }

  /// Whether another stream may have what is missing in this one. Where the relay no longer has it,
  /// a gap is shown, and the next stream begins with what happens then.
  bool may_go_on(const grpc::Status& status) {
    const std::string reason = reason_of(status);
    if (reason == "CURSOR_EXPIRED") {
      v1::Event gap;
      gap.mutable_events_lost();  // how many is not known
      *gap.mutable_time() = google::protobuf::util::TimeUtil::GetCurrentTime();
      print(gap);
      std::cerr << "causeway: events are missing here: " << visible(status.error_message()) << "\n";
      request_.clear_resume_token();
      is_broken_ = true;
      return true;
    }
    // A status without a reason is no word of the relay: the connection broke, or the server that
    // is being shut down cancelled the stream.
    const bool is_broken =
        !status.ok() && (reason.empty() || reason == "NODE_DRAINING" || reason == "SLOW_READER");
    if (is_broken && !is_broken_) {
      std::cerr << "causeway: the stream of events is broken, and is tried again until it goes on: "
                << visible(status.error_message()) << "\n";
      is_broken_ = true;
    }
    return is_broken;
  }

  const EventArguments& arguments_;
  Client& client_;
  const Options& options_;
  v1::WatchEventsRequest request_;
  std::uint32_t seen_ = 0;
  std::chrono::milliseconds pause_ = kFirstPause;
  bool was_open_ = false;
  bool is_broken_ = false;
  bool is_done_ = false;
};

}  // namespace

void add_event_commands(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<EventArguments>();
  auto* events = app.add_subcommand("events", "Show what happens, as it happens");
  events->add_option("--session", arguments->session, "Only of this session");
  events->add_option("--kind", arguments->kinds, "Only these: first_packet, dtmf ...")
      ->delimiter(',');
  events->add_option("--resume", arguments->resume, "Go on after this event's resume_token");
  events->add_option("--count", arguments->count, "End after so many");
  events->add_flag("--follow", arguments->is_followed,
                   "Go on where a stream broke off, when the relay answers again");
  events->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return EventPrinter(*arguments, c, o).run(); };
  });
}

}  // namespace causeway::cli
