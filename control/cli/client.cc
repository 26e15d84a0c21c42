#include "control/cli/client.h"

#include <grpcpp/generic/generic_stub.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace causeway::cli {

namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

std::shared_ptr<grpc::ChannelCredentials> credentials(const Options& options) {
  if (options.tls_ca.empty() && options.tls_certificate.empty()) {
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions tls;
  if (!options.tls_ca.empty()) tls.pem_root_certs = file_text(options.tls_ca);
  if (!options.tls_certificate.empty()) tls.pem_cert_chain = file_text(options.tls_certificate);
  if (!options.tls_key.empty()) tls.pem_private_key = file_text(options.tls_key);
  return grpc::SslCredentials(tls);
}

/// `is_relays_word`: a relay has answered (that it is draining, for instance), not the network.
int exit_code(grpc::StatusCode code, bool is_relays_word) {
  if (code == grpc::StatusCode::NOT_FOUND) return kNotFound;
  const bool is_lost =
      code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED;
  return is_lost && !is_relays_word ? kUnreachable : kRefused;
}

/// The machine-readable part, as people read it.
void print_details(const std::string& serialized, const std::string& message) {
  google::rpc::Status status;
  if (!status.ParseFromString(serialized)) return;
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      std::cerr << "  reason: " << visible(info.reason()) << "\n";
      for (const auto& [key, value] : info.metadata()) {
        std::cerr << "  " << visible(key) << ": " << visible(value) << "\n";
      }
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        std::cerr << "  field: " << visible(violation.field());
        if (violation.description() != message) {
          std::cerr << ": " << visible(violation.description());
        }
        std::cerr << "\n";
      }
    } else if (detail.UnpackTo(&retry)) {
      const auto& delay = retry.retry_delay();
      std::cerr << "  try again in: "
                << static_cast<double>(delay.seconds()) + static_cast<double>(delay.nanos()) / 1e9
                << " s\n";
    }
  }
}

}  // namespace

std::optional<std::string> unreadable_file(const Options& options) {
  for (const std::string& path : {options.tls_ca, options.tls_certificate, options.tls_key}) {
    if (!path.empty() && file_text(path).empty()) return path;
  }
  return std::nullopt;
}

bool Options::is_colored() const {
  return uses_color(color, is_terminal(STDOUT_FILENO), std::getenv("NO_COLOR"));
}

std::string reason_of(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details())) return {};
  for (const google::protobuf::Any& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return {};
}

Client::Client(const Options& options) : options_(options) {
  channel_ = grpc::CreateChannel(options.server, credentials(options));
  relay_ = v1::RelayService::NewStub(channel_);
  recordings_ = v1::RecordingService::NewStub(channel_);
  events_ = v1::EventService::NewStub(channel_);
  node_ = v1::NodeService::NewStub(channel_);
}

grpc::Status Client::waited(const std::function<grpc::Status()>& ask) const {
  const Waiting waiting("the answer of " + options_.server,
                        std::chrono::seconds(options_.timeout_seconds));
  return ask();
}

void Client::set_deadline(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(options_.timeout_seconds));
}

int Client::call(const google::protobuf::MethodDescriptor& method,
                 const google::protobuf::Message& request, google::protobuf::Message& response) {
  grpc::ClientContext context;
  set_deadline(context);
  const std::string path = "/" + method.service()->full_name() + "/" + method.name();
  std::string sent_octets;
  request.SerializeToString(&sent_octets);
  const grpc::Slice slice(sent_octets);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel_);
  grpc::Status status;
  const auto reader = stub.PrepareUnaryCall(&context, path, sent, &queue);
  reader->StartCall();
  reader->Finish(&received, &status, this);
  void* tag = nullptr;
  bool is_ok = false;
  (void)waited([&] {
    (void)queue.Next(&tag, &is_ok);
    return status;
  });
  if (status.ok()) {
    std::vector<grpc::Slice> slices;
    (void)received.Dump(&slices);
    std::string octets;
    for (const grpc::Slice& each : slices) {
      octets.append(reinterpret_cast<const char*>(each.begin()), each.size());
    }
    (void)response.ParseFromString(octets);
  }
  return explain(status);
}

int Client::explain(const grpc::Status& status) const {
  if (status.ok()) return kOk;
  const int code = exit_code(status.error_code(), !status.error_details().empty());
  if (code == kUnreachable) {
    std::cerr << "causeway: no relay answers on " << options_.server
              << " (--server, or CAUSEWAY_SERVER, says where it is"
              << (options_.tls_ca.empty() ? "; one that offers TLS needs --tls-ca" : "")
              << "): " << visible(status.error_message()) << "\n";
    return code;
  }
  std::cerr << "causeway: " << visible(status.error_message()) << "\n";
  print_details(status.error_details(), status.error_message());
  return code;
}

}  // namespace causeway::cli
