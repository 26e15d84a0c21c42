#include <algorithm>

#include "control/jsep/sdp_parser.h"
#include "control/leg_negotiation.h"
#include "control/lookup.h"
#include "control/relay_api.h"
#include "control/secrets.h"

namespace causeway::control {

namespace {

constexpr std::size_t kMaxBranch = 128;
constexpr int kMaxTrickled = 64;

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
