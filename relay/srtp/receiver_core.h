#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "relay/base/static_vector.h"
#include "relay/base/time.h"
#include "relay/srtp/master_key.h"
#include "relay/srtp/mki.h"
#include "relay/srtp/packet_index.h"
#include "relay/srtp/replay_window.h"
#include "relay/srtp/stream_table.h"

namespace causeway::srtp {

/// A packet that may be tried under more than one key or index. A try may leave rubbish behind.
class Tries {
 public:
  explicit Tries(PacketBuf& packet) : packet_(packet) {}
  Tries(const Tries&) = delete;
  Tries& operator=(const Tries&) = delete;

  [[nodiscard]] PacketBuf& packet() { return packet_; }
  /// Call before the first try if others may follow.
  void keep() {
    if (octets_ != 0) return;
    octets_ = packet_.size();
    std::ranges::copy(packet_.data(), copy_);
  }
  /// Back to how the packet came. REQUIRES: keep() was called.
  void rewind() {
    packet_.resize(octets_);
    std::copy_n(copy_, octets_, packet_.data().begin());
  }

 private:
  PacketBuf& packet_;
  std::size_t octets_ = 0;
  std::byte copy_[PacketBuf::kCapacity];  // not initialised: most packets never need it
};

/// How often a second packets may be tried under several rollover counters and fail them all.
class ProbeBudget {
 public:
  static constexpr unsigned kFailuresPerSecond = 10;

  [[nodiscard]] bool allows(Instant now) const {
    return failures_ < kFailuresPerSecond || now - since_ >= std::chrono::seconds(1);
  }
  void count_failure(Instant now) {
    if (failures_ == 0 || now - since_ >= std::chrono::seconds(1)) {
      since_ = now;
      failures_ = 0;
    }
    ++failures_;
  }

 private:
  Instant since_{};
  unsigned failures_ = 0;
};

/// What SrtpReceiver does, on buffers, under the given rules. See there for the contract.
///
///     packet -> keys by MKI -> index -> window.check -> tag, decrypt -> window.commit
///                 |             |
///                 |             +- SSRC not live: where it is expected, else late join
///                 +- not under the current keys: under those in their grace
template <typename R = Rules>
class ReceiverCore {
 public:
  /// Errors: Internal TRANSFORM. REQUIRES: check_keys() has accepted `keys`.
  [[nodiscard]] static Result<std::unique_ptr<ReceiverCore>, Error> create(
      const wire::SrtpKeys& keys, const SrtpOptions& options) {
    auto core = std::unique_ptr<ReceiverCore>(new ReceiverCore(keys, options));
    for (const wire::SrtpMasterKey& key : keys.keys) {
      auto made = MasterKey<R>::create(*core->current_.facts, key, options, Direction::Open);
      if (!made) return failure(std::move(made).error());
      core->current_.keys.push_back(std::move(*made));
    }
    return core;
  }

  /// Opens in place. REQUIRES: `header_octets` is that of the packet's RTP header.
  [[nodiscard]] Result<OpenInfo, DropReason> open_rtp(PacketBuf& packet, std::size_t header_octets,
                                                      Instant now) {
    const Bytes data = std::as_const(packet).data();
    const RtpPacket rtp{header_octets, Ssrc(load_be32(&data[8])), SeqNum(load_be16(&data[2])), now};
    return open(packet, now, [&](Generation& keys, StreamTable<Stream>& table, Tries& tries) {
      return open_rtp_under(keys, table, tries, rtp);
    });
  }

  /// Opens in place. REQUIRES: packet.size() >= 8.
  [[nodiscard]] Result<OpenInfo, DropReason> open_rtcp(PacketBuf& packet, Instant now) {
    return open(packet, now, [&](Generation& keys, StreamTable<Stream>& table, Tries& tries) {
      return open_rtcp_under(keys, table, tries.packet());
    });
  }

  void adopt(ReceiverCore& fresh, Instant now, Duration grace) {
    std::swap(options_, fresh.options_);
    if (!shares_a_key(fresh.current_, current_) && previous_.table != nullptr &&
        shares_a_key(fresh.current_, previous_)) {
      std::swap(current_, previous_);  // back to a key that has just been replaced
      grace_ends_ = now + grace;
    }
    if (shares_a_key(fresh.current_, current_)) {
      adopt_overlapping(fresh.current_, now, grace);
      return;
    }
    fresh.current_.table->expect_all_of(*current_.table);
    std::swap(fresh.previous_, previous_);
    std::swap(previous_, current_);
    std::swap(current_, fresh.current_);
    grace_ends_ = now + grace;
  }

  [[nodiscard]] std::optional<Instant> grace_ends() const {
    if (previous_.keys.empty()) return std::nullopt;
    return grace_ends_;
  }
  void retire_into(ReceiverCore& shell) { std::swap(previous_, shell.previous_); }

