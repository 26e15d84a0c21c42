#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "control/control_plane.h"
#include "control/event_log.h"
#include "control/recording_api.h"
#include "control/relay_api.h"

namespace causeway::control {

/// A whole node without gRPC: real workers on loopback, the classes that the services call. Its
/// media ports lie below what the system gives to others.
inline NodeConfig test_config(std::uint16_t first_port, std::uint16_t ports = 200) {
  NodeConfig config;
  config.name = "test";
  NetworkConfig network;
  network.bind = IpAddress::v4(0x7f000001);
  network.first_port = UdpPort(first_port);
  network.last_port = UdpPort(static_cast<std::uint16_t>(first_port + ports - 1));
  config.networks.push_back(network);
  config.workers = 2;
  config.max_sessions_per_worker = 100;
  config.pool_packets = 512;
  config.port_quarantine = Duration::zero();
  config.quality_interval = Duration::zero();
  return config;
}

template <typename Message>
Message parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

/// `REASON field`, or nothing.
template <typename T>
std::string refusal(const Answer<T>& answer) {
  if (answer) return "";
  const std::string reason(answer.error().reason);
  return answer.error().field.empty() ? reason : reason + " " + answer.error().field;
}

class PlaneTest : public testing::Test {
 protected:
  explicit PlaneTest(std::uint16_t first_port, std::uint16_t ports = 200)
      : PlaneTest(test_config(first_port, ports)) {}
  explicit PlaneTest(NodeConfig config) {
    auto made = ControlPlane::create(std::move(config));
    if (made) plane = std::move(*made);
    EXPECT_NE(plane, nullptr);
    api = std::make_unique<RelayApi>(*plane);
    recordings = std::make_unique<RecordingApi>(*plane);
    events = std::move(*plane->events().subscribe({}, "", [] {}));
  }

  /// The next event, waited for; one without a kind where none comes in 5 s.
  v1::Event next_event() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto event = events->read();
      if (!event) break;
      if (*event) return **event;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return {};
  }
  /// Events up to and with one of `kind`.
  std::vector<v1::Event> events_until(v1::Event::KindCase kind) {
    std::vector<v1::Event> seen;
    do {
      seen.push_back(next_event());
    } while (seen.back().kind_case() != kind && seen.back().kind_case() != 0);
    return seen;
  }

  v1::Session create(const std::string& session) {
    v1::CreateSessionRequest in;
    *in.mutable_session() = parse<v1::Session>(session);
    in.set_session_id("s");
    auto out = api->create_session(in);
    EXPECT_EQ(refusal(out), "");
    return out ? out->session() : v1::Session();
  }
  std::string create_refusal(const std::string& session) {
    v1::CreateSessionRequest in;
    *in.mutable_session() = parse<v1::Session>(session);
    in.set_session_id("s");
    return refusal(api->create_session(in));
  }
  v1::SessionReport remove(const std::string& name = "sessions/s") {
    v1::DeleteSessionRequest in;
    in.set_name(name);
    auto out = api->delete_session(in);
    EXPECT_EQ(refusal(out), "");
    return out ? out->report() : v1::SessionReport();
  }

  std::unique_ptr<ControlPlane> plane;
  std::unique_ptr<RelayApi> api;
  std::unique_ptr<RecordingApi> recordings;
  std::unique_ptr<EventLog::Subscription> events;
};

}  // namespace causeway::control
