#pragma once

#include <memory>
#include <optional>

#include "relay/base/address.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/engine/source_filter.h"
#include "relay/engine/spec.h"
#include "relay/ice/agent.h"

namespace causeway::engine {

/// What an application has said of where an endpoint is.
struct EndpointSetup {
  bool has_rtcp_mux = false;
  /// SRTP vouches for every packet, so the address may move anywhere the newest one comes from.
  bool is_secure = false;
  std::optional<SocketAddress> remote_rtp;
  std::optional<SocketAddress> remote_rtcp;  ///< Default: remote_rtp, port + 1 without mux.
  AcceptFrom accept_from;
  /// Then whom it has validated is the endpoint, and `remote_*` and `accept_from` count for
  /// nothing.
  std::unique_ptr<ice::Agent> ice;
};

/// Where a leg's endpoint is: whom its ports listen to, and where they send. Both in two steps, so
/// that nothing is learned from a packet that proves false: admits_*() looks at the address only
/// and has no effect; on_*() is told of packets that passed it and were opened.
///
/// Single-threaded, never allocates; stays where it was made (its filters refer to its rule).
class EndpointAddress {
 public:
  explicit EndpointAddress(EndpointSetup setup) : setup_(std::move(setup)) {}
  EndpointAddress(const EndpointAddress&) = delete;
  EndpointAddress& operator=(const EndpointAddress&) = delete;

  /// Before the first packet.
  void start(Instant now);
  /// Changes what is set and swaps what it replaces into the arguments. Learning begins anew.
  void set_secure(bool is_secure, Instant now);
  void set_rtcp_mux(bool has_rtcp_mux) { setup_.has_rtcp_mux = has_rtcp_mux; }
  void change(std::optional<std::optional<SocketAddress>>& remote_rtp,
              std::optional<std::optional<SocketAddress>>& remote_rtcp,
              std::optional<AcceptFrom>& accept_from, Instant now);

  [[nodiscard]] bool has_rtcp_mux() const { return setup_.has_rtcp_mux; }

  [[nodiscard]] bool admits_rtp(const SocketAddress& from) const {
    return setup_.ice ? setup_.ice->is_valid_source(from) : rtp_.admits(from);
  }
  [[nodiscard]] bool admits_rtcp(const SocketAddress& from) const {
    return setup_.has_rtcp_mux ? admits_rtp(from) : rtcp_.admits(from);
  }
  /// True: its address has been learned just now. Errors: NotLatched, UnexpectedSource.
  /// REQUIRES: admits_*() of it.
  [[nodiscard]] Result<bool, DropReason> on_rtp(Instant now, const SourceFilter::Seen& seen);
  [[nodiscard]] Result<bool, DropReason> on_rtcp(Instant now, const SocketAddress& from);

  /// Where we send: where ICE has found the endpoint, else to the learned address, else to the
  /// signalled one.
  [[nodiscard]] const std::optional<SocketAddress>& rtp() const {
    if (setup_.ice) return setup_.ice->reachable();
    return rtp_.learned() ? rtp_.learned() : setup_.remote_rtp;
  }
  [[nodiscard]] std::optional<SocketAddress> rtcp() const;
  [[nodiscard]] const std::optional<SocketAddress>& learned_rtp() const { return rtp_.learned(); }
  [[nodiscard]] const std::optional<SocketAddress>& learned_rtcp() const { return rtcp_.learned(); }
  /// Whether its address is one that a NAT may forget: learned, and ICE does not see to it.
  [[nodiscard]] bool is_behind_nat() const { return !setup_.ice && rtp_.is_latching(); }
  /// Null: no ICE.
  [[nodiscard]] ice::Agent* ice() { return setup_.ice.get(); }
  [[nodiscard]] const ice::Agent* ice() const { return setup_.ice.get(); }

  /// For a leg that is restored from a snapshot.
  void restore(const std::optional<SocketAddress>& learned_rtp,
               const std::optional<SocketAddress>& learned_rtcp, Instant now);

 private:
  void arm(Instant now);
  [[nodiscard]] std::optional<SocketAddress> signalled_rtcp() const;

  EndpointSetup setup_;
  SourceFilter rtp_;
  SourceFilter rtcp_;
};

}  // namespace causeway::engine
