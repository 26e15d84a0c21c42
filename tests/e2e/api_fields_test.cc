#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/api_server.h"

// Sets every field of every request, one at a time and as deep as they go, to what a client might
// send by mistake or malice, over real gRPC. Methods and fields come from the descriptors, so a new
// one takes part by itself. Whatever comes, the answer is success or one of the API's own reasons,
// never a bug; a field that is wrong is named; and the node lives.

namespace causeway::control {
namespace {

namespace fs = std::filesystem;
using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

/// The session that requests are about.
constexpr const char* kSession =
    "session_id: 's' session { legs { name: 'legs/a' codecs {} remote { rtp { ip: '127.0.0.1' "
    "port: 9 } } } legs { name: 'legs/b' codecs {} codecs { payload_type: 101 encoding_name: "
    "'telephone-event' } remote { rtp { ip: '127.0.0.1' port: 9 } } } legs { name: 'legs/k' "
    "security { sdes {} } } connections { name: 'connections/ab' from_leg: 'legs/a' to_leg: "
    "'legs/b' } }";

/// A request of each kind that is right as it stands; what is not listed begins empty.
std::string right_request(const std::string& method) {
  static const std::map<std::string, std::string> kRequests = {
      {"RelayService.CreateSession",
       "session { legs { name: 'legs/a' codecs { payload_type: 96 encoding_name: 'opus' opus {} } "
       "remote { rtp { ip: '127.0.0.1' port: 9 } } accept_from { latch {} } security { sdes { "
       "receive { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { material: "
       "'012345678901234567890123456789' } } } } } legs { name: 'legs/b' codecs {} } connections "
       "{ from_leg: 'legs/a' to_leg: 'legs/b' stages { decrypt {} } } recordings { leg: 'legs/a' } "
       "}"},
      {"RelayService.UpdateSession", "session { name: 'sessions/s' }"},
      {"RelayService.CreateLeg", "parent: 'sessions/s' leg {}"},
      {"RelayService.UpdateLeg", "leg { name: 'sessions/s/legs/k' }"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection { from_leg: 'legs/b' to_leg: 'legs/a' }"},
      {"RelayService.UpdateConnection", "connection { name: 'sessions/s/connections/ab' }"},
      {"RelayService.RotateKeys", "name: 'sessions/s/legs/k' send {}"},
      {"RelayService.SendDtmf", "name: 'sessions/s/legs/b' digits: '1'"},
      {"RecordingService.StartRecording", "parent: 'sessions/s' recording { leg: 'legs/a' }"},
  };
  const auto found = kRequests.find(method);
  return found == kRequests.end() ? "" : found->second;
}

// ---------------------------------------------------------------------------------- mutations

/// Calls `visit` with each wrong or odd thing that a scalar field can hold, put into `at`.
void each_value(Message& at, const FieldDescriptor& field,
                const std::function<void(const std::string&)>& visit) {
  const Reflection& reflection = *at.GetReflection();
  const auto put = [&](auto set, auto add, auto value, const std::string& shown) {
    if (field.is_repeated()) {
      (reflection.*add)(&at, &field, value);
    } else {
      (reflection.*set)(&at, &field, value);
    }
    visit(shown);
  };
  const auto numbers = [&](auto set, auto add, auto value) {
    using Number = decltype(value);
    using Limits = std::numeric_limits<Number>;
    for (const Number each : {Number(0), Number(1), Number(255), Number(65'536), Limits::max(),
                              Limits::lowest(), static_cast<Number>(-1)}) {
      put(set, add, each, std::to_string(each));
    }
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return numbers(&Reflection::SetUInt32, &Reflection::AddUInt32, std::uint32_t{});
    case FieldDescriptor::CPPTYPE_UINT64:
      return numbers(&Reflection::SetUInt64, &Reflection::AddUInt64, std::uint64_t{});
    case FieldDescriptor::CPPTYPE_INT32:
      return numbers(&Reflection::SetInt32, &Reflection::AddInt32, std::int32_t{});
    case FieldDescriptor::CPPTYPE_INT64:
      return numbers(&Reflection::SetInt64, &Reflection::AddInt64, std::int64_t{});
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      for (const double value : {std::numeric_limits<double>::quiet_NaN(), 1e300, -1.0}) {
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
          put(&Reflection::SetDouble, &Reflection::AddDouble, value, std::to_string(value));
        } else {
          put(&Reflection::SetFloat, &Reflection::AddFloat, static_cast<float>(value),
              std::to_string(value));
        }
      }
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      for (const bool value : {false, true}) {
        put(&Reflection::SetBool, &Reflection::AddBool, value, std::to_string(value));
      }
      return;
    case FieldDescriptor::CPPTYPE_ENUM: {
      std::vector<int> values = {-1, 99, std::numeric_limits<int>::max()};
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        values.push_back(field.enum_type()->value(i)->number());
      }
      for (const int value : values) {
        put(&Reflection::SetEnumValue, &Reflection::AddEnumValue, value, std::to_string(value));
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      using namespace std::string_literals;
      const std::array values = {""s,
                                 "x"s,
                                 std::string(5'000, 'a'),
                                 "a\0b"s,
                                 "\x01\n\t"s,
                                 "../../x"s,
                                 "sessions/none"s,
                                 "sessions/s"s,
                                 "\xc3\xa9"s,
                                 "legs/a"s,
                                 "%s%n"s,
                                 "0.0.0.0"s,
                                 "224.0.0.1"s,
                                 "fe80::1"s,
                                 "::ffff:127.0.0.1"s};
      for (const std::string& value : values) {
        put(&Reflection::SetString, &Reflection::AddString, value, value.substr(0, 20));
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return;
  }
}

/// Visits each mutation of `root`: one field of `at`, which is part of it, is changed at a time.
class Mutations {
 public:
  using Visit = std::function<void(const Message& request, const std::string& what)>;
  Mutations(Message& root, Visit visit) : root_(root), visit_(std::move(visit)) {}
  void run() { walk(root_, "", 0); }

 private:
  static constexpr int kDeepest = 8;

  void walk(Message& at, const std::string& path, int depth) {
    if (depth == kDeepest) return;
    const std::unique_ptr<Message> before(at.New());
    before->CopyFrom(at);
    for (int i = 0; i < at.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *at.GetDescriptor()->field(i);
      const std::string name = path + field.name();
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        each_value(at, field, [&](const std::string& value) {
          visit_(root_, name + "=" + value);
          at.CopyFrom(*before);
        });
        continue;
      }
      const Reflection& reflection = *at.GetReflection();
      Message* part = nullptr;
      if (!field.is_repeated()) {
        part = reflection.MutableMessage(&at, &field);
      } else if (reflection.FieldSize(at, &field) != 0) {
        part = reflection.MutableRepeatedMessage(&at, &field, 0);
      } else {
        part = reflection.AddMessage(&at, &field);
      }
      visit_(root_, name + " present");
      walk(*part, name + ".", depth + 1);
      if (field.is_repeated()) {
        for (int more = 0; more < 100; ++more) {
          reflection.AddMessage(&at, &field)->CopyFrom(*part);
          part = reflection.MutableRepeatedMessage(&at, &field, 0);
        }
        visit_(root_, name + " a hundred times");
      }
      at.CopyFrom(*before);
    }
  }

  Message& root_;
  const Visit visit_;
};

std::unique_ptr<Message> new_request(const MethodDescriptor& method, const std::string& text) {
  std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()
                                       ->GetPrototype(method.input_type())
                                       ->New());
  EXPECT_TRUE(TextFormat::ParseFromString(text, request.get())) << text;
  return request;
}

/// The field by which a request says what it is about, as a path; nothing where it has none.
std::optional<std::vector<const FieldDescriptor*>> name_field(const MethodDescriptor& method) {
  const auto* type = method.input_type();
  for (const char* name : {"name", "parent"}) {
    if (const auto* field = type->FindFieldByName(name)) return {{field}};
  }
  for (const char* resource : {"session", "leg", "connection"}) {
    const auto* field = type->FindFieldByName(resource);
    if (field == nullptr || field->message_type() == nullptr) continue;
    if (method.name().starts_with("Update")) {
      return {{field, field->message_type()->FindFieldByName("name")}};
    }
  }
  return std::nullopt;
}

class ApiFields : public testing::Test {
 protected:
  static NodeConfig config(std::uint16_t first_port, const fs::path& folder) {
    NodeConfig config = small_node(first_port);
    config.recordings_folder = folder.string();
    return config;
  }
  // Hundreds of recordings come and go: in memory, where the system has a folder there.
  fs::path folder = (fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()) /
                    fs::path("causeway-fields-" + std::to_string(::getpid()));
  ~ApiFields() override { fs::remove_all(folder); }
};

const MethodDescriptor& method_named(const std::string& name) {
  return *DescriptorPool::generated_pool()->FindMethodByName("causeway.v1." + name);
}

/// Leaves `s` as it was, and nothing else. All sessions are ended at once: one that is recorded
/// takes as long as the recorder looks away, 20 ms, and so do fifty.
void tidy(Server& server) {
  std::vector<std::unique_ptr<Asked>> ends;
  for (const SessionPtr& session : server.services->plane->sessions().all()) {
    const MethodDescriptor& method = method_named("RelayService.DeleteSession");
    const auto request = new_request(method, "name: 'sessions/" + session->id + "'");
    ends.push_back(server.ask(method, request->SerializeAsString()));
  }
  for (const auto& end : ends) {
    const Outcome outcome = end->answer();
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  }
  server.services->plane->set_draining(false);
  server.succeed("RelayService.CreateSession", kSession);
}

/// How many calls of a method go on at once, and how many may succeed before what they made is
/// tidied away: those that only make something new do not touch each other.
std::size_t calls_at_once(const std::string& method) {
  if (method == "RelayService.CreateSession" || method == "RelayService.BridgeOffer") return 50;
  if (method == "RecordingService.StartRecording") return 4;
  return 1;
}

/// Makes wrong calls of one method, some at once, and judges what comes of them.
class WrongCalls {
 public:
  WrongCalls(Server& server, const MethodDescriptor& method)
      : server_(server), method_(method), at_once_(calls_at_once(name_of(method))) {}

  void add(const Message& request, const std::string& what) {
    under_way_.emplace_back(server_.ask(method_, request.SerializePartialAsString()), what);
    if (under_way_.size() == at_once_) judge_all();
  }
  void judge_all() {
    bool has_succeeded = false;
    for (const auto& [asked, what] : under_way_) {
      SCOPED_TRACE(name_of(method_) + " " + what.substr(0, 200));
      const Outcome outcome = asked->answer();
      has_succeeded = has_succeeded || outcome.status.ok();
      if (!outcome.status.ok()) judge(outcome);
    }
    under_way_.clear();
    const bool reads = method_.name().starts_with("Get") || method_.name().starts_with("List");
    if (has_succeeded && !reads) tidy(server_);
  }

 private:
  static void judge(const Outcome& outcome) {
    EXPECT_TRUE(facts_of_reason(outcome.reason))
        << outcome.status.error_code() << " " << outcome.status.error_message();
    EXPECT_NE(outcome.reason, "INTERNAL");
    EXPECT_FALSE(outcome.status.error_message().empty());
    if (outcome.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT) {
      EXPECT_FALSE(outcome.field.empty()) << outcome.status.error_message();
    }
  }

  Server& server_;
  const MethodDescriptor& method_;
  const std::size_t at_once_;
  std::vector<std::pair<std::unique_ptr<Asked>, std::string>> under_way_;
};

TEST_F(ApiFields, EveryWrongValueOfEveryFieldGetsAClearWord) {
  Server server(config(24'700, folder));
  tidy(server);
  int calls = 0;
  for (const MethodDescriptor* method : methods_of_the_api()) {
    const auto request = new_request(*method, right_request(name_of(*method)));
    WrongCalls wrong(server, *method);
    Mutations(*request, [&](const Message& mutated, const std::string& what) {
      ++calls;
      wrong.add(mutated, what);
    }).run();
    wrong.judge_all();
  }
  EXPECT_GT(calls, 2'000) << "the descriptors were walked";
  server.succeed("NodeService.GetNode", "");
}

TEST_F(ApiFields, EveryMethodSaysWhatIsWrongWithTheNameItNeeds) {
  Server server(config(25'100, folder));
  tidy(server);
  int named = 0;
  for (const MethodDescriptor* method : methods_of_the_api()) {
    const auto path = name_field(*method);
    if (!path || kAbsent.count(name_of(*method)) != 0) continue;
    const auto call = [&](const std::string& value) {
      const auto request = new_request(*method, right_request(name_of(*method)));
      Message* at = request.get();
      for (std::size_t i = 0; i + 1 < path->size(); ++i) {
        at = at->GetReflection()->MutableMessage(at, (*path)[i]);
      }
      at->GetReflection()->SetString(at, path->back(), value);
      return server.call(*method, request->SerializeAsString());
    };
    SCOPED_TRACE(name_of(*method));
    ++named;
    const std::string field = path->size() == 1
                                  ? path->front()->name()
                                  : path->front()->name() + "." + path->back()->name();
    for (const char* wrong : {"x", "/", "sessions/", "sessions/s/", "sessions/-x/legs/a"}) {
      const Outcome malformed = call(wrong);
      EXPECT_EQ(malformed.reason, "NAME_INVALID") << wrong;
      EXPECT_EQ(malformed.field, field) << wrong;
    }
    if (method->service()->name() == "NodeService") continue;  // its name may be left out
    if (method->name() == "BridgeOffer") continue;             // without one it makes a session
    const Outcome empty = call("");
    EXPECT_EQ(empty.reason, "FIELD_REQUIRED");
    EXPECT_EQ(empty.field, field);
    bool is_missed = false;
    for (const char* kind : {"", "/legs/x", "/connections/x", "/recordings/x"}) {
      const Outcome missing = call(std::string("sessions/none") + kind);
      EXPECT_TRUE(missing.reason == "SESSION_NOT_FOUND" || missing.reason == "NAME_INVALID");
      is_missed = is_missed || missing.reason == "SESSION_NOT_FOUND";
    }
    EXPECT_TRUE(is_missed) << "a name of its kind";
  }
  EXPECT_GT(named, 25);
}

TEST_F(ApiFields, OctetsThatAreNoRequestHarmNobody) {
  Server server(config(25'500, folder));
  tidy(server);
  for (const MethodDescriptor* method : methods_of_the_api()) {
    if (method->input_type()->field_count() == 0) continue;
    for (const std::string& octets :
         {std::string("\xff\xff\xff\xff"), std::string("\x0a\x7f"), std::string(100, '\x0b')}) {
      EXPECT_FALSE(server.call(*method, octets).status.ok()) << name_of(*method);
    }
  }
  EXPECT_EQ(server.services->plane->sessions().size(), 1U);
  server.succeed("RelayService.GetSession", "name: 'sessions/s'");
}

}  // namespace
}  // namespace causeway::control
