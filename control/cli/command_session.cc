#include <iostream>
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

using Relay = v1::RelayService::Stub;

struct SessionArguments {
  std::string name;
  SessionOptions options;
};

void add_lease_option(CLI::App& command, SessionOptions& options) {
  command.add_option("--lease", options.lease_seconds, "Seconds, 1 to 3600")
      ->check(CLI::Range(1, 3600));
}

int create(const SessionArguments& arguments, Client& client, const Options& options) {
  v1::CreateSessionRequest request;
  v1::CreateSessionResponse response;
  if (const auto wrong = wrong_session_options(arguments.options, request)) {
    std::cerr << "causeway: " << *wrong << "\n";
    return kUsage;
  }
  const int code = client.call(client.relay(), &Relay::CreateSession, request, response);
  if (code == kOk) print(options, response, response.session().name() + "\n");
  return code;
}

int list(Client& client, const Options& options) {
  v1::ListSessionsRequest request;
  int code = kOk;
  do {
    v1::ListSessionsResponse response;
    code = client.call(client.relay(), &Relay::ListSessions, request, response);
    if (code != kOk) break;
    std::string text;
    for (const v1::Session& session : response.sessions()) {
      text += session.name() + " " + v1::SessionState_Name(session.state()) + "\n";
    }
    print(options, response, text);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return code;
}

int describe(const std::string& name, Client& client, const Options& options) {
  v1::DescribeSessionRequest request;
  v1::DescribeSessionResponse response;
  request.set_name(session_name(name));
  const int code = client.call(client.relay(), &Relay::DescribeSession, request, response);
  if (code != kOk) return code;
  std::string text = response.text();
  if (!text.ends_with('\n')) text += '\n';
  print(options, response, text);
  return code;
}

}  // namespace

void add_session_options(CLI::App& command, SessionOptions& options) {
  command.add_option("--id", options.id, "The session's id; else the relay chooses one");
  add_lease_option(command, options);
  command.add_flag("--close", options.closes_at_lease_end,
                   "End with the lease, even while somebody speaks");
  command.add_option("--label", options.labels, "KEY=VALUE, for your own use");
}

std::optional<std::string> wrong_session_options(const SessionOptions& options,
                                                 v1::CreateSessionRequest& request) {
  request.set_session_id(options.id);
  v1::Session& session = *request.mutable_session();
  if (options.lease_seconds != 0) session.mutable_lease()->set_seconds(options.lease_seconds);
  if (options.closes_at_lease_end) session.set_lease_expiry(v1::LEASE_EXPIRY_CLOSE);
  for (const std::string& label : options.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return "--label: `" + label + "` is no KEY=VALUE";
    }
    (*session.mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  return std::nullopt;
}

std::string session_name(const std::string& text) {
  return text.starts_with("sessions/") ? text : "sessions/" + text;
}

void print(const Options& options, const google::protobuf::Message& message,
           const std::string& text) {
  std::cout << (options.is_json ? as_json(message) : visible_lines(text)) << std::flush;
}

void add_session_commands(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<SessionArguments>();
  auto* session = app.add_subcommand("session", "Sessions: the legs of one call");
  session->require_subcommand(1);
  const auto named = [&](const char* verb, const char* help) {
    auto* command = session->add_subcommand(verb, help);
    command->add_option("session", arguments->name, "Its id or name")->required();
    return command;
  };

  auto* created = session->add_subcommand("create", "Make a session; legs are added with `leg`");
  add_session_options(*created, arguments->options);
  created->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return create(*arguments, c, o); };
  });

  named("get", "Show a session")->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::GetSessionRequest request;
      v1::GetSessionResponse response;
      request.set_name(session_name(arguments->name));
      const int code = client.call(client.relay(), &Relay::GetSession, request, response);
      if (code == kOk) print(options, response, as_text(response.session()));
      return code;
    };
  });

  session->add_subcommand("list", "List the sessions")->callback([&run] {
    run = [](Client& c, const Options& o) { return list(c, o); };
  });

  auto* renewed = named("renew", "Begin its lease anew");
  add_lease_option(*renewed, arguments->options);
  renewed->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::RenewSessionRequest request;
      v1::RenewSessionResponse response;
      request.set_name(session_name(arguments->name));
      if (const auto seconds = arguments->options.lease_seconds; seconds != 0) {
        request.mutable_lease()->set_seconds(seconds);
      }
      const int code = client.call(client.relay(), &Relay::RenewSession, request, response);
      if (code == kOk) print(options, response, as_text(response.session().expire_time()));
      return code;
    };
  });

  named("delete", "End it, and show its final report")->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::DeleteSessionRequest request;
      v1::DeleteSessionResponse response;
      request.set_name(session_name(arguments->name));
      const int code = client.call(client.relay(), &Relay::DeleteSession, request, response);
      if (code == kOk) print(options, response, as_text(response.report()));
      return code;
    };
  });

  auto* described = app.add_subcommand("describe", "Say in words what the relay does in a session");
  described->add_option("session", arguments->name, "Its id or name")->required();
  described->callback([arguments, &run] {
    run = [arguments](Client& c, const Options& o) { return describe(arguments->name, c, o); };
  });
}

}  // namespace causeway::cli
