#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "relay/base/address.h"
#include "relay/base/secret.h"
#include "relay/base/static_vector.h"
#include "relay/dtls/datagram_bio.h"
#include "relay/dtls/fingerprint.h"
#include "relay/dtls/identity.h"
#include "relay/wire/srtp_keys.h"

namespace causeway::dtls {

/// Values between an engine, which has packets and time, and the pool, which has OpenSSL's DTLS
/// (law 1): jobs go one way, reports come back.

/// Who waits for the hello and who sends it (RFC 4145 4, RFC 5763 5).
enum class Role : std::uint8_t { Passive, Active };

/// What a datagram of DTLS is at most, so that it needs no fragments anywhere (RFC 8827 6.5 leaves
/// it open; the least MTU of IPv6 is 1280).
inline constexpr std::size_t kMtu = 1200;
/// The least that may be asked for: OpenSSL takes no less.
inline constexpr std::size_t kMinMtu = 256;
/// The longest datagram that is taken; of a longer one what does not fit is lost.
inline constexpr std::size_t kMaxDatagram = 2048;

/// The SRTP protection profiles of RFC 5764 and RFC 7714, by preference. Those with NULL ciphers
/// have no name here, so nobody can ask for them.
using Profiles = StaticVector<wire::SrtpSuite, 4>;
/// All of them, the cheapest strong one first.
[[nodiscard]] Profiles all_profiles();

/// What a leg's handshakes are to be like. Immutable and shared.
struct Settings {
  std::shared_ptr<const Identity> identity;
  Role role = Role::Passive;
  /// Any of these proves the endpoint. Empty: not known yet; a handshake may be completed, and its
  /// keys are held until they are known.
  std::vector<Fingerprint> remote_fingerprints;
  /// Without ICE a source has to return a cookie before anything is kept of it (RFC 6347 4.2.1),
  /// and several sources may try at once.
  bool needs_cookie = false;
  /// What may be agreed on. Passive: our order decides.
  Profiles profiles = all_profiles();
  /// The largest datagram that is sent, at least kMinMtu.
  std::size_t mtu = kMtu;
};

enum class JobKind : std::uint8_t {
  Start,     ///< Send the first hello (Active). Again: nothing, where it was done already.
  Datagram,  ///< One of the endpoint's, from a source that the leg admits.
  Timeout,   ///< Nothing has come for too long: the last flight is to be sent again.
  Settings,  ///< New settings of the same association: the fingerprints that came with an answer.
  Close,     ///< Forget it.
};

enum class Outcome : std::uint8_t {
  Going,   ///< A flight to be sent, nothing more.
  Up,      ///< The handshake is complete and the endpoint's certificate is the right one.
  Closed,  ///< It was complete, and the endpoint has ended it in good order (close_notify).
  Failed,  ///< It has ended otherwise, or what it had made is over.
};

/// Why a handshake has failed.
enum class Failure : std::uint8_t {
  None,
  Fingerprint,  ///< The endpoint's certificate is not the one that was signalled.
  NoProfile,    ///< No SRTP protection profile in common, or the endpoint offers none.
  Protocol,     ///< A message is wrong, or nothing is in common: OpenSSL refuses.
  TimedOut,     ///< Nothing came back in time.
  Alert,        ///< It was complete, and the endpoint has ended it by a fatal alert.
};
/// One sentence for people.
[[nodiscard]] std::string_view text_of(Failure failure);

/// What became of a job.
struct Report {
  Outcome outcome = Outcome::Going;
  /// Datagrams to be sent, in this order.
  Flight flight;
  /// Where to, where the leg does not know itself: without ICE, the source that a Passive leg
  /// answers. None: where the leg's endpoint is.
  SocketAddress to;
  /// Whether an answer is awaited: a Timeout is to follow where none comes.
  bool awaits_answer = false;
  /// Said to somebody who has proved nothing, or about him: a cookie is asked for, or one of
  /// several who try has failed. The leg's handshake and its timers stay as they are.
  bool is_aside = false;
  Failure failure = Failure::None;
  // Up only: key and salt of each direction (RFC 5764 4.2).
  wire::SrtpSuite suite = wire::SrtpSuite::AesCm128HmacSha1_80;
  SecretKey receive_key;
  SecretKey receive_salt;
  SecretKey send_key;
  SecretKey send_salt;

  [[nodiscard]] bool has_ended() const {
    return outcome == Outcome::Closed || outcome == Outcome::Failed;
  }
  [[nodiscard]] bool is_empty() const { return flight.empty() && outcome == Outcome::Going; }
};

}  // namespace causeway::dtls
