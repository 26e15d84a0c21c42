#pragma once

#include <grpcpp/server_builder.h>

#include <memory>

#include "control/answer.h"
#include "control/control_plane.h"
#include "control/event_service.h"
#include "control/intercept_service.h"
#include "control/node_service.h"
#include "control/recording_service.h"
#include "control/relay_service.h"

namespace causeway::control {

/// The node with all its services, wired once: for the daemon and for tests. Destroy the gRPC
/// server first.
struct ServiceSet {
  /// Errors: those of ControlPlane::create.
  [[nodiscard]] static Result<std::unique_ptr<ServiceSet>, Error> create(
      NodeConfig config, const Node::Seams& seams = {});

  /// The services of the public port.
  void register_with(grpc::ServerBuilder& builder);
  /// InterceptService, which has a port of its own.
  void register_intercept_with(grpc::ServerBuilder& builder);

  explicit ServiceSet(std::unique_ptr<ControlPlane> control_plane);

  std::unique_ptr<ControlPlane> plane;
  ServiceContext context;
  RelayService relay;
  RecordingService recording;
  EventService event;
  NodeService node;
  InterceptService intercept;
};

}  // namespace causeway::control
