#pragma once

#include <memory>

#include "relay/base/bytes.h"
#include "relay/base/result.h"
#include "relay/dtls/exchange.h"

namespace causeway::dtls {

/// One DTLS association for SRTP (RFC 5764) over OpenSSL: its handshake, and what comes after it.
/// DTLS 1.2. Belongs to one thread; allocates, and computes for 0.3 to 0.5 ms a handshake.
///
///     Passive: waits for a ClientHello        Active: start() sends it
///         |  datagrams in, flights out, until both Finished are there
///     fingerprints known: the right one -> Up, another -> Failed
///     not known yet:      held; set_settings() decides
///
/// Which flight is sent again, and who sends it (when is the caller's to say: handle_timeout()):
///
///     flight                | again
///     ClientHello           | the same octets, at handle_timeout()
///     ServerHello ... Done  | the same octets, at handle_timeout(), and when a ClientHello comes
///                           |   again (RFC 6347 4.2.4), at most kMaxEchoes times
///     client's last, to its | under new record numbers at each handle_timeout(), made in advance:
///       Finished            |   the same octets would be a replay to a server that has seen them
///     server's last         | by OpenSSL, when the client's last flight comes again
///
/// OpenSSL's timer decides nothing, so the same inputs have the same effect at any speed.
class Association {
 public:
  /// How often a client's last flight is made in advance; handle_timeout() more often than that
  /// repeats the last one. OpenSSL takes a twelfth for the end of its patience.
  static constexpr std::size_t kCopies = 11;
  static constexpr int kMaxEchoes = 8;

  /// Errors: Internal DTLS (OpenSSL refuses).
  [[nodiscard]] static Result<std::unique_ptr<Association>, Error> create(
      std::shared_ptr<const Settings> settings);
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;
  ~Association();

  /// Active: the first flight. A second call does nothing.
  void start(Report& report);
  /// Passive, instead of the first handle_datagram(), where a cookie was asked for: `datagram`
  /// begins with a ClientHello (its first fragment is enough) that has `cookie`, and it is the
  /// right one. False: OpenSSL makes nothing of it; the association is of no use any more.
  [[nodiscard]] bool begin_with_cookie(Bytes datagram, Bytes cookie, Report& report);
  /// A datagram of the endpoint's. What is not acceptable is passed over.
  void handle_datagram(Bytes datagram, Report& report);
  /// The last flight again, if its answer is still awaited.
  void handle_timeout(Report& report);
  /// The same but for the fingerprints.
  void set_settings(std::shared_ptr<const Settings> settings, Report& report);

  [[nodiscard]] bool is_up() const { return is_up_; }
  [[nodiscard]] bool awaits_answer() const;
  /// Nothing more becomes of it.
  [[nodiscard]] bool has_ended() const { return has_ended_; }

 private:
  struct Impl;
  explicit Association(std::unique_ptr<Impl> impl);
  void proceed(Report& report);
  void shake_hands(Report& report);
  void read(Report& report);
  void keep(Report& report);
  void finish(Report& report);
  void refuse(Failure failure, Report& report);
  void fail(Failure failure, Report& report);
  void end(Outcome outcome, Report& report);

  std::unique_ptr<Impl> impl_;
  bool is_started_ = false;
  bool is_complete_ = false;  ///< The handshake is; the fingerprints may be missing.
  bool is_up_ = false;
  bool has_ended_ = false;
};

}  // namespace causeway::dtls
