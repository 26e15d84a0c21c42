#include "control/answer.h"

#include "control/names.h"
#include "control/rpc_status.h"

namespace causeway::control {

grpc::Status to_grpc(const ApiError& error) {
  const google::rpc::Status status = rpc_status(error);
  return {static_cast<grpc::StatusCode>(status.code()), status.message(),
          status.SerializeAsString()};
}

std::optional<ApiError> check_role(const ServiceContext& service,
                                   const grpc::ServerContextBase& context,
                                   std::string_view method) {
  if (!service.authorize) return std::nullopt;
  return service.authorize(context, method);
}

grpc::Status answer_absent(const ServiceContext& service, const grpc::ServerContextBase& context,
                           std::string_view method) {
  if (auto refused = check_role(service, context, method)) return to_grpc(*refused);
  return to_grpc(absent_feature(std::string(method)));
}

ApiError report_incident(const ServiceContext& service, const std::string& what) {
  const std::string incident = make_id();
  if (service.on_incident) service.on_incident(incident, what);
  return internal_error(incident);
}

}  // namespace causeway::control
