#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>

#include "control/cli/commands.h"

/// `causeway`: the command-line client of a relay. Exit codes: 0 ok, 1 refused, 2 usage,
/// 3 unreachable, 4 not found.
int main(int argc, char** argv) {
  using namespace causeway::cli;
  CLI::App app("causeway: makes and watches calls on a Causeway media relay", "causeway");
  app.require_subcommand(1);
  app.fallthrough();  // --json and --server may stand after the command

  Options options;
  app.add_option("--server", options.server, "The relay's API: ADDRESS:PORT or unix:/path")
      ->envname("CAUSEWAY_SERVER")
      ->capture_default_str();
  app.add_option("--tls-ca", options.tls_ca, "PEM file of the authority to trust; else no TLS")
      ->envname("CAUSEWAY_TLS_CA");
  app.add_option("--tls-certificate", options.tls_certificate, "PEM file to show to the relay");
  app.add_option("--tls-key", options.tls_key, "PEM file of its key");
  app.add_option("--timeout", options.timeout_seconds, "Seconds to wait for an answer");
  app.add_flag("--json", options.is_json, "Print proto JSON");
  app.footer(
      "Begin with\n"
      "  causeway call --help     a call between two endpoints in one line\n"
      "  causeway events          what happens on the relay\n"
      "Exit codes: 0 ok, 1 refused, 2 usage, 3 unreachable, 4 not found.");

  Run run;
  add_call_command(app, run);
  add_session_commands(app, run);
  add_leg_commands(app, run);
  add_connect_command(app, run);
  add_recording_commands(app, run);
  add_event_commands(app, run);
  add_node_commands(app, run);
  add_completion_command(app, run);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kOk : kUsage;
  }
  Client client(options);
  return run(client, options);
}
