#pragma once

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "causeway/v1/event_service.grpc.pb.h"
#include "control/service_set.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "relay/io/sockets_backend.h"

namespace causeway::control {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::TextFormat;

/// Workers that can be made to hang, as one would whose processor is gone.
class Stall {
 public:
  void begin() { is_stalled_ = true; }
  void end() {
    is_stalled_ = false;
    is_stalled_.notify_all();
  }
  void wait() const { is_stalled_.wait(true); }

 private:
  std::atomic<bool> is_stalled_{false};
};

class StallingBackend final : public io::IoBackend {
 public:
  StallingBackend(std::unique_ptr<io::IoBackend> real, const Stall& stall)
      : real_(std::move(real)), stall_(stall) {}
  Result<SocketAddress, io::Errno> open(SocketId socket, const SocketAddress& bind,
                                        const io::SocketOptions& options) override {
    return real_->open(socket, bind, options);
  }
  int receive_buffer_octets(SocketId socket) const override {
    return real_->receive_buffer_octets(socket);
  }
  void close(SocketId socket) override { real_->close(socket); }
  std::span<Datagram> wait(std::optional<Instant> deadline) override {
    stall_.wait();
    const auto batch = real_->wait(deadline);
    stall_.wait();
    return batch;
  }
  void send(std::span<Transmit> batch) override { real_->send(batch); }
  void wake() override { real_->wake(); }
  const io::IoStats& stats() const override { return real_->stats(); }

 private:
  std::unique_ptr<io::IoBackend> real_;
  const Stall& stall_;
};

/// A node of one worker on loopback; each test has ports of its own.
inline NodeConfig small_node(std::uint16_t first_port, std::uint16_t ports = 400) {
  NodeConfig config;
  config.name = "here";
  NetworkConfig network;
  network.bind = IpAddress::v4(0x7f000001);
  network.first_port = UdpPort(first_port);
  network.last_port = UdpPort(static_cast<std::uint16_t>(first_port + ports - 1));
  config.networks.push_back(network);
  config.workers = 1;
  config.max_sessions_per_worker = 200;
  config.pool_packets = 256;
  config.port_quarantine = Duration::zero();
  config.quality_interval = Duration::zero();
  return config;
}

/// What came of a call.
struct Outcome {
  grpc::Status status;
  std::string reason;
  std::map<std::string, std::string> metadata;
  std::string field;
  bool has_retry = false;
};

inline Outcome outcome_of(const grpc::Status& status) {
  Outcome outcome;
  outcome.status = status;
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  // Without details it is gRPC's own word, and without a reason.
  EXPECT_TRUE(status.error_details().empty() ||
              details.code() == static_cast<int>(status.error_code()));
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    if (any.UnpackTo(&info)) {
      EXPECT_EQ(info.domain(), "causeway.v1");
      outcome.reason = info.reason();
      outcome.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&bad)) {
      outcome.field = bad.field_violations(0).field();
    } else if (any.Is<google::rpc::RetryInfo>()) {
      outcome.has_retry = true;
    }
  }
  return outcome;
}

/// A call under way.
class Asked {
 public:
  /// Waits for what comes of it. Once.
  [[nodiscard]] Outcome answer() { return outcome_of(done_.get_future().get()); }

 private:
  friend class Server;
  grpc::ClientContext context_;
  grpc::ByteBuffer sent_;
  grpc::ByteBuffer received_;
  std::promise<grpc::Status> done_;
};

