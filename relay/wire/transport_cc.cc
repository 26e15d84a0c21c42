#include "relay/wire/transport_cc.h"

#include <algorithm>
#include <array>
#include <limits>

#include "relay/base/packet_buf.h"

namespace causeway::wire {

namespace {

constexpr std::size_t kFixedOctets = 8;
constexpr std::size_t kMaxRun = 0x1fff;
constexpr std::size_t kOneBitSymbols = 14;
constexpr std::size_t kTwoBitSymbols = 7;
constexpr std::int64_t kTicksPerReference = kTransportCcReference / kTransportCcTick;

enum Symbol : unsigned { Missing = 0, SmallDelta = 1, LargeDelta = 2, Reserved = 3 };

// ---- chunks, read ------------------------------------------------------------------------------

bool is_run(std::uint16_t chunk) { return (chunk & 0x8000U) == 0; }

std::size_t symbols_in(std::uint16_t chunk) {
  if (is_run(chunk)) return chunk & kMaxRun;
  return (chunk & 0x4000U) == 0 ? kOneBitSymbols : kTwoBitSymbols;
}

Symbol symbol_of(std::uint16_t chunk, std::size_t place) {
  if (is_run(chunk)) return static_cast<Symbol>((chunk >> 13) & 3U);
  if ((chunk & 0x4000U) == 0) return static_cast<Symbol>((chunk >> (13 - place)) & 1U);
  return static_cast<Symbol>((chunk >> (12 - 2 * place)) & 3U);
}

/// Octets of deltas behind the first `symbols` of a chunk; nothing where one is reserved.
std::optional<std::size_t> delta_octets(std::uint16_t chunk, std::size_t symbols) {
  if (is_run(chunk)) {
    const Symbol symbol = symbol_of(chunk, 0);
    if (symbol == Reserved) return std::nullopt;
    return symbols * symbol;
  }
  std::size_t octets = 0;
  for (std::size_t i = 0; i < symbols; ++i) {
    const Symbol symbol = symbol_of(chunk, i);
    if (symbol == Reserved) return std::nullopt;
    octets += symbol;
  }
  return octets;
}

std::int64_t ticks_of(Duration at) {
  const std::int64_t ticks = at / kTransportCcTick;
  return ticks * kTransportCcTick > at ? ticks - 1 : ticks;
}

// ---- chunks, written ---------------------------------------------------------------------------

/// One feedback's chunks and deltas, made chunk by chunk until there is no room for another.
class FeedbackBody {
 public:
  FeedbackBody(SeqNum base, std::span<const TransportArrival> arrivals, std::size_t room)
      : base_(base), room_(std::min(room, PacketBuf::kMaxData)) {
    const std::int64_t first = ticks_of(arrivals.front().at);
    reference_ = first / kTicksPerReference - (first % kTicksPerReference < 0 ? 1 : 0);
    std::size_t usable = 0;
    std::int64_t before = reference_ * kTicksPerReference;
    for (const TransportArrival& arrival : arrivals) {
      const std::int64_t delta = ticks_of(arrival.at) - before;
      if (delta < std::numeric_limits<std::int16_t>::min() ||
          delta > std::numeric_limits<std::int16_t>::max()) {
        break;
      }
      before += delta;
      ++usable;
    }
    arrivals_ = arrivals.first(usable);
    while (done_ < arrivals_.size() && add_chunk()) {
    }
  }

  /// How many arrivals are in.
  [[nodiscard]] std::size_t arrivals() const { return done_; }
  /// The whole FCI. REQUIRES: arrivals() != 0.
  [[nodiscard]] Bytes fci(std::uint8_t number) {
    store_be16(&octets_[0], base_.raw());
    store_be16(&octets_[2], static_cast<std::uint16_t>(place_));
    store_be32(&octets_[4], (static_cast<std::uint32_t>(reference_) << 8) | number);
    std::size_t used = kFixedOctets + chunk_octets_;
    std::copy_n(deltas_.begin(), delta_octets_,
                octets_.begin() + static_cast<std::ptrdiff_t>(used));
    used += delta_octets_;
    while (used % 4 != 0) octets_[used++] = std::byte{0};
    return Bytes(octets_).first(used);
  }

