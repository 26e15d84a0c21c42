#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "causeway/v1/event_service.grpc.pb.h"
#include "causeway/v1/node_service.grpc.pb.h"
#include "causeway/v1/recording_service.grpc.pb.h"
#include "causeway/v1/relay_service.grpc.pb.h"

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
  int timeout_seconds = 10;
};

/// The first of the files that the options name which cannot be read, or is empty.
[[nodiscard]] std::optional<std::string> unreadable_file(const Options& options);

/// The services of one relay. Single-threaded.
class Client {
 public:
  explicit Client(const Options& options);

  /// Calls one method and prints what went wrong, reason, field and detail. Returns the exit code.
  template <typename Stub, typename Request, typename Response>
  int call(Stub& stub,
           grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
           const Request& request, Response& response) {
    grpc::ClientContext context;
    set_deadline(context);
    return explain((stub.*method)(&context, request, &response));
  }

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
  void set_deadline(grpc::ClientContext& context) const;

  Options options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RelayService::Stub> relay_;
  std::unique_ptr<v1::RecordingService::Stub> recordings_;
  std::unique_ptr<v1::EventService::Stub> events_;
  std::unique_ptr<v1::NodeService::Stub> node_;
};

}  // namespace causeway::cli
