#include "control/answer.h"

#include <grpcpp/server_context.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "control/relay_api.h"
#include "control/rpc_status.h"
#include "google/rpc/error_details.pb.h"
#include "tests/unit/control/plane_fixture.h"

namespace causeway::control {
namespace {

class AnswerTest : public PlaneTest {
 protected:
  AnswerTest() : PlaneTest(25'000) {
    service.on_incident = [this](const std::string& incident, const std::string& what) {
      told_incident = incident;
      told_what = what;
    };
  }

  google::rpc::ErrorInfo info_of(const grpc::Status& status) {
    google::rpc::Status details;
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    google::rpc::ErrorInfo info;
    EXPECT_TRUE(details.details(0).UnpackTo(&info));
    return info;
  }

  ServiceContext service{*plane, {}, {}};
  grpc::ServerContext context;
  std::string told_incident;
  std::string told_what;
};

TEST_F(AnswerTest, ABugIsAnIncidentAndNoException) {
  v1::GetSessionRequest in;
  v1::GetSessionResponse out;
  const grpc::Status status = answer(
      service, context, "M", &in, &out,
      [](const auto&) -> Answer<v1::GetSessionResponse> { throw std::runtime_error("secret"); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message().find("secret"), std::string::npos);
  const auto info = info_of(status);
  EXPECT_EQ(info.reason(), "INTERNAL");
  EXPECT_EQ(info.metadata().at("incident"), told_incident);
  EXPECT_EQ(told_what, "secret");
}

TEST_F(AnswerTest, KeysDoNotOutliveTheRequest) {
  v1::CreateSessionRequest in;
  v1::SdesSecurity& sdes = *in.mutable_session()->add_legs()->mutable_security()->mutable_sdes();
  sdes.mutable_receive()->add_keys()->set_material("precious");
  sdes.mutable_send()->set_crypto("1 X inline:precious");
  v1::CreateSessionResponse out;
  const grpc::Status status = answer(service, context, "M", &in, &out,
                                     [](const auto&) -> Answer<v1::CreateSessionResponse> {
                                       return failure(api_error("OVERLOAD", ""));
                                     });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(in.SerializeAsString().find("precious"), std::string::npos);
}

TEST_F(AnswerTest, TheRoleIsAskedForFirst) {
  service.authorize = [](const grpc::ServerContextBase&, std::string_view method) {
    return std::optional(api_error("ROLE", std::string(method)));
  };
  v1::GetSessionRequest in;
  v1::GetSessionResponse out;
  bool was_called = false;
  const grpc::Status status = answer(service, context, "RelayService.GetSession", &in, &out,
                                     [&](const auto&) -> Answer<v1::GetSessionResponse> {
                                       was_called = true;
                                       return v1::GetSessionResponse();
                                     });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_FALSE(was_called);
}

}  // namespace
}  // namespace causeway::control
