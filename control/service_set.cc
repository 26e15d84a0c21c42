#include "control/service_set.h"

namespace causeway::control {

Result<std::unique_ptr<ServiceSet>, Error> ServiceSet::create(NodeConfig config,
                                                              const Node::Seams& seams) {
  auto plane = ControlPlane::create(std::move(config), seams);
  if (!plane) return failure(std::move(plane).error());
  return std::make_unique<ServiceSet>(std::move(*plane));
}

ServiceSet::ServiceSet(std::unique_ptr<ControlPlane> control_plane)
    : plane(std::move(control_plane)),
      context{*plane, {}, {}},
      relay(context),
      recording(context),
      event(context),
      node(context),
      intercept(context) {}

void ServiceSet::register_with(grpc::ServerBuilder& builder) {
  builder.RegisterService(&relay);
  builder.RegisterService(&recording);
  builder.RegisterService(&event);
  builder.RegisterService(&node);
}

void ServiceSet::register_intercept_with(grpc::ServerBuilder& builder) {
  builder.RegisterService(&intercept);
}

}  // namespace causeway::control
