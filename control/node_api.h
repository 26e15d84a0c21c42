#pragma once

#include "causeway/v1/node_service.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"

namespace causeway::control {

/// What NodeService does, without gRPC. Any thread.
class NodeApi {
 public:
  explicit NodeApi(ControlPlane& plane) : plane_(plane) {}

  [[nodiscard]] Answer<v1::GetNodeResponse> get(const v1::GetNodeRequest& in);
  [[nodiscard]] Answer<v1::DrainNodeResponse> drain(const v1::DrainNodeRequest& in);
  [[nodiscard]] Answer<v1::UndrainNodeResponse> undrain(const v1::UndrainNodeRequest& in);

 private:
  [[nodiscard]] Answer<void> check_name(const std::string& name) const;
  [[nodiscard]] Answer<v1::Node> show();
  void show_networks(v1::Node& out);
  void show_workers(v1::Node& out);

  ControlPlane& plane_;
};

/// The parts of the API that answer STAGE_ABSENT.
[[nodiscard]] std::vector<std::string> absent_features();

}  // namespace causeway::control