  [[nodiscard]] std::size_t streams() const { return current_.table->size(); }
  [[nodiscard]] StreamIndex stream(std::size_t i) const { return current_.table->position(i); }
  void restore(std::span<const StreamIndex> streams) {
    for (const StreamIndex& at :
         streams.first(std::min(streams.size(), current_.table->capacity()))) {
      Stream* const live = current_.table->find(at.ssrc);
      (live != nullptr ? *live : add_stream(*current_.table, at.ssrc)).restore(at);
    }
  }

 private:
  struct Stream {
    explicit Stream(const SrtpOptions& options)
        : rtp(options.replay_window), rtcp(options.srtcp_replay_window) {}

    void clear() {
      rtp.clear();
      rtcp.clear();
    }
    [[nodiscard]] StreamIndex position() const {
      return {.ssrc = {},
              .rtp_index = rtp.newest(),
              .srtcp_index = static_cast<std::uint32_t>(rtcp.newest()),
              .has_rtp = rtp.is_used(),
              .has_srtcp = rtcp.is_used()};
    }
    void restore(const StreamIndex& at) {
      clear();
      if (at.has_rtp) rtp.restore(at.rtp_index);
      if (at.has_srtcp) rtcp.restore(at.srtcp_index);
    }

    ReplayWindow<R> rtp;
    ReplayWindow<R> rtcp;
  };

  // Master keys that came together, and the SSRCs heard under them. Keys in their grace have no
  // table where they share the current one's: their successors have a key in common with them.
  struct Generation {
    const wire::SrtpSuiteFacts* facts = nullptr;
    std::size_t mki_octets = 0;
    std::vector<MasterKey<R>> keys;
    std::unique_ptr<StreamTable<Stream>> table;

    [[nodiscard]] MasterKey<R>* find(Bytes mki) {
      if (mki_octets == 0) return keys.data();
      const auto found = std::ranges::find_if(
          keys, [&](const MasterKey<R>& key) { return std::ranges::equal(key.mki(), mki); });
      return found == keys.end() ? nullptr : &*found;
    }
    [[nodiscard]] std::size_t rtcp_tag() const {
      return R::kSrtcpTagStaysLong ? facts->rtcp_tag : facts->rtp_tag;
    }
  };

  struct RtpPacket {
    std::size_t header_octets;
    Ssrc ssrc;
    SeqNum seq;
    Instant now;
  };

  // Indices that the first packet of an SSRC may have, the likeliest first.
  struct Candidates {
    StaticVector<std::uint64_t, 34> indices;
    std::size_t going_on = 0;  // so many, the first ones, go on from where the SSRC was
    bool is_probe = false;     // the last ones are a late join's guesses
  };

  ReceiverCore(const wire::SrtpKeys& keys, const SrtpOptions& options) : options_(options) {
    current_.facts = &wire::facts_of(keys.suite);
    current_.mki_octets = keys.keys.front().mki.size();
    current_.keys.reserve(keys.keys.size());
    current_.table = std::make_unique<StreamTable<Stream>>(options.max_ssrcs, Stream(options));
    // libsrtp cannot be asked "would this verify?" without a stream of its own for each guess.
    if (options.transform == Transform::Libsrtp) options_.late_join_rocs = 0;
  }

  // Under the current keys, then under those in their grace.
  template <typename OpenUnder>
  Result<OpenInfo, DropReason> open(PacketBuf& packet, Instant now, OpenUnder open_under) {
    Tries tries(packet);
    const bool in_grace = !previous_.keys.empty() && now < grace_ends_;
    if (in_grace) tries.keep();
    auto opened = open_under(current_, *current_.table, tries);
    if (opened || !in_grace) [[likely]]
      return opened;
    tries.rewind();
    StreamTable<Stream>& table = previous_.table != nullptr ? *previous_.table : *current_.table;
    auto late = open_under(previous_, table, tries);
    // Where an MKI names a key in its grace, the current keys had nothing to say.
    if (!late) return opened.error() == DropReason::UnknownMki ? late : opened;
    late->by_retired_key = true;
    // Once an SSRC was heard under the new key, nothing under the old one is news.
    if (previous_.table != nullptr && current_.table->find(late->ssrc) != nullptr) {
      late->is_newest = false;
    }
    return late;
  }

