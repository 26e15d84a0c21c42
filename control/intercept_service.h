#pragma once

#include "causeway/v1/intercept_service.grpc.pb.h"
#include "control/answer.h"

namespace causeway::control {

/// InterceptService over gRPC: not built, so every method says so. Any thread.
class InterceptService final : public v1::InterceptService::Service {
 public:
  explicit InterceptService(const ServiceContext& service) : service_(service) {}

  grpc::Status CreateInterceptTask(grpc::ServerContext* context,
                                   const v1::CreateInterceptTaskRequest* in,
                                   v1::CreateInterceptTaskResponse* out) override;
  grpc::Status GetInterceptTask(grpc::ServerContext* context, const v1::GetInterceptTaskRequest* in,
                                v1::GetInterceptTaskResponse* out) override;
  grpc::Status ListInterceptTasks(grpc::ServerContext* context,
                                  const v1::ListInterceptTasksRequest* in,
                                  v1::ListInterceptTasksResponse* out) override;
  grpc::Status UpdateInterceptTask(grpc::ServerContext* context,
                                   const v1::UpdateInterceptTaskRequest* in,
                                   v1::UpdateInterceptTaskResponse* out) override;
  grpc::Status RevokeInterceptTask(grpc::ServerContext* context,
                                   const v1::RevokeInterceptTaskRequest* in,
                                   v1::RevokeInterceptTaskResponse* out) override;

 private:
  const ServiceContext& service_;
};

}  // namespace causeway::control
