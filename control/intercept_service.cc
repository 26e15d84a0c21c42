#include "control/intercept_service.h"

namespace causeway::control {

using grpc::ServerContext;
using grpc::Status;

Status InterceptService::CreateInterceptTask(ServerContext* context,
                                             const v1::CreateInterceptTaskRequest*,
                                             v1::CreateInterceptTaskResponse*) {
  return answer_absent(service_, *context, "InterceptService.CreateInterceptTask");
}

Status InterceptService::GetInterceptTask(ServerContext* context,
                                          const v1::GetInterceptTaskRequest*,
                                          v1::GetInterceptTaskResponse*) {
  return answer_absent(service_, *context, "InterceptService.GetInterceptTask");
}

Status InterceptService::ListInterceptTasks(ServerContext* context,
                                            const v1::ListInterceptTasksRequest*,
                                            v1::ListInterceptTasksResponse*) {
  return answer_absent(service_, *context, "InterceptService.ListInterceptTasks");
}

Status InterceptService::UpdateInterceptTask(ServerContext* context,
                                             const v1::UpdateInterceptTaskRequest*,
                                             v1::UpdateInterceptTaskResponse*) {
  return answer_absent(service_, *context, "InterceptService.UpdateInterceptTask");
}

Status InterceptService::RevokeInterceptTask(ServerContext* context,
                                             const v1::RevokeInterceptTaskRequest*,
                                             v1::RevokeInterceptTaskResponse*) {
  return answer_absent(service_, *context, "InterceptService.RevokeInterceptTask");
}

}  // namespace causeway::control
