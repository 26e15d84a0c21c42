#include "control/event_service.h"

#include <utility>

#include "control/mutex.h"
#include "control/watch.h"

namespace causeway::control {

namespace {

/// A stream that ends at once.
class RefusedStream final : public grpc::ServerWriteReactor<v1::WatchEventsResponse> {
 public:
  explicit RefusedStream(const ApiError& error) { Finish(to_grpc(error)); }
  void OnDone() override { delete this; }
};

/// One stream of events. At most one write is on its way; what else there is waits in the log, so a
/// slow reader costs no memory. gRPC owns it until OnDone.
///
///     Idle --event--> Writing --done--> Idle | Writing       any --SLOW_READER, end, cancel-->
///     Finished
class EventStream final : public grpc::ServerWriteReactor<v1::WatchEventsResponse> {
 public:
  EventStream(ServiceContext const& service, std::shared_ptr<std::atomic<std::size_t>> streams)
      : service_(service), streams_(std::move(streams)) {
    ++*streams_;
  }

  /// Begins, or ends with an error.
  void start(const v1::WatchEventsRequest& in) {
    auto subscription = watch(service_.plane, in, [this] { go_on(); });
    const Lock lock(mutex_);
    if (!subscription) return finish(to_grpc(subscription.error()));
    subscription_ = std::move(*subscription);
    *response_.mutable_event() = stream_opened(service_.plane, *subscription_);
    is_writing_ = true;
    StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    {
      const Lock lock(mutex_);
      is_writing_ = false;
      if (!ok) return finish(grpc::Status::CANCELLED);
    }
    go_on();
  }
  void OnCancel() override {
    const Lock lock(mutex_);
    finish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    subscription_.reset();  // from here on nobody wakes this any more
    --*streams_;
    delete this;
  }

 private:
  /// Writes the next event, if there is one and nothing is on its way; cuts off a reader that has
  /// fallen too far behind, even while its last event is on its way.
  void go_on() {
    const Lock lock(mutex_);
    if (is_finished_ || !subscription_) return;
    if (is_writing_ && !subscription_->is_too_slow()) return;
    auto event = subscription_->read();
    if (!event) return finish(to_grpc(event.error()));
    if (*event == nullptr || is_writing_) return;
    *response_.mutable_event() = std::move(**event);
    is_writing_ = true;
    StartWrite(&response_);
  }

  void finish(const grpc::Status& status) CAUSEWAY_REQUIRES(mutex_) {
    if (std::exchange(is_finished_, true)) return;
    Finish(status);
  }

  const ServiceContext& service_;
  const std::shared_ptr<std::atomic<std::size_t>> streams_;
  Mutex mutex_;
  std::unique_ptr<EventLog::Subscription> subscription_;
  v1::WatchEventsResponse response_;
  bool is_writing_ CAUSEWAY_GUARDED_BY(mutex_) = false;
  bool is_finished_ CAUSEWAY_GUARDED_BY(mutex_) = false;
};

}  // namespace

EventService::EventService(const ServiceContext& service)
    : service_(service), streams_(std::make_shared<std::atomic<std::size_t>>(0)) {}

EventService::~EventService() = default;

grpc::ServerWriteReactor<v1::WatchEventsResponse>* EventService::WatchEvents(
    grpc::CallbackServerContext* context, const v1::WatchEventsRequest* in) {
  try {
    if (auto refused = check_role(service_, *context, "EventService.WatchEvents")) {
      return new RefusedStream(*refused);
    }
    auto* const stream = new EventStream(service_, streams_);
    stream->start(*in);
    return stream;
  } catch (const std::exception& error) {
    return new RefusedStream(report_incident(service_, error.what()));
  }
}

}  // namespace causeway::control
