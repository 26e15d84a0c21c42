#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/field.h"
#include "relay/base/result.h"
#include "relay/base/time.h"

namespace causeway::control {

/// What an API call is refused with: a reason of the API (`v1::ErrorReason` without its prefix) and
/// what goes with it. status.h makes a gRPC status of it. Never holds keys.
struct ApiError {
  ErrorCode code = ErrorCode::Internal;
  std::string_view reason;  ///< A string literal of kReasons.
  std::string field;        ///< The offending field of the request; empty: none.
  std::string detail;       ///< One plain sentence for people.
  /// ErrorInfo.metadata: `name`, `plan`, `etag`, `feature`, `resume_token`, `incident`.
  std::vector<std::pair<std::string, std::string>> metadata;
  std::optional<Duration> retry_after;  ///< RetryInfo.

  [[nodiscard]] std::optional<std::string_view> metadata_value(std::string_view key) const;
};

template <typename T>
using Answer = Result<T, ApiError>;

/// What belongs to a reason: its status, and how long a client waits before it tries again.
struct ReasonFacts {
  std::string_view reason;
  ErrorCode code;
  Duration retry_after{};  ///< 0: no RetryInfo.
};
/// Every reason of the API: the one table of errors.
[[nodiscard]] std::span<const ReasonFacts> all_reasons();
/// Nothing for a word that is no reason of the API.
[[nodiscard]] std::optional<ReasonFacts> facts_of_reason(std::string_view reason);

/// An error with the status and the retry delay of its reason. `reason` is a string literal.
[[nodiscard]] ApiError api_error(std::string_view reason, std::string detail);
[[nodiscard]] ApiError field_error(std::string_view reason, const Field& field, std::string detail);
/// Errors of the relay's rooms: their reasons that the API does not have are given its own word.
[[nodiscard]] ApiError from_relay(const Error& error);

// The most frequent ones.
[[nodiscard]] ApiError invalid(const Field& field, std::string detail);   ///< FIELD_INVALID
[[nodiscard]] ApiError required(const Field& field, std::string detail);  ///< FIELD_REQUIRED
[[nodiscard]] ApiError bad_name(const Field& field, std::string detail);  ///< NAME_INVALID
[[nodiscard]] ApiError absent_feature(std::string feature);               ///< STAGE_ABSENT
[[nodiscard]] ApiError no_session(std::string_view id);
[[nodiscard]] ApiError no_leg(std::string_view session, std::string_view id);
[[nodiscard]] ApiError no_connection(std::string_view session, std::string_view id);
[[nodiscard]] ApiError no_recording(std::string_view session, std::string_view id);
[[nodiscard]] ApiError id_taken(const Field& field, std::string name);
[[nodiscard]] ApiError etag_mismatch(std::string current);
/// A bug of ours; the opaque incident stands in the log with what was the matter.
[[nodiscard]] ApiError internal_error(std::string_view incident);

}  // namespace causeway::control
