#pragma once

#include <memory>
#include <optional>

#include "control/errors.h"
#include "control/leg_setup.h"
#include "control/translate_leg.h"
#include "relay/engine/connection.h"
#include "relay/engine/leg.h"
#include "relay/engine/planner.h"
#include "relay/srtp/srtp.h"

namespace causeway::control {

/// Makes the engine's objects out of what was asked, on the caller's thread: everything that
/// allocates or computes (SRTP contexts, codecs) is done here, and a worker only takes it over.

struct BuildSettings {
  srtp::Transform srtp_transform = srtp::Transform::Evp;
  bool answers_plain_binding = false;
  WallClock wall;
};

/// How the audio that a leg sends to its endpoint is timed, and what carries digits in it.
struct OutgoingAudio {
  RtpClockRate clock{8000};
  std::optional<PayloadType> telephone_event;
  friend bool operator==(const OutgoingAudio&, const OutgoingAudio&) = default;
};
/// `plan`: of the connection to this leg; null where there is none.
[[nodiscard]] OutgoingAudio outgoing_audio(const engine::LegSpec& leg,
                                           const engine::PathPlan* plan);

/// Errors: those of SrtpReceiver::create and SrtpSender::create.
[[nodiscard]] Answer<std::unique_ptr<srtp::SrtpReceiver>> build_receiver(
    const KeySet& keys, srtp::RocPolicy roc_policy, std::uint8_t max_ssrcs,
    const BuildSettings& settings);
[[nodiscard]] Answer<std::unique_ptr<srtp::SrtpSender>> build_sender(const KeySet& keys,
                                                                     srtp::RocPolicy roc_policy,
                                                                     const BuildSettings& settings);

/// `number`: unique in the session, for ever.
[[nodiscard]] Answer<std::unique_ptr<engine::Leg>> build_leg(
    const LegRequest& leg, const KeyRequest& keys, const LegSetupState& setup, std::uint16_t number,
    const OutgoingAudio& audio, const BuildSettings& settings);

/// Errors: CODEC_UNSUPPORTED, PTIME_UNSUPPORTED, INTERNAL.
[[nodiscard]] Answer<std::unique_ptr<engine::Connection>> build_connection(
    const engine::PathPlan& plan, std::uint16_t from, std::uint16_t to);

}  // namespace causeway::control