  Result<OpenInfo, DropReason> open_rtp_under(Generation& keys, StreamTable<Stream>& table,
                                              Tries& tries, const RtpPacket& rtp) {
    PacketBuf& packet = tries.packet();
    const std::size_t tag = keys.facts->rtp_tag;
    const MkiPlace<R> place(keys.mki_octets, tag, keys.facts->is_aead);
    if (packet.size() < rtp.header_octets + keys.mki_octets + tag) {
      return failure(DropReason::Truncated);
    }
    MasterKey<R>* const key = keys.find(place.find(packet.data()));
    if (key == nullptr) return failure(DropReason::UnknownMki);
    if (key->has_expired_for_rtp()) return failure(DropReason::KeyExpired);
    Stream* const stream = table.find(rtp.ssrc);
    if (stream == nullptr || !stream->rtp.is_used()) {
      return open_first(keys, table, *key, place, tries, rtp);
    }
    const auto index = guess_index<R>(stream->rtp.newest(), rtp.seq);
    if (!index) return failure(DropReason::KeyExpired);
    if (!stream->rtp.check(*index)) return failure(DropReason::Replayed);
    if constexpr (!R::kCommitAfterTag) stream->rtp.commit(*index);
    if (keys.mki_octets != 0) place.take_out(packet);
    if (auto opened = key->open_rtp(packet, rtp.header_octets, rtp.ssrc, *index); !opened) {
      return failure(opened.error());
    }
    const OpenInfo info{
        .index = *index, .ssrc = rtp.ssrc, .is_newest = stream->rtp.is_newer(*index)};
    stream->rtp.commit(*index);
    table.touch(rtp.ssrc);
    key->count_rtp();
    return info;
  }

  // An SSRC without RTP so far under these keys: its index is not known for sure, so the tag is
  // asked. Nothing is added to the table before it has answered.
  Result<OpenInfo, DropReason> open_first(Generation& keys, StreamTable<Stream>& table,
                                          MasterKey<R>& key, const MkiPlace<R>& place, Tries& tries,
                                          const RtpPacket& rtp) {
    const typename StreamTable<Stream>::Past* past = table.find_past(rtp.ssrc);
    if (past != nullptr && !past->has_rtp) past = nullptr;
    const auto candidates =
        past != nullptr ? candidates_after(*past, rtp) : candidates_of_unknown(keys, rtp);
    if (!candidates) return failure(candidates.error());
    if (candidates->indices.size() > 1) tries.keep();
    for (std::size_t i = 0; i < candidates->indices.size(); ++i) {
      const std::uint64_t index = candidates->indices[i];
      if (i > 0) tries.rewind();
      if (keys.mki_octets != 0) place.take_out(tries.packet());
      if (!key.open_rtp(tries.packet(), rtp.header_octets, rtp.ssrc, index)) continue;
      const bool began_anew = i >= candidates->going_on;
      const OpenInfo info{.index = index,
                          .ssrc = rtp.ssrc,
                          .is_newest = began_anew || index > past->rtp_index,
                          .is_new_ssrc = past == nullptr};
      begin_stream(table, rtp.ssrc, index);
      key.count_rtp();
      return info;
    }
    if (candidates->is_probe) budget_.count_failure(rtp.now);
    return failure(DropReason::AuthFailed);
  }

  void begin_stream(StreamTable<Stream>& table, Ssrc ssrc, std::uint64_t index) {
    Stream* const live = table.find(ssrc);  // live already where SRTCP came first
    (live != nullptr ? *live : add_stream(table, ssrc)).rtp.commit(index);
    table.forget_past(ssrc);
    table.touch(ssrc);
  }

  // Of an SSRC that was live before. Under these keys, what it used is spent; under earlier ones,
  // its rollover counter goes on, or begins anew (RocPolicy).
  Result<Candidates, DropReason> candidates_after(const typename StreamTable<Stream>::Past& past,
                                                  const RtpPacket& rtp) const {
    Candidates candidates;
    const auto goes_on = guess_index<R>(past.rtp_index, rtp.seq);
    if (!past.is_of_earlier_key) {
      if (!goes_on) return failure(DropReason::KeyExpired);
      if (*goes_on <= past.rtp_index) return failure(DropReason::Replayed);
      candidates.indices.push_back(*goes_on);
      candidates.going_on = 1;
      return candidates;
    }
    const bool may_go_on = options_.roc_on_rekey != RocPolicy::Reset;
    const bool may_begin_anew = options_.roc_on_rekey != RocPolicy::Keep;
    if (goes_on && may_go_on) {
      candidates.indices.push_back(*goes_on);
      candidates.going_on = 1;
    }
    // While an old key is in its grace, what the current ones do not open is most likely its own.
    const bool has_grace_ended = grace_ends().value_or(rtp.now) <= rtp.now;
    if (may_begin_anew || !goes_on) add_new_counters(candidates, rtp, has_grace_ended);
    return candidates;
  }

  Result<Candidates, DropReason> candidates_of_unknown(const Generation& keys,
                                                       const RtpPacket& rtp) const {
    Candidates candidates;
    // Old keys are in their grace for packets on their way, not for those who join.
    add_new_counters(candidates, rtp, &keys == &current_);
    return candidates;
  }

