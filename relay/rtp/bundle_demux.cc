#include "relay/rtp/bundle_demux.h"

#include <algorithm>

#include "relay/wire/header_extensions.h"

namespace causeway::rtp {

namespace {

std::string_view text_of(Bytes octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

}  // namespace

// ---- what is negotiated -------------------------------------------------------------------------

bool BundleDemux::add(const BundledSection& section) {
  const bool is_taken = find_section(section.index) != nullptr ||
                        (!section.mid.empty() && find_section(section.mid) != nullptr);
  if (is_taken || section.index.raw() >= kMaxSections || section.mid.size() > kMaxMidOctets ||
      signalled_ + section.received.size() > kMaxSignalled) {
    return false;
  }
  Section added;
  added.index = section.index;
  added.mid_octets = static_cast<std::uint8_t>(section.mid.size());
  std::ranges::copy(section.mid, added.mid.begin());
  for (const PayloadType type : section.types) added.types.set(type.raw() & 0x7fU);
  sections_.push_back(added);
  for (const Ssrc ssrc : section.received) {
    Stream& stream = stream_for(ssrc, Instant::min());
    signalled_ += stream.is_signalled ? 0U : 1U;
    stream.section = section.index;
    stream.is_signalled = true;
  }
  return true;
}

void BundleDemux::take_over(const BundleDemux& before) {
  for (const Stream& stream : before.streams_) {
    // One that is signalled now is where the description says.
    if (std::ranges::find(streams_, stream.ssrc, &Stream::ssrc) != streams_.end()) continue;
    const Section* const was = stream.section ? before.find_section(*stream.section) : nullptr;
    const Section* const is = was == nullptr ? nullptr : find_section(was->text());
    if (is != nullptr && stream.is_signalled) continue;
    // What still comes of a section that is gone is of no other one.
    Stream& kept = stream_for(stream.ssrc, stream.last_seen);
    kept = stream;
    kept.is_signalled = false;
    kept.section = is == nullptr ? std::nullopt : std::optional(is->index);
  }
}

const BundleDemux::Section* BundleDemux::find_section(std::string_view mid) const {
  const auto known = std::ranges::find(sections_, mid, &Section::text);
  return known == sections_.end() || mid.empty() ? nullptr : &*known;
}

const BundleDemux::Section* BundleDemux::find_section(SectionIndex index) const {
  const auto known = std::ranges::find(sections_, index, &Section::index);
  return known == sections_.end() ? nullptr : &*known;
}

// ---- streams ------------------------------------------------------------------------------------

BundleDemux::Stream* BundleDemux::find_stream(Ssrc ssrc, Instant now) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].ssrc != ssrc) continue;
    if (!streams_[i].leaves_at || now < *streams_[i].leaves_at) return &streams_[i];
    signalled_ -= streams_[i].is_signalled ? 1U : 0U;
    streams_.erase_unordered(i);
    return nullptr;
  }
  return nullptr;
}

BundleDemux::Stream& BundleDemux::stream_for(Ssrc ssrc, Instant now) {
  if (Stream* const known = find_stream(ssrc, now)) return *known;
  Stream fresh;
  fresh.ssrc = ssrc;
  fresh.last_seen = now;
  if (!streams_.full()) return streams_.push_back(fresh);
  Stream& idlest = *std::ranges::min_element(streams_, {}, [](const Stream& stream) {
    return stream.is_signalled ? Instant::max() : stream.last_seen;
  });
  return idlest = fresh;
}

std::optional<SectionIndex> BundleDemux::section_of(Ssrc ssrc, Instant now) const {
  const auto known = std::ranges::find(streams_, ssrc, &Stream::ssrc);
  const bool is_there = known != streams_.end() && (!known->leaves_at || now < *known->leaves_at);
  return is_there ? known->section : std::nullopt;
}

// ---- RTP ----------------------------------------------------------------------------------------

Result<SectionIndex, DropReason> BundleDemux::route(const wire::OpenRtp& packet, Instant now) {
  const PayloadType type = packet.payload_type();
  Stream* stream = find_stream(packet.ssrc(), now);
  if (mid_extension_ != 0) {
    const auto mid = wire::HeaderExtensions(packet).find(mid_extension_);
    const bool is_newer =
        stream == nullptr || !stream->told_at || packet.seq().distance_from(*stream->told_at) > 0;
    if (mid && is_newer) {
      stream = &stream_for(packet.ssrc(), now);
      const Section* const section = find_section(text_of(*mid));
      stream->section = section == nullptr ? std::nullopt : std::optional(section->index);
      stream->told_at = packet.seq();
    }
  }
  if (stream != nullptr) {
    stream->last_seen = now;
    const Section* const section = stream->section ? find_section(*stream->section) : nullptr;
    if (section == nullptr) return failure(DropReason::NoPath);
    if (!section->types.test(type.raw())) return failure(DropReason::UnknownPayloadType);
    return section->index;
  }
  const auto has_type = [type](const Section& section) { return section.types.test(type.raw()); };
  const auto owner = std::ranges::find_if(sections_, has_type);
  if (owner == sections_.end() || std::ranges::count_if(sections_, has_type) != 1) {
    return failure(DropReason::NoPath);
  }
  stream_for(packet.ssrc(), now).section = owner->index;
  return owner->index;
}

// ---- RTCP ---------------------------------------------------------------------------------------

void BundleDemux::learn(const wire::RtcpCompound& compound, Instant now) {
  for (const wire::RtcpPacket packet : compound) {
    if (auto sdes = wire::Sdes::parse(packet)) {
      for (auto chunk = sdes->next(); chunk; chunk = sdes->next()) {
        const auto mid = chunk->find(wire::SdesItemType::Mid);
        const Section* const section = mid ? find_section(text_of(*mid)) : nullptr;
        if (section != nullptr) stream_for(chunk->ssrc, now).section = section->index;
      }
    } else if (const auto bye = wire::Bye::parse(packet)) {
      for (std::size_t i = 0; i < bye->size(); ++i) {
        Stream* const stream = find_stream(bye->ssrc(i), now);
        if (stream != nullptr && !stream->leaves_at) stream->leaves_at = now + kStragglers;
      }
    }
  }
}

}  // namespace causeway::rtp
