#include <memory>

#include "control/cli/commands.h"
#include "control/cli/print.h"

namespace causeway::cli {

namespace {

using Relay = v1::RelayService::Stub;

struct ConnectArguments {
  std::string session;
  std::string from;
  std::string to;
  std::string recording;
  std::string name;
  bool is_one_way = false;
};

/// `a` and `legs/a` are the same leg.
std::string leg_reference(const std::string& text) {
  return text.find('/') == std::string::npos ? "legs/" + text : text;
}

int connect(const ConnectArguments& arguments, const std::string& from, const std::string& to,
            Client& client, const Options& options) {
  v1::CreateConnectionRequest request;
  v1::CreateConnectionResponse response;
  request.set_parent(session_name(arguments.session));
  v1::Connection& connection = *request.mutable_connection();
  connection.set_from_leg(leg_reference(from));
  connection.set_to_leg(leg_reference(to));
  if (!arguments.recording.empty()) {
    connection.add_stages()->mutable_record()->set_recording("recordings/" + arguments.recording);
  }
  const int code = client.call(client.relay(), &Relay::CreateConnection, request, response);
  if (code == kOk) {
    print(options, response,
          response.connection().name() + "\n" + response.connection().plan().text() + "\n");
  }
  return code;
}

}  // namespace

void add_connect_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<ConnectArguments>();
  auto* connected = app.add_subcommand("connect", "Connect two legs of a session, both ways");
  connected->add_option("session", arguments->session, "Its id or name")->required();
  connected->add_option("from", arguments->from, "A leg's id")->required();
  connected->add_option("to", arguments->to, "Another's")->required();
  connected->add_option("--record", arguments->recording, "Record it under this id");
  connected->add_flag("--one-way", arguments->is_one_way, "Only from the first to the second");
  connected->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      const int code = connect(*arguments, arguments->from, arguments->to, client, options);
      if (code != kOk || arguments->is_one_way) return code;
      return connect(*arguments, arguments->to, arguments->from, client, options);
    };
  });

  auto* gone = app.add_subcommand("disconnect", "Remove a connection");
  gone->add_option("connection", arguments->name, "SESSION/connections/ID")->required();
  gone->callback([arguments, &run] {
    run = [arguments](Client& client, const Options& options) {
      v1::DeleteConnectionRequest request;
      v1::DeleteConnectionResponse response;
      request.set_name(session_name(arguments->name));
      const int code = client.call(client.relay(), &Relay::DeleteConnection, request, response);
      if (code == kOk) print(options, response, "");
      return code;
    };
  });
}

}  // namespace causeway::cli
