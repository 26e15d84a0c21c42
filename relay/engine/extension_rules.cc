#include "relay/engine/extension_rules.h"

#include "relay/wire/header_extensions.h"

namespace causeway::engine {

void MidTag::put_into(wire::OpenRtp& packet) const {
  if (id == 0) return;
  const wire::ExtensionElement element{id, {text.begin(), text.size()}};
  (void)wire::edit_extension(packet, {nullptr, {&element, 1}});
}

std::optional<SeqNum> ExtensionRules::transport_seq(const wire::OpenRtp& packet,
                                                    MediaKind kind) const {
  const bool is_video = kind == MediaKind::Video || kind == MediaKind::Retransmission;
  const std::uint8_t id = is_video ? video_transport_cc : audio_transport_cc;
  if (id == 0) return std::nullopt;
  const auto number = wire::HeaderExtensions(packet).find(id);
  if (!number || number->size() != 2) return std::nullopt;
  return SeqNum(load_be16(number->data()));
}

std::optional<std::uint8_t> ExtensionRules::level_of(const wire::OpenRtp& packet) const {
  const auto level = wire::HeaderExtensions(packet).find(audio_level);
  if (!level || level->empty()) return std::nullopt;
  return static_cast<std::uint8_t>(load_u8(level->data()) & 0x7fU);  // without the V bit
}

void ExtensionRules::strip_transport_seq(wire::OpenRtp& packet) const {
  if (video_transport_cc == 0) return;
  wire::ExtensionIdMap ids = wire::ExtensionIdMap::identity();
  ids.set(video_transport_cc, wire::ExtensionIdMap::kStrip);
  (void)wire::edit_extension(packet, {&ids, {}});
}

namespace {

MidTag tag_of(std::uint8_t id, std::string_view mid) {
  MidTag tag;
  if (mid.empty()) return tag;
  tag.id = id;
  for (const char letter : mid) {
    if (!tag.text.full()) tag.text.push_back(static_cast<std::byte>(letter));
  }
  return tag;
}

}  // namespace

ExtensionRules extension_rules(const LegSpec& spec) {
  ExtensionRules rules;
  for (std::size_t i = 0; i < std::max<std::size_t>(1, spec.video_sections.size()); ++i) {
    rules.video_mids.push_back({});
  }
  if (!spec.extensions) return rules;
  for (const ExtensionSpec& each : *spec.extensions) {
    const bool is_audio = each.media == MediaKind::Audio;
    if (each.uri == ExtensionSpec::kTransportCc) {
      (is_audio ? rules.audio_transport_cc : rules.video_transport_cc) = each.id;
    }
    if (is_audio && each.uri == ExtensionSpec::kAudioLevel) rules.audio_level = each.id;
    if (each.uri != ExtensionSpec::kMid) continue;
    if (is_audio) {
      rules.audio_mid = tag_of(each.id, each.mid);
    } else if (spec.video_sections.empty()) {
      rules.video_mids[0] = tag_of(each.id, each.mid);
    }
    for (std::size_t i = 0; !is_audio && i < spec.video_sections.size(); ++i) {
      rules.video_mids[i] = tag_of(each.id, spec.video_sections[i].mid);
    }
  }
  return rules;
}

}  // namespace causeway::engine
