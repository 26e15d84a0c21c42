#pragma once

#include <cstdint>
#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// G.711 by table: 6 KiB in all, small enough to stay in a first-level cache. Between two codes the
/// decision is that of spandsp (and of ITU-T G.191 for A-law): mu-law treats both signs alike,
/// A-law takes the one's complement of a negative sample.
[[nodiscard]] std::uint8_t encode_pcmu(std::int16_t sample);
[[nodiscard]] std::uint8_t encode_pcma(std::int16_t sample);
[[nodiscard]] std::int16_t decode_pcmu(std::uint8_t code);
[[nodiscard]] std::int16_t decode_pcma(std::uint8_t code);

/// PCMU or PCMA by config.id, 8 kHz, mono; any number of octets up to 120 ms. Losses are filled by
/// Plc. REQUIRES: a configuration that make_decoder and make_encoder have checked.
[[nodiscard]] std::unique_ptr<Decoder> make_g711_decoder(const CodecConfig& config);
[[nodiscard]] std::unique_ptr<Encoder> make_g711_encoder(const CodecConfig& config);

}  // namespace causeway::codecs
