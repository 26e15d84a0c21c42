#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace causeway::sim {

/// A call between two endpoints on a bad network, with an application that changes its mind and a
/// stranger who sprays packets, all drawn from one seed; and the promises that must hold
/// throughout:
///
/// - towards an endpoint no sequence number is used twice and timestamps never go back;
/// - nothing is sent to an address that is neither signalled nor learned, and nothing to a
/// stranger;
/// - ports free + used + quarantined is constant; the relay never holds more than a few packet
/// buffers, and every one comes back;
/// - no (key, SSRC, index) is used twice, in SRTP or SRTCP;
/// - media flows again within 2 s after faults stop.
///
/// run() returns the first broken promise in words, or an empty string.
class Chaos {
 public:
  explicit Chaos(std::uint64_t seed);
  ~Chaos();
  [[nodiscard]] std::string run();

 private:
  /// An endpoint: what it is, where it is, what it sends and hears.
  struct Endpoint {
    LegParts parts;
    SocketAddress address;           ///< Where it is now; a NAT may move it.
    SocketAddress target;            ///< The relay's address for it.
    std::set<SocketAddress> places;  ///< Everywhere that it may rightly be reached.
    std::unique_ptr<srtp::SrtpSender> seal;
    std::uint32_t ssrc = 0;
    std::uint16_t seq = 0;
    std::uint32_t timestamp = 0;
    std::size_t codec = 0;  ///< Index of what it sends at present.
    std::uint64_t heard = 0;
    bool is_mute = false;
    std::uint32_t key_round = 0;
    Duration ptime{};  ///< Between two packets by our clock: 20 ms by its own, which drifts.
  };
  /// What has been sent to one endpoint, per SSRC.
  struct Sent {
    std::map<std::int64_t, std::uint32_t> timestamps;  ///< By extended sequence number.
    std::optional<std::int64_t> newest;
  };

  void set_up();
  void choose_leg(Endpoint& endpoint, const Endpoint* other);
  void speak(Endpoint& endpoint);
  void spray();
  void meddle();
  void hold(Endpoint& endpoint, engine::Direction direction);
  void learn_again(Endpoint& endpoint);
  void replan();
  void rotate_keys(Endpoint& endpoint);
  void rebind(Endpoint& endpoint);
  void set_faults(bool are_on);
  void check_transmit(const Flying& out);
  void check_rtp(const Flying& out, std::size_t endpoint);
  void check_rtcp(const Flying& out, std::size_t endpoint);
  void check_ports();
  void check_buffers();
  void fail(const std::string& what);
  [[nodiscard]] std::string drops_of(const Endpoint& endpoint);
  [[nodiscard]] bool chance(std::uint32_t in_thousand) {
    return world_.random().below(1000) < in_thousand;
  }
  [[nodiscard]] std::vector<std::byte> payload_of(Endpoint& endpoint,
                                                  const engine::CodecSpec& codec);

  std::uint64_t seed_;
  World world_;
  Endpoint ends_[2];
  SocketAddress stranger_;
  std::unique_ptr<engine::OpenSession> session_;
  std::map<std::pair<std::size_t, std::uint32_t>, Sent> sent_;
  std::set<std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::uint32_t>> srtcp_used_;
  std::vector<std::byte> opus_frame_;
  bool is_meddling_ = true;
  std::string broken_;
};

}  // namespace causeway::sim
