#pragma once

#include <memory>

#include "codecs/codec.h"

namespace causeway::codecs {

/// G.722 at 64 kbit/s (ITU-T G.722 mode 1) over spandsp, mono. One octet holds two samples of
/// 16 kHz.
///
/// The trap: G.722's RTP clock is 8000 by an old mistake that RFC 3551 4.5.2 keeps. 20 ms are
/// 160 octets, 320 samples, and 160 ticks: never count ticks in samples here.
///
/// config.rate is 16000. REQUIRES: a configuration that make_decoder and make_encoder have checked.
/// Errors: Internal where spandsp refuses.
[[nodiscard]] Result<std::unique_ptr<Decoder>, Error> make_g722_decoder(const CodecConfig& config);
[[nodiscard]] Result<std::unique_ptr<Encoder>, Error> make_g722_encoder(const CodecConfig& config);

}  // namespace causeway::codecs
