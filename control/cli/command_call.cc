#include <iostream>

#include "control/cli/commands.h"
#include "control/cli/leg_text.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

struct CallArguments {
  SessionOptions session;
  std::string a;
  std::string b;
  bool is_recorded = false;
};

/// The whole call as one request: two legs, both directions, and the recording of both.
int make_request(const CallArguments& arguments, v1::CreateSessionRequest& request) {
  if (const auto wrong = wrong_session_options(arguments.session, request)) {
    std::cerr << "causeway: " << *wrong << "\n";
    return kUsage;
  }
  v1::Session& session = *request.mutable_session();
  for (const auto& [name, text] : {std::pair("a", arguments.a), std::pair("b", arguments.b)}) {
    auto leg = parse_leg(text);
    if (!leg) {
      std::cerr << "causeway: --" << name << ": " << leg.error() << "\n";
      return kUsage;
    }
    leg->set_name(std::string("legs/") + name);
    *session.add_legs() = std::move(*leg);
  }
  for (const auto& [from, to] : {std::pair("a", "b"), std::pair("b", "a")}) {
    v1::Connection& connection = *session.add_connections();
    connection.set_from_leg(std::string("legs/") + from);
    connection.set_to_leg(std::string("legs/") + to);
    if (arguments.is_recorded) {
      connection.add_stages()->mutable_record()->set_recording("recordings/call");
    }
  }
  return kOk;
}

}  // namespace

void add_call_command(CLI::App& app, Run& run) {
  auto* call =
      app.add_subcommand("call", "Bridge two endpoints: a session with two legs, one line");
  auto arguments = std::make_shared<CallArguments>();
  call->add_option("--a", arguments->a, "One endpoint")->required();
  call->add_option("--b", arguments->b, "The other")->required();
  add_session_options(*call, arguments->session);
  call->add_flag("--record", arguments->is_recorded, "Record both, one channel each");
  call->footer("An endpoint is written as\n  " + std::string(kLegSyntax) +
               "\n\nFor example, SRTP/Opus here and a SIP trunk's G.711 there:\n"
               "  causeway call --record \\\n"
               "    --a srtp/opus,accept=latch,receive=$KEY \\\n"
               "    --b rtp/pcmu,remote=192.0.2.7:4000,accept=192.0.2.0/24");
  call->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::CreateSessionRequest request;
      if (const int wrong = make_request(*arguments, request); wrong != kOk) return wrong;
      v1::CreateSessionResponse response;
      const int code =
          client.call(client.relay(), &v1::RelayService::Stub::CreateSession, request, response);
      if (code != kOk) return code;
      const v1::Session& session = response.session();
      std::string text = session.name() + "\n" + addresses(session);
      for (const v1::Connection& connection : session.connections()) {
        text += connection.plan().text() + "\n";
      }
      for (const v1::Recording& recording : session.recordings()) {
        text += recording.name() + ": " + recording.uri() + "\n";
      }
      print(options, response, text);
      return code;
    };
  });
}

}  // namespace causeway::cli
