#include "relay/wire/rtcp_views.h"

#include <algorithm>
#include <bit>

namespace causeway::wire {

namespace {

constexpr std::int32_t kMostLost = 0x7fffff;
constexpr std::int32_t kFewestLost = -0x800000;

Ssrc ssrc_at(Bytes octets, std::size_t at) { return Ssrc(load_be32(&octets[at])); }

/// `mantissa << exponent`, held to 64 bits: an exponent of 63 is legal on the wire.
std::uint64_t unscale(std::uint64_t mantissa, unsigned exponent) {
  if (mantissa == 0) return 0;
  if (static_cast<unsigned>(std::countl_zero(mantissa)) < exponent) return ~std::uint64_t{0};
  return mantissa << exponent;
}

/// Octets of the chunk at the front of `rest`, its null octets included; 0 where it has no end.
std::size_t chunk_size(Bytes rest) {
  std::size_t at = 4;
  while (at < rest.size() && rest[at] != std::byte{0}) {
    if (at + 1 >= rest.size()) return 0;
    at += std::size_t{2} + load_u8(&rest[at + 1]);
  }
  const std::size_t end = (at + 4) & ~std::size_t{3};  // at least one null, up to a whole word
  return end <= rest.size() ? end : 0;
}

}  // namespace

ReportBlock ReportBlock::read(Bytes octets) {
  ReportBlock block;
  block.ssrc = ssrc_at(octets, 0);
  const std::uint32_t lost = load_be32(&octets[4]);
  block.fraction_lost = static_cast<std::uint8_t>(lost >> 24);
  block.cumulative_lost = static_cast<std::int32_t>(lost << 8) >> 8;
  block.extended_highest_seq = load_be32(&octets[8]);
  block.jitter = load_be32(&octets[12]);
  block.last_sr = load_be32(&octets[16]);
  block.delay_since_last_sr = load_be32(&octets[20]);
  return block;
}

void ReportBlock::write(MutableBytes out) const {
  const std::int32_t lost = std::clamp(cumulative_lost, kFewestLost, kMostLost);
  store_be32(&out[0], ssrc.raw());
  store_be32(&out[4],
             (std::uint32_t{fraction_lost} << 24) | (static_cast<std::uint32_t>(lost) & 0xffffffU));
  store_be32(&out[8], extended_highest_seq);
  store_be32(&out[12], jitter);
  store_be32(&out[16], last_sr);
  store_be32(&out[20], delay_since_last_sr);
}

std::optional<SenderReport> SenderReport::parse(const RtcpPacket& packet) {
  const Bytes body = packet.body();
  const std::size_t blocks = packet.count() * ReportBlock::kOctets;
  if (packet.type() != RtcpType::Sr || body.size() < 24 + blocks) return std::nullopt;
  SenderReport report;
  report.sender = {ssrc_at(body, 0), NtpTime(load_be64(&body[4])),
                   RtpTimestamp(load_be32(&body[12])), load_be32(&body[16]), load_be32(&body[20])};
  report.blocks = ReportBlocks(body.subspan(24, blocks));
  report.extension = body.subspan(24 + blocks);
  return report;
}

std::optional<ReceiverReport> ReceiverReport::parse(const RtcpPacket& packet) {
  const Bytes body = packet.body();
  const std::size_t blocks = packet.count() * ReportBlock::kOctets;
  if (packet.type() != RtcpType::Rr || body.size() < 4 + blocks) return std::nullopt;
  ReceiverReport report;
  report.ssrc = ssrc_at(body, 0);
  report.blocks = ReportBlocks(body.subspan(4, blocks));
  report.extension = body.subspan(4 + blocks);
  return report;
}

std::optional<Bytes> SdesChunk::find(SdesItemType type) const {
  for (std::size_t at = 0; at + 2 <= items.size();) {
    const std::size_t length = load_u8(&items[at + 1]);
    if (load_u8(&items[at]) == static_cast<std::uint8_t>(type))
      return items.subspan(at + 2, length);
    at += 2 + length;
  }
  return std::nullopt;
}

std::optional<Sdes> Sdes::parse(const RtcpPacket& packet) {
  if (packet.type() != RtcpType::Sdes) return std::nullopt;
  Bytes rest = packet.body();
  for (unsigned i = 0; i < packet.count(); ++i) {
    const std::size_t size = rest.size() < 8 ? 0 : chunk_size(rest);
    if (size == 0) return std::nullopt;
    rest = rest.subspan(size);
  }
  return Sdes(packet.body(), packet.count());
}

std::optional<SdesChunk> Sdes::next() {
  if (chunks_ == 0) return std::nullopt;
  --chunks_;
  const Bytes chunk = rest_.first(chunk_size(rest_));
  rest_ = rest_.subspan(chunk.size());
  std::size_t end = 4;
  while (chunk[end] != std::byte{0}) end += std::size_t{2} + load_u8(&chunk[end + 1]);
  return SdesChunk{ssrc_at(chunk, 0), chunk.subspan(4, end - 4)};
}

std::optional<Bye> Bye::parse(const RtcpPacket& packet) {
  const Bytes body = packet.body();
  const std::size_t sources = packet.count() * std::size_t{4};
  if (packet.type() != RtcpType::Bye || body.size() < sources) return std::nullopt;
  Bye bye;
  bye.ssrc_octets = body.first(sources);
  if (body.size() > sources) {
    const std::size_t length = load_u8(&body[sources]);
    if (sources + 1 + length > body.size()) return std::nullopt;
    bye.reason = body.subspan(sources + 1, length);
  }
  return bye;
}

std::optional<App> App::parse(const RtcpPacket& packet) {
  const Bytes body = packet.body();
  if (packet.type() != RtcpType::App || body.size() < 8) return std::nullopt;
  return App{packet.count(), ssrc_at(body, 0), body.subspan(4, 4), body.subspan(8)};
}

std::optional<Feedback> Feedback::parse(const RtcpPacket& packet) {
  const Bytes body = packet.body();
  const bool is_feedback = packet.type() == RtcpType::Rtpfb || packet.type() == RtcpType::Psfb;
  if (!is_feedback || body.size() < 8) return std::nullopt;
  return Feedback{packet.type(), packet.count(), ssrc_at(body, 0), ssrc_at(body, 4),
                  body.subspan(8)};
}

std::optional<Nack> Nack::parse(const Feedback& feedback) {
  const bool is_whole = !feedback.fci.empty() && feedback.fci.size() % 4 == 0;
  if (!feedback.is(RtpfbType::Nack) || !is_whole) return std::nullopt;
  return Nack{feedback.fci};
}

std::optional<Fir> Fir::parse(const Feedback& feedback) {
  const bool is_whole = !feedback.fci.empty() && feedback.fci.size() % 8 == 0;
  if (!feedback.is(PsfbType::Fir) || !is_whole) return std::nullopt;
  return Fir{feedback.fci};
}

std::optional<Tmmbr> Tmmbr::parse(const Feedback& feedback) {
  const bool is_limit = feedback.is(RtpfbType::Tmmbr) || feedback.is(RtpfbType::Tmmbn);
  if (!is_limit || feedback.fci.size() % 8 != 0) return std::nullopt;
  if (feedback.is(RtpfbType::Tmmbr) && feedback.fci.empty()) return std::nullopt;
  return Tmmbr{feedback.fci};
}

BitrateLimit Tmmbr::operator[](std::size_t index) const {
  const std::uint32_t word = load_be32(&fci[index * 8 + 4]);
  return {ssrc_at(fci, index * 8), unscale((word >> 9) & 0x1ffffU, word >> 26),
          static_cast<std::uint16_t>(word & 0x1ffU)};
}

std::optional<Remb> Remb::parse(const Feedback& feedback) {
  constexpr std::uint32_t kRemb = 0x52454d42;  // "REMB"
  const Bytes fci = feedback.fci;
  if (!feedback.is(PsfbType::Afb) || fci.size() < 8 || load_be32(fci.data()) != kRemb) {
    return std::nullopt;
  }
  const std::size_t sources = load_u8(&fci[4]) * std::size_t{4};
  if (fci.size() < 8 + sources) return std::nullopt;
  const std::uint32_t rate = load_be32(&fci[4]) & 0xffffffU;
  return Remb{unscale(rate & 0x3ffffU, rate >> 18), fci.subspan(8, sources)};
}

std::optional<Xr> Xr::parse(const RtcpPacket& packet) {
  const Bytes body = packet.body();
  if (packet.type() != RtcpType::Xr || body.size() < 4) return std::nullopt;
  for (Bytes rest = body.subspan(4); !rest.empty();) {
    const std::size_t size =
        rest.size() < 4 ? ~std::size_t{0} : std::size_t{4} * (std::size_t{load_be16(&rest[2])} + 1);
    if (size > rest.size()) return std::nullopt;
    rest = rest.subspan(size);
  }
  return Xr(ssrc_at(body, 0), body.subspan(4));
}

std::optional<XrBlock> Xr::next() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t size = std::size_t{4} * (std::size_t{load_be16(&rest_[2])} + 1);
  const XrBlock block{load_u8(rest_.data()), load_u8(&rest_[1]), rest_.subspan(4, size - 4)};
  rest_ = rest_.subspan(size);
  return block;
}

ScaledBitrate scale_bitrate(std::uint64_t bits_per_second, unsigned mantissa_bits) {
  const auto width = static_cast<unsigned>(std::bit_width(bits_per_second));
  const unsigned exponent = width > mantissa_bits ? width - mantissa_bits : 0;
  return {static_cast<std::uint32_t>(bits_per_second >> exponent),
          static_cast<std::uint8_t>(exponent)};
}

}  // namespace causeway::wire
