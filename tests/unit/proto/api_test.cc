#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "causeway/v1/event_service.pb.h"
#include "causeway/v1/intercept_service.pb.h"
#include "causeway/v1/node_service.pb.h"
#include "causeway/v1/recording_service.pb.h"
#include "causeway/v1/relay_service.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace causeway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

std::vector<const FileDescriptor*> open_files() {
  return {v1::CreateSessionRequest::descriptor()->file(),
          v1::StartRecordingRequest::descriptor()->file(),
          v1::WatchEventsRequest::descriptor()->file(), v1::GetNodeRequest::descriptor()->file()};
}

void for_each_method(const std::function<void(const MethodDescriptor&)>& visit) {
  auto files = open_files();
  files.push_back(v1::InterceptTask::descriptor()->file());
  for (const FileDescriptor* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m)
        visit(*file->service(s)->method(m));
    }
  }
}

bool only_reads(const std::string& method) {
  for (const char* verb : {"Get", "List", "Watch", "Describe"}) {
    if (method.rfind(verb, 0) == 0) return true;
  }
  return false;
}

/// Every message that can be reached from `message`, itself included.
void collect(const Descriptor* message, std::set<const Descriptor*>& seen) {
  if (!seen.insert(message).second) return;
  for (int f = 0; f < message->field_count(); ++f) {
    if (const Descriptor* type = message->field(f)->message_type()) collect(type, seen);
  }
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

TEST(Api, EveryMethodThatChangesSomethingCanBeRetriedSafely) {
  for_each_method([](const MethodDescriptor& method) {
    // Renewing twice is renewing once.
    if (only_reads(method.name()) || method.name() == "RenewSession") return;
    EXPECT_NE(method.input_type()->FindFieldByName("request_id"), nullptr) << method.full_name();
  });
}

TEST(Api, EveryListIsPaged) {
  for_each_method([](const MethodDescriptor& method) {
    if (method.name().rfind("List", 0) != 0) return;
    EXPECT_NE(method.input_type()->FindFieldByName("page_size"), nullptr) << method.full_name();
    EXPECT_NE(method.input_type()->FindFieldByName("page_token"), nullptr) << method.full_name();
    EXPECT_NE(method.output_type()->FindFieldByName("next_page_token"), nullptr)
        << method.full_name();
  });
}

TEST(Api, EveryUpdateHasAMaskAndItsResourceAnEtag) {
  for_each_method([](const MethodDescriptor& method) {
    if (method.name().rfind("Update", 0) != 0) return;
    const FieldDescriptor* mask = method.input_type()->FindFieldByName("update_mask");
    ASSERT_NE(mask, nullptr) << method.full_name();
    EXPECT_EQ(mask->message_type()->full_name(), "google.protobuf.FieldMask");
    const Descriptor* resource = method.input_type()->FindFieldByNumber(1)->message_type();
    ASSERT_NE(resource, nullptr) << method.full_name();
    EXPECT_NE(resource->FindFieldByName("etag"), nullptr) << resource->full_name();
  });
}

TEST(Api, NothingElseShowsThatInterceptExists) {
  std::set<const Descriptor*> seen;
  for (const FileDescriptor* file : open_files()) {
    for (int m = 0; m < file->message_type_count(); ++m) collect(file->message_type(m), seen);
    for (int d = 0; d < file->dependency_count(); ++d) {
      EXPECT_NE(file->dependency(d), v1::InterceptTask::descriptor()->file());
    }
  }
  for (const Descriptor* message : seen) {
    EXPECT_EQ(lower(message->DebugString()).find("intercept"), std::string::npos)
        << message->full_name();
  }
  EXPECT_EQ(lower(v1::ErrorReason_descriptor()->DebugString()).find("intercept"),
            std::string::npos);
}

TEST(Api, KeysAreInFieldsThatTheRedactorKnows) {
  // Whoever adds an octets field that can hold a key has to teach control/ to keep it out of logs,
  // events and responses, and to name it here.
  const std::set<std::string> known = {"causeway.v1.SrtpMasterKey.material",
                                       "causeway.v1.SrtpMasterKey.mki"};
  std::set<const Descriptor*> seen;
  for (const FileDescriptor* file : open_files()) {
    for (int m = 0; m < file->message_type_count(); ++m) collect(file->message_type(m), seen);
  }
  std::set<std::string> found;
  for (const Descriptor* message : seen) {
    for (int f = 0; f < message->field_count(); ++f) {
      if (message->field(f)->type() == FieldDescriptor::TYPE_BYTES) {
        found.insert(message->field(f)->full_name());
      }
    }
  }
  EXPECT_EQ(found, known);
}

TEST(Api, TheExampleOfTheReferenceIsARequest) {
  std::ifstream file("deploy/docs/examples/create_session.json");
  const std::string json{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  ASSERT_FALSE(json.empty());
  v1::CreateSessionRequest request;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &request);
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(request.session().legs_size(), 2);
  EXPECT_TRUE(request.session().legs(0).security().has_sdes());
  EXPECT_TRUE(request.session().legs(0).accept_from().has_same_ip());
  EXPECT_EQ(request.session().connections(0).from_leg(), request.session().legs(0).name());
}

TEST(RpcStatus, HasThePublicWireForm) {
  // google.rpc.Status{code: 5, message: "x"} and ErrorInfo{reason: "R", domain: "d"} by hand: a
  // peer that uses the public definitions must read ours.
  google::rpc::Status status;
  status.set_code(5);
  status.set_message("x");
  EXPECT_EQ(status.SerializeAsString(), std::string("\x08\x05\x12\x01x"));
  google::rpc::ErrorInfo info;
  info.set_reason("R");
  info.set_domain("d");
  EXPECT_EQ(info.SerializeAsString(), std::string("\x0a\x01R\x12\x01") + "d");
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("f");
  EXPECT_EQ(bad.SerializeAsString(), std::string("\x0a\x03\x0a\x01") + "f");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  EXPECT_EQ(retry.SerializeAsString(), std::string("\x0a\x02\x08\x01"));
  EXPECT_EQ(info.GetTypeName(), "google.rpc.ErrorInfo");
}

}  // namespace
}  // namespace causeway
