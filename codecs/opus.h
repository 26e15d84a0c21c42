#pragma once

#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// Opus over libopus (RFC 6716, RFC 7587). The decoder gives PCM at config.rate and config.channels
/// whatever the sender encoded; the encoder is made for VOIP. REQUIRES: a configuration that
/// make_decoder and make_encoder have checked. Errors: Internal where libopus refuses.
[[nodiscard]] Result<std::unique_ptr<Decoder>, Error> make_opus_decoder(const CodecConfig& config);
[[nodiscard]] Result<std::unique_ptr<Encoder>, Error> make_opus_encoder(const CodecConfig& config);

/// The packet size that every Opus encoder is given as its limit. libopus divides it among the
/// frames of long packets, so it is part of what the output is.
inline constexpr std::size_t kMaxOpusPacketOctets = 1500;

}  // namespace causeway::codecs
