#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "causeway/v1/event_service.grpc.pb.h"
#include "causeway/v1/node_service.grpc.pb.h"
#include "causeway/v1/recording_service.grpc.pb.h"
#include "causeway/v1/relay_service.grpc.pb.h"
#include "control/cli/terminal.h"

namespace causeway::cli {

/// The exit codes of `causeway` (DESIGN.md section 5).
enum Exit : int { kOk = 0, kRefused = 1, kUsage = 2, kUnreachable = 3, kNotFound = 4 };

/// What every command shares.
struct Options {
  std::string server = "127.0.0.1:7700";
  std::string tls_ca;
  std::string tls_certificate;
  std::string tls_key;
  bool is_json = false;
  ColorChoice color = ColorChoice::Auto;
  int timeout_seconds = 10;

  /// Whether what goes to standard output is coloured.
  [[nodiscard]] bool is_colored() const;
};

/// The reason that a relay gave with a status (`CURSOR_EXPIRED`), or nothing.
[[nodiscard]] std::string reason_of(const grpc::Status& status);

/// The first of the files that the options name which cannot be read, or is empty.
[[nodiscard]] std::optional<std::string> unreadable_file(const Options& options);

/// The services of one relay. Single-threaded.
class Client {
 public:
  explicit Client(const Options& options);

  /// Calls one method. Prints nothing.
  template <typename Stub, typename Request, typename Response>
  grpc::Status attempt(Stub& stub,
                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                    Response*),
                       const std::type_identity_t<Request>& request, Response& response) {
    grpc::ClientContext context;
    set_deadline(context);
    return (stub.*method)(&context, request, &response);
  }

  /// Calls one method and prints what went wrong, reason, field and detail; says on a terminal that
  /// it waits, when it does. Returns the exit code.
  template <typename Stub, typename Request, typename Response>
  int call(Stub& stub,
           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
           const Request& request, Response& response) {
    return explain(waited([&] { return attempt(stub, method, request, response); }));
  }

  /// The same for what `ask` asks.
  int ask(const std::function<grpc::Status()>& asked) const { return explain(waited(asked)); }

  /// The same for any method, by its descriptor.
  int call(const google::protobuf::MethodDescriptor& method,
           const google::protobuf::Message& request, google::protobuf::Message& response);

  /// Prints a status that is no success, and gives the exit code for it.
  [[nodiscard]] int explain(const grpc::Status& status) const;

  v1::RelayService::Stub& relay() { return *relay_; }
  v1::RecordingService::Stub& recordings() { return *recordings_; }
  v1::EventService::Stub& events() { return *events_; }
  v1::NodeService::Stub& node() { return *node_; }

 private:
  /// Gives what `ask` answers.
  grpc::Status waited(const std::function<grpc::Status()>& ask) const;
  void set_deadline(grpc::ClientContext& context) const;

  Options options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RelayService::Stub> relay_;
  std::unique_ptr<v1::RecordingService::Stub> recordings_;
  std::unique_ptr<v1::EventService::Stub> events_;
  std::unique_ptr<v1::NodeService::Stub> node_;
};

}  // namespace causeway::cli
