#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "relay/base/bytes.h"
#include "tests/unit/control/plane_fixture.h"

// One call over real sockets, and every event that it causes: what an application would hear.

namespace causeway::control {
namespace {

/// A UDP socket of an endpoint.
class Endpoint {
 public:
  Endpoint() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket_, as_generic(here), sizeof here), 0);
    socklen_t size = sizeof here;
    EXPECT_EQ(::getsockname(socket_, as_generic(here), &size), 0);
    port_ = ntohs(here.sin_port);
  }
  ~Endpoint() { ::close(socket_); }
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  [[nodiscard]] std::uint32_t port() const { return port_; }
  void send(const v1::SocketAddress& to, std::uint8_t type, std::uint32_t ssrc,
            const std::vector<std::byte>& payload, std::uint32_t timestamp) {
    std::vector<std::byte> packet(12);
    packet[0] = std::byte{0x80};
    packet[1] = std::byte{type};
    store_be16(&packet[2], ++seq_);
    store_be32(&packet[4], timestamp);
    store_be32(&packet[8], ssrc);
    packet.insert(packet.end(), payload.begin(), payload.end());
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    there.sin_port = htons(static_cast<std::uint16_t>(to.port()));
    EXPECT_EQ(::sendto(socket_, packet.data(), packet.size(), 0, as_generic(there), sizeof there),
              static_cast<ssize_t>(packet.size()));
  }
  /// 20 ms of PCMU at a time.
  void speak(const v1::SocketAddress& to, int packets, std::uint32_t ssrc = 7) {
    for (int i = 0; i < packets; ++i) {
      send(to, 0, ssrc, std::vector<std::byte>(160, std::byte{0x55}), timestamp_ += 160);
    }
  }
  /// Presses a key for 40 ms.
  void press(const v1::SocketAddress& to, std::uint8_t event) {
    timestamp_ += 160;
    for (const std::byte end : {std::byte{0x00}, std::byte{0x80}}) {
      send(to, 101, 7, {std::byte{event}, end, std::byte{1}, std::byte{64}}, timestamp_);
    }
  }

 private:
  static sockaddr* as_generic(sockaddr_in& address) {
    return static_cast<sockaddr*>(static_cast<void*>(&address));
  }
  int socket_;
  std::uint32_t port_ = 0;
  std::uint16_t seq_ = 0;
  std::uint32_t timestamp_ = 0;
};

std::filesystem::path recordings_folder() {
  return std::filesystem::temp_directory_path() / ("causeway-story-" + std::to_string(::getpid()));
}

NodeConfig story_config() {
  NodeConfig config = test_config(21'400);
  config.recordings_folder = recordings_folder().string();
  config.quality_interval = std::chrono::milliseconds(200);
  return config;
}

struct Story : PlaneTest {
  Story() : PlaneTest(story_config()) {}
  ~Story() override {
    plane->stop();
    std::error_code ignored;
    std::filesystem::remove_all(recordings_folder(), ignored);
  }
  /// The next event of a kind; quality reports and others in between are passed over.
  v1::Event next(v1::Event::KindCase kind) {
    const auto seen = events_until(kind);
    EXPECT_EQ(seen.back().kind_case(), kind);
    return seen.back();
  }

  Endpoint a, b;
};

TEST_F(Story, ACallTellsEverythingThatHappensToIt) {
  const v1::Session session = create(
      "legs { name: 'legs/a' accept_from { latch {} } codecs {} codecs { payload_type: 101 "
      "encoding_name: 'telephone-event' } media_timeout { seconds: 1 } } "
      "legs { name: 'legs/b' remote { rtp { ip: '127.0.0.1' port: " +
      std::to_string(b.port()) +
      " } } codecs {} first_packet_timeout { seconds: 1 } } "
      "connections { from_leg: 'legs/a' to_leg: 'legs/b' } "
      "connections { from_leg: 'legs/b' to_leg: 'legs/a' } recordings { name: 'recordings/r' }");
  const v1::SocketAddress to_a = session.legs(0).local().rtp();
  const v1::SocketAddress to_b = session.legs(1).local().rtp();
  EXPECT_EQ(next(v1::Event::kSessionCreated).session_created().session().recordings_size(), 1);
  EXPECT_EQ(next(v1::Event::kLegActive).leg(), "sessions/s/legs/b") << "a has no address yet";

  a.speak(to_a, 6);
  const v1::Event learned = next(v1::Event::kAddressLearned);
  EXPECT_EQ(learned.leg(), "sessions/s/legs/a");
  EXPECT_EQ(learned.address_learned().address().rtp().port(), a.port());
  EXPECT_EQ(next(v1::Event::kLegActive).leg(), "sessions/s/legs/a");
  const v1::Event first = next(v1::Event::kFirstPacket);
  EXPECT_EQ(first.first_packet().source().port(), a.port());
  EXPECT_EQ(first.first_packet().ssrc(), 7U);

  a.press(to_a, 5);
  const v1::Event digit = next(v1::Event::kDtmf);
  EXPECT_EQ(digit.leg(), "sessions/s/legs/a");
  EXPECT_EQ(digit.dtmf().digit(), "5");

  a.speak(to_a, 1, 8);
  const v1::Event changed = next(v1::Event::kSsrcChanged);
  EXPECT_EQ(changed.ssrc_changed().old_ssrc(), 7U);
  EXPECT_EQ(changed.ssrc_changed().new_ssrc(), 8U);
  EXPECT_THAT(next(v1::Event::kQualityReport).quality_report().report().leg(),
              testing::StartsWith("sessions/s/legs/"));

  // b never says a word, and a falls silent.
  std::set<std::pair<std::string, bool>> silent;
  while (silent.size() < 2) {
    const v1::Event timeout = next(v1::Event::kMediaTimeout);
    if (!timeout.has_media_timeout()) break;
    silent.emplace(timeout.leg(), timeout.media_timeout().is_first_packet());
  }
  EXPECT_THAT(silent, testing::UnorderedElementsAre(std::pair("sessions/s/legs/a", false),
                                                    std::pair("sessions/s/legs/b", true)));
  b.speak(to_b, 1);
  EXPECT_EQ(next(v1::Event::kMediaResumed).leg(), "sessions/s/legs/b");

  remove();
  const auto rest = events_until(v1::Event::kSessionClosed);
  std::vector<v1::RecordingTransition> recording;
  std::set<std::string> closed;
  for (const v1::Event& event : rest) {
    if (event.has_recording_state()) recording.push_back(event.recording_state().transition());
    if (event.has_leg_closed()) closed.insert(event.leg());
  }
  EXPECT_THAT(recording, testing::ElementsAre(v1::RECORDING_TRANSITION_STOPPED));
  EXPECT_EQ(closed, (std::set<std::string>{"sessions/s/legs/a", "sessions/s/legs/b"}));
  const v1::SessionReport& report = rest.back().session_closed().report();
  ASSERT_EQ(report.legs_size(), 2);
  EXPECT_EQ(report.legs(0).received().packets(), 5U) << "from the one on that latched";
  EXPECT_EQ(report.legs(1).received().packets(), 1U);
  ASSERT_EQ(report.recordings_size(), 1);
  EXPECT_EQ(report.recordings(0).state(), v1::RECORDING_STATE_STOPPED);
}

}  // namespace
}  // namespace causeway::control
