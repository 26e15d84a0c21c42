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
void add_session_commands(CLI::App& app, Run& run);    ///< session, describe, report
void add_leg_commands(CLI::App& app, Run& run);        ///< leg, keys, dtmf
void add_connect_command(CLI::App& app, Run& run);     ///< connect, disconnect
void add_recording_commands(CLI::App& app, Run& run);  ///< record
void add_event_commands(CLI::App& app, Run& run);      ///< events
void add_node_commands(CLI::App& app, Run& run);       ///< node
void add_completion_command(CLI::App& app, Run& run);  ///< completion

/// `abc` or `sessions/abc` to `sessions/abc`; `abc/legs/a` likewise.
[[nodiscard]] std::string session_name(const std::string& text);
/// Prints `message` as JSON with --json, else `text`.
void print(const Options& options, const google::protobuf::Message& message,
           const std::string& text);

}  // namespace causeway::cli
