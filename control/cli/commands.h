#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>

#include "control/cli/client.h"

namespace causeway::cli {

/// The command that the user chose, to be run once everything is parsed.
using Run = std::function<int(Client&, const Options&)>;

// Each adds its subcommands to `app`; the one that is parsed stores itself in `run`.
void add_call_command(CLI::App& app, Run& run);        ///< call
void add_session_commands(CLI::App& app, Run& run);    ///< session, describe
void add_report_command(CLI::App& app, Run& run);      ///< report
void add_top_command(CLI::App& app, Run& run);         ///< top
void add_leg_commands(CLI::App& app, Run& run);        ///< leg, keys, dtmf
void add_connect_command(CLI::App& app, Run& run);     ///< connect, disconnect
void add_recording_commands(CLI::App& app, Run& run);  ///< record
void add_event_commands(CLI::App& app, Run& run);      ///< events
void add_node_commands(CLI::App& app, Run& run);       ///< node
void add_rpc_command(CLI::App& app, Run& run);         ///< rpc
void add_completion_command(CLI::App& app, Run& run);  ///< completion

/// `abc` or `sessions/abc` to `sessions/abc`; `abc/legs/a` likewise.
[[nodiscard]] std::string session_name(const std::string& text);
/// What `session create` and `call` say of the session itself.
struct SessionOptions {
  std::string id;
  std::uint32_t lease_seconds = 0;  ///< 0: the relay's default.
  bool closes_at_lease_end = false;
  std::vector<std::string> labels;
};
void add_session_options(CLI::App& command, SessionOptions& options);
/// Writes them into a request. The error is one sentence for the person who typed it.
[[nodiscard]] std::optional<std::string> wrong_session_options(const SessionOptions& options,
                                                               v1::CreateSessionRequest& request);
/// Prints `message` as JSON with --json, else `text`, made visible.
void print(const Options& options, const google::protobuf::Message& message,
           const std::string& text);

}  // namespace causeway::cli
