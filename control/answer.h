#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/control_plane.h"
#include "control/errors.h"
#include "control/secrets.h"

namespace causeway::control {

/// What every service has in common. Outlives them.
struct ServiceContext {
  ControlPlane& plane;
  /// Whether the caller may use a method (`RelayService.CreateSession`). Empty: everyone may.
  std::function<std::optional<ApiError>(const grpc::ServerContextBase&, std::string_view method)>
      authorize;
  /// Told of bugs: the incident that the client was given, and what was the matter.
  std::function<void(const std::string& incident, const std::string& what)> on_incident;
};

[[nodiscard]] grpc::Status to_grpc(const ApiError& error);
/// STAGE_ABSENT for a method that is not built, after the caller's role was checked.
[[nodiscard]] grpc::Status answer_absent(const ServiceContext& service,
                                         const grpc::ServerContextBase& context,
                                         std::string_view method);
[[nodiscard]] ApiError report_incident(const ServiceContext& service, const std::string& what);
[[nodiscard]] std::optional<ApiError> check_role(const ServiceContext& service,
                                                 const grpc::ServerContextBase& context,
                                                 std::string_view method);

/// Runs one unary method: role, request id, handler, status. No exception leaves it, and no key
/// stays in the request. `handle`: const Request& -> Answer<Response>.
template <typename Request, typename Response, typename Handle>
[[nodiscard]] grpc::Status answer(const ServiceContext& service,
                                  const grpc::ServerContextBase& context, std::string_view method,
                                  const Request* in, Response* out, Handle&& handle) {
  const auto fill = [&]() -> Answer<void> {
    auto response = handle(*in);
    if (!response) return failure(std::move(response).error());
    *out = std::move(*response);
    return {};
  };
  Answer<void> done;
  try {
    if (auto refused = check_role(service, context, method)) return to_grpc(*refused);
    if constexpr (requires { in->request_id(); }) {
      done = service.plane.requests().run(service.plane.now(), in->request_id(), method, *in, *out,
                                          fill);
    } else {
      done = fill();
    }
  } catch (const std::exception& error) {
    done = failure(api_error("INTERNAL", error.what()));
  }
  // The request is gRPC's, made for this call and not const; what it held must not outlive it.
  wipe_secrets(*const_cast<Request*>(in));
  if (done) return grpc::Status::OK;
  // What a bug says of itself is for the log, not for the client.
  if (done.error().reason == "INTERNAL")
    return to_grpc(report_incident(service, done.error().detail));
  return to_grpc(done.error());
}

}  // namespace causeway::control
