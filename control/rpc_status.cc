#include "control/rpc_status.h"

#include <array>
#include <string>

#include "control/proto_time.h"
#include "google/rpc/error_details.pb.h"

namespace causeway::control {

namespace {

constexpr std::string_view kDomain = "causeway.v1";

}  // namespace

int rpc_code(ErrorCode code) {
  // In the order of ErrorCode: INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION,
  // ABORTED, RESOURCE_EXHAUSTED, UNAVAILABLE, PERMISSION_DENIED, OUT_OF_RANGE, UNIMPLEMENTED,
  // INTERNAL.
  static constexpr std::array<int, 11> kCodes = {3, 5, 6, 9, 10, 8, 14, 7, 11, 12, 13};
  return kCodes[static_cast<std::size_t>(code)];
}

google::rpc::Status rpc_status(const ApiError& error) {
  google::rpc::Status status;
  status.set_code(rpc_code(error.code));
  status.set_message(error.field.empty() ? error.detail : error.field + ": " + error.detail);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(error.reason));
  info.set_domain(std::string(kDomain));
  for (const auto& [key, value] : error.metadata) (*info.mutable_metadata())[key] = value;
  status.add_details()->PackFrom(info);
  if (error.code == ErrorCode::InvalidArgument && !error.field.empty()) {
    google::rpc::BadRequest bad_request;
    auto& violation = *bad_request.add_field_violations();
    violation.set_field(error.field);
    violation.set_description(error.detail);
    status.add_details()->PackFrom(bad_request);
  }
  if (error.retry_after) {
    google::rpc::RetryInfo retry;
    set(*retry.mutable_retry_delay(), *error.retry_after);
    status.add_details()->PackFrom(retry);
  }
  return status;
}

}  // namespace causeway::control
