#include <iostream>
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

struct EventArguments {
  std::string session;
  std::vector<std::string> kinds;
  std::string resume;
  std::uint32_t count = 0;
};

/// Until the relay ends the stream, the user does, or --count events have come.
int watch(const EventArguments& arguments, Client& client, const Options& options) {
  v1::WatchEventsRequest request;
  if (!arguments.session.empty()) request.set_session(session_name(arguments.session));
  for (const std::string& kind : arguments.kinds) request.add_kinds(kind);
  request.set_resume_token(arguments.resume);
  grpc::ClientContext context;
  const auto reader = client.events().WatchEvents(&context, request);
  v1::WatchEventsResponse response;
  std::uint32_t seen = 0;
  while (reader->Read(&response)) {
    const v1::Event& event = response.event();
    std::cout << (options.is_json ? as_json(event, false) : as_line(event) + "\n") << std::flush;
    if (!event.has_stream_opened() && ++seen == arguments.count) {
      context.TryCancel();
      (void)reader->Finish();
      return kOk;
    }
  }
  return client.explain(reader->Finish());
}

template <typename Request, typename Response>
void add_verb(CLI::App& parent, const char* verb, const char* help,
              grpc::Status (v1::NodeService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
              Run& run) {
  parent.add_subcommand(verb, help)->callback([method, &run] {
    run = [method](Client& client, const Options& options) {
      Request request;
      Response response;
      const int code = client.call(client.node(), method, request, response);
      if (code == kOk) print(options, response, as_text(response.node()));
      return code;
    };
  });
}

constexpr std::string_view kBashCompletion = R"BASH(# bash completion for causeway; load with:
#   source <(causeway completion bash)
_causeway() {
  local words=() word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ "$word" == -* ]] || words+=("$word")
  done
  COMPREPLY=($(compgen -W "$(causeway "${words[@]}" --help 2>/dev/null |
    awk '/^Subcommands:/ {on = 1; next} /^[A-Z]/ {on = 0} on && NF {print $1}
         {for (i = 1; i <= NF; ++i) if ($i ~ /^--[a-z]/) {sub(/,.*/, "", $i); print $i}}')" \
    -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _causeway causeway
)BASH";

/// zsh runs completions written for bash.
constexpr std::string_view kZshPrologue = R"ZSH(# zsh completion for causeway; load with:
#   source <(causeway completion zsh)
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
)ZSH";

constexpr std::string_view kFishCompletion = R"FISH(# fish completion for causeway; load with:
#   causeway completion fish | source
function __causeway_words
  set -l words (string match -v -- '-*' (commandline -opc)[2..])
  causeway $words --help 2>/dev/null | awk '
    /^Subcommands:/ {on = 1; next} /^[A-Z]/ {on = 0} on && NF {print $1}
    {for (i = 1; i <= NF; ++i) if ($i ~ /^--[a-z]/) {sub(/,.*/, "", $i); print $i}}'
end
complete -c causeway -f -a '(__causeway_words)'
)FISH";

}  // namespace

void add_event_commands(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<EventArguments>();
  auto* events = app.add_subcommand("events", "Show what happens, as it happens");
  events->add_option("--session", arguments->session, "Only of this session");
  events->add_option("--kind", arguments->kinds, "Only these: first_packet, dtmf ...")
      ->delimiter(',');
  events->add_option("--resume", arguments->resume, "Go on after this event's resume_token");
  events->add_option("--count", arguments->count, "End after so many");
  events->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return watch(*arguments, c, o); };
  });
}

void add_node_commands(CLI::App& app, Run& run) {
  auto* node = app.add_subcommand("node", "What this relay is, and how full; `node drain`");
  node->require_subcommand(0, 1);
  node->callback([node, &run] {
    if (!node->get_subcommands().empty()) return;
    run = [](Client& client, const Options& options) {
      v1::GetNodeRequest request;
      v1::GetNodeResponse response;
      const int code =
          client.call(client.node(), &v1::NodeService::Stub::GetNode, request, response);
      if (code == kOk) print(options, response, as_text(response.node()));
      return code;
    };
  });
  add_verb(*node, "drain", "Take no new sessions", &v1::NodeService::Stub::DrainNode, run);
  add_verb(*node, "undrain", "Take new sessions again", &v1::NodeService::Stub::UndrainNode, run);
}

void add_completion_command(CLI::App& app, Run& run) {
  auto shell = std::make_shared<std::string>("bash");
  auto* completion = app.add_subcommand("completion", "Print a completion script for the shell");
  completion->add_option("shell", *shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([shell, &run] {
    run = [shell](Client&, const Options&) {
      if (*shell == "zsh") std::cout << kZshPrologue;
      std::cout << (*shell == "fish" ? kFishCompletion : kBashCompletion);
      return static_cast<int>(kOk);
    };
  });
}

}  // namespace causeway::cli
