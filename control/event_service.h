#pragma once

#include <atomic>
#include <memory>

#include "causeway/v1/event_service.grpc.pb.h"
#include "control/answer.h"

namespace causeway::control {

/// EventService over gRPC's callback API: a stream costs no thread, however long it is open. Any
/// thread.
class EventService final
    : public v1::EventService::WithCallbackMethod_WatchEvents<v1::EventService::Service> {
 public:
  explicit EventService(const ServiceContext& service);
  ~EventService() override;

  grpc::ServerWriteReactor<v1::WatchEventsResponse>* WatchEvents(
      grpc::CallbackServerContext* context, const v1::WatchEventsRequest* in) override;

  /// Streams that are open.
  [[nodiscard]] std::size_t streams() const { return *streams_; }

 private:
  const ServiceContext& service_;
  std::shared_ptr<std::atomic<std::size_t>> streams_;
};

}  // namespace causeway::control
