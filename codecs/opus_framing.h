#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "relay/base/bytes.h"
#include "relay/base/result.h"
#include "relay/base/time.h"
#include "relay/base/types.h"

namespace causeway::codecs {

/// Which layers of Opus a packet uses (RFC 6716 3.1, table 2).
enum class OpusMode : std::uint8_t { Silk, Hybrid, Celt };

/// The most frames of one packet: 120 ms of 2.5 ms each (RFC 6716 3.2.5).
inline constexpr std::size_t kMaxOpusFrames = 48;
/// The longest frame that the length coding can hold (RFC 6716 3.2.1).
inline constexpr std::size_t kMaxOpusFrameOctets = 1275;

/// One Opus packet taken apart. The frames are views into the octets that were parsed; a frame of
/// no octets is lost or DTX (RFC 6716 3.2.1). A value without thread rules.
///
/// The first octet, TOC (RFC 6716 3.1), and for code 3 the second:
///
///      0 1 2 3 4 5 6 7      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+    +-+-+-+-+-+-+-+-+
///     | config  |s| c |    |v|p|     M     |
///     +-+-+-+-+-+-+-+-+    +-+-+-+-+-+-+-+-+
class OpusPacket {
 public:
  /// Takes `payload` apart; RFC 6716 3.4 R1 to R7 are the errors: BadPayload.
  [[nodiscard]] static Result<OpusPacket, DropReason> parse(Bytes payload);

  [[nodiscard]] OpusMode mode() const;
  /// Whether the frames are coded as two channels.
  [[nodiscard]] bool is_stereo() const { return (toc_ & 0x04U) != 0; }
  /// The audio bandwidth's PCM rate: 8000, 12000, 16000, 24000 or 48000.
  [[nodiscard]] SampleRate bandwidth_rate() const;

  [[nodiscard]] std::size_t frame_count() const { return frame_count_; }
  /// REQUIRES: index < frame_count().
  [[nodiscard]] Bytes frame(std::size_t index) const { return frames_[index]; }
  [[nodiscard]] Duration frame_duration() const;
  [[nodiscard]] Duration duration() const {
    return frame_duration() * static_cast<std::int64_t>(frame_count_);
  }
  /// Samples per channel of the whole packet, decoded at `rate` (8 to 48 kHz).
  [[nodiscard]] std::size_t samples_at(SampleRate rate) const;
  /// Padding of code 3, its length octets not counted (RFC 6716 3.2.5).
  [[nodiscard]] std::size_t padding_octets() const { return padding_octets_; }

  /// Whether the first frame carries in-band FEC (LBRR) for the sound just before this packet.
  /// The flags are the first bits of a SILK frame, of even odds, so that they can be read without
  /// the range decoder (RFC 6716 4.2.3).
  [[nodiscard]] bool has_lbrr() const;

 private:
  OpusPacket() = default;
  [[nodiscard]] bool take_two_frames(Bytes body);
  [[nodiscard]] bool take_many_frames(Bytes body);
  [[nodiscard]] bool split_evenly(Bytes body, std::size_t count);
  [[nodiscard]] bool split_by_lengths(Bytes body, std::size_t count);
  [[nodiscard]] std::uint8_t config() const { return static_cast<std::uint8_t>(toc_ >> 3); }

  std::uint8_t toc_ = 0;
  std::size_t frame_count_ = 0;
  std::size_t padding_octets_ = 0;
  std::array<Bytes, kMaxOpusFrames> frames_;
};

}  // namespace causeway::codecs
