#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "causeway/v1/relay_service.pb.h"
#include "control/control_plane.h"
#include "control/errors.h"
#include "control/jsep/negotiation.h"
#include "control/leg_change.h"
#include "control/session_state.h"

namespace causeway::control {

/// Offers and answers of one leg. The caller holds the session's `operation` as long as it lives.
/// Whatever fails leaves the leg as it was.
class LegNegotiation {
 public:
  /// `sdp`: the field that the description came in.
  LegNegotiation(ControlPlane& plane, SessionState& session, std::string leg, const Field& sdp)
      : plane_(plane), session_(session), id_(std::move(leg)), sdp_(sdp) {}

  /// Finds the leg and its profile; `wanted`: the request's, empty for the leg's own.
  /// Errors: LEG_NOT_FOUND, FIELD_REQUIRED, FIELD_INVALID.
  [[nodiscard]] Answer<void> begin(const std::string& wanted);
  /// Errors: LEG_NOT_READY where an offer of the relay is pending.
  [[nodiscard]] Answer<void> must_be_stable();
  /// The endpoint's offer, taken: what is agreed takes effect, and the answer is returned. While
  /// it is provisional the offer may be answered again, and an answer that says the same is the
  /// same text (RFC 6337 3.1.1: SIP allows no other). `limit`: what may flow at all.
  [[nodiscard]] Answer<std::string> answer(std::string_view offer_sdp, bool is_provisional = false,
                                           jsep::Direction limit = jsep::Direction::SendRecv);
  /// The relay's offer, which is then pending. Errors: LEG_NOT_READY.
  /// `limit`: what may flow at all.
  [[nodiscard]] Answer<std::string> offer(bool ice_restart,
                                          jsep::Direction limit = jsep::Direction::SendRecv);
  /// The endpoint's answer to it: what it says takes effect, and the offer stays pending until
  /// settle(). Errors: LEG_NOT_READY.
  [[nodiscard]] Answer<void> set_answer(std::string_view answer_sdp);
  /// That answer was the last word. Until then another branch may take the video that was offered.
  [[nodiscard]] Answer<void> settle();
  /// Errors: LEG_NOT_READY.
  [[nodiscard]] Answer<void> roll_back();
  /// An offer of the endpoint's that was heard will not be answered any more; nothing where there
  /// is none.
  [[nodiscard]] Answer<void> forget();
  /// BridgeOffer: an offer of the endpoint's that is answered later. Nothing changes yet, but what
  /// it says is known, so that the other side can be offered it. Returns what may flow on the other
  /// side, where this one is on hold. Errors: as answer().
  [[nodiscard]] Answer<jsep::Direction> hear(std::string_view offer_sdp);
  /// What the leg is by its last answer, provisional or final; null: none yet.
  [[nodiscard]] std::shared_ptr<const jsep::Agreed> now_agreed();
  /// Makes the leg again what `before` says, an earlier now_agreed(); null: nothing flows.
  [[nodiscard]] Answer<void> go_back_to(std::shared_ptr<const jsep::Agreed> before);
  [[nodiscard]] v1::Leg show();

 private:
  /// Whether what is known of the other side's video is its last word on this offer.
  enum class OtherSide : std::uint8_t { HasSpoken, IsAskedYet };
  /// `is_heard`: the offer is the one that was heard last, and what it came to then stays so.
  Answer<std::shared_ptr<jsep::Agreed>> agree_on(const jsep::SessionDescription& offer,
                                                 OtherSide other_side, bool is_heard);
  Answer<std::shared_ptr<jsep::Offer>> make(jsep::Direction limit);
  /// What has to be there before our offer leaves: a port for video that is not bundled, codecs, so
  /// that early media is understood, and new credentials where ICE is restarted.
  Answer<void> prepare_for(jsep::Offer& offer, bool ice_restart);
  /// Makes the leg, and the one of its video, what was agreed.
  Answer<void> take(jsep::Agreed& agreed, bool is_offer);
  /// A leg for video, where there is none yet. False: it cannot be had, and the call is one of
  /// sound.
  bool find_room(const jsep::Video& video, bool& is_new);
  /// Whether it is the offer that was heard and waits for its answer.
  bool is_unanswered(std::string_view offer_sdp);
  bool has_video_leg();
  /// What the leg itself would refuse, such as keys, it refuses before anybody else is asked.
  Answer<void> could_take(const jsep::Agreed& agreed);
  Answer<void> take_both(const jsep::Agreed& agreed, bool is_offer);
  /// Without video in what was agreed (null: nothing was) there is no leg for it.
  Answer<void> drop_video_leg(const jsep::Agreed* agreed);
  Answer<void> go_back_to_settled();
  Answer<void> prepare(LegChange& change, const std::string& id,
                       const v1::UpdateLegRequest& update);
  Answer<void> change(const std::string& id, const v1::UpdateLegRequest& update);
  /// An error about the request's only field that there is, the description.
  Answer<void> as_of_description(Answer<void> done) const;

  ControlPlane& plane_;
  SessionState& session_;
  const std::string id_;
  const Field sdp_;
  const jsep::Profile* profile_ = nullptr;
};

}  // namespace causeway::control
