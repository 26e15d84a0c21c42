#pragma once

#include "relay/base/time.h"

namespace causeway::rtp {

/// How a codec stands loss (ITU-T G.107): the equipment impairment without loss, and how much loss
/// it takes to double what is left.
struct CodecQuality {
  double impairment = 0;  ///< Ie
  double robustness = 0;  ///< Bpl
};

/// ITU-T G.113 Appendix I. G.722 and Opus have no figures on this narrow-band scale; they are held
/// to be as good as G.711 with concealment, which they are at least.
inline constexpr CodecQuality kG711WithPlc{0, 25.1};
inline constexpr CodecQuality kG711WithoutPlc{0, 4.3};
inline constexpr CodecQuality kG729a{11, 19};

/// What a listener experiences on one direction of a call.
struct Listening {
  Duration one_way_delay{};  ///< Mouth to ear, jitter buffer included.
  double loss_percent = 0;   ///< After concealment's chance, before concealment: packets missing.
  double burst_ratio = 1;    ///< 1: random loss; above: in bursts.
  CodecQuality codec = kG711WithPlc;
};

/// The transmission rating R of the E-model (ITU-T G.107 with its default values), not clamped.
[[nodiscard]] double r_factor(const Listening& listening);
/// The mean opinion score of a rating, 1..4.5 (G.107 Annex B).
[[nodiscard]] double mos_of(double r);
[[nodiscard]] inline double mos_of(const Listening& listening) {
  return mos_of(r_factor(listening));
}

/// An estimate of mouth-to-ear delay: half the round trip, a jitter buffer of twice the jitter, at
/// least 20 ms, and one packet on each side.
[[nodiscard]] Duration estimate_one_way_delay(Duration round_trip, Duration jitter,
                                              Duration packet_time);

}  // namespace causeway::rtp
