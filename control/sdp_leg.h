#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "causeway/v1/relay_service.pb.h"
#include "control/errors.h"
#include "control/jsep/negotiation.h"
#include "control/jsep/sdp_parser.h"
#include "control/session_state.h"

namespace causeway::control {

/// Between descriptions (control/jsep) and legs: what a profile makes of a new leg, what an
/// agreement changes in one, and what the relay says of a leg in its own descriptions. So a leg
/// that is negotiated by SDP is a low-level leg that is changed as the agreement says, all or
/// nothing.

/// Fills in what a leg's profile says and the request leaves open. Errors: FIELD_INVALID.
[[nodiscard]] Answer<void> apply_profile(v1::Leg& leg, const Field& field);

/// Errors: SDP_INVALID with the line and what is wrong with it.
[[nodiscard]] Answer<jsep::SessionDescription> read_sdp(std::string_view text, const Field& field);
[[nodiscard]] ApiError refuse_sdp(const jsep::Refusal& refusal, const Field& field);

/// The codec policy of a leg, with the codecs of the leg that it is connected to preferred.
[[nodiscard]] jsep::CodecPolicy codec_policy(SessionState& session, const LegState& leg)
    CAUSEWAY_REQUIRES(session.data);

/// The change of a leg that an agreement asks for; what is as it is already is left out.
/// `is_offer`: of the endpoint's: a restart of its ICE then asks for one of ours.
[[nodiscard]] v1::UpdateLegRequest update_of(const jsep::Agreed& agreed, const LegState& leg,
                                             bool is_offer);
/// The same for the leg of the agreement's video. `wanted`: what the application wants to flow.
/// REQUIRES: agreed.video_transport.
[[nodiscard]] v1::UpdateLegRequest video_update_of(const jsep::Agreed& agreed,
                                                   const LegState& video_leg,
                                                   jsep::Direction wanted);

/// What the relay's descriptions for this leg say. Refers to the leg's secrets.
[[nodiscard]] jsep::OurSide our_side(SessionState& session, const LegState& leg)
    CAUSEWAY_REQUIRES(session.data);

[[nodiscard]] v1::Direction direction_of(jsep::Direction direction);
[[nodiscard]] jsep::Direction direction_of(v1::Direction direction);
/// The codecs of an agreement, or of an offer, as a leg has them.
void set_codecs(const std::vector<jsep::Codec>& codecs, std::uint32_t ptime_ms, v1::Leg& out);
/// Adds a leg's video to its codecs.
void set_videos(const std::vector<jsep::Video>& videos, v1::Leg& out);
/// The header extensions of an agreement, or of an offer. `lines`: what their sections are called.
void set_extensions(const std::vector<jsep::Line>& lines, const std::vector<jsep::Extension>& audio,
                    const std::vector<jsep::Video>& videos, v1::Leg& out);
/// The places of the video of a bundle.
void set_video_sections(const std::vector<jsep::Line>& lines,
                        const std::vector<jsep::Video>& videos, v1::Leg& out);

}  // namespace causeway::control
