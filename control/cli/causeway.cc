#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>

#include "control/cli/commands.h"
#include "control/cli/suggest.h"

namespace {

/// The command that was parsed last, as far as it was understood.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.back());
}

/// After what CLI11 says of it: what may have been meant, for words that are no command or option.
void suggest(const CLI::App& app) {
  const CLI::App& last = innermost(app);
  std::vector<std::string> known;
  for (const CLI::App* command : last.get_subcommands({})) known.push_back(command->get_name());
  for (const CLI::App* each = &last; each != nullptr; each = each->get_parent()) {
    for (const CLI::Option* option : each->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  for (const std::string& word : app.remaining(true)) {
    if (const auto meant = causeway::cli::nearest(word, known)) {
      std::cerr << "Did you mean `" << *meant << "`?\n";
    }
  }
}

}  // namespace

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
  app.add_option("--timeout", options.timeout_seconds, "Seconds to wait for an answer")
      ->check(CLI::Range(1, 3600));
  app.add_flag("--json", options.is_json, "Print proto JSON");
  app.add_option("--color", options.color, "auto (in a terminal, without NO_COLOR), always, never")
      ->transform(
          CLI::Transformer(std::map<std::string, ColorChoice>{{"auto", ColorChoice::Auto},
                                                              {"always", ColorChoice::Always},
                                                              {"never", ColorChoice::Never}}));
  app.footer(
      "Begin with\n"
      "  causeway call --help     a call between two endpoints in one line\n"
      "  causeway top             the relay and its legs, live\n"
      "  causeway events          what happens on the relay\n"
      "Exit codes: 0 ok, 1 refused, 2 usage, 3 unreachable, 4 not found.");

  Run run;
  add_call_command(app, run);
  add_session_commands(app, run);
  add_report_command(app, run);
  add_top_command(app, run);
  add_leg_commands(app, run);
  add_connect_command(app, run);
  add_recording_commands(app, run);
  add_event_commands(app, run);
  add_node_commands(app, run);
  add_rpc_command(app, run);
  add_completion_command(app, run);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (code == 0) return kOk;
    suggest(app);
    return kUsage;
  }
  if (const auto file = unreadable_file(options)) {
    std::cerr << "causeway: " << *file << " cannot be read\n";
    return kUsage;
  }
  Client client(options);
  return run(client, options);
}
