#include <algorithm>

#include "control/leg_change.h"
#include "control/lookup.h"
#include "control/relay_api.h"
#include "control/sdp_leg.h"
#include "control/secrets.h"
#include "control/video_leg.h"

namespace causeway::control {

namespace {

constexpr std::size_t kMaxBranch = 128;
constexpr int kMaxTrickled = 64;

/// Offers and answers of one leg. The caller holds the session's `operation` as long as it lives.
/// Whatever fails leaves the leg as it was.
class LegNegotiation {
 public:
  /// `sdp`: the field that the description came in.
  LegNegotiation(ControlPlane& plane, SessionState& session, std::string leg, const Field& sdp)
      : plane_(plane), session_(session), id_(std::move(leg)), sdp_(sdp) {}

  /// Finds the leg and its profile; `wanted`: the request's, empty for the leg's own.
  /// Errors: LEG_NOT_FOUND, FIELD_REQUIRED, FIELD_INVALID.
  [[nodiscard]] Answer<void> begin(const std::string& wanted) {
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

  /// Errors: LEG_NOT_READY where an offer of the relay is pending.
  [[nodiscard]] Answer<void> must_be_stable() {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    if (!leg->negotiation.pending) return {};
    return failure(api_error("LEG_NOT_READY", "An offer of the relay is pending on " + id_ + "."));
  }

  /// The endpoint's offer, taken: what is agreed takes effect, and the answer is returned. While
  /// it is provisional the offer may be answered again, and an answer that says the same is the
  /// same text (RFC 6337 3.1.1: SIP allows no other). `limit`: what may flow at all.
  [[nodiscard]] Answer<std::string> answer(std::string_view offer_sdp, bool is_provisional = false,
                                           jsep::Direction limit = jsep::Direction::SendRecv) {
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
    const auto write = [&] {
      return write_answer(*profile_, *negotiation.agreed, our_side(session_, *leg));
    };
    std::string text = write();
    if (!negotiation.answered || negotiation.answered->reveal() != text) {
      ++negotiation.version;
      text = write();
    }
    if (is_provisional) {
      negotiation.answered = std::make_shared<const jsep::SecretText>(text);
    } else {
      negotiation.drop_unanswered();
      negotiation.settled = negotiation.agreed;
    }
    return text;
  }

  /// The relay's offer, which is then pending. Errors: LEG_NOT_READY.
  /// `limit`: what may flow at all.
  [[nodiscard]] Answer<std::string> offer(bool ice_restart,
                                          jsep::Direction limit = jsep::Direction::SendRecv) {
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

  /// The endpoint's answer to it: what it says takes effect, and the offer stays pending until
  /// settle(). Errors: LEG_NOT_READY.
  [[nodiscard]] Answer<void> set_answer(std::string_view answer_sdp) {
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

  /// That answer was the last word. Until then another branch may take the video that was offered.
  [[nodiscard]] Answer<void> settle() {
    const auto agreed = now_agreed();
    if (auto done = drop_video_leg(agreed.get()); !done) return done;
    const Lock lock(session_.data);
    LegState* const leg = session_.leg(id_);
    if (leg == nullptr) return failure(no_leg(session_.id, id_));
    leg->negotiation.settled = agreed;
    leg->negotiation.pending.reset();
    return {};
  }

  /// Errors: LEG_NOT_READY.
  [[nodiscard]] Answer<void> roll_back() {
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

  /// An offer of the endpoint's that was heard will not be answered any more; nothing where there
  /// is none.
  [[nodiscard]] Answer<void> forget() {
    {
      const Lock lock(session_.data);
      LegState* const leg = session_.leg(id_);
      if (leg == nullptr || !leg->negotiation.unanswered) return {};
      leg->negotiation.drop_unanswered();
    }
    return go_back_to_settled();
  }

  /// BridgeOffer: an offer of the endpoint's that is answered later. Nothing changes yet, but what
  /// it says is known, so that the other side can be offered it. Returns what may flow on the other
  /// side, where this one is on hold. Errors: as answer().
  [[nodiscard]] Answer<jsep::Direction> hear(std::string_view offer_sdp) {
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

  /// What the leg is by its last answer, provisional or final; null: none yet.
  [[nodiscard]] std::shared_ptr<const jsep::Agreed> now_agreed() {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    return leg == nullptr ? nullptr : leg->negotiation.agreed;
  }

  /// Makes the leg again what `before` says, an earlier now_agreed(); null: nothing flows.
  [[nodiscard]] Answer<void> go_back_to(std::shared_ptr<const jsep::Agreed> before) {
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

  [[nodiscard]] v1::Leg show() {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    return leg == nullptr ? v1::Leg() : show_leg(session_, *leg);
  }

 private:
  /// Whether what is known of the other side's video is its last word on this offer.
  enum class OtherSide : std::uint8_t { HasSpoken, IsAskedYet };

  /// `is_heard`: the offer is the one that was heard last, and what it came to then stays so.
  Answer<std::shared_ptr<jsep::Agreed>> agree_on(const jsep::SessionDescription& offer,
                                                 OtherSide other_side, bool is_heard) {
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

  Answer<std::shared_ptr<jsep::Offer>> make(jsep::Direction limit) {
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

  /// What has to be there before our offer leaves: a port for video that is not bundled, codecs, so
  /// that early media is understood, and new credentials where ICE is restarted.
  Answer<void> prepare_for(jsep::Offer& offer, bool ice_restart) {
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

  /// Makes the leg, and the one of its video, what was agreed.
  Answer<void> take(jsep::Agreed& agreed, bool is_offer) {
    bool has_new_leg = false;
    if (agreed.video_transport && !find_room(agreed.videos.front(), has_new_leg)) {
      leave_out_video(agreed);
    }
    auto done = take_both(agreed, is_offer);
    if (!done && has_new_leg) (void)remove_video_leg(plane_, session_, id_);
    return done;
  }

  /// A leg for video, where there is none yet. False: it cannot be had, and the call is one of
  /// sound.
  bool find_room(const jsep::Video& video, bool& is_new) {
    const auto added = add_video_leg(plane_, session_, id_, video);
    is_new = added && *added;
    return added.has_value();
  }

  /// Whether it is the offer that was heard and waits for its answer.
  bool is_unanswered(std::string_view offer_sdp) {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    return leg != nullptr && leg->negotiation.unanswered &&
           leg->negotiation.unanswered->reveal() == offer_sdp;
  }

  bool has_video_leg() {
    const Lock lock(session_.data);
    const LegState* const leg = session_.leg(id_);
    return leg != nullptr && leg->video_leg.has_value();
  }

  /// What the leg itself would refuse, such as keys, it refuses before anybody else is asked.
  Answer<void> could_take(const jsep::Agreed& agreed) {
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

  Answer<void> take_both(const jsep::Agreed& agreed, bool is_offer) {
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
        video_update = video_update_of(
            agreed, *video, jsep::lesser(leg->wanted_direction, video->wanted_direction));
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

  /// Without video in what was agreed (null: nothing was) there is no leg for it.
  Answer<void> drop_video_leg(const jsep::Agreed* agreed) {
    if (agreed != nullptr && agreed->video_transport) return {};
    return remove_video_leg(plane_, session_, id_);
  }

  Answer<void> go_back_to_settled() {
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

  Answer<void> prepare(LegChange& change, const std::string& id,
                       const v1::UpdateLegRequest& update) {
    change.be_agreement();
    return as_of_description(change.prepare(id, update));
  }

  Answer<void> change(const std::string& id, const v1::UpdateLegRequest& update) {
    if (update.update_mask().paths().empty()) return {};
    LegChange change(plane_, session_);
    if (auto done = prepare(change, id, update); !done) return done;
    return as_of_description(change.carry_out());
  }

  /// An error about the request's only field that there is, the description.
  Answer<void> as_of_description(Answer<void> done) const {
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

  ControlPlane& plane_;
  SessionState& session_;
  const std::string id_;
  const Field sdp_;
  const jsep::Profile* profile_ = nullptr;
};

/// A leg's short or full name in a bridge, or what it is called without one.
Answer<std::string> bridge_leg(const std::string& name, const char* otherwise,
                               const std::string& session, const Field& field) {
  const std::string reference = name.empty() ? otherwise : name;  // what `id` looks into
  const auto id = parse_reference(reference, ChildKind::Leg, session);
  if (!id) return failure(bad_name(field, id.error()));
  return std::string(*id);
}

/// The legs that this one is connected to.
std::vector<std::string> legs_beside(SessionState& session, const std::string& id) {
  const Lock lock(session.data);
  std::vector<std::string> ids;
  const LegState* const leg = session.leg(id);
  for (const LegState& each : session.legs) {
    const bool is_beside =
        leg != nullptr && std::ranges::any_of(session.connections, [&](const auto& connection) {
          return (connection.from == leg->number && connection.to == each.number) ||
                 (connection.to == leg->number && connection.from == each.number);
        });
    if (is_beside) ids.push_back(each.id());
  }
  return ids;
}

v1::Leg& leg_of(v1::Session& session, const std::string& id, const std::string& profile) {
  const std::string name = "legs/" + id;
  for (v1::Leg& leg : *session.mutable_legs()) {
    if (leg.name() != name) continue;
    if (leg.profile().empty()) leg.set_profile(profile);
    return leg;
  }
  v1::Leg& leg = *session.add_legs();
  leg.set_name(name);
  leg.set_profile(profile);
  return leg;
}

Answer<void> check_branch(const std::string& branch) {
  if (branch.size() <= kMaxBranch) return {};
  return failure(invalid(Field("branch"), "A branch is at most 128 octets."));
}

}  // namespace

Answer<v1::CreateOfferResponse> RelayApi::create_offer(const v1::CreateOfferRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  LegNegotiation leg(plane_, session, child->id, Field("name"));
  if (auto begun = leg.begin(in.profile()); !begun) return failure(std::move(begun).error());
  auto offer = leg.offer(in.ice_restart());
  if (!offer) return failure(std::move(offer).error());
  v1::CreateOfferResponse out;
  out.set_offer_sdp(std::move(*offer));
  *out.mutable_leg() = leg.show();
  return out;
}

Answer<v1::CreateAnswerResponse> RelayApi::create_answer(const v1::CreateAnswerRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  LegNegotiation leg(plane_, session, child->id, Field("offer_sdp"));
  if (auto begun = leg.begin(in.profile()); !begun) return failure(std::move(begun).error());
  auto answer = leg.answer(in.offer_sdp());
  if (!answer) return failure(std::move(answer).error());
  v1::CreateAnswerResponse out;
  out.set_answer_sdp(std::move(*answer));
  *out.mutable_leg() = leg.show();
  return out;
}

Answer<v1::SetAnswerResponse> RelayApi::set_answer(const v1::SetAnswerRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  if (auto checked = check_branch(in.branch()); !checked) {
    return failure(std::move(checked).error());
  }
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  LegNegotiation leg(plane_, session, child->id, Field("answer_sdp"));
  if (auto begun = leg.begin(""); !begun) return failure(std::move(begun).error());
  auto done = leg.set_answer(in.answer_sdp());
  if (done && !in.provisional()) done = leg.settle();
  if (!done) return failure(std::move(done).error());
  v1::SetAnswerResponse out;
  *out.mutable_leg() = leg.show();
  return out;
}

Answer<v1::RollbackOfferResponse> RelayApi::rollback_offer(const v1::RollbackOfferRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  LegNegotiation leg(plane_, session, child->id, Field("name"));
  if (auto done = leg.roll_back(); !done) return failure(std::move(done).error());
  // What was to be answered with its answer will not be.
  for (const std::string& id : legs_beside(session, child->id)) {
    LegNegotiation other(plane_, session, id, Field("name"));
    if (auto done = other.forget(); !done) return failure(std::move(done).error());
  }
  v1::RollbackOfferResponse out;
  *out.mutable_leg() = leg.show();
  return out;
}

Answer<v1::AddIceCandidatesResponse> RelayApi::add_ice_candidates(
    const v1::AddIceCandidatesRequest& in) {
  const auto child = find_child(plane_, in.name(), ChildKind::Leg, Field("name"));
  if (!child) return failure(child.error());
  if (in.candidates_size() > kMaxTrickled) {
    return failure(invalid(Field("candidates"), "At most 64 candidates at a time."));
  }
  std::vector<jsep::Candidate> candidates;
  for (int i = 0; i < in.candidates_size(); ++i) {
    std::string_view line = in.candidates(i);
    for (const std::string_view prefix : {"a=", "candidate:"}) {
      if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
    }
    // Read as a description would be: there is one grammar.
    const bool is_one_line = line.find_first_of("\r\n") == std::string_view::npos;
    const auto parsed = jsep::parse_sdp(
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=candidate:" +
        std::string(line) + "\r\n");
    if (!is_one_line || !parsed || parsed->media.front().candidates.size() != 1) {
      return failure(
          field_error("SDP_INVALID", Field{"candidates", nullptr, i}, "It is no a=candidate."));
    }
    candidates.push_back(parsed->media.front().candidates.front());
  }
  SessionState& session = *child->session;
  const Lock operation(session.operation);
  engine::LegHandle handle{session.handle, 0};
  {
    const Lock lock(session.data);
    const LegState* const leg = session.leg(child->id);
    if (leg == nullptr) return failure(no_leg(session.id, child->id));
    if (!leg->setup.ice) return failure(api_error("LEG_NOT_READY", "The leg has no ICE."));
    handle.leg = leg->number;
    // A lite agent makes no checks: it hears of the endpoint from its own.
    if (leg->setup.ice->role == ice::Role::Lite) return v1::AddIceCandidatesResponse();
  }
  auto update = std::make_unique<engine::UpdateLeg>();
  update->leg = handle;
  auto& ice = update->update.ice.emplace();
  std::uint32_t priority = 1'000;
  for (const SocketAddress& address : usable_candidates(candidates)) {
    ice.candidates.push_back({address, priority--});
  }
  ice.has_all_candidates = in.end_of_candidates();
  auto done = carry_out(plane_, session, std::move(update));
  if (!done) return failure(std::move(done).error());
  return v1::AddIceCandidatesResponse();
}

Answer<v1::BridgeOfferResponse> RelayApi::bridge_offer(const v1::BridgeOfferRequest& in) {
  std::string name = in.name();
  const bool is_new = name.empty();
  if (is_new) {
    const Field id_field("session_id");
    auto id = choose_id(in.session_id(), id_field);
    if (!id) return failure(std::move(id).error());
    const auto from = bridge_leg(in.from_leg(), "legs/caller", *id, Field("from_leg"));
    if (!from) return failure(from.error());
    const auto to = bridge_leg(in.to_leg(), "legs/callee", *id, Field("to_leg"));
    if (!to) return failure(to.error());
    v1::CreateSessionRequest create;
    create.set_session_id(*id);
    *create.mutable_session() = in.session();
    v1::Session& session = *create.mutable_session();
    leg_of(session, *from, in.from_profile().empty() ? "webrtc" : in.from_profile());
    leg_of(session, *to, in.to_profile().empty() ? "sip-trunk" : in.to_profile());
    if (session.connections().empty()) {
      for (const auto& [a, b] : {std::pair{*from, *to}, std::pair{*to, *from}}) {
        v1::Connection& connection = *session.add_connections();
        connection.set_from_leg("legs/" + a);
        connection.set_to_leg("legs/" + b);
      }
    }
    auto made = create_session(create);
    wipe_secrets(create);
    if (!made) return failure(std::move(made).error());
    name = made->session().name();
  }
  auto out = offer_bridge(name, in);
  if (!out && is_new) {
    v1::DeleteSessionRequest remove;
    remove.set_name(name);
    (void)delete_session(remove);
  }
  return out;
}

Answer<v1::BridgeOfferResponse> RelayApi::offer_bridge(const std::string& name,
                                                       const v1::BridgeOfferRequest& in) {
  const auto found = find_session(plane_, name, Field("name"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const auto from = bridge_leg(in.from_leg(), "legs/caller", session.id, Field("from_leg"));
  if (!from) return failure(from.error());
  const auto to = bridge_leg(in.to_leg(), "legs/callee", session.id, Field("to_leg"));
  if (!to) return failure(to.error());
  v1::BridgeOfferResponse out;
  {
    const Lock operation(session.operation);
    LegNegotiation caller(plane_, session, *from, Field("offer_sdp"));
    if (auto begun = caller.begin(""); !begun) return failure(std::move(begun).error());
    LegNegotiation callee(plane_, session, *to, Field("to_leg"));
    if (auto begun = callee.begin(""); !begun) return failure(std::move(begun).error());
    for (LegNegotiation* each : {&caller, &callee}) {
      if (auto stable = each->must_be_stable(); !stable) return failure(std::move(stable).error());
    }
    const auto heard = caller.hear(in.offer_sdp());
    if (!heard) return failure(heard.error());
    auto offer = callee.offer(false, *heard);
    if (!offer) {
      (void)caller.forget();
      return failure(std::move(offer).error());
    }
    out.set_offer_sdp(std::move(*offer));
  }
  v1::GetSessionRequest get;
  get.set_name(session_name(session.id));
  auto shown = get_session(get);
  if (!shown) return failure(std::move(shown).error());
  *out.mutable_session() = std::move(*shown->mutable_session());
  return out;
}

Answer<v1::BridgeAnswerResponse> RelayApi::bridge_answer(const v1::BridgeAnswerRequest& in) {
  const auto found = find_session(plane_, in.name(), Field("name"));
  if (!found) return failure(found.error());
  SessionState& session = **found;
  const auto from = bridge_leg(in.from_leg(), "legs/callee", session.id, Field("from_leg"));
  if (!from) return failure(from.error());
  const auto to = bridge_leg(in.to_leg(), "legs/caller", session.id, Field("to_leg"));
  if (!to) return failure(to.error());
  if (auto checked = check_branch(in.branch()); !checked) {
    return failure(std::move(checked).error());
  }
  v1::BridgeAnswerResponse out;
  {
    const Lock operation(session.operation);
    LegNegotiation callee(plane_, session, *from, Field("answer_sdp"));
    if (auto begun = callee.begin(""); !begun) return failure(std::move(begun).error());
    LegNegotiation caller(plane_, session, *to, Field("to_leg"));
    if (auto begun = caller.begin(""); !begun) return failure(std::move(begun).error());
    const auto before = callee.now_agreed();
    if (auto done = callee.set_answer(in.answer_sdp()); !done) {
      return failure(std::move(done).error());
    }
    std::shared_ptr<const jsep::SecretText> unanswered;
    {
      const Lock lock(session.data);
      const LegState* const leg = session.leg(*to);
      if (leg != nullptr) unanswered = leg->negotiation.unanswered;
    }
    if (unanswered) {
      // A hold in the last answer is one for the caller; early media may well go one way only.
      const auto taken = callee.now_agreed();
      const auto limit =
          in.provisional() || !taken ? jsep::Direction::SendRecv : jsep::turned(taken->direction);
      auto answer = caller.answer(unanswered->reveal(), in.provisional(), limit);
      if (!answer) {  // neither side has then had an answer
        (void)callee.go_back_to(before);
        return failure(std::move(answer).error());
      }
      out.set_answer_sdp(std::move(*answer));
    }
    if (!in.provisional()) {
      if (auto done = callee.settle(); !done) return failure(std::move(done).error());
    }
  }
  v1::GetSessionRequest get;
  get.set_name(session_name(session.id));
  auto shown = get_session(get);
  if (!shown) return failure(std::move(shown).error());
  *out.mutable_session() = std::move(*shown->mutable_session());
  return out;
}

}  // namespace causeway::control
