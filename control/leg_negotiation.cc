#include "control/leg_negotiation.h"

#include "control/lookup.h"
#include "control/sdp_leg.h"
#include "control/secrets.h"
#include "control/video_leg.h"

namespace causeway::control {

Answer<void> LegNegotiation::begin(const std::string& wanted) {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  const std::string& own = leg->shown.profile();
  const Field field("profile");
  for (const LegState& each : session_.legs) {
    if (each.video_leg != leg->number) continue;
    return failure(invalid(field, "It is the video of " + each.id() + ": negotiate that leg."));
  }
  if (!wanted.empty() && !own.empty() && wanted != own) {
    return failure(invalid(field, "The leg was made for the profile " + own + "."));
  }
  const std::string& name = own.empty() ? wanted : own;
  if (name.empty()) return failure(required(field, "The leg has no profile of its own."));
  profile_ = jsep::profile_named(name);
  if (profile_ == nullptr) {
    return failure(invalid(field, "The relay has no profile of this name."));
  }
  if (profile_->has_ice != leg->setup.ice.has_value()) {
    return failure(invalid(field, "The leg's transport is not one of this profile."));
  }
  return {};
}

Answer<void> LegNegotiation::must_be_stable() {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  if (!leg->negotiation.pending) return {};
  return failure(api_error("LEG_NOT_READY", "An offer of the relay is pending on " + id_ + "."));
}

Answer<std::string> LegNegotiation::answer(std::string_view offer_sdp, bool is_provisional,
                                           jsep::Direction limit) {
  auto offer = read_sdp(offer_sdp, sdp_);
  if (!offer) return failure(std::move(offer).error());
  auto agreed = agree_on(*offer, OtherSide::HasSpoken, is_unanswered(offer_sdp));
  if (!agreed) return failure(std::move(agreed).error());
  (*agreed)->direction = jsep::lesser((*agreed)->direction, limit);
  if (auto done = take(**agreed, true); !done) return failure(std::move(done).error());
  if (auto done = drop_video_leg(agreed->get()); !done) return failure(std::move(done).error());
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  NegotiationState& negotiation = leg->negotiation;
  negotiation.agreed = std::move(*agreed);
  negotiation.heard.reset();
  std::string text = write_answer(*profile_, *negotiation.agreed, our_side(session_, *leg));
  if (!negotiation.answered || negotiation.answered->reveal() != text) {
    ++negotiation.version;
    text = write_answer(*profile_, *negotiation.agreed, our_side(session_, *leg));
  }
  if (is_provisional) {
    negotiation.answered = std::make_shared<const jsep::SecretText>(text);
  } else {
    negotiation.drop_unanswered();
    negotiation.settled = negotiation.agreed;
  }
  return text;
}

Answer<std::string> LegNegotiation::offer(bool ice_restart, jsep::Direction limit) {
  auto made = make(limit);
  if (!made) return failure(std::move(made).error());
  if (auto done = prepare_for(**made, ice_restart); !done) {
    return failure(std::move(done).error());
  }
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  leg->negotiation.pending = std::move(*made);
  ++leg->negotiation.version;
  return write_offer(*profile_, *leg->negotiation.pending, our_side(session_, *leg));
}

Answer<void> LegNegotiation::set_answer(std::string_view answer_sdp) {
  std::shared_ptr<const jsep::Offer> pending;
  {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    pending = leg->negotiation.pending;
  }
  if (!pending) return failure(api_error("LEG_NOT_READY", "No offer of the relay is pending."));
  auto answer = read_sdp(answer_sdp, sdp_);
  if (!answer) return failure(std::move(answer).error());
  auto agreed = agree_on_answer(*profile_, *pending, *answer);
  if (!agreed) return failure(refuse_sdp(agreed.error(), sdp_));
  // The application has taken away what was offered: another port would not be the one.
  if (agreed->video_transport && !has_video_leg()) leave_out_video(*agreed);
  if (auto done = take(*agreed, false); !done) return done;
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  leg->negotiation.agreed = std::make_shared<const jsep::Agreed>(std::move(*agreed));
  return {};
}

Answer<void> LegNegotiation::settle() {
  const auto agreed = now_agreed();
  if (auto done = drop_video_leg(agreed.get()); !done) return done;
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  leg->negotiation.settled = agreed;
  leg->negotiation.pending.reset();
  return {};
}

Answer<void> LegNegotiation::roll_back() {
  {
    const Lock lock(session_.data);
    LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    if (!leg->negotiation.pending) {
      return failure(api_error("LEG_NOT_READY", "No offer of the relay is pending."));
    }
  }
  if (auto done = go_back_to_settled(); !done) return done;
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg != nullptr) leg->negotiation.pending.reset();
  return {};
}

