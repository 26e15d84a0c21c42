#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "control/cli/commands.h"
#include "control/cli/print.h"
#include "control/cli/terminal.h"

namespace causeway::cli {

namespace {

constexpr std::chrono::milliseconds kDrainPoll(500);

/// Until no session is left; says on a terminal how many are.
int wait_until_empty(Client& client, v1::Node& node) {
  StatusLine line;
  const auto began = std::chrono::steady_clock::now();
  while (node.capacity().sessions() > 0) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    line.show("draining " + node.name() + ": " + std::to_string(node.capacity().sessions()) +
              " sessions left, " + std::to_string(seconds.count()) + " s");
    std::this_thread::sleep_for(kDrainPoll);
    v1::GetNodeResponse response;
    if (const auto status =
            client.attempt(client.node(), &v1::NodeService::Stub::GetNode, {}, response);
        !status.ok()) {
      return client.explain(status);
    }
    node = std::move(*response.mutable_node());
  }
  return kOk;
}

template <typename Request, typename Response>
CLI::App* add_verb(CLI::App& parent, const char* verb, const char* help,
                   grpc::Status (v1::NodeService::Stub::*method)(grpc::ClientContext*,
                                                                 const Request&, Response*),
                   const std::shared_ptr<bool>& waits, Run& run) {
  auto* command = parent.add_subcommand(verb, help);
  command->callback([method, waits, &run] {
    run = [method, waits](Client& client, const Options& options) {
      Request request;
      Response response;
      int code = client.call(client.node(), method, request, response);
      if (code == kOk && *waits) code = wait_until_empty(client, *response.mutable_node());
      if (code == kOk) print(options, response, as_text(response.node()));
      return code;
    };
  });
  return command;
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
  auto waits = std::make_shared<bool>(false);
  add_verb(*node, "drain", "Take no new sessions", &v1::NodeService::Stub::DrainNode, waits, run)
      ->add_flag("--wait", *waits, "Until the last session has ended");
  add_verb(*node, "undrain", "Take new sessions again", &v1::NodeService::Stub::UndrainNode,
           std::make_shared<bool>(false), run);
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
