#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "relay/base/static_vector.h"
#include "relay/srtp/master_key.h"
#include "relay/srtp/mki.h"
#include "relay/srtp/packet_index.h"
#include "relay/srtp/replay_window.h"
#include "relay/srtp/stream_table.h"

namespace causeway::srtp {

/// What SrtpSender does, on buffers, under the given rules. See there for the contract.
template <typename R = Rules>
class SenderCore {
 public:
  /// Errors: Internal TRANSFORM. REQUIRES: check_keys() has accepted `keys`.
  [[nodiscard]] static Result<std::unique_ptr<SenderCore>, Error> create(
      const wire::SrtpKeys& keys, const SrtpOptions& options) {
    const wire::SrtpSuiteFacts& facts = wire::facts_of(keys.suite);
    auto key = MasterKey<R>::create(facts, keys.keys.front(), options, Direction::Seal);
    if (!key) return failure(std::move(key).error());
    return std::unique_ptr<SenderCore>(new SenderCore(facts, std::move(*key), options));
  }

  /// Seals in place. REQUIRES: `header_octets` is that of the packet's RTP header.
  [[nodiscard]] Result<void, DropReason> seal_rtp(PacketBuf& packet, std::size_t header_octets) {
    const Bytes data = std::as_const(packet).data();
    const Ssrc ssrc(load_be32(&data[8]));
    const SeqNum seq(load_be16(&data[2]));
    const std::size_t tag = facts_->rtp_tag;
    if (packet.tail_room() < tag + key_.mki().size()) return failure(DropReason::TooLarge);
    if (key_.has_expired_for_rtp()) return failure(DropReason::KeyExpired);
    auto stream = find_or_add(ssrc);
    if (!stream) return failure(stream.error());
    ReplayWindow<R>& used = (*stream)->rtp;
    const auto index =
        used.is_used() ? guess_index<R>(used.newest(), seq) : make_index(options_.initial_roc, seq);
    if (!index) return failure(DropReason::KeyExpired);
    if (!used.check(*index)) return failure(DropReason::Replayed);
    // Spent before the transform runs: whatever becomes of it, this index is not used again.
    used.commit(*index);
    streams_.touch(ssrc);
    key_.count_rtp();
    if (auto sealed = key_.seal_rtp(packet, header_octets, ssrc, *index); !sealed) return sealed;
    put_in_mki(packet, tag);
    return {};
  }

  /// Seals in place. REQUIRES: packet.size() >= 8.
  [[nodiscard]] Result<void, DropReason> seal_rtcp(PacketBuf& packet) {
    const Ssrc ssrc(load_be32(&std::as_const(packet).data()[4]));
    const std::size_t tag = R::kSrtcpTagStaysLong ? facts_->rtcp_tag : facts_->rtp_tag;
    if (packet.tail_room() < 4 + tag + key_.mki().size()) return failure(DropReason::TooLarge);
    if (key_.has_expired_for_rtcp()) return failure(DropReason::KeyExpired);
    auto stream = find_or_add(ssrc);
    if (!stream) return failure(stream.error());
    std::uint32_t& newest = (*stream)->srtcp_newest;
    if (newest == kMaxSrtcpIndex) return failure(DropReason::KeyExpired);
    // The first one is 1, as libsrtp has it.
    ++newest;
    streams_.touch(ssrc);
    key_.count_rtcp();
    if (auto sealed = key_.seal_rtcp(packet, ssrc, newest); !sealed) return sealed;
    put_in_mki(packet, tag);
    return {};
  }

  void adopt(SenderCore& fresh) {
    std::swap(options_, fresh.options_);
    std::swap(facts_, fresh.facts_);
    std::swap(key_, fresh.key_);
    if (key_.is_same_key(fresh.key_)) {
      key_.swap_history(fresh.key_);
      return;
    }
    const bool is_remembered = remember(fresh.key_);
    const bool begins_anew =
        options_.roc_on_rekey == RocPolicy::Reset && is_remembered && !was_used_before(key_);
    if (begins_anew) {
      streams_.forget_all_past();
      streams_.for_each([](Ssrc, Stream& stream) { stream.begin_anew(); });
    } else {
      const bool is_ambiguous = options_.roc_on_rekey == RocPolicy::Auto && key_.mki().empty();
      streams_.for_each([&](Ssrc, Stream& stream) {
        stream.is_ambiguous = is_ambiguous && (stream.rtp.newest() >> 16) != 0;
      });
    }
    LibsrtpKey* const now = key_.libsrtp();
    LibsrtpKey* const before = fresh.key_.libsrtp();
    if (now == nullptr || before == nullptr) return;
    const bool goes_on = !begins_anew && now->continue_from(*before);
    if (!goes_on) {
      streams_.for_each([](Ssrc, Stream& stream) { stream.srtcp_newest = 0; });
    }
  }

