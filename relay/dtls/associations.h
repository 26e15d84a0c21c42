#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "relay/base/static_vector.h"
#include "relay/dtls/association.h"
#include "relay/dtls/cookies.h"

namespace causeway::dtls {

/// The handshakes of one leg. There is one where ICE has chosen whom to hear, and where we began;
/// whoever of the admitted sources it comes through. Else anybody whom `accept_from` admits may
/// try: each source that has returned its cookie has an association of its own, at most four at a
/// time; the first whose certificate is the right one wins, and the others are forgotten. Belongs
/// to one thread.
class Associations {
 public:
  static constexpr std::size_t kMaxSources = 4;

  explicit Associations(std::shared_ptr<const Settings> settings)
      : settings_(std::move(settings)) {}

  /// Active: the first flight. Again, while there is an association: nothing.
  void start(Report& report);
  void handle_datagram(Bytes datagram, const SocketAddress& from, Report& report);
  /// The last flight again, to one of those whose answer is awaited, in turn. Active, and nothing
  /// has begun, because its start was lost: start().
  void handle_timeout(Report& report);
  void set_settings(std::shared_ptr<const Settings> settings, Report& report);
  [[nodiscard]] bool is_up() const { return is_up_; }

 private:
  struct Source {
    SocketAddress address;
    std::unique_ptr<Association> association;
    std::uint32_t number = 0;  ///< Counts up: the oldest has the least.
  };
  [[nodiscard]] bool is_one() const { return !settings_->needs_cookie || is_active(); }
  [[nodiscard]] bool is_active() const { return settings_->role == Role::Active; }
  [[nodiscard]] Source* find(const SocketAddress& from);
  [[nodiscard]] Source* add(const SocketAddress& from);
  [[nodiscard]] std::size_t place_to_give_up() const;
  void admit(Bytes datagram, const SocketAddress& from, Report& report);
  void conclude(std::size_t place, Report& report);

  std::shared_ptr<const Settings> settings_;
  std::optional<Cookies> cookies_;  ///< Made when the first is asked for.
  StaticVector<Source, kMaxSources> sources_;
  bool is_up_ = false;  ///< Then the one source is the winner.
  std::uint32_t next_number_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace causeway::dtls
