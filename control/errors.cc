#include "control/errors.h"

#include <algorithm>
#include <array>

#include "control/names.h"

namespace causeway::control {

namespace {

using enum ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Ports rest for 30 s, load comes and goes, a drained node does not come back soon.
constexpr std::array kReasons = {
    ReasonFacts{"NAME_INVALID", InvalidArgument},
    ReasonFacts{"FIELD_REQUIRED", InvalidArgument},
    ReasonFacts{"FIELD_INVALID", InvalidArgument},
    ReasonFacts{"UPDATE_MASK_INVALID", InvalidArgument},
    ReasonFacts{"TOKEN_INVALID", InvalidArgument},
    ReasonFacts{"REQUEST_ID_REUSED", InvalidArgument},
    ReasonFacts{"KEY_LENGTH", InvalidArgument},
    ReasonFacts{"CRYPTO_INVALID", InvalidArgument},
    ReasonFacts{"CODEC_UNSUPPORTED", InvalidArgument},
    ReasonFacts{"SDP_INVALID", InvalidArgument},
    ReasonFacts{"PTIME_UNSUPPORTED", InvalidArgument},
    ReasonFacts{"SESSION_NOT_FOUND", NotFound},
    ReasonFacts{"LEG_NOT_FOUND", NotFound},
    ReasonFacts{"CONNECTION_NOT_FOUND", NotFound},
    ReasonFacts{"RECORDING_NOT_FOUND", NotFound},
    ReasonFacts{"PLAYBACK_NOT_FOUND", NotFound},
    ReasonFacts{"NODE_NOT_FOUND", NotFound},
    ReasonFacts{"ID_TAKEN", AlreadyExists},
    ReasonFacts{"LEG_NOT_READY", FailedPrecondition},
    ReasonFacts{"PLAN_MISMATCH", FailedPrecondition},
    ReasonFacts{"NO_COMMON_CODEC", FailedPrecondition},
    ReasonFacts{"RECORDING_STATE", FailedPrecondition},
    ReasonFacts{"ETAG_MISMATCH", Aborted},
    ReasonFacts{"PORTS_EXHAUSTED", ResourceExhausted, seconds(5)},
    ReasonFacts{"QUOTA", ResourceExhausted, seconds(5)},
    ReasonFacts{"OVERLOAD", ResourceExhausted, milliseconds(500)},
    ReasonFacts{"SLOW_READER", ResourceExhausted},
    ReasonFacts{"NODE_DRAINING", Unavailable, seconds(30)},
    ReasonFacts{"RECORDER_UNAVAILABLE", Unavailable, seconds(5)},
    ReasonFacts{"WORKER_UNRESPONSIVE", Unavailable, seconds(1)},
    ReasonFacts{"ROLE", PermissionDenied},
    ReasonFacts{"CURSOR_EXPIRED", OutOfRange},
    ReasonFacts{"STAGE_ABSENT", Unimplemented},
    ReasonFacts{"INTERNAL", Internal},
};

/// Words of the relay's rooms that are finer than the API's.
struct Synonym {
  std::string_view theirs;
  std::string_view ours;
};
constexpr std::array kSynonyms = {
    Synonym{"NO_KEYS", "FIELD_REQUIRED"},       Synonym{"SALT_LENGTH", "KEY_LENGTH"},
    Synonym{"MKI_LENGTH", "KEY_LENGTH"},        Synonym{"MKI_REQUIRED", "FIELD_REQUIRED"},
    Synonym{"MKI_TAKEN", "FIELD_INVALID"},      Synonym{"LIFETIME", "FIELD_INVALID"},
    Synonym{"REPLAY_WINDOW", "FIELD_INVALID"},  Synonym{"MAX_SSRCS", "FIELD_INVALID"},
    Synonym{"LATE_JOIN", "FIELD_INVALID"},      Synonym{"SDES_SYNTAX", "CRYPTO_INVALID"},
    Synonym{"SUITE_UNKNOWN", "CRYPTO_INVALID"}, Synonym{"SDES_REFUSED", "CRYPTO_INVALID"},
};

ApiError not_found(std::string_view reason, std::string_view what, std::string name) {
  ApiError error = api_error(reason, "There is no such " + std::string(what) + ".");
  error.metadata.emplace_back("name", std::move(name));
  return error;
}

}  // namespace

std::string Field::text() const {
  std::string text = parent_ == nullptr ? std::string() : parent_->text();
  if (!text.empty() && !name_.empty()) text += '.';
  text += name_;
  if (index_ >= 0) text += "[" + std::to_string(index_) + "]";
  return text;
}

std::optional<std::string_view> ApiError::metadata_value(std::string_view key) const {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::span<const ReasonFacts> all_reasons() { return kReasons; }

std::optional<ReasonFacts> facts_of_reason(std::string_view reason) {
  const auto* const found = std::ranges::find(kReasons, reason, &ReasonFacts::reason);
  return found == kReasons.end() ? std::nullopt : std::optional(*found);
}

ApiError api_error(std::string_view reason, std::string detail) {
  ApiError error;
  error.reason = reason;
  error.detail = std::move(detail);
  if (const auto facts = facts_of_reason(reason)) {
    error.code = facts->code;
    if (facts->retry_after != Duration::zero()) error.retry_after = facts->retry_after;
  }
  return error;
}

ApiError field_error(std::string_view reason, const Field& field, std::string detail) {
  ApiError error = api_error(reason, std::move(detail));
  error.field = field.text();
  return error;
}

ApiError from_relay(const Error& error) {
  const auto* const synonym = std::ranges::find(kSynonyms, error.reason, &Synonym::theirs);
  std::string_view reason = synonym == kSynonyms.end() ? error.reason : synonym->ours;
  if (!facts_of_reason(reason)) {
    reason = error.code == ErrorCode::InvalidArgument ? "FIELD_INVALID" : "INTERNAL";
  }
  ApiError api = api_error(reason, error.detail);
  api.field = error.field;
  return api;
}

ApiError invalid(const Field& field, std::string detail) {
  return field_error("FIELD_INVALID", field, std::move(detail));
}
ApiError required(const Field& field, std::string detail) {
  return field_error("FIELD_REQUIRED", field, std::move(detail));
}
ApiError bad_name(const Field& field, std::string detail) {
  return field_error("NAME_INVALID", field, std::move(detail));
}

ApiError absent_feature(std::string feature) {
  ApiError error = api_error("STAGE_ABSENT", feature + " is not built into this relay.");
  error.metadata.emplace_back("feature", std::move(feature));
  return error;
}

ApiError no_session(std::string_view id) {
  return not_found("SESSION_NOT_FOUND", "session", session_name(id));
}
ApiError no_leg(std::string_view session, std::string_view id) {
  return not_found("LEG_NOT_FOUND", "leg", child_name(session, ChildKind::Leg, id));
}
ApiError no_connection(std::string_view session, std::string_view id) {
  return not_found("CONNECTION_NOT_FOUND", "connection",
                   child_name(session, ChildKind::Connection, id));
}
ApiError no_recording(std::string_view session, std::string_view id) {
  return not_found("RECORDING_NOT_FOUND", "recording",
                   child_name(session, ChildKind::Recording, id));
}

ApiError id_taken(const Field& field, std::string name) {
  ApiError error = field_error("ID_TAKEN", field, "The id is taken.");
  error.metadata.emplace_back("name", std::move(name));
  return error;
}

ApiError etag_mismatch(std::string current) {
  ApiError error = api_error("ETAG_MISMATCH",
                             "It has changed since the etag was read: read it again and retry.");
  error.metadata.emplace_back("etag", std::move(current));
  return error;
}

ApiError internal_error(std::string_view incident) {
  ApiError error = api_error("INTERNAL", "This is a bug of the relay; its log knows more.");
  error.metadata.emplace_back("incident", std::string(incident));
  return error;
}

}  // namespace causeway::control
