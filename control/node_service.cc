#include "control/node_service.h"

namespace causeway::control {

using grpc::ServerContext;
using grpc::Status;

Status NodeService::GetNode(ServerContext* context, const v1::GetNodeRequest* in,
                            v1::GetNodeResponse* out) {
  return answer(service_, *context, "NodeService.GetNode", in, out,
                [&](const auto& request) { return api_.get(request); });
}

Status NodeService::DrainNode(ServerContext* context, const v1::DrainNodeRequest* in,
                              v1::DrainNodeResponse* out) {
  return answer(service_, *context, "NodeService.DrainNode", in, out,
                [&](const auto& request) { return api_.drain(request); });
}

Status NodeService::UndrainNode(ServerContext* context, const v1::UndrainNodeRequest* in,
                                v1::UndrainNodeResponse* out) {
  return answer(service_, *context, "NodeService.UndrainNode", in, out,
                [&](const auto& request) { return api_.undrain(request); });
}

}  // namespace causeway::control