 private:
  [[nodiscard]] std::size_t place_of(std::size_t arrival) const {
    return static_cast<std::uint16_t>(arrivals_[arrival].seq.raw() - base_.raw());
  }
  [[nodiscard]] std::int64_t delta_of(std::size_t arrival) const {
    const std::int64_t before =
        arrival == 0 ? reference_ * kTicksPerReference : ticks_of(arrivals_[arrival - 1].at);
    return ticks_of(arrivals_[arrival].at) - before;
  }
  [[nodiscard]] Symbol symbol_at(std::size_t place, std::size_t& arrival) const {
    if (place < place_of(arrival)) return Missing;
    const std::int64_t delta = delta_of(arrival++);
    return delta >= 0 && delta <= 0xff ? SmallDelta : LargeDelta;
  }
  /// Numbers from `place_` on of which the same is to be said.
  [[nodiscard]] std::size_t run_length() const {
    std::size_t arrival = done_;
    if (place_ < place_of(arrival)) return std::min(kMaxRun, place_of(arrival) - place_);
    const Symbol symbol = symbol_at(place_, arrival);
    std::size_t length = 1;
    while (length < kMaxRun && arrival < arrivals_.size() &&
           symbol_at(place_ + length, arrival) == symbol) {
      ++length;
    }
    return length;
  }

  /// Whether there was room for it.
  bool add_chunk() {
    const std::size_t left = place_of(arrivals_.size() - 1) + 1 - place_;
    // As many symbols as a chunk may hold, until one asks for two bits.
    std::array<Symbol, kOneBitSymbols> symbols{};
    std::size_t arrival = done_;
    bool are_one_bit = true;
    for (std::size_t i = 0; i < std::min(left, symbols.size()); ++i) {
      symbols[i] = symbol_at(place_ + i, arrival);
      are_one_bit = are_one_bit && symbols[i] != LargeDelta;
    }
    const std::size_t covered = std::min(left, are_one_bit ? kOneBitSymbols : kTwoBitSymbols);
    std::size_t run = run_length();
    std::uint16_t chunk = 0;
    if (run >= covered) {
      if (symbols[0] != Missing) run = std::min(run, room_for_deltas() / symbols[0]);
      if (run == 0) return false;
      chunk = static_cast<std::uint16_t>((symbols[0] << 13U) | run);
    } else if (are_one_bit) {
      chunk = 0x8000U;
      for (std::size_t i = 0; i < covered; ++i) {
        chunk = static_cast<std::uint16_t>(chunk | (symbols[i] << (13U - i)));
      }
    } else {
      chunk = 0xc000U;
      for (std::size_t i = 0; i < covered; ++i) {
        chunk = static_cast<std::uint16_t>(chunk | (symbols[i] << (12U - 2U * i)));
      }
    }
    return commit(chunk, is_run(chunk) ? run : covered);
  }

  /// Beside one more chunk and what fills up the last word.
  [[nodiscard]] std::size_t room_for_deltas() const {
    const std::size_t used = kFixedOctets + chunk_octets_ + delta_octets_ + 2 + 3;
    return used < room_ ? room_ - used : 0;
  }

  bool commit(std::uint16_t chunk, std::size_t symbols) {
    const std::size_t deltas = *delta_octets(chunk, symbols);
    if (kFixedOctets + chunk_octets_ + delta_octets_ + 2 + 3 > room_ ||
        deltas > room_for_deltas()) {
      return false;
    }
    store_be16(&octets_[kFixedOctets + chunk_octets_], chunk);
    chunk_octets_ += 2;
    for (std::size_t i = 0; i < symbols; ++i) {
      const Symbol symbol = symbol_of(chunk, i);
      if (symbol == Missing) continue;
      const std::int64_t delta = delta_of(done_++);
      if (symbol == SmallDelta) {
        store_u8(&deltas_[delta_octets_], static_cast<std::uint8_t>(delta));
      } else {
        store_be16(&deltas_[delta_octets_], static_cast<std::uint16_t>(delta));
      }
      delta_octets_ += symbol;
    }
    place_ += symbols;
    return true;
  }

