#include <iostream>
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/leg_text.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

using Relay = v1::RelayService::Stub;

struct LegArguments {
  std::string session;
  std::string name;
  std::string id;
  std::string text;
  std::vector<std::string> mask;
  std::string digits;
  std::string receive;
  std::string send;
};

int with_leg_text(const std::string& text, v1::Leg& leg) {
  auto parsed = parse_leg(text);
  if (!parsed) {
    std::cerr << "causeway: " << parsed.error() << "\n";
    return kUsage;
  }
  leg = std::move(*parsed);
  return kOk;
}

int create(const LegArguments& arguments, Client& client, const Options& options) {
  v1::CreateLegRequest request;
  v1::CreateLegResponse response;
  request.set_parent(session_name(arguments.session));
  request.set_leg_id(arguments.id);
  if (const int wrong = with_leg_text(arguments.text, *request.mutable_leg())) return wrong;
  const int code = client.call(client.relay(), &Relay::CreateLeg, request, response);
  v1::Session one;
  *one.add_legs() = response.leg();
  if (code == kOk) print(options, response, addresses(one));
  return code;
}

int update(const LegArguments& arguments, Client& client, const Options& options) {
  v1::UpdateLegRequest request;
  v1::UpdateLegResponse response;
  if (const int wrong = with_leg_text(arguments.text, *request.mutable_leg())) return wrong;
  request.mutable_leg()->set_name(session_name(arguments.name));
  for (const std::string& path : arguments.mask) request.mutable_update_mask()->add_paths(path);
  const int code = client.call(client.relay(), &Relay::UpdateLeg, request, response);
  if (code == kOk) print(options, response, as_text(response.leg()));
  return code;
}

int rotate(const LegArguments& arguments, Client& client, const Options& options) {
  v1::RotateKeysRequest request;
  v1::RotateKeysResponse response;
  request.set_name(session_name(arguments.name));
  if (!arguments.receive.empty()) request.mutable_receive()->set_crypto(arguments.receive);
  if (!arguments.send.empty()) request.mutable_send()->set_crypto(arguments.send);
  const int code = client.call(client.relay(), &Relay::RotateKeys, request, response);
  if (code == kOk) print(options, response, as_text(response.leg()));
  return code;
}

}  // namespace

void add_leg_commands(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<LegArguments>();
  auto* leg = app.add_subcommand("leg", "Legs: one endpoint's side of a call");
  leg->require_subcommand(1);
  const auto named = [&](CLI::App& parent, const char* verb, const char* help) {
    auto* command = parent.add_subcommand(verb, help);
    command->add_option("leg", arguments->name, "SESSION/legs/LEG")->required();
    return command;
  };
  const std::string syntax = "A leg is written as\n  " + std::string(kLegSyntax);

  auto* created = leg->add_subcommand("create", "Add a leg to a session");
  created->add_option("session", arguments->session, "Its id or name")->required();
  created->add_option("spec", arguments->text, "What it is; see below")->required();
  created->add_option("--id", arguments->id, "Its id; else the relay chooses one");
  created->footer(syntax);
  created->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return create(*arguments, c, o); };
  });

  named(*leg, "get", "Show a leg")->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::GetLegRequest request;
      v1::GetLegResponse response;
      request.set_name(session_name(arguments->name));
      const int code = client.call(client.relay(), &Relay::GetLeg, request, response);
      if (code == kOk) print(options, response, as_text(response.leg()));
      return code;
    };
  });

  auto* listed = leg->add_subcommand("list", "List the legs of a session");
  listed->add_option("session", arguments->session, "Its id or name")->required();
  listed->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::ListLegsRequest request;
      v1::ListLegsResponse response;
      request.set_parent(session_name(arguments->session));
      const int code = client.call(client.relay(), &Relay::ListLegs, request, response);
      v1::Session all;
      for (const v1::Leg& one : response.legs()) *all.add_legs() = one;
      if (code == kOk) print(options, response, addresses(all));
      return code;
    };
  });

  auto* updated = named(*leg, "update", "Change what --mask names, at once and without a gap");
  updated->add_option("spec", arguments->text, "What it is to be; see below")->required();
  updated->add_option("--mask", arguments->mask, "Fields: remote, codecs, direction ...")
      ->required()
      ->delimiter(',');
  updated->footer(syntax);
  updated->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return update(*arguments, c, o); };
  });

  named(*leg, "delete", "Remove a leg, and show its final report")->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::DeleteLegRequest request;
      v1::DeleteLegResponse response;
      request.set_name(session_name(arguments->name));
      const int code = client.call(client.relay(), &Relay::DeleteLeg, request, response);
      v1::SessionReport one;
      *one.add_legs() = response.report();
      if (code == kOk) print(options, response, as_text(one));
      return code;
    };
  });

  auto* keys = named(app, "keys", "Replace a leg's SRTP keys; the old ones are good for 2 s more");
  keys->add_option("--receive", arguments->receive,
                   "a=crypto line of what the endpoint sends with");
  keys->add_option("--send", arguments->send, "a=crypto line of what the relay sends with");
  keys->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return rotate(*arguments, c, o); };
  });

  auto* dtmf = named(app, "dtmf", "Send digits to a leg's endpoint (RFC 4733)");
  dtmf->add_option("digits", arguments->digits, "0-9 * # A-D")->required();
  dtmf->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::SendDtmfRequest request;
      v1::SendDtmfResponse response;
      request.set_name(session_name(arguments->name));
      request.set_digits(arguments->digits);
      const int code = client.call(client.relay(), &Relay::SendDtmf, request, response);
      if (code == kOk) print(options, response, as_text(response));
      return code;
    };
  });
}

}  // namespace causeway::cli