Answer<void> LegNegotiation::forget() {
  {
    const Lock lock(session_.data);
    LegState* const leg = session_.leg(id_);
    if (leg == nullptr || !leg->negotiation.unanswered) return {};
    leg->negotiation.drop_unanswered();
  }
  return go_back_to_settled();
}

Answer<jsep::Direction> LegNegotiation::hear(std::string_view offer_sdp) {
  auto offer = read_sdp(offer_sdp, sdp_);
  if (!offer) return failure(std::move(offer).error());
  const auto agreed = agree_on(*offer, OtherSide::IsAskedYet, false);
  if (!agreed) return failure(agreed.error());
  if (auto done = could_take(**agreed); !done) return failure(std::move(done).error());
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  leg->negotiation.drop_unanswered();
  leg->negotiation.unanswered = std::make_shared<const jsep::SecretText>(offer_sdp);
  leg->negotiation.heard = *agreed;
  return jsep::turned((*agreed)->direction);
}

std::shared_ptr<const jsep::Agreed> LegNegotiation::now_agreed() {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  return leg == nullptr ? nullptr : leg->negotiation.agreed;
}

Answer<void> LegNegotiation::go_back_to(std::shared_ptr<const jsep::Agreed> before) {
  if (now_agreed() == before) return {};
  v1::UpdateLegRequest nothing;
  nothing.mutable_leg()->set_direction(v1::DIRECTION_INACTIVE);
  nothing.mutable_update_mask()->add_paths("direction");
  // A leg for video that `before` had is there still: it goes with a final answer only.
  auto done = before ? take_both(*before, false) : change(id_, nothing);
  if (!done) return done;
  const Lock lock(session_.data);
  LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  leg->negotiation.agreed = std::move(before);
  return {};
}

v1::Leg LegNegotiation::show() {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  return leg == nullptr ? v1::Leg() : show_leg(session_, *leg);
}

Answer<std::shared_ptr<jsep::Agreed>> LegNegotiation::agree_on(
    const jsep::SessionDescription& offer, OtherSide other_side, bool is_heard) {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  if (leg->negotiation.pending) {
    return failure(
        api_error("LEG_NOT_READY", "An offer of the relay is pending: both sides have offered."));
  }
  const NegotiationState& negotiation = leg->negotiation;
  const jsep::Agreed* const before =
      is_heard && negotiation.heard ? negotiation.heard.get() : negotiation.agreed.get();
  jsep::CodecPolicy policy = codec_policy(session_, *leg);
  if (other_side == OtherSide::IsAskedYet) policy.videos.reset();
  auto agreed = agree_on_offer(*profile_, policy, offer, before);
  if (!agreed) return failure(refuse_sdp(agreed.error(), sdp_));
  return std::make_shared<jsep::Agreed>(std::move(*agreed));
}

Answer<std::shared_ptr<jsep::Offer>> LegNegotiation::make(jsep::Direction limit) {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  if (leg == nullptr) return failure(no_leg(session_.id, id_));
  if (leg->negotiation.pending) {
    return failure(api_error("LEG_NOT_READY", "An offer of the relay is pending already."));
  }
  jsep::Offer made =
      make_offer(*profile_, codec_policy(session_, *leg), leg->negotiation.agreed.get());
  made.direction = jsep::lesser(leg->wanted_direction, limit);
  if (made.codecs.empty()) {
    return failure(api_error("NO_COMMON_CODEC", "The leg's codec policy leaves no codec."));
  }
  return std::make_shared<jsep::Offer>(std::move(made));
}

Answer<void> LegNegotiation::prepare_for(jsep::Offer& offer, bool ice_restart) {
  const bool has_own_video = !offer.videos.empty() && !profile_->has_ice;
  bool has_new_leg = false;
  if (has_own_video && !find_room(offer.videos.front(), has_new_leg)) leave_out_video(offer);
  v1::UpdateLegRequest update;
  {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    if (!leg->negotiation.agreed) {
      set_codecs(offer.codecs, 20, *update.mutable_leg());
      if (!has_own_video) {
        set_videos(offer.videos, *update.mutable_leg());
        set_video_sections(offer.lines, offer.videos, *update.mutable_leg());
      }
      update.mutable_update_mask()->add_paths("video_sections");
      update.mutable_update_mask()->add_paths("codecs");
      set_extensions(offer.lines, offer.extensions, offer.videos, *update.mutable_leg());
      update.mutable_update_mask()->add_paths("header_extensions");
      // An offer before may have come to nothing.
      update.mutable_leg()->set_direction(direction_of(leg->wanted_direction));
      update.mutable_update_mask()->add_paths("direction");
    }
    if (ice_restart && leg->setup.ice) {
      update.mutable_leg()->mutable_transport()->mutable_ice()->set_restart(true);
      update.mutable_update_mask()->add_paths("transport.ice.restart");
    }
  }
  auto done = change(id_, update);
  if (!done && has_new_leg) (void)remove_video_leg(plane_, session_, id_);
  return done;
}

