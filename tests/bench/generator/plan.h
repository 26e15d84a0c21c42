#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/base/address.h"
#include "relay/srtp/receiver.h"
#include "relay/srtp/sender.h"

namespace causeway::bench {

/// What an endpoint speaks. Pattern: 160 octets that carry the instant they were sent at, for paths
/// that leave payloads alone; the others carry speech.
enum class Payload : std::uint8_t { Pattern, Pcmu, G722, Opus };

/// One endpoint of a call, as the orchestrator asks for it.
struct LegPlan {
  SocketAddress local;
  SocketAddress remote;  ///< Of the subject.
  /// Where the subject wants RTCP; none: no RTCP.
  std::optional<SocketAddress> remote_rtcp;
  Payload payload = Payload::Pattern;
  PayloadType type;
  /// Of SRTP, one a direction; null for plain RTP.
  std::unique_ptr<srtp::SrtpSender> sealer;
  std::unique_ptr<srtp::SrtpReceiver> opener;
  /// The leg whose packets arrive here: the other of the call, or, for an echo, itself.
  std::size_t hears = 0;
  /// Keeps what arrives, to be listened to after the run.
  bool is_listened_to = false;
};

/// Reads one leg a line, `key=value` fields in any order:
///
///     local=127.0.0.2:20000 remote=127.0.0.1:12000 [rtcp=127.0.0.1:12001] payload=opus type=96
///     hears=1 [listen=1] [send=1 AES_CM_128_HMAC_SHA1_80 inline:...|receive=...]
///
/// `send` and `receive` are the values of SDES attributes, blanks written as commas. On a bad line
/// the process ends with a message: whoever wrote it has a bug.
[[nodiscard]] std::vector<LegPlan> read_plan(std::istream& in);

}  // namespace causeway::bench