  [[nodiscard]] bool needs_new_ssrc(Ssrc ssrc) {
    const Stream* const stream = streams_.find(ssrc);
    return stream != nullptr && stream->is_ambiguous;
  }
  [[nodiscard]] bool key_is_low() const { return key_.is_low(); }

  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  [[nodiscard]] StreamIndex stream(std::size_t i) const { return streams_.position(i); }
  [[nodiscard]] Result<void, Error> restore(std::span<const StreamIndex> streams) {
    for (const StreamIndex& at : streams.first(std::min(streams.size(), streams_.capacity()))) {
      Stream* const live = streams_.find(at.ssrc);
      (live != nullptr ? *live : streams_.add(at.ssrc).entry).restore(at);
      LibsrtpKey* const libsrtp = key_.libsrtp();
      if (libsrtp != nullptr && at.has_srtcp && !libsrtp->count_up_srtcp(at.ssrc, at.srtcp_index)) {
        return failure(Error{.code = ErrorCode::FailedPrecondition,
                             .reason = "SRTCP_INDEX",
                             .field = "srtcp_index",
                             .detail = "libsrtp cannot be set to an SRTCP index this high"});
      }
    }
    return {};
  }

 private:
  static constexpr std::uint32_t kMaxSrtcpIndex = 0x7fffffff;

  struct Stream {
    explicit Stream(const SrtpOptions& options) : rtp(options.replay_window) {}

    void clear() {
      rtp.clear();
      srtcp_newest = 0;
      is_ambiguous = false;
    }
    // A new key, and peers that count its wraps from 0. The SRTCP index is never reset (3.4).
    void begin_anew() {
      if (!rtp.is_used()) return;
      const std::uint64_t seq = rtp.newest() & 0xffff;
      rtp.restore(seq);
    }
    [[nodiscard]] StreamIndex position() const {
      return {.ssrc = {},
              .rtp_index = rtp.newest(),
              .srtcp_index = srtcp_newest,
              .has_rtp = rtp.is_used(),
              .has_srtcp = srtcp_newest != 0};
    }
    void restore(const StreamIndex& at) {
      clear();
      if (at.has_rtp) rtp.restore(at.rtp_index);
      if (at.has_srtcp) srtcp_newest = at.srtcp_index;
    }

    ReplayWindow<R> rtp;
    std::uint32_t srtcp_newest = 0;
    bool is_ambiguous = false;
  };

  SenderCore(const wire::SrtpSuiteFacts& facts, MasterKey<R> key, const SrtpOptions& options)
      : options_(options),
        facts_(&facts),
        key_(std::move(key)),
        streams_(options.max_ssrcs, Stream(options)) {}

  Result<Stream*, DropReason> find_or_add(Ssrc ssrc) {
    if (Stream* const stream = streams_.find(ssrc)) [[likely]]
      return stream;
    if (!streams_.has_room_for(ssrc)) return failure(DropReason::TooManySsrcs);
    const auto added = streams_.add(ssrc);
    if (added.replaced) key_.forget(*added.replaced);
    return &added.entry;
  }

  void put_in_mki(PacketBuf& packet, std::size_t tag) const {
    if (key_.mki().empty()) return;
    MkiPlace<R>(key_.mki().size(), tag, facts_->is_aead).put_in(packet, key_.mki());
  }

  // Keys replaced so far; false where there is no room to remember another. A counter only ever
  // begins anew under a key that is not among them: otherwise its indices would be used twice.
  bool remember(const MasterKey<R>& key) {
    if (was_used_before(key)) return true;
    if (replaced_.full()) return false;
    replaced_.push_back(key.fingerprint());
    return true;
  }
  [[nodiscard]] bool was_used_before(const MasterKey<R>& key) const {
    return std::ranges::find(replaced_, key.fingerprint()) != replaced_.end();
  }

  SrtpOptions options_;
  const wire::SrtpSuiteFacts* facts_;
  MasterKey<R> key_;
  StreamTable<Stream> streams_;
  StaticVector<Fingerprint, 16> replaced_;
};

}  // namespace causeway::srtp
