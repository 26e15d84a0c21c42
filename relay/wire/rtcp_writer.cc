#include "relay/wire/rtcp_writer.h"

#include <algorithm>

#include "relay/base/check.h"

namespace causeway::wire {

namespace {

std::size_t up_to_words(std::size_t octets) { return (octets + 3) & ~std::size_t{3}; }

void write_blocks(MutableBytes out, std::span<const ReportBlock> blocks) {
  for (const ReportBlock& block : blocks) {
    block.write(out);
    out = out.subspan(ReportBlock::kOctets);
  }
}

void write_ssrcs(MutableBytes out, std::span<const Ssrc> sources) {
  for (std::size_t i = 0; i < sources.size(); ++i) store_be32(&out[i * 4], sources[i].raw());
}

}  // namespace

MutableBytes RtcpWriter::begin(RtcpType type, unsigned count, std::size_t body_octets) {
  CAUSEWAY_CHECK(count <= kMaxBlocks, "an RTCP packet counts to 31");
  if (room() < 4 + body_octets) return {};
  const MutableBytes packet = out_.subspan(used_, 4 + body_octets);
  used_ += packet.size();
  std::ranges::fill(packet, std::byte{0});
  store_u8(&packet[0], static_cast<std::uint8_t>(0x80U | count));
  store_u8(&packet[1], static_cast<std::uint8_t>(type));
  store_be16(&packet[2], static_cast<std::uint16_t>(body_octets / 4));
  return packet.subspan(4);
}

MutableBytes RtcpWriter::begin_feedback(RtcpType type, unsigned format, Ssrc sender, Ssrc media,
                                        std::size_t fci_octets) {
  const MutableBytes body = begin(type, format, 8 + fci_octets);
  if (body.empty()) return {};
  store_be32(&body[0], sender.raw());
  store_be32(&body[4], media.raw());
  return body;
}

bool RtcpWriter::sender_report(const SenderInfo& sender, std::span<const ReportBlock> blocks) {
  const MutableBytes body = begin(RtcpType::Sr, static_cast<unsigned>(blocks.size()),
                                  24 + blocks.size() * ReportBlock::kOctets);
  if (body.empty()) return false;
  store_be32(&body[0], sender.ssrc.raw());
  store_be64(&body[4], sender.ntp.raw());
  store_be32(&body[12], sender.rtp_timestamp.raw());
  store_be32(&body[16], sender.packets);
  store_be32(&body[20], sender.octets);
  write_blocks(body.subspan(24), blocks);
  return true;
}

bool RtcpWriter::receiver_report(Ssrc reporter, std::span<const ReportBlock> blocks) {
  const MutableBytes body = begin(RtcpType::Rr, static_cast<unsigned>(blocks.size()),
                                  4 + blocks.size() * ReportBlock::kOctets);
  if (body.empty()) return false;
  store_be32(&body[0], reporter.raw());
  write_blocks(body.subspan(4), blocks);
  return true;
}

bool RtcpWriter::sdes_cname(Ssrc ssrc, std::string_view cname) {
  CAUSEWAY_CHECK(cname.size() <= 255, "an SDES item has at most 255 octets");
  // At least one null octet ends the chunk, which ends on a whole word.
  const MutableBytes body = begin(RtcpType::Sdes, 1, up_to_words(4 + 2 + cname.size() + 1));
  if (body.empty()) return false;
  store_be32(&body[0], ssrc.raw());
  store_u8(&body[4], static_cast<std::uint8_t>(SdesItemType::Cname));
  store_u8(&body[5], static_cast<std::uint8_t>(cname.size()));
  std::ranges::copy(as_octets(cname), body.begin() + 6);
  return true;
}

bool RtcpWriter::bye(std::span<const Ssrc> sources, Bytes reason) {
  CAUSEWAY_CHECK(reason.size() <= 255, "a reason for leaving has at most 255 octets");
  const std::size_t text = reason.empty() ? 0 : up_to_words(1 + reason.size());
  const std::size_t before = used_;
  const MutableBytes body =
      begin(RtcpType::Bye, static_cast<unsigned>(sources.size()), sources.size() * 4 + text);
  if (used_ == before) return false;  // a BYE of nobody has no body
  write_ssrcs(body, sources);
  if (text != 0) {
    const MutableBytes out = body.subspan(sources.size() * 4);
    store_u8(out.data(), static_cast<std::uint8_t>(reason.size()));
    std::ranges::copy(reason, out.begin() + 1);
  }
  return true;
}

bool RtcpWriter::pli(Ssrc sender, Ssrc media) {
  return !begin_feedback(RtcpType::Psfb, static_cast<unsigned>(PsfbType::Pli), sender, media, 0)
              .empty();
}

bool RtcpWriter::nack(Ssrc sender, Ssrc media, std::span<const NackEntry> entries) {
  const MutableBytes body = begin_feedback(RtcpType::Rtpfb, static_cast<unsigned>(RtpfbType::Nack),
                                           sender, media, entries.size() * 4);
  if (body.empty()) return false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    store_be16(&body[8 + i * 4], entries[i].first.raw());
    store_be16(&body[10 + i * 4], entries[i].mask);
  }
  return true;
}

