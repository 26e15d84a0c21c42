// codecs/opus_framing.h: every packet is taken apart as libopus takes it apart, or refused by both.

#include "codecs/opus_framing.h"

#include <opus.h>

#include <array>

#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void check_facts(const codecs::OpusPacket& packet, const std::uint8_t* octets, int size) {
  CAUSEWAY_CHECK(packet.is_stereo() == (opus_packet_get_nb_channels(octets) == 2), "channels");
  for (const int rate : {8000, 16000, 48000}) {
    const auto samples = packet.samples_at(SampleRate(static_cast<std::uint32_t>(rate)));
    CAUSEWAY_CHECK(static_cast<int>(samples) == opus_packet_get_nb_samples(octets, size, rate),
                   "samples");
  }
  static_cast<void>(packet.has_lbrr());
  static_cast<void>(packet.mode());
  static_cast<void>(packet.bandwidth_rate());
}

void run(fuzz::Input input) {
  const Bytes payload = input.rest();
  const auto packet = codecs::OpusPacket::parse(payload);
  const auto* octets = reinterpret_cast<const std::uint8_t*>(payload.data());
  const int size = static_cast<int>(payload.size());
  std::array<const unsigned char*, codecs::kMaxOpusFrames> frames{};
  std::array<opus_int16, codecs::kMaxOpusFrames> sizes{};
  unsigned char toc = 0;
  const int count =
      size == 0 ? -1 : opus_packet_parse(octets, size, &toc, frames.data(), sizes.data(), nullptr);
  CAUSEWAY_CHECK(packet.has_value() == (count > 0), "refused by one and taken by the other");
  if (!packet) return;
  CAUSEWAY_CHECK(packet->frame_count() == static_cast<std::size_t>(count), "number of frames");
  for (std::size_t i = 0; i < packet->frame_count(); ++i) {
    const Bytes frame = packet->frame(i);
    fuzz::read_all(frame);
    CAUSEWAY_CHECK(frame.size() == static_cast<std::size_t>(sizes[i]), "length of a frame");
    CAUSEWAY_CHECK(
        frame.empty() || reinterpret_cast<const unsigned char*>(frame.data()) == frames[i],
        "place of a frame");
  }
  check_facts(*packet, octets, size);
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
