#include "control/cli/client.h"

#include <chrono>
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
  text << file.rdbuf();
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

int exit_code(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::NOT_FOUND:
      return kNotFound;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return kUnreachable;
    default:
      return kRefused;
  }
}

/// The machine-readable part, as people read it.
void print_details(const std::string& serialized) {
  google::rpc::Status status;
  if (!status.ParseFromString(serialized)) return;
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      std::cerr << "  reason: " << info.reason() << "\n";
      for (const auto& [key, value] : info.metadata()) {
        std::cerr << "  " << key << ": " << value << "\n";
      }
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        std::cerr << "  field: " << violation.field() << ": " << violation.description() << "\n";
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

Client::Client(const Options& options) : options_(options) {
  const auto channel = grpc::CreateChannel(options.server, credentials(options));
  relay_ = v1::RelayService::NewStub(channel);
  recordings_ = v1::RecordingService::NewStub(channel);
  events_ = v1::EventService::NewStub(channel);
  node_ = v1::NodeService::NewStub(channel);
}

void Client::set_deadline(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(options_.timeout_seconds));
}

int Client::explain(const grpc::Status& status) const {
  if (status.ok()) return kOk;
  const int code = exit_code(status.error_code());
  const bool is_relays_word = !status.error_details().empty();
  if (code == kUnreachable && !is_relays_word) {
    std::cerr << "causeway: no relay answers on " << options_.server
              << " (--server, or CAUSEWAY_SERVER, says where it is): " << status.error_message()
              << "\n";
    return code;
  }
  std::cerr << "causeway: " << status.error_message() << "\n";
  print_details(status.error_details());
  return code;
}

}  // namespace causeway::cli
