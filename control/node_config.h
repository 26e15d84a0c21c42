#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relay/base/address.h"
#include "relay/base/time.h"
#include "relay/srtp/options.h"
#include "relay/worker/affinity.h"

namespace causeway::control {

/// A named network of the node.
struct NetworkConfig {
  std::string name = "default";
  IpAddress bind;
  IpAddress advertised;  ///< None: as `bind`.
  UdpPort first_port{20'000};
  UdpPort last_port{29'999};
  /// The first worker's shared port; each further worker has the next one. Nothing: none.
  std::optional<UdpPort> shared_port;
  std::uint8_t dscp = 46;  ///< Expedited forwarding (RFC 4594: telephony).
};

/// The shared port of one worker; nothing where the network has none.
[[nodiscard]] inline std::optional<UdpPort> shared_port_of(const NetworkConfig& network,
                                                           std::size_t worker) {
  if (!network.shared_port) return std::nullopt;
  return UdpPort(static_cast<std::uint16_t>(network.shared_port->raw() + worker));
}

/// What a node is; config.h reads it from files, the environment and flags. A value.
struct NodeConfig {
  std::string name = "causeway";
  std::string version = "0.1.0";
  std::vector<NetworkConfig> networks;  ///< At least one, at most 16; the first is the default.
  std::size_t workers = 1;
  std::vector<worker::Cpu> cpus;  ///< Of the workers, in turn; empty: not pinned.
  std::uint32_t max_sessions_per_worker = 10'000;
  std::size_t pool_packets = 8'192;      ///< Of each worker.
  std::size_t mailbox_commands = 4'096;  ///< Of each worker; a further one is refused (OVERLOAD).
  std::uint32_t shared_port_buffer = 4U << 20U;  ///< Of each shared port's receive buffer, octets.
  std::size_t dtls_threads = 1;                  ///< For handshakes, at the lowest priority.
  srtp::Transform srtp_transform = srtp::Transform::Evp;
  bool answers_plain_binding = false;  ///< STUN without credentials, as ice::AgentSetup says.
  std::string recordings_folder;       ///< Empty: nothing can be recorded.
  std::size_t recorder_ring_octets = 4U << 20U;  ///< Of each worker.

  std::uint32_t max_sessions = 0;  ///< 0: no limit but ports and load.
  std::uint32_t max_legs = 0;
  float max_load = 0;  ///< 0: none.
  Duration default_lease = std::chrono::seconds(60);
  Duration port_quarantine = std::chrono::seconds(30);
  Duration quality_interval = std::chrono::seconds(10);  ///< 0: no quality_report events.
  Duration request_memory = std::chrono::minutes(10);
  std::size_t event_ring = 10'000;
  std::size_t event_backlog = 8'000;  ///< A subscriber further behind than this is cut off.
};

}  // namespace causeway::control
