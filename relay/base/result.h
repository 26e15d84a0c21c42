#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace causeway {

template <typename T, typename E>
using Result = tl::expected<T, E>;

template <typename E>
[[nodiscard]] constexpr auto failure(E error) {
  return tl::unexpected<E>(std::move(error));
}

/// Why a packet was dropped. Each value has a counter per leg (LegCounters) and is never logged
/// packet by packet. The names are part of the API (`drops` of a report).
enum class DropReason : std::uint8_t {
  Truncated,           ///< Shorter than its own headers say.
  BadVersion,          ///< Not RTP version 2, nor anything else we demultiplex (RFC 7983).
  BadHeader,           ///< CSRC, extension, padding or RTCP lengths that lie.
  UnexpectedSource,    ///< Fails the leg's accept_from.
  NotLatched,          ///< LATCH is still counting.
  LegNotReady,         ///< No keys yet, or the leg is being closed.
  AuthFailed,          ///< A tag of SRTP, SRTCP or STUN does not verify.
  Replayed,            ///< Index already seen, or older than the replay window.
  UnknownMki,          ///< No master key has this MKI.
  KeyExpired,          ///< The master key's lifetime is used up.
  TooManySsrcs,        ///< More live SSRCs than the leg allows.
  Duplicate,           ///< Sequence number already seen on a leg without SRTP.
  Late,                ///< Its place has been concealed or played already.
  UnknownPayloadType,  ///< Not among the leg's codecs.
  BadPayload,          ///< The codec refused it.
  NoPath,              ///< Nobody asked for this leg's media, or for this to be sent again.
  NoRemote,            ///< The receiving leg has no address yet.
  Paused,              ///< Direction does not allow it (inactive, recvonly ...).
  PoolEmpty,           ///< No packet buffer was free.
  SendFailed,          ///< The socket refused it.
  TooLarge,            ///< Does not fit a packet buffer.
  Unsupported,         ///< STUN, DTLS, ZRTP ... on a leg without them.
  OverBudget,          ///< More STUN or DTLS than is answered.
  Probe,               ///< Padding only, by which a sender finds out what the network carries.
  kCount,
};

/// The stable name of a drop reason, lower snake case.
[[nodiscard]] std::string_view name_of(DropReason reason);

/// What kind of trouble an API call or the environment has; control/ maps it to a gRPC status in
/// one table. The values and names are those of the table of errors in proto/README.md.
enum class ErrorCode : std::uint8_t {
  InvalidArgument,
  NotFound,
  AlreadyExists,
  FailedPrecondition,
  Aborted,
  ResourceExhausted,
  Unavailable,
  PermissionDenied,
  OutOfRange,
  Unimplemented,
  Internal,
};

/// An error of the API or the environment: `reason` is machine readable and stable (KEY_LENGTH),
/// `field` the offending request field where there is one (`legs[0].keys.material`), `detail` one
/// plain sentence for people. Never holds keys.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string_view reason;  ///< A string literal.
  std::string field;
  std::string detail;
};

}  // namespace causeway
