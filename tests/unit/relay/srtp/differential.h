#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relay/base/random.h"
#include "relay/srtp/receiver_core.h"
#include "relay/srtp/sender_core.h"
#include "relay/wire/rtp.h"
#include "tests/unit/relay/srtp/libsrtp_oracle.h"

namespace causeway::srtp::test {

/// Our two cores as the harness sees them, so that it is compiled once and not once a fault.
struct AnySender {
  virtual ~AnySender() = default;
  virtual Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets) = 0;
  virtual Result<void, DropReason> seal_rtcp(PacketBuf& packet) = 0;
  /// Goes over to the second key.
  virtual void rekey() = 0;
};
struct AnyReceiver {
  virtual ~AnyReceiver() = default;
  virtual Result<OpenInfo, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets) = 0;
  virtual Result<OpenInfo, DropReason> open_rtcp(PacketBuf& packet) = 0;
  [[nodiscard]] virtual std::uint32_t highest_roc() const = 0;
};

/// The keys of a run: one, or two with MKIs of `mki_octets`.
struct DifferentialKeys {
  DifferentialKeys(wire::SrtpSuite suite, std::size_t mki_octets);
  wire::SrtpKeys all;
  wire::SrtpKeys second;  ///< The second one alone, if there is one.
};

inline constexpr unsigned kDifferentialWindow = 1024;
inline constexpr unsigned kDifferentialSrtcpWindow = 128;  // libsrtp has no other
inline constexpr SrtpOptions kDifferentialOptions{.replay_window = kDifferentialWindow,
                                                  .srtcp_replay_window = kDifferentialSrtcpWindow,
                                                  .late_join_rocs = 0};  // libsrtp does not probe

/// Under the rules R.
template <typename R>
class CoreSender : public AnySender {
 public:
  explicit CoreSender(const DifferentialKeys& keys)
      : core_(std::move(*SenderCore<R>::create(keys.all, kDifferentialOptions))) {
    if (keys.second.keys.empty()) return;
    next_ = std::move(*SenderCore<R>::create(keys.second, kDifferentialOptions));
  }
  Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets) override {
    return core_->seal_rtp(packet, header_octets);
  }
  Result<void, DropReason> seal_rtcp(PacketBuf& packet) override {
    return core_->seal_rtcp(packet);
  }
  void rekey() override { core_->adopt(*next_); }

 private:
  std::unique_ptr<SenderCore<R>> core_;
  std::unique_ptr<SenderCore<R>> next_;
};
template <typename R>
class CoreReceiver : public AnyReceiver {
 public:
  explicit CoreReceiver(const DifferentialKeys& keys)
      : core_(std::move(*ReceiverCore<R>::create(keys.all, kDifferentialOptions))) {}
  Result<OpenInfo, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets) override {
    return core_->open_rtp(packet, header_octets, kStart);
  }
  Result<OpenInfo, DropReason> open_rtcp(PacketBuf& packet) override {
    return core_->open_rtcp(packet, kStart);
  }
  [[nodiscard]] std::uint32_t highest_roc() const override {
    std::uint32_t highest = 0;
    for (std::size_t i = 0; i < core_->streams(); ++i) {
      highest = std::max(highest, core_->stream(i).roc());
    }
    return highest;
  }

 private:
  std::unique_ptr<ReceiverCore<R>> core_;
};

/// A suite, and MKIs of so many octets.
struct Shard {
  wire::SrtpSuite suite;
  std::size_t mki_octets;
};
inline constexpr std::array<Shard, 12> kShards = {{
    {wire::SrtpSuite::AesCm128HmacSha1_80, 0},
    {wire::SrtpSuite::AesCm128HmacSha1_80, 4},
    {wire::SrtpSuite::AesCm128HmacSha1_32, 0},
    {wire::SrtpSuite::AesCm128HmacSha1_32, 4},
    {wire::SrtpSuite::AesCm256HmacSha1_80, 0},
    {wire::SrtpSuite::AesCm256HmacSha1_80, 4},
    {wire::SrtpSuite::AesCm256HmacSha1_32, 0},
    {wire::SrtpSuite::AesCm256HmacSha1_32, 4},
    {wire::SrtpSuite::AeadAes128Gcm, 0},
    {wire::SrtpSuite::AeadAes128Gcm, 4},
    {wire::SrtpSuite::AeadAes256Gcm, 0},
    {wire::SrtpSuite::AeadAes256Gcm, 128},
}};

