#include "control/errors.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "causeway/v1/common.pb.h"
#include "control/rpc_status.h"
#include "google/rpc/error_details.pb.h"

namespace causeway::control {
namespace {

std::set<std::string> reasons_of_the_api() {
  std::set<std::string> reasons;
  const auto* descriptor = v1::ErrorReason_descriptor();
  for (int i = 0; i < descriptor->value_count(); ++i) {
    if (descriptor->value(i)->number() == 0) continue;
    reasons.insert(descriptor->value(i)->name().substr(std::string("ERROR_REASON_").size()));
  }
  return reasons;
}

TEST(Errors, TheTableHasEveryReasonOfTheApiAndNoOther) {
  std::set<std::string> table;
  for (const ReasonFacts& facts : all_reasons()) table.insert(std::string(facts.reason));
  EXPECT_EQ(table, reasons_of_the_api());
}

TEST(Errors, FieldsAreSpelledFromTheRequest) {
  const Field session("session");
  const Field leg{"legs", &session, 2};
  const Field codec{"codecs", &leg, 0};
  EXPECT_EQ((Field{"payload_type", &codec}.text()), "session.legs[2].codecs[0].payload_type");
}

TEST(Errors, StatusHasReasonFieldAndRetry) {
  const Field session("session");
  const auto status = rpc_status(invalid(Field{"lease", &session}, "Allowed are 1 s to 3600 s."));
  EXPECT_EQ(status.code(), 3);
  EXPECT_EQ(status.message(), "session.lease: Allowed are 1 s to 3600 s.");
  ASSERT_EQ(status.details_size(), 2);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "FIELD_INVALID");
  EXPECT_EQ(info.domain(), "causeway.v1");
  google::rpc::BadRequest bad;
  ASSERT_TRUE(status.details(1).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), "session.lease");

  const auto overload = rpc_status(api_error("OVERLOAD", "x"));
  EXPECT_EQ(overload.code(), 8);
  google::rpc::RetryInfo retry;
  ASSERT_EQ(overload.details_size(), 2);
  ASSERT_TRUE(overload.details(1).UnpackTo(&retry));
  EXPECT_GT(retry.retry_delay().seconds() + retry.retry_delay().nanos(), 0);
}

TEST(Errors, EveryReasonHasTheStatusOfItsCode) {
  for (const ReasonFacts& facts : all_reasons()) {
    EXPECT_EQ(rpc_status(api_error(facts.reason, "")).code(), rpc_code(facts.code));
  }
  EXPECT_EQ(rpc_code(ErrorCode::InvalidArgument), 3);
  EXPECT_EQ(rpc_code(ErrorCode::NotFound), 5);
  EXPECT_EQ(rpc_code(ErrorCode::AlreadyExists), 6);
  EXPECT_EQ(rpc_code(ErrorCode::PermissionDenied), 7);
  EXPECT_EQ(rpc_code(ErrorCode::ResourceExhausted), 8);
  EXPECT_EQ(rpc_code(ErrorCode::FailedPrecondition), 9);
  EXPECT_EQ(rpc_code(ErrorCode::Aborted), 10);
  EXPECT_EQ(rpc_code(ErrorCode::OutOfRange), 11);
  EXPECT_EQ(rpc_code(ErrorCode::Unimplemented), 12);
  EXPECT_EQ(rpc_code(ErrorCode::Internal), 13);
  EXPECT_EQ(rpc_code(ErrorCode::Unavailable), 14);
}

TEST(Errors, TheRoomsFinerWordsBecomeTheApis) {
  const auto translated = [](std::string_view reason) {
    return from_relay(Error{ErrorCode::InvalidArgument, reason, "keys[0].salt", "d"});
  };
  EXPECT_EQ(translated("SALT_LENGTH").reason, "KEY_LENGTH");
  EXPECT_EQ(translated("MKI_TAKEN").reason, "FIELD_INVALID");
  EXPECT_EQ(translated("NO_COMMON_CODEC").reason, "NO_COMMON_CODEC");
  EXPECT_EQ(translated("SOMETHING_NEW").reason, "FIELD_INVALID");
  EXPECT_EQ(translated("SALT_LENGTH").field, "keys[0].salt");
  EXPECT_EQ(from_relay(Error{ErrorCode::Internal, "TRANSFORM", "", ""}).reason, "INTERNAL");
}

}  // namespace
}  // namespace causeway::control
