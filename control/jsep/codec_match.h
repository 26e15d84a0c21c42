#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "control/jsep/agreed.h"

namespace causeway::jsep {

/// A codec that the relay can have in a description of its own.
struct OurCodec {
  std::string_view name;
  std::uint32_t clock;
  std::uint32_t channels;
  std::uint8_t type;  ///< What we offer it as.
  std::string_view parameters;
  bool is_audio;  ///< Else it goes beside audio: telephone-event, CN.
};
/// What we offer, the best first.
[[nodiscard]] std::span<const OurCodec> our_codecs();
/// Ours of this name, clock and channels; null: none.
[[nodiscard]] const OurCodec* our_codec(std::string_view name, RtpClockRate clock,
                                        std::uint32_t channels);
/// What of the formats of an offer the relay takes: the preferred ones first, the others in the
/// offer's order, and behind them what goes beside audio of their clocks (RFC 4733 2.1). Empty
/// where there is no audio among them.
[[nodiscard]] std::vector<Codec> match_offer(const std::vector<PayloadFormat>& offered,
                                             const CodecPolicy& policy);
/// What the relay offers under a policy.
[[nodiscard]] std::vector<Codec> codecs_to_offer(const CodecPolicy& policy);
/// What of our offer an answer has taken, in the answer's order.
[[nodiscard]] std::vector<Codec> match_answer(const std::vector<PayloadFormat>& answered,
                                              const std::vector<Codec>& offered);

/// The same for video, of which the relay takes VP8, VP9, H.264 and AV1 as they are: what the
/// other side of the call has too in this place, in the offer's order; anything where that is not
/// known yet.
[[nodiscard]] std::vector<Codec> match_video_offer(const MediaSection& offered,
                                                   const CodecPolicy& policy, std::size_t place);
/// What of `codecs` may stand beside the other sections of a bundle: a payload type means one thing
/// in all of them (RFC 8843 9.1).
void leave_out_ambiguous(std::vector<Codec>& codecs, const std::vector<Video>& beside);
/// The codecs of the section to be offered in a place. `audio`: whose payload types are not to be
/// used twice in a bundle. `before`: what was agreed last, which keeps its numbers. `beside`: the
/// sections that are offered already.
[[nodiscard]] std::vector<Codec> video_to_offer(const CodecPolicy& policy, std::size_t place,
                                                const std::vector<Codec>& audio,
                                                const std::vector<Video>& before,
                                                const std::vector<Video>& beside);
[[nodiscard]] std::vector<Codec> match_video_answer(const MediaSection& answered,
                                                    const std::vector<Codec>& offered);

/// The `a=rtcp-fb` that the relay carries from one side to the other.
[[nodiscard]] std::span<const std::string_view> our_feedback();

}  // namespace causeway::jsep