/// A server with all services on a socket of its own, and a channel to it.
class Server {
 public:
  explicit Server(NodeConfig config) {
    Node::Seams seams;
    seams.make_backend =
        [this](PacketPool& pool,
               std::size_t max_sockets) -> Result<std::unique_ptr<io::IoBackend>, Error> {
      auto real = io::SocketsBackend::create({.max_sockets = max_sockets}, pool);
      if (!real) return failure(std::move(real).error());
      return std::make_unique<StallingBackend>(std::move(*real), stall);
    };
    auto made = ServiceSet::create(std::move(config), seams);
    EXPECT_TRUE(made) << (made ? "" : made.error().detail);
    services = std::move(*made);
    services->context.authorize = [](const grpc::ServerContextBase& context,
                                     std::string_view method) -> std::optional<ApiError> {
      const auto& sent = context.client_metadata();
      if (sent.find("x-role") == sent.end()) return std::nullopt;
      return api_error("ROLE", "The role may not use " + std::string(method) + ".");
    };
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    services->register_with(builder);
    services->register_intercept_with(builder);
    server = builder.BuildAndStart();
    address = "127.0.0.1:" + std::to_string(port);
    channel = another_channel();
  }
  ~Server() {
    stall.end();
    services->plane->stop();
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// `method`: `RelayService.CreateSession`; `request`: text format. For a stream, what ends it.
  Outcome call(const std::string& method, const std::string& request, bool has_role = true) {
    const auto* descriptor =
        DescriptorPool::generated_pool()->FindMethodByName("causeway.v1." + method);
    EXPECT_NE(descriptor, nullptr) << method;
    const std::unique_ptr<Message> in(google::protobuf::MessageFactory::generated_factory()
                                          ->GetPrototype(descriptor->input_type())
                                          ->New());
    EXPECT_TRUE(TextFormat::ParseFromString(request, in.get())) << method << " " << request;
    return call(*descriptor, in->SerializeAsString(), has_role);
  }
  /// The same with the octets of a request, which need be none.
  Outcome call(const MethodDescriptor& method, const std::string& request, bool has_role = true) {
    return ask(method, request, has_role)->answer();
  }
  /// The same without waiting for the answer; a stream's is waited for all the same.
  std::unique_ptr<Asked> ask(const MethodDescriptor& method, const std::string& request,
                             bool has_role = true) {
    auto asked = std::make_unique<Asked>();
    asked->context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!has_role) asked->context_.AddMetadata("x-role", "none");
    const std::string path = "/" + method.service()->full_name() + "/" + method.name();
    const grpc::Slice octets(request);
    asked->sent_ = grpc::ByteBuffer(&octets, 1);
    if (method.server_streaming()) {
      asked->done_.set_value(first_word(asked->context_, path, asked->sent_));
      return asked;
    }
    grpc::GenericStub(channel).UnaryCall(
        &asked->context_, path, grpc::StubOptions(), &asked->sent_, &asked->received_,
        [&done = asked->done_](grpc::Status status) { done.set_value(std::move(status)); });
    return asked;
  }
  /// A connection of its own, not shared with those before.
  [[nodiscard]] std::shared_ptr<grpc::Channel> another_channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // The transport's windows stay small, so that a client that does not read is soon seen to.
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  void succeed(const std::string& method, const std::string& request) {
    const Outcome outcome = call(method, request);
    EXPECT_TRUE(outcome.status.ok()) << method << " " << request << ": " << outcome.reason << " "
                                     << outcome.status.error_message();
  }

  Stall stall;
  std::unique_ptr<ServiceSet> services;
  std::unique_ptr<grpc::Server> server;
  std::string address;
  std::shared_ptr<grpc::Channel> channel;

 private:
  /// What a stream is refused with; OK once it has begun, and then it is left.
  grpc::Status first_word(grpc::ClientContext& context, const std::string& path,
                          const grpc::ByteBuffer& request) {
    grpc::CompletionQueue queue;
    const auto stream = grpc::GenericStub(channel).PrepareCall(&context, path, &queue);
    void* tag = nullptr;
    bool ok = false;
    stream->StartCall(nullptr);
    queue.Next(&tag, &ok);
    stream->WriteLast(request, grpc::WriteOptions(), nullptr);
    queue.Next(&tag, &ok);
    grpc::ByteBuffer event;
    stream->Read(&event, nullptr);
    queue.Next(&tag, &ok);
    const bool has_begun = ok;
    if (has_begun) context.TryCancel();
    grpc::Status status;
    stream->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return has_begun ? grpc::Status::OK : status;
  }
};

/// All methods that are offered on the main port, read from the .proto files that there are, so
/// that a new one takes part by itself. Run from the root of the source.
inline std::vector<const MethodDescriptor*> methods_of_the_api() {
  std::vector<const MethodDescriptor*> methods;
  for (const auto& file : std::filesystem::directory_iterator("proto/causeway/v1")) {
    const std::string name = file.path().filename();
    if (!name.ends_with("_service.proto") || name == "intercept_service.proto") continue;
    const auto* descriptor =
        DescriptorPool::generated_pool()->FindFileByName("causeway/v1/" + name);
    EXPECT_NE(descriptor, nullptr) << name << " is not part of the server";
    if (descriptor == nullptr) continue;
    for (int i = 0; i < descriptor->service_count(); ++i) {
      for (int j = 0; j < descriptor->service(i)->method_count(); ++j) {
        methods.push_back(descriptor->service(i)->method(j));
      }
    }
  }
  return methods;
}

/// `RelayService.CreateSession`.
inline std::string name_of(const MethodDescriptor& method) {
  return method.service()->name() + "." + method.name();
}

/// Methods that are not built: they answer STAGE_ABSENT and nothing else.
inline const std::set<std::string> kAbsent = {"RelayService.StartPlayback",
                                              "RelayService.StopPlayback"};

}  // namespace causeway::control
