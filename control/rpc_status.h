#pragma once

#include "control/errors.h"
#include "google/rpc/status.pb.h"

namespace causeway::control {

/// The numbers of google.rpc.Code, which are those of gRPC's status codes.
[[nodiscard]] int rpc_code(ErrorCode code);

/// An error as the wire has it: ErrorInfo (reason, domain `causeway.v1`, metadata), BadRequest for
/// an invalid argument that names a field, RetryInfo where a retry makes sense.
[[nodiscard]] google::rpc::Status rpc_status(const ApiError& error);

}  // namespace causeway::control
