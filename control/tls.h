#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "control/auth.h"
#include "control/config.h"

namespace causeway::control {

/// Whether the certificate files can serve: they parse, the key belongs to the certificate, and it
/// is valid now. gRPC itself starts without a word where they cannot, and then refuses every
/// client.
[[nodiscard]] Result<void, Error> check_certificates(const Config& config);

/// What the server listens with: TLS, with client certificates where an authority is configured and
/// `authorizer` asked for every call; or none of it where the configuration says insecure.
/// Errors: those of check_certificates.
[[nodiscard]] Result<std::shared_ptr<grpc::ServerCredentials>, Error> make_credentials(
    const Config& config, std::shared_ptr<const Authorizer> authorizer);

}  // namespace causeway::control
