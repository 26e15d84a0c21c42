#pragma once

#include "causeway/v1/node_service.grpc.pb.h"
#include "control/answer.h"
#include "control/node_api.h"

namespace causeway::control {

/// NodeService over gRPC: NodeApi behind roles, request ids and statuses. Any thread.
class NodeService final : public v1::NodeService::Service {
 public:
  explicit NodeService(const ServiceContext& service) : service_(service), api_(service.plane) {}

  grpc::Status GetNode(grpc::ServerContext* context, const v1::GetNodeRequest* in,
                       v1::GetNodeResponse* out) override;
  grpc::Status DrainNode(grpc::ServerContext* context, const v1::DrainNodeRequest* in,
                         v1::DrainNodeResponse* out) override;
  grpc::Status UndrainNode(grpc::ServerContext* context, const v1::UndrainNodeRequest* in,
                           v1::UndrainNodeResponse* out) override;

 private:
  const ServiceContext& service_;
  NodeApi api_;
};

}  // namespace causeway::control
