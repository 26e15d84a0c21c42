#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "relay/base/static_vector.h"
#include "relay/engine/spec.h"
#include "relay/wire/rtp.h"

namespace causeway::engine {

/// The MID that packets towards an endpoint say (RFC 8843 15).
struct MidTag {
  std::uint8_t id = 0;  ///< 0: they say none.
  StaticVector<std::byte, 16> text;

  /// Where there is no room for it the packet goes without.
  void put_into(wire::OpenRtp& packet) const;
};

/// What a leg itself does with header extensions: its specification, compiled off the worker.
struct ExtensionRules {
  MidTag audio_mid;
  StaticVector<MidTag, VideoSectionSpec::kMost> video_mids;  ///< By section; at least one.
  std::uint8_t audio_transport_cc = 0;  ///< Ids of the transport-wide numbers; 0: none.
  std::uint8_t video_transport_cc = 0;
  std::uint8_t audio_level = 0;  ///< The id of that of RFC 6464; 0: none.

  [[nodiscard]] bool has_transport_cc() const {
    return audio_transport_cc != 0 || video_transport_cc != 0;
  }
  [[nodiscard]] bool says_mid() const {
    const auto is_said = [](const MidTag& tag) { return tag.id != 0; };
    return audio_mid.id != 0 || std::ranges::any_of(video_mids, is_said);
  }
  /// Of a packet of this kind of media that the endpoint sent.
  [[nodiscard]] std::optional<SeqNum> transport_seq(const wire::OpenRtp& packet,
                                                    MediaKind kind) const;
  /// What the sender says of the sound of its packet, in decibels below overload. REQUIRES:
  /// audio_level != 0.
  [[nodiscard]] std::optional<std::uint8_t> level_of(const wire::OpenRtp& packet) const;
  /// Such a number is of one packet: a repeat of video has none.
  void strip_transport_seq(wire::OpenRtp& packet) const;
};
[[nodiscard]] ExtensionRules extension_rules(const LegSpec& spec);

}  // namespace causeway::engine