  SeqNum base_;
  std::span<const TransportArrival> arrivals_;
  std::size_t room_;
  std::int64_t reference_ = 0;
  std::size_t place_ = 0;  // numbers reported on, from the base
  std::size_t done_ = 0;   // arrivals reported
  std::size_t chunk_octets_ = 0;
  std::size_t delta_octets_ = 0;
  std::array<std::byte, PacketBuf::kMaxData> octets_;  // written before they are read, both
  std::array<std::byte, PacketBuf::kMaxData> deltas_;
};

}  // namespace

std::optional<TransportCc> TransportCc::parse(const Feedback& feedback) {
  const Bytes fci = feedback.fci;
  if (!feedback.is(RtpfbType::TransportCc) || fci.size() < kFixedOctets) return std::nullopt;
  TransportCc view;
  view.base_ = SeqNum(load_be16(fci.data()));
  view.size_ = load_be16(&fci[2]);
  // A signed field of 24 bits, then the feedback's number.
  const std::uint32_t word = load_be32(&fci[4]);
  view.ticks_ = (static_cast<std::int32_t>(word) >> 8) * kTicksPerReference;
  view.number_ = static_cast<std::uint8_t>(word);
  if (view.size_ == 0) return std::nullopt;
  std::size_t at = kFixedOctets;
  std::size_t deltas = 0;
  for (std::size_t left = view.size_; left != 0; at += 2) {
    if (fci.size() < at + 2) return std::nullopt;
    const std::uint16_t chunk = load_be16(&fci[at]);
    const std::size_t symbols = std::min(left, symbols_in(chunk));
    const auto octets = delta_octets(chunk, symbols);
    if (!octets) return std::nullopt;
    deltas += *octets;
    left -= symbols;
  }
  if (fci.size() - at < deltas) return std::nullopt;
  view.chunks_ = fci.subspan(kFixedOctets, at - kFixedOctets);
  view.deltas_ = fci.subspan(at, deltas);
  return view;
}

std::optional<TransportArrival> TransportCc::next() {
  while (place_ < size_) {
    if (symbol_ == symbols_) {
      chunk_ = load_be16(chunks_.data());
      chunks_ = chunks_.subspan(2);
      symbol_ = 0;
      symbols_ = std::min(symbols_in(chunk_), size_ - place_);
      continue;  // a run may be of nothing
    }
    const Symbol symbol = symbol_of(chunk_, symbol_);
    if (symbol == Missing) {
      const std::size_t skipped = is_run(chunk_) ? symbols_ - symbol_ : 1;
      symbol_ += skipped;
      place_ += skipped;
      continue;
    }
    ticks_ += symbol == SmallDelta ? load_u8(deltas_.data())
                                   : static_cast<std::int16_t>(load_be16(deltas_.data()));
    deltas_ = deltas_.subspan(symbol);
    ++symbol_;
    return TransportArrival{base_.plus(static_cast<int>(place_++)), ticks_ * kTransportCcTick};
  }
  return std::nullopt;
}

std::size_t write_transport_cc(RtcpWriter& writer, const TransportCcHeader& header,
                               std::span<const TransportArrival> arrivals) {
  constexpr std::size_t kFeedbackOctets = 12;
  if (arrivals.empty() || writer.room() < kFeedbackOctets + kFixedOctets) return 0;
  FeedbackBody body(header.base, arrivals, writer.room() - kFeedbackOctets);
  if (body.arrivals() == 0) return 0;
  const Feedback feedback{RtcpType::Rtpfb, static_cast<std::uint8_t>(RtpfbType::TransportCc),
                          header.sender, header.media, body.fci(header.number)};
  return writer.feedback(feedback) ? body.arrivals() : 0;
}

}  // namespace causeway::wire