Answer<void> LegNegotiation::take(jsep::Agreed& agreed, bool is_offer) {
  bool has_new_leg = false;
  if (agreed.video_transport && !find_room(agreed.videos.front(), has_new_leg)) {
    leave_out_video(agreed);
  }
  auto done = take_both(agreed, is_offer);
  if (!done && has_new_leg) (void)remove_video_leg(plane_, session_, id_);
  return done;
}

bool LegNegotiation::find_room(const jsep::Video& video, bool& is_new) {
  const auto added = add_video_leg(plane_, session_, id_, video);
  is_new = added && *added;
  return added.has_value();
}

bool LegNegotiation::is_unanswered(std::string_view offer_sdp) {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  return leg != nullptr && leg->negotiation.unanswered &&
         leg->negotiation.unanswered->reveal() == offer_sdp;
}

bool LegNegotiation::has_video_leg() {
  const Lock lock(session_.data);
  const LegState* const leg = session_.leg(id_);
  return leg != nullptr && leg->video_leg.has_value();
}

Answer<void> LegNegotiation::could_take(const jsep::Agreed& agreed) {
  v1::UpdateLegRequest update;
  {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    update = update_of(agreed, *leg, true);
  }
  LegChange change(plane_, session_);
  auto done = prepare(change, id_, update);
  wipe_secrets(update);
  return done;
}

Answer<void> LegNegotiation::take_both(const jsep::Agreed& agreed, bool is_offer) {
  v1::UpdateLegRequest update;
  v1::UpdateLegRequest video_update;
  std::string video_id;
  {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    update = update_of(agreed, *leg, is_offer);
    const LegState* const video = leg->video_leg ? session_.leg(*leg->video_leg) : nullptr;
    if (video != nullptr && agreed.video_transport) {
      video_id = video->id();
      video_update = video_update_of(agreed, *video,
                                     jsep::lesser(leg->wanted_direction, video->wanted_direction));
    } else if (video != nullptr && !is_offer) {
      // This branch has no pictures, and those of another are not to flow on.
      video_id = video->id();
      video_update.mutable_leg()->set_direction(v1::DIRECTION_INACTIVE);
      video_update.mutable_update_mask()->add_paths("direction");
    }
  }
  // What may be refused is refused before anything has changed.
  LegChange video_change(plane_, session_);
  Answer<void> done = {};
  if (!video_id.empty()) done = prepare(video_change, video_id, video_update);
  if (done) done = change(id_, update);
  if (done && !video_id.empty()) done = video_change.carry_out();
  wipe_secrets(update);
  wipe_secrets(video_update);
  return done;
}

Answer<void> LegNegotiation::drop_video_leg(const jsep::Agreed* agreed) {
  if (agreed != nullptr && agreed->video_transport) return {};
  return remove_video_leg(plane_, session_, id_);
}

Answer<void> LegNegotiation::go_back_to_settled() {
  std::shared_ptr<const jsep::Agreed> settled;
  {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    settled = leg->negotiation.settled;
  }
  if (auto done = go_back_to(std::move(settled)); !done) return done;
  return drop_video_leg(now_agreed().get());
}

Answer<void> LegNegotiation::prepare(LegChange& change, const std::string& id,
                                     const v1::UpdateLegRequest& update) {
  change.be_agreement();
  return as_of_description(change.prepare(id, update));
}

Answer<void> LegNegotiation::change(const std::string& id, const v1::UpdateLegRequest& update) {
  if (update.update_mask().paths().empty()) return {};
  LegChange change(plane_, session_);
  if (auto done = prepare(change, id, update); !done) return done;
  return as_of_description(change.carry_out());
}

Answer<void> LegNegotiation::as_of_description(Answer<void> done) const {
  if (done) return done;
  ApiError error = std::move(done).error();
  if (!error.field.empty()) {
    error.field = sdp_.text();
    if (error.reason == "FIELD_INVALID" || error.reason == "FIELD_REQUIRED") {
      return failure(field_error("SDP_INVALID", sdp_, error.detail));
    }
  }
  return failure(std::move(error));
}

}  // namespace causeway::control
