#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/jsep/agreed.h"
#include "control/jsep/profile.h"
#include "control/jsep/session_description.h"

namespace causeway::jsep {

/// Offers and answers (RFC 3264, RFC 8829) of the relay for one leg, as pure functions: what is
/// agreed, and how the relay's side is written. The relay takes one audio section and, with ICE,
/// where all are bundled, up to kMaxVideos of video; without it one, with a port and keys of its
/// own. Every other section is refused with port 0.
///
///     their offer  --agree_on_offer-->  Agreed --write_answer--> our answer
///     make_offer --> Offer --write_offer--> our offer
///     their answer --agree_on_answer(Offer)--> Agreed

/// What flows where both allow it, and the same seen from the other side.
[[nodiscard]] Direction lesser(Direction a, Direction b);
/// What flows where one of them allows it.
[[nodiscard]] Direction greater(Direction a, Direction b);
[[nodiscard]] Direction turned(Direction direction);

/// Where the relay takes a section's packets, and how they are protected.
struct OurTransport {
  SocketAddress rtp;
  // ICE.
  std::string ufrag;
  std::string_view password;
  // DTLS: that of the living association, as long as there is one.
  std::optional<Fingerprint> fingerprint;
  // SDES: the value of our `a=crypto`, without its tag.
  std::string_view crypto;
};

/// What the relay's descriptions say of itself; the transport is that of the audio.
struct OurSide : OurTransport {
  std::string session_id;
  std::uint64_t version = 0;  ///< One more with each description that differs (RFC 8866 5.2).
  Direction direction = Direction::SendRecv;  ///< What the relay wants; the answer may be less.
  std::optional<OurTransport> video;          ///< Where it is not bundled with the audio.
};

/// An offer of ours that has no final answer yet.
struct Offer {
  std::vector<Line> lines;
  std::size_t audio = 0;
  std::vector<Codec> codecs;
  std::vector<Extension> extensions;  ///< Of the audio.
  Direction direction = Direction::SendRecv;
  std::vector<Video> videos;   ///< Those of before first, then by place.
  std::uint32_t next_mid = 0;  ///< As in Agreed.
};

/// What comes of the endpoint's offer. `before`: what was agreed last; null: nothing yet.
/// Errors: SdpInvalid (something that the profile needs is missing or wrong), NoCommonCodec,
/// CryptoInvalid (no `a=crypto` that we know).
[[nodiscard]] Result<Agreed, Refusal> agree_on_offer(const Profile& profile,
                                                     const CodecPolicy& policy,
                                                     const SessionDescription& offer,
                                                     const Agreed* before);
[[nodiscard]] std::string write_answer(const Profile& profile, const Agreed& agreed,
                                       const OurSide& our);

/// Our offer: the sections of before, or one of audio.
[[nodiscard]] Offer make_offer(const Profile& profile, const CodecPolicy& policy,
                               const Agreed* before);
[[nodiscard]] std::string write_offer(const Profile& profile, const Offer& offer,
                                      const OurSide& our);
/// The video is not to be offered: its section stands there refused.
void leave_out_video(Offer& offer);
/// What comes of the endpoint's answer to it. Errors: as agree_on_offer.
[[nodiscard]] Result<Agreed, Refusal> agree_on_answer(const Profile& profile, const Offer& offer,
                                                      const SessionDescription& answer);

}  // namespace causeway::jsep
