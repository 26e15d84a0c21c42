#pragma once

#include <optional>

#include "causeway/v1/common.pb.h"
#include "control/errors.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "relay/base/address.h"
#include "relay/base/time.h"

namespace causeway::control {

/// Spans, moments and addresses between the API and the relay.
void set(google::protobuf::Duration& out, Duration value);
/// `unix_time`: since 1970, as WallClock gives it.
void set(google::protobuf::Timestamp& out, Duration unix_time);
void set(v1::SocketAddress& out, const SocketAddress& value);
void set(v1::RtpAddress& out, const std::optional<SocketAddress>& rtp,
         const std::optional<SocketAddress>& rtcp);

/// Errors: FIELD_INVALID where it is not valid as a Duration or not within min..max.
[[nodiscard]] Answer<Duration> read_duration(const google::protobuf::Duration& value,
                                             const Field& field, Duration min, Duration max);
/// Errors: FIELD_INVALID, FIELD_REQUIRED (no ip). An address that can be sent to: not unspecified,
/// not multicast, with a port.
[[nodiscard]] Answer<SocketAddress> read_address(const v1::SocketAddress& value,
                                                 const Field& field);

}  // namespace causeway::control
