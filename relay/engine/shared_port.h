#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/datagram.h"
#include "relay/base/sip_hash.h"
#include "relay/base/static_vector.h"
#include "relay/engine/key_table.h"
#include "relay/ice/pairs.h"
#include "relay/wire/demux.h"
#include "relay/wire/stun.h"

namespace causeway::engine {

class Leg;

/// Whose a datagram is.
struct Recipient {
  Leg* leg = nullptr;
  std::uint32_t session = 0;  ///< The slot of its session.
  bool is_rtcp = false;       ///< It came to the leg's RTCP port.
};

/// What came to a shared port and was nobody's.
struct SharedPortCounters {
  std::uint64_t misrouted_checks = 0;  ///< Their fragment names another node or worker.
  std::uint64_t unknown_checks = 0;    ///< It names this one, and no leg that lives.
  std::uint64_t strays = 0;            ///< All else.
};

/// The legs that share one UDP port, and which of them a datagram is for:
///
///     STUN request with a USERNAME   whose fragment it names (RFC 8445 7.2.2)
///     answer to a check of ours      whose place its transaction id names
///     everything else                whose endpoint was last authenticated at its source
///
/// Nothing is decided here: the leg checks what it is given as it would on a port of its own, and
/// only what it has found authentic moves an address (hear()). What is nobody's is counted and gets
/// no answer.
///
/// Fragments and addresses are held as their hashes under a secret key. Two that had one hash would
/// be taken for the same, and what came for the one leg would fail the checks of the other.
///
/// O(1) a datagram; nothing allocates after construction. Single-threaded.
class SharedPort {
 public:
  /// `socket`: the one that all its legs have. `route`: how fragments begin that are for this
  /// worker (ice::route_of).
  SharedPort(SocketId socket, std::string route, std::size_t max_legs, const SipKey& key);

  [[nodiscard]] SocketId socket() const { return socket_; }
  [[nodiscard]] bool is_open() const { return is_open_; }
  void set_open(bool is_open) { is_open_ = is_open; }
  [[nodiscard]] std::size_t legs() const { return members_.size() - free_.size(); }
  [[nodiscard]] std::size_t room() const { return free_.size(); }

  /// Whether a leg may have this fragment: nobody has it, or the leg in `place` itself.
  [[nodiscard]] bool is_free(std::string_view fragment,
                             std::optional<std::uint32_t> place = std::nullopt) const;
  /// Places a leg under its agent's fragments, and at the pair that it was restored with. Returns
  /// its place. REQUIRES: room(), the leg has ICE, is_free(its fragments).
  [[nodiscard]] std::uint32_t add(Leg& leg, std::uint32_t session);
  void remove(std::uint32_t place);
  /// Its agent's fragments have changed. REQUIRES: is_free(the new one).
  void rename(std::uint32_t place);
  /// The endpoint of the leg in this place has proved to be at `source`. Of its addresses the one
  /// heard of longest ago makes room, as in its agent.
  void hear(std::uint32_t place, const SocketAddress& source);

  /// The leg that a datagram is for; none, and counted: nobody's. `kind`: by its looks.
  [[nodiscard]] Recipient recipient_of(const Datagram& in, wire::DatagramKind kind);
  [[nodiscard]] const SharedPortCounters& counters() const { return counters_; }

 private:
  /// A place for a leg, and the keys under which it is found. After a restart its agent may answer
  /// to two fragments.
  struct Member {
    Recipient leg;
    StaticVector<std::uint64_t, 2> fragments;
    StaticVector<std::uint64_t, ice::Pairs::kMax> sources;  // the latest last
  };

  [[nodiscard]] std::uint64_t key_of(std::string_view fragment) const;
  [[nodiscard]] std::uint64_t key_of(const SocketAddress& source) const;
  [[nodiscard]] std::optional<std::uint32_t> place_of(const Datagram& in, wire::DatagramKind kind);
  [[nodiscard]] std::optional<std::uint32_t> place_of_check(std::string_view fragment);
  [[nodiscard]] std::optional<std::uint32_t> place_of_answer(const wire::StunView& answer) const;
  void name(std::uint32_t place);
  void unname(std::uint32_t place);
  void forget(std::uint32_t place, std::uint64_t source);

  SocketId socket_;
  bool is_open_ = false;
  std::string route_;
  SipKey key_;
  std::vector<Member> members_;
  std::vector<std::uint32_t> free_;
  KeyTable fragments_;
  KeyTable sources_;
  SharedPortCounters counters_;
};

}  // namespace causeway::engine
