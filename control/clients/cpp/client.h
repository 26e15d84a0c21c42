#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>

#include <grpcpp/grpcpp.h>

#include "causeway/v1/common.pb.h"
#include "causeway/v1/event_service.grpc.pb.h"
#include "causeway/v1/node_service.grpc.pb.h"
#include "causeway/v1/recording_service.grpc.pb.h"
#include "causeway/v1/relay_service.grpc.pb.h"

/// A client of the relay for C++ programs: the generated stubs with deadlines, request ids, errors
/// as exceptions, a lease and events.
namespace causeway::client {

/// The relay has refused a request, or could not be reached.
class Error : public std::runtime_error {
 public:
  explicit Error(const grpc::Status& status);

  grpc::StatusCode status;
  /// The stable word for programs, a value of causeway.v1.ErrorReason without its prefix, such as
  /// `SDP_INVALID`. Empty where the error is not the relay's.
  std::string reason;
  /// The same as a value to compare with, `v1::ERROR_REASON_SDP_INVALID`; unspecified where the
  /// error is not the relay's, or newer than this client.
  v1::ErrorReason code = v1::ERROR_REASON_UNSPECIFIED;
  /// The path of the first wrong field from the request; empty where none is.
  std::string field;
  /// What is wrong with each field, by its path from the request.
  std::map<std::string, std::string> fields;
  /// What the reason is about.
  std::map<std::string, std::string> metadata;
  /// How long to wait at least before the next try.
  std::optional<std::chrono::milliseconds> retry_delay;
};

/// The services over one channel. May be used from several threads, as the stubs may.
class Causeway {
 public:
  /// `address`: `host:port` or `unix:/path`. `deadline`: how long a call may take.
  explicit Causeway(const std::string& address,
                    const std::shared_ptr<grpc::ChannelCredentials>& credentials =
                        grpc::InsecureChannelCredentials(),
                    std::chrono::milliseconds deadline = std::chrono::seconds(5));

  /// A method that answers once, by its stub's name: `call(&v1::RelayService::Stub::BridgeOffer,
  /// request)`. A request_id that is empty is filled in, so that a repeat by the channel changes
  /// nothing twice. `deadline`: how long it may take, that of the client where none is given.
  /// Throws Error.
  template <class Stub, class Request, class Response>
  Response call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                Request request, std::optional<std::chrono::milliseconds> deadline = std::nullopt) {
    fill_request_id(request);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + deadline.value_or(deadline_));
    Response response;
    const grpc::Status status = (stub<Stub>().*method)(&context, request, &response);
    if (!status.ok()) throw Error(status);
    return response;
  }

  template <class Stub>
  [[nodiscard]] Stub& stub() {
    return *std::get<std::unique_ptr<Stub>>(stubs_);
  }

 private:
  static void fill_request_id(google::protobuf::Message& request);

  std::shared_ptr<grpc::Channel> channel_;
  std::tuple<std::unique_ptr<v1::RelayService::Stub>, std::unique_ptr<v1::RecordingService::Stub>,
             std::unique_ptr<v1::EventService::Stub>, std::unique_ptr<v1::NodeService::Stub>>
      stubs_;
  std::chrono::milliseconds deadline_;
};

/// Renews a session's lease at each third of it, from a thread, as long as it lives. It does not
/// end the session. A session that is gone ends the renewals.
class Lease {
 public:
  Lease(Causeway& causeway, std::string session, std::chrono::seconds length);

  /// What the last renewal failed with; nothing where it did not. Any thread may ask.
  [[nodiscard]] std::optional<Error> error() const;

 private:
  void run(const std::stop_token& stop);

  Causeway& causeway_;
  const std::string session_;
  const std::chrono::seconds length_;
  mutable std::mutex mutex_;
  std::optional<Error> error_;  // Under mutex_.
  std::condition_variable_any stopped_;
  std::jthread thread_;  // Last: it uses all of the above.
};

/// What happened, by its field name in Event: `leg_active`. Empty where this version does not know
/// it.
[[nodiscard]] std::string kind_of(const v1::Event& event);

/// Events as they come. Where the stream breaks off, or was read too slowly, it is opened again
/// after the last event, so that none is missed or seen twice. One thread reads; any may close.
class Events {
 public:
  Events(Causeway& causeway, v1::WatchEventsRequest request);

  /// The next event; nothing once the stream was closed. Throws Error.
  [[nodiscard]] std::optional<v1::Event> next();
  void close();

 private:
  void open();

  Causeway& causeway_;
  v1::WatchEventsRequest request_;
  std::mutex mutex_;  // Of context_, which close() cancels.
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchEventsResponse>> reader_;
  std::atomic<bool> is_closed_ = false;
};

}  // namespace causeway::client
