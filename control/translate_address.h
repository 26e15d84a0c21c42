#pragma once

#include <optional>

#include "causeway/v1/leg.pb.h"
#include "control/errors.h"
#include "relay/engine/spec.h"

namespace causeway::control {

/// Where RTP and RTCP are; RTCP only where it is said.
struct RtpAddresses {
  SocketAddress rtp;
  std::optional<SocketAddress> rtcp;
};

/// Errors: FIELD_REQUIRED (no rtp), FIELD_INVALID.
[[nodiscard]] Answer<RtpAddresses> read_rtp_address(const v1::RtpAddress& address,
                                                    const Field& field);
/// Errors: FIELD_REQUIRED, FIELD_INVALID, STAGE_ABSENT.
[[nodiscard]] Answer<engine::AcceptFrom> translate_accept_from(const v1::AcceptFrom& accept,
                                                               const Field& field);

}  // namespace causeway::control
