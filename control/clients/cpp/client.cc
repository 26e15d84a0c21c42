#include "control/clients/cpp/client.h"

#include <random>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace causeway::client {
namespace {

// What the relay could not be asked is asked again, twice; request ids make that safe.
constexpr auto kServiceConfig = R"({"methodConfig": [{"name": [{}], "retryPolicy": {
  "maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 3,
  "retryableStatusCodes": ["UNAVAILABLE"]}}]})";
constexpr std::chrono::milliseconds kPause{500};  // Before a stream is opened again.

std::shared_ptr<grpc::Channel> open_channel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

std::string random_id() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (int i = 0; i < 32; ++i) id += kDigits[random() % 16];
  return id;
}

}  // namespace

Error::Error(const grpc::Status& refused)
    : std::runtime_error(refused.error_message()), status(refused.error_code()) {
  google::rpc::Status details;
  if (!details.ParseFromString(refused.error_details())) return;
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest request;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      reason = info.reason();
      v1::ErrorReason_Parse("ERROR_REASON_" + reason, &code);
      metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (detail.UnpackTo(&request)) {
      for (const auto& each : request.field_violations()) {
        if (field.empty()) field = each.field();
        fields[each.field()] = each.description();
      }
    } else if (detail.UnpackTo(&retry)) {
      retry_delay = std::chrono::seconds(retry.retry_delay().seconds()) +
                    std::chrono::milliseconds(retry.retry_delay().nanos() / 1'000'000);
    }
  }
}

Causeway::Causeway(const std::string& address,
                   const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                   std::chrono::milliseconds deadline)
    : channel_(open_channel(address, credentials)),
      stubs_(v1::RelayService::NewStub(channel_), v1::RecordingService::NewStub(channel_),
             v1::EventService::NewStub(channel_), v1::NodeService::NewStub(channel_)),
      deadline_(deadline) {}

void Causeway::fill_request_id(google::protobuf::Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field == nullptr) return;
  const auto* reflection = request.GetReflection();
  if (reflection->GetString(request, field).empty()) {
    reflection->SetString(&request, field, random_id());
  }
}

Lease::Lease(Causeway& causeway, std::string session, std::chrono::seconds length)
    : causeway_(causeway),
      session_(std::move(session)),
      length_(length),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Lease::run(const std::stop_token& stop) {
  v1::RenewSessionRequest request;
  request.set_name(session_);
  request.mutable_lease()->set_seconds(length_.count());
  const auto pause = std::chrono::milliseconds(length_) / 3;
  while (!stop.stop_requested()) {
    std::optional<Error> failed;
    try {
      causeway_.call(&v1::RelayService::Stub::RenewSession, request, pause);
    } catch (const Error& error) {
      failed = error;
    }
    std::unique_lock lock(mutex_);
    error_ = failed;
    // Whatever else it is may be over before the lease is.
    if (failed && failed->code == v1::ERROR_REASON_SESSION_NOT_FOUND) return;
    stopped_.wait_for(lock, stop, pause, [] { return false; });
  }
}

std::optional<Error> Lease::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

std::string kind_of(const v1::Event& event) {
  const auto* kind = v1::Event::descriptor()->FindOneofByName("kind");
  const auto* field = event.GetReflection()->GetOneofFieldDescriptor(event, kind);
  return field == nullptr ? "" : field->name();
}

Events::Events(Causeway& causeway, v1::WatchEventsRequest request)
    : causeway_(causeway), request_(std::move(request)) {
  open();
}

void Events::open() {
  reader_.reset();  // It uses the context.
  const std::lock_guard lock(mutex_);
  context_ = std::make_unique<grpc::ClientContext>();
  if (is_closed_) context_->TryCancel();
  reader_ = causeway_.stub<v1::EventService::Stub>().WatchEvents(context_.get(), request_);
}

std::optional<v1::Event> Events::next() {
  v1::WatchEventsResponse response;
  while (!is_closed_) {
    if (reader_->Read(&response)) {
      if (!response.event().resume_token().empty()) {
        request_.set_resume_token(response.event().resume_token());
      }
      return std::move(*response.mutable_event());
    }
    const Error error(reader_->Finish());
    if (is_closed_) break;
    if (error.status != grpc::StatusCode::UNAVAILABLE && error.reason != "SLOW_READER") throw error;
    std::this_thread::sleep_for(error.retry_delay.value_or(kPause));
    open();
  }
  return std::nullopt;
}

void Events::close() {
  is_closed_ = true;
  const std::lock_guard lock(mutex_);
  context_->TryCancel();
}

}  // namespace causeway::client