bool RtcpWriter::fir(Ssrc sender, std::span<const FirEntry> entries) {
  const MutableBytes body = begin_feedback(RtcpType::Psfb, static_cast<unsigned>(PsfbType::Fir),
                                           sender, Ssrc(0), entries.size() * 8);
  if (body.empty()) return false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    store_be32(&body[8 + i * 8], entries[i].ssrc.raw());
    store_u8(&body[12 + i * 8], entries[i].number);
  }
  return true;
}

bool RtcpWriter::bitrate_limits(RtpfbType type, Ssrc sender, std::span<const BitrateLimit> limits) {
  const MutableBytes body = begin_feedback(RtcpType::Rtpfb, static_cast<unsigned>(type), sender,
                                           Ssrc(0), limits.size() * 8);
  if (body.empty()) return false;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const ScaledBitrate rate = scale_bitrate(limits[i].bits_per_second, 17);
    store_be32(&body[8 + i * 8], limits[i].ssrc.raw());
    store_be32(&body[12 + i * 8], (std::uint32_t{rate.exponent} << 26) | (rate.mantissa << 9) |
                                      (limits[i].overhead_octets & 0x1ffU));
  }
  return true;
}

bool RtcpWriter::remb(Ssrc sender, std::uint64_t bits_per_second, std::span<const Ssrc> sources) {
  CAUSEWAY_CHECK(sources.size() <= 255, "a REMB names at most 255 streams");
  const MutableBytes body = begin_feedback(RtcpType::Psfb, static_cast<unsigned>(PsfbType::Afb),
                                           sender, Ssrc(0), 8 + sources.size() * 4);
  if (body.empty()) return false;
  const ScaledBitrate rate = scale_bitrate(bits_per_second, 18);
  std::ranges::copy(as_octets("REMB"), body.begin() + 8);
  store_be32(&body[12], (static_cast<std::uint32_t>(sources.size()) << 24) |
                            (std::uint32_t{rate.exponent} << 18) | rate.mantissa);
  write_ssrcs(body.subspan(16), sources);
  return true;
}

bool RtcpWriter::feedback(const Feedback& feedback) {
  const MutableBytes body = begin_feedback(feedback.type, feedback.format, feedback.sender,
                                           feedback.media, up_to_words(feedback.fci.size()));
  if (body.empty()) return false;
  std::ranges::copy(feedback.fci, body.begin() + 8);
  return true;
}

bool RtcpWriter::packet(Bytes octets) {
  if (room() < octets.size()) return false;
  std::ranges::copy(octets, out_.subspan(used_).begin());
  used_ += octets.size();
  return true;
}

}  // namespace causeway::wire