  // A rollover counter that began when we were not listening: where we were told to expect it, and
  // (late join) a few above.
  void add_new_counters(Candidates& candidates, const RtpPacket& rtp, bool may_probe) const {
    const auto add = [&](std::uint32_t roc) {
      const std::uint64_t index = make_index(roc, rtp.seq);
      if (std::ranges::find(candidates.indices, index) == candidates.indices.end()) {
        candidates.indices.push_back(index);
      }
    };
    add(options_.initial_roc);
    candidates.is_probe = may_probe && options_.late_join_rocs > 0 && budget_.allows(rtp.now);
    for (std::uint32_t more = 1; candidates.is_probe && more <= options_.late_join_rocs; ++more) {
      if (options_.initial_roc > 0xffffffffU - more) break;
      add(options_.initial_roc + more);
    }
  }

  Result<OpenInfo, DropReason> open_rtcp_under(Generation& keys, StreamTable<Stream>& table,
                                               PacketBuf& packet) {
    const std::size_t tag = keys.rtcp_tag();
    const MkiPlace<R> place(keys.mki_octets, tag, keys.facts->is_aead);
    if (packet.size() < wire::kRtcpFixedOctets + 4 + keys.mki_octets + tag) {
      return failure(DropReason::Truncated);
    }
    MasterKey<R>* const key = keys.find(place.find(packet.data()));
    if (key == nullptr) return failure(DropReason::UnknownMki);
    if (key->has_expired_for_rtcp()) return failure(DropReason::KeyExpired);
    if (keys.mki_octets != 0) place.take_out(packet);
    const Bytes data = std::as_const(packet).data();
    const std::uint32_t word = load_be32(&data[data.size() - 4 - (keys.facts->is_aead ? 0 : tag)]);
    if ((word & R::kSrtcpEncrypted) == 0 && !options_.allow_unencrypted_srtcp) {
      return failure(DropReason::Unsupported);
    }
    const Ssrc ssrc(load_be32(&data[4]));
    const std::uint32_t index = word & 0x7fffffffU;
    Stream* stream = table.find(ssrc);
    const auto* const past = stream == nullptr ? table.find_past(ssrc) : nullptr;
    if (stream != nullptr && !stream->rtcp.check(index)) return failure(DropReason::Replayed);
    if (past != nullptr && !past->is_of_earlier_key && past->has_srtcp &&
        index <= past->srtcp_index) {
      return failure(DropReason::Replayed);
    }
    if (auto opened = key->open_rtcp(packet, ssrc, word); !opened) return failure(opened.error());
    if (stream == nullptr) stream = &add_stream(table, ssrc);
    const OpenInfo info{.index = index,
                        .ssrc = ssrc,
                        .is_newest = stream->rtcp.is_newer(index),
                        .is_new_ssrc = past == nullptr && !stream->rtcp.is_used()};
    stream->rtcp.commit(index);
    table.touch(ssrc);
    key->count_rtcp();
    return info;
  }

  Stream& add_stream(StreamTable<Stream>& table, Ssrc ssrc) {
    const auto added = table.add(ssrc);
    if (added.replaced) {
      for (MasterKey<R>& key : current_.keys) key.forget(*added.replaced);
      for (MasterKey<R>& key : previous_.keys) key.forget(*added.replaced);
    }
    return added.entry;
  }

  [[nodiscard]] static bool shares_a_key(const Generation& a, const Generation& b) {
    return std::ranges::any_of(a.keys, [&](const MasterKey<R>& key) { return contains(b, key); });
  }
  [[nodiscard]] static bool contains(const Generation& keys, const MasterKey<R>& key) {
    return std::ranges::any_of(keys.keys,
                               [&](const MasterKey<R>& other) { return other.is_same_key(key); });
  }

  // Keys that stay keep their transforms, and all keep the table: an index stays spent.
  void adopt_overlapping(Generation& fresh, Instant now, Duration grace) {
    const bool drops_a_key = std::ranges::any_of(
        current_.keys, [&](const MasterKey<R>& key) { return !contains(fresh, key); });
    for (MasterKey<R>& key : fresh.keys) {
      const auto same = std::ranges::find_if(
          current_.keys, [&](const MasterKey<R>& old) { return old.is_same_key(key); });
      if (same != current_.keys.end()) key.swap_history(*same);
    }
    std::swap(fresh.table, current_.table);
    std::swap(fresh, current_);
    if (!drops_a_key) return;
    fresh.table.reset();
    std::swap(fresh, previous_);
    grace_ends_ = now + grace;
  }

  SrtpOptions options_;
  Generation current_;
  Generation previous_;
  Instant grace_ends_{};
  ProbeBudget budget_;
};

}  // namespace causeway::srtp
