#pragma once

#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// Uncompressed 16-bit PCM in network byte order, channels interleaved (RFC 3551 4.5.11). Losses
/// are filled by Plc. REQUIRES: a configuration that make_decoder and make_encoder have checked.
[[nodiscard]] std::unique_ptr<Decoder> make_l16_decoder(const CodecConfig& config);
[[nodiscard]] std::unique_ptr<Encoder> make_l16_encoder(const CodecConfig& config);

}  // namespace causeway::codecs
