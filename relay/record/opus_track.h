#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "relay/base/bytes.h"
#include "relay/base/time.h"
#include "relay/record/file_write.h"
#include "relay/record/ogg_page.h"
#include "relay/record/packet_order.h"

namespace causeway::record {

/// One leg's Opus packets as an Ogg Opus file (RFC 7845), not re-encoded. A file that is cut off
/// anywhere ends at its last whole page and is playable to there.
///
/// Time that brought no packets is filled with packets that hold only a TOC (RFC 7845 4.1), so that
/// everything after it is in its place; being what Opus frames are, to the nearest 2.5 ms. Packets
/// that follow one another cannot be stretched: the drift of the sender's clock (100 ppm: 6 ms a
/// minute) adds up until the next gap or DTX packet, where it is set right. Of two SSRCs that speak
/// at once the later one is dropped. Pure; not thread-safe.
class OpusTrack {
 public:
  /// `channels`: 1 or 2, of the decoder that will play the file.
  OpusTrack(std::uint32_t serial, std::uint8_t channels, std::string_view encoder);

  /// Emits the head and the tags, each on a page of its own.
  void begin(std::vector<FileWrite>& out);
  /// Adds a packet whose sound begins `since_start` after the recording. False where it is not Opus
  /// or its place is taken.
  bool add(const HeldPacket& packet, Duration since_start);
  /// Everything that begins before `end` has been added: fills a gap that reaches up to there.
  void fill_until(Duration end);
  /// Emits what was added as a page. `is_last`: it ends the stream.
  void flush(std::vector<FileWrite>& out, bool is_last);

  [[nodiscard]] bool has_unflushed() const { return !page_.empty() || !full_pages_.empty(); }
  /// Where the sound so far ends.
  [[nodiscard]] Duration end() const;
  [[nodiscard]] std::uint64_t file_octets() const { return file_octets_; }

 private:
  void put(Bytes packet, std::int64_t samples);
  void fill(std::int64_t samples);
  void emit(std::vector<std::byte> page, std::vector<FileWrite>& out);

  OggPage page_;
  const std::uint8_t channels_;
  const std::string_view encoder_;
  std::vector<std::vector<std::byte>> full_pages_;
  std::uint64_t file_octets_ = 0;
  std::int64_t granule_ = 0;  // samples at 48 kHz put so far
  std::int64_t behind_ = 0;   // of the clock, as of the last packet: drift that adds up
  std::uint8_t last_toc_;
  std::optional<std::uint64_t> run_;
  std::int64_t next_ticks_ = 0;
};

}  // namespace causeway::record