/// Random traffic through our sender and receiver and through libsrtp's at the same time.
///
///     clear packet --+--> our sender ------+== sealed ==> damage, reorder --+--> our receiver
///     --+==
///                    +--> libsrtp sender --+   equal?     repeat, truncate  +--> libsrtp -------+
///
/// It stops at the first packet about which they disagree: one seals or opens it and the other does
/// not, the octets differ, or an undamaged packet is refused for another reason.
class Differential {
 public:
  Differential(const DifferentialKeys& keys, std::unique_ptr<AnySender> sender,
               std::unique_ptr<AnyReceiver> receiver, std::uint64_t seed)
      : random_({seed, 0x5372747044696666ULL}),
        oracle_sender_(keys.all, true, kDifferentialWindow),
        oracle_receiver_(keys.all, false, kDifferentialWindow),
        sender_(std::move(sender)),
        receiver_(std::move(receiver)),
        may_rekey_(!keys.second.keys.empty()) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      streams_[i].ssrc = static_cast<std::uint32_t>(random_.next());
      // Some streams begin shortly before a wrap, or at an edge of the index guess.
      static constexpr std::uint16_t kFirst[] = {0, 1, 32767, 32768, 65530, 65535};
      streams_[i].seq = random_.below(2) == 0 ? kFirst[random_.below(6)]
                                              : static_cast<std::uint16_t>(random_.next());
    }
  }

  /// Delivers `packets` packets. What the two disagree about, if anything.
  std::optional<std::string> run(std::uint64_t packets) {
    while (delivered_ < packets && !disagreement_) {
      // Half-way, the sender goes over to its second key.
      if (may_rekey_ && delivered_ > packets / 2) {
        may_rekey_ = false;
        sender_->rekey();
        oracle_sender_.use_key(1);
      }
      step();
    }
    return disagreement_;
  }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t opened() const { return opened_; }
  [[nodiscard]] std::uint64_t replays() const { return replays_; }
  /// The highest rollover counter that the receiver has reached.
  [[nodiscard]] std::uint32_t highest_roc() const { return receiver_->highest_roc(); }

 private:
  struct Sealed {
    Octets octets;
    bool is_rtcp = false;
    std::uint32_t number = 0;  // sequence number, or which report of its stream
  };
  struct Stream {
    std::uint32_t ssrc = 0;
    std::uint16_t seq = 0;
    bool has_begun = false;
    std::uint32_t reports = 0;
    std::vector<Sealed> history;  // a ring, for replays at every distance
    std::size_t at = 0;
    std::vector<Sealed> held;  // sealed, to be delivered late
  };
  static constexpr std::size_t kHistory = 1200;

  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }

  void step() {
    Stream& stream = streams_[random_.below(static_cast<std::uint32_t>(streams_.size()))];
    const std::uint32_t what = random_.below(100);
    if (what < 62) {
      forward(stream, false);
    } else if (what < 72) {
      forward(stream, true);
    } else if (what < 76) {
      const std::uint32_t back = one_in(2) ? 1021 + random_.below(5) : random_.below(1100);
      seal_rtp(stream, static_cast<std::uint16_t>(stream.seq - back));
    } else if (what < 78 && !stream.held.empty()) {
      release(stream);
    } else if (what < 90 && !stream.history.empty()) {
      replay(stream);
    } else if (!stream.history.empty()) {
      damage_and_deliver(
          stream.history[random_.below(static_cast<std::uint32_t>(stream.history.size()))]);
    }
  }

  // The next packet or report of a stream, delivered at once, or later, or damaged first.
  void forward(Stream& stream, bool is_rtcp) {
    std::optional<Sealed> sealed;
    if (is_rtcp) {
      sealed = seal_rtcp(stream);
    } else {
      const auto next = static_cast<std::uint16_t>(stream.seq + (stream.has_begun ? jump() : 0));
      sealed = seal_rtp(stream, next);
      if (sealed) {
        stream.seq = next;
        stream.has_begun = true;
      }
    }
    if (!sealed || disagreement_) return;
    if (one_in(20)) damage_and_deliver(*sealed);
    release_at_edges(stream);
    if (one_in(12)) {
      if (stream.held.size() < 40) stream.held.push_back(std::move(*sealed));
      return;
    }
    deliver(*sealed, true);
  }

  // Mostly one; at times a loss; at times a leap to an edge of the index guess or of the window.
  std::uint32_t jump() {
    static constexpr std::uint32_t kEdges[] = {1022,  1023,  1024,  1025,  32765, 32766,
                                               32767, 32768, 32769, 32770, 33000};
    const std::uint32_t kind = random_.below(200);
    if (kind < 2) return kEdges[random_.below(static_cast<std::uint32_t>(std::size(kEdges)))];
    if (kind < 4) return 1 + random_.below(32768);
    if (kind < 30) return 1 + random_.below(40);
    return 1;
  }

  void release(Stream& stream) {
    const auto i = random_.below(static_cast<std::uint32_t>(stream.held.size()));
    const Sealed late = std::move(stream.held[i]);
    stream.held.erase(stream.held.begin() + i);
    deliver(late, true);
  }

  // What has been held back until it is about to leave the window, or has just left it.
  void release_at_edges(Stream& stream) {
    for (std::size_t i = 0; i < stream.held.size(); ++i) {
      const Sealed& held = stream.held[i];
      const std::uint32_t behind =
          held.is_rtcp ? stream.reports - held.number : (stream.seq - held.number) & 0xffffU;
      const std::uint32_t edge = held.is_rtcp ? kDifferentialSrtcpWindow : kDifferentialWindow;
      if (behind < edge - 2 || behind > edge + 1 || !one_in(3)) continue;
      const Sealed late = std::move(stream.held[i]);
      stream.held.erase(stream.held.begin() + static_cast<std::ptrdiff_t>(i));
      return deliver(late, true);
    }
  }

  // From any distance, the edges of both windows more often.
  void replay(Stream& stream) {
    static constexpr std::size_t kEdges[] = {1, 127, 128, 129, 1022, 1023, 1024, 1025};
    const std::size_t size = stream.history.size();
    const std::size_t back =
        one_in(2) ? kEdges[random_.below(8)] : 1 + random_.below(static_cast<std::uint32_t>(size));
    if (back <= size) deliver(stream.history[(stream.at + size - back) % size], true);
  }

  void damage_and_deliver(Sealed damaged) {
    const auto size = static_cast<std::uint32_t>(damaged.octets.size());
    switch (random_.below(6)) {
      case 0:
        damaged.octets.resize(random_.below(size));
        break;
      case 1:
        for (std::uint32_t more = 1 + random_.below(24); more-- > 0;) {
          damaged.octets.push_back(static_cast<std::byte>(random_.next()));
        }
        break;
      case 2:  // the E bit and index of SRTCP, or what stands in their place
        damaged.octets[size - 1 - random_.below(std::min(size, 34U))] ^= std::byte{0x80};
        break;
      case 3:  // the header: sequence number and SSRC
        damaged.octets[2 + random_.below(10) % (size - 2)] ^=
            static_cast<std::byte>(1 + random_.below(255));
        break;
      default:
        for (std::uint32_t flips = 1 + random_.below(3); flips-- > 0;) {
          damaged.octets[random_.below(size)] ^= static_cast<std::byte>(1U << random_.below(8));
        }
    }
    deliver(damaged, false);
  }

  Octets random_octets(std::size_t octets) {
    Octets made(octets);
    for (std::byte& octet : made) octet = static_cast<std::byte>(random_.next());
    return made;
  }
  std::size_t random_size() {
    if (one_in(50)) return 0;
    return one_in(20) ? random_.below(1300) : random_.below(180);
  }

  Octets clear_rtp(const Stream& stream, std::uint16_t seq) {
    const std::uint32_t csrcs = one_in(8) ? random_.below(4) : 0;
    const bool is_extended = one_in(4);
    const std::uint32_t words = is_extended ? random_.below(4) : 0;
    const std::size_t header = 12 + 4 * csrcs + (is_extended ? 4 + 4 * words : 0);
    Octets packet = random_octets(header + random_size());
    packet[0] = static_cast<std::byte>(0x80U | (is_extended ? 0x10U : 0U) | csrcs);
    packet[1] &= std::byte{0x8f};
    store_be16(&packet[2], seq);
    store_be32(&packet[8], stream.ssrc);
    if (is_extended) {
      store_be32(&packet[12 + 4 * csrcs], 0xbede0000U | words);
    }
    return packet;
  }
  Octets clear_rtcp(const Stream& stream) {
    Octets packet = random_octets(8 + random_size() / 4 * 4);
    packet[0] = std::byte{0x81};
    packet[1] = std::byte{200};
    store_be16(&packet[2], static_cast<std::uint16_t>(packet.size() / 4 - 1));
    store_be32(&packet[4], stream.ssrc);
    return packet;
  }

  PacketBuf buffer(const Octets& octets) {
    PacketBuf packet = pool_.take();
    packet.resize(octets.size());
    std::ranges::copy(octets, packet.data().begin());
    return packet;
  }

  std::optional<Sealed> seal_rtp(Stream& stream, std::uint16_t seq) {
    const Octets clear = clear_rtp(stream, seq);
    PacketBuf ours = buffer(clear);
    const auto layout = wire::parse_rtp_header(clear);
    const auto sealed = sender_->seal_rtp(ours, layout->header_octets);
    Octets theirs = clear;
    const srtp_err_status_t status = oracle_sender_.seal_rtp(theirs);
    return compare_sealed(stream, {theirs, false, seq}, status, sealed, ours);
  }
  std::optional<Sealed> seal_rtcp(Stream& stream) {
    const Octets clear = clear_rtcp(stream);
    PacketBuf ours = buffer(clear);
    const auto sealed = sender_->seal_rtcp(ours);
    Octets theirs = clear;
    const srtp_err_status_t status = oracle_sender_.seal_rtcp(theirs);
    return compare_sealed(stream, {theirs, true, ++stream.reports}, status, sealed, ours);
  }

  std::optional<Sealed> compare_sealed(Stream& stream, Sealed theirs, srtp_err_status_t status,
                                       const Result<void, DropReason>& sealed,
                                       const PacketBuf& ours) {
    const bool both = sealed.has_value() && status == srtp_err_status_ok;
    if (sealed.has_value() != (status == srtp_err_status_ok)) {
      disagree(theirs, "only one of them seals it", status,
               sealed ? DropReason::kCount : sealed.error());
    } else if (both && !std::ranges::equal(ours.data(), theirs.octets)) {
      disagree(theirs, "sealed differently: " + to_hex(ours.data()), status, DropReason::kCount);
    }
    if (!both) return std::nullopt;
    if (stream.history.size() < kHistory) {
      stream.history.push_back(theirs);
    } else {
      stream.history[stream.at] = theirs;
    }
    stream.at = (stream.at + 1) % kHistory;
    return theirs;
  }

  void deliver(const Sealed& packet, bool is_intact) {
    ++delivered_;
    Octets theirs = packet.octets;
    const srtp_err_status_t status =
        packet.is_rtcp ? oracle_receiver_.open_rtcp(theirs) : oracle_receiver_.open_rtp(theirs);
    PacketBuf ours = buffer(packet.octets);
    const auto result = open(ours, packet.is_rtcp);
    const DropReason reason = result ? DropReason::kCount : result.error();
    if (result.has_value() != (status == srtp_err_status_ok)) {
      return disagree(packet, "only one of them opens it", status, reason);
    }
    if (result && !std::ranges::equal(std::as_const(ours).data(), theirs)) {
      return disagree(packet, "opened differently", status, reason);
    }
    const bool they_call_it_replay =
        status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old;
    if (is_intact && they_call_it_replay != (reason == DropReason::Replayed)) {
      return disagree(packet, "only one of them calls it a replay", status, reason);
    }
    if (result) ++opened_;
    if (they_call_it_replay) ++replays_;
  }

  Result<OpenInfo, DropReason> open(PacketBuf& packet, bool is_rtcp) {
    if (is_rtcp) {
      if (packet.size() < wire::kRtcpFixedOctets) return failure(DropReason::Truncated);
      return receiver_->open_rtcp(packet);
    }
    const auto layout = wire::parse_rtp_header(packet.data());
    if (!layout) return failure(layout.error());
    return receiver_->open_rtp(packet, layout->header_octets);
  }

  void disagree(const Sealed& packet, const std::string& what, srtp_err_status_t status,
                DropReason reason) {
    disagreement_ = "packet " + std::to_string(delivered_) + ": " + what + "; libsrtp " +
                    std::to_string(status) + ", ours " +
                    (reason == DropReason::kCount ? "ok" : std::string(name_of(reason))) +
                    (packet.is_rtcp ? "; rtcp " : "; rtp ") + to_hex(packet.octets);
  }

  Random random_;
  PacketPool pool_{4};
  LibsrtpOracle oracle_sender_;
  LibsrtpOracle oracle_receiver_;
  std::unique_ptr<AnySender> sender_;
  std::unique_ptr<AnyReceiver> receiver_;
  bool may_rekey_;
  std::array<Stream, 4> streams_;
  std::uint64_t delivered_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t replays_ = 0;
  std::optional<std::string> disagreement_;
};

inline DifferentialKeys::DifferentialKeys(wire::SrtpSuite suite, std::size_t mki_octets) {
  all.suite = suite;
  all.keys.push_back(make_key(suite, 1));
  all.keys[0].mki.assign(mki_octets, std::byte{0x11});
  // With MKIs and a short SRTP tag libsrtp can only be asked about one key; see LibsrtpOracle.
  if (mki_octets == 0 || wire::facts_of(suite).rtp_tag == 4) return;
  all.keys.push_back(make_key(suite, 2));
  all.keys[1].mki.assign(mki_octets, std::byte{0x22});
  second.suite = suite;
  second.keys.push_back(make_key(suite, 2));
  second.keys[0].mki = all.keys[1].mki;
}

}  // namespace causeway::srtp::test
