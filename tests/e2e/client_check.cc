// What a program in C++ sees of errors, deadlines, events and leases, for clients_test.py.
// Usage: client_check ADDRESS SILENT_ADDRESS. Writes a JSON object a line.
#include <chrono>
#include <functional>
#include <thread>

#include "control/clients/cpp/client.h"
#include "control/clients/cpp/json_lines.h"

namespace {

using causeway::client::Error;
using causeway::client::tell;
using Relay = causeway::v1::RelayService::Stub;
namespace v1 = causeway::v1;

void tell_refusal(const std::string& key, const std::function<void()>& call) {
  try {
    call();
    tell(key, "was not refused");
  } catch (const Error& error) {
    tell(key, {std::to_string(error.status), error.reason, std::to_string(error.code), error.field,
               error.fields.empty() ? "" : error.fields.begin()->first,
               error.metadata.empty() ? "" : error.metadata.begin()->second});
  }
}

void check_errors(causeway::client::Causeway& causeway, causeway::client::Causeway& silent) {
  v1::GetSessionRequest none;
  none.set_name("sessions/none");
  tell_refusal("missing", [&] { causeway.call(&Relay::GetSession, none); });
  v1::CreateSessionRequest wrong;
  auto* remote = wrong.mutable_session()->add_legs()->mutable_remote()->mutable_rtp();
  remote->set_ip("nowhere");
  remote->set_port(4000);
  tell_refusal("invalid", [&] { causeway.call(&Relay::CreateSession, wrong); });
  tell_refusal("late", [&] {
    silent.call(&Relay::ListSessions, v1::ListSessionsRequest(), std::chrono::milliseconds(300));
  });
}

void check_events_and_lease(causeway::client::Causeway& causeway) {
  causeway::client::Events events(causeway, v1::WatchEventsRequest());
  tell("opened", causeway::client::kind_of(events.next().value()));
  v1::CreateSessionRequest create;
  create.set_session_id("one");
  create.mutable_session()->mutable_lease()->set_seconds(1);
  causeway.call(&Relay::CreateSession, create);
  tell("created", events.next().value().session());
  events.close();
  tell("closed", events.next().has_value() ? "no" : "yes");
  const causeway::client::Lease lease(causeway, "sessions/one", std::chrono::seconds(1));
  v1::GetSessionRequest get;
  get.set_name("sessions/one");
  const auto first = causeway.call(&Relay::GetSession, get).session().expire_time();
  while (causeway.call(&Relay::GetSession, get).session().expire_time().seconds() <=
         first.seconds() + 1) {
    std::this_thread::yield();
  }
  tell("renewed", lease.error() ? "failed" : "yes");
  v1::DeleteSessionRequest end;
  end.set_name("sessions/one");
  causeway.call(&Relay::DeleteSession, end);
  while (!lease.error()) std::this_thread::yield();
  tell("lease", lease.error()->reason);
}

}  // namespace

int main(int, char** arguments) {
  causeway::client::Causeway causeway(arguments[1]);
  causeway::client::Causeway silent(arguments[2]);
  check_errors(causeway, silent);
  check_events_and_lease(causeway);
}
