#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/control/plane_fixture.h"

// Offers and answers through the API, from a browser's description to a trunk's and back.

namespace causeway::control {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string seed(const std::string& name) {
  std::ifstream file(std::filesystem::path("tests/fuzz/seeds/fuzz_sdp") / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string trunk(const std::string& direction, const std::string& codecs = "0") {
  return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
         "m=audio 9000 RTP/AVP " +
         codecs + "\r\na=" + direction + "\r\n";
}

std::string holding(std::string description) {
  const std::string flowing = "a=sendrecv";
  const auto at = description.find(flowing);
  EXPECT_NE(at, std::string::npos);
  return description.replace(at, flowing.size(), "a=sendonly");
}

class RelaySdpTest : public PlaneTest {
 protected:
  explicit RelaySdpTest(std::uint16_t ports = 200) : PlaneTest(21'700, ports) {}

  Answer<v1::BridgeOfferResponse> offer(const std::string& sdp) {
    v1::BridgeOfferRequest request;
    request.set_name(session);
    request.set_session_id(session.empty() ? "s" : "");
    request.set_offer_sdp(sdp);
    auto made = api->bridge_offer(request);
    if (made) session = made->session().name();
    return made;
  }
  Answer<v1::BridgeAnswerResponse> answer(const std::string& sdp, bool is_provisional = false) {
    v1::BridgeAnswerRequest request;
    request.set_name(session);
    request.set_answer_sdp(sdp);
    request.set_provisional(is_provisional);
    return api->bridge_answer(request);
  }
  v1::Leg leg(const std::string& id) {
    v1::GetSessionRequest get;
    get.set_name(session);
    const auto shown = api->get_session(get);
    EXPECT_TRUE(shown);
    for (const v1::Leg& each : shown->session().legs()) {
      if (each.name() == session + "/legs/" + id) return each;
    }
    return {};
  }

  /// What becomes of everything, in the order of the alphabet.
  std::vector<std::string> plans() {
    v1::GetSessionRequest get;
    get.set_name(session);
    const auto shown = api->get_session(get);
    EXPECT_TRUE(shown);
    std::vector<std::string> texts;
    for (const v1::Connection& each : shown->session().connections()) {
      texts.push_back(each.plan().text());
    }
    std::ranges::sort(texts);
    return texts;
  }

  std::string session;
};

TEST_F(RelaySdpTest, BridgesABrowserToATrunk) {
  const auto offered = offer(seed("chromium_audio"));
  ASSERT_TRUE(offered);
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("RTP/AVP"));
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("a=sendrecv"));
  const auto answered = answer(trunk("sendrecv"));
  ASSERT_TRUE(answered);
  EXPECT_THAT(answered->answer_sdp(), HasSubstr("a=candidate:"));
  EXPECT_EQ(leg("callee").codecs(0).encoding_name(), "PCMU");
  EXPECT_EQ(leg("caller").codecs(0).encoding_name(), "PCMU") << "nothing need be transcoded";
}

TEST_F(RelaySdpTest, AHoldOfTheOneIsOfferedToTheOther) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv")));
  const auto held = offer(holding(seed("chromium_audio")));
  ASSERT_TRUE(held);
  EXPECT_THAT(held->offer_sdp(), HasSubstr("a=sendonly"));
  const auto answered = answer(trunk("recvonly"));
  ASSERT_TRUE(answered);
  EXPECT_THAT(answered->answer_sdp(), HasSubstr("a=recvonly"));
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_SENDONLY);
  EXPECT_EQ(leg("caller").direction(), v1::DIRECTION_RECVONLY);
  const auto resumed = offer(seed("chromium_audio"));
  ASSERT_TRUE(resumed);
  EXPECT_THAT(resumed->offer_sdp(), HasSubstr("a=sendrecv"));
  ASSERT_TRUE(answer(trunk("sendrecv")));
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_SENDRECV);
}

TEST_F(RelaySdpTest, AHoldInTheAnswerIsOneForTheCaller) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  const auto early = answer(trunk("sendonly"), true);
  ASSERT_TRUE(early);
  EXPECT_THAT(early->answer_sdp(), HasSubstr("a=sendrecv")) << "a ringing tone is no hold";
  const auto held = answer(trunk("sendonly"));
  ASSERT_TRUE(held);
  EXPECT_THAT(held->answer_sdp(), HasSubstr("a=sendonly"));
  EXPECT_EQ(leg("caller").direction(), v1::DIRECTION_SENDONLY);
  ASSERT_TRUE(offer(seed("chromium_audio")));
  const auto resumed = answer(trunk("sendrecv"));
  ASSERT_TRUE(resumed);
  EXPECT_THAT(resumed->answer_sdp(), HasSubstr("a=sendrecv"));
  EXPECT_EQ(leg("caller").direction(), v1::DIRECTION_SENDRECV);
}

TEST_F(RelaySdpTest, EarlyMediaIsOfTheBranchThatWasAnsweredLast) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv"), true));
  EXPECT_EQ(leg("callee").remote().rtp().port(), 9000U);
  std::string other = trunk("sendrecv", "8");
  other.replace(other.find("9000"), 4, "9100");
  ASSERT_TRUE(answer(other));
  EXPECT_EQ(leg("callee").remote().rtp().port(), 9100U);
  EXPECT_EQ(leg("callee").codecs(0).encoding_name(), "PCMA");
  EXPECT_EQ(refusal(answer(other)), "LEG_NOT_READY") << "that was the final answer";
}

TEST_F(RelaySdpTest, AnOfferThatWasOnlyHeardChangesNothing) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv")));
  const std::string before = leg("caller").SerializeAsString();
  ASSERT_TRUE(offer(holding(seed("chromium_audio"))));
  EXPECT_EQ(leg("caller").SerializeAsString(), before) << "its media goes on until it is answered";
  v1::RollbackOfferRequest rollback;
  rollback.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->rollback_offer(rollback));
  EXPECT_EQ(leg("caller").SerializeAsString(), before);
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_SENDRECV);
}

TEST_F(RelaySdpTest, ARollbackUndoesAProvisionalAnswer) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv")));
  ASSERT_TRUE(offer(seed("chromium_audio")));
  std::string other = trunk("sendonly", "8");
  other.replace(other.find("9000"), 4, "9100");
  ASSERT_TRUE(answer(other, true));
  EXPECT_EQ(leg("callee").remote().rtp().port(), 9100U);
  EXPECT_EQ(leg("callee").codecs(0).encoding_name(), "PCMA");
  v1::RollbackOfferRequest rollback;
  rollback.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->rollback_offer(rollback));
  EXPECT_EQ(leg("callee").remote().rtp().port(), 9000U);
  EXPECT_EQ(leg("callee").codecs(0).encoding_name(), "PCMU");
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_SENDRECV);
  EXPECT_EQ(leg("caller").codecs(0).encoding_name(), "PCMU") << "the caller's too";
  EXPECT_FALSE(answer(trunk("sendrecv"))) << "no offer is pending";
}

TEST_F(RelaySdpTest, AfterAFirstOfferThatCameToNothingNothingFlowsUntilTheNext) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv"), true));
  v1::RollbackOfferRequest rollback;
  rollback.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->rollback_offer(rollback));
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_INACTIVE);
  EXPECT_EQ(leg("caller").direction(), v1::DIRECTION_INACTIVE);
  // The next number is tried.
  ASSERT_TRUE(offer(seed("chromium_audio")));
  std::string other = trunk("sendrecv");
  other.replace(other.find("9000"), 4, "9100");
  const auto answered = answer(other);
  ASSERT_TRUE(answered);
  EXPECT_THAT(answered->answer_sdp(), HasSubstr("a=sendrecv"));
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_SENDRECV);
  EXPECT_EQ(leg("callee").remote().rtp().port(), 9100U);
  EXPECT_EQ(leg("caller").direction(), v1::DIRECTION_SENDRECV);
}

TEST_F(RelaySdpTest, EachAnswerOfABranchGivesOneForTheCaller) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  const auto first = answer(trunk("sendrecv"), true);
  ASSERT_TRUE(first);
  const auto same = answer(trunk("sendrecv"), true);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->answer_sdp(), first->answer_sdp()) << "a SIP 200 says what its 183 said";
  const auto other = answer(trunk("sendrecv", "8"), true);
  ASSERT_TRUE(other);
  EXPECT_THAT(other->answer_sdp(), HasSubstr("SAVPF 8 "));
  const auto last = answer(trunk("sendrecv"));
  ASSERT_TRUE(last);
  EXPECT_THAT(last->answer_sdp(), HasSubstr("SAVPF 0 "));
  EXPECT_FALSE(answer(trunk("sendrecv"))) << "that was the last";
}

TEST_F(RelaySdpTest, AnAnswerThatTheCallerCannotHaveSettlesNeitherSide) {
  v1::BridgeOfferRequest request;
  request.set_session_id("s");
  request.set_offer_sdp(seed("chromium_audio"));
  v1::Leg& caller = *request.mutable_session()->add_legs();
  caller.set_name("legs/caller");
  caller.set_profile("webrtc");
  caller.mutable_codec_policy()->add_allow("opus");
  caller.mutable_codec_policy()->set_transcoding(v1::TRANSCODING_POLICY_FORBID);
  const auto made = api->bridge_offer(request);
  ASSERT_TRUE(made);
  session = made->session().name();
  const std::string before = leg("callee").SerializeAsString();
  const auto refused = answer(trunk("sendrecv"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "NO_COMMON_CODEC");
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_INACTIVE) << "nobody is to hear half a call";
  // The offer is pending still: another answer may do.
  const auto offered = made->offer_sdp();
  const auto answered = answer(trunk("sendrecv", "96\r\na=rtpmap:96 opus/48000/2"));
  ASSERT_TRUE(answered) << answered.error().detail;
  EXPECT_EQ(leg("callee").direction(), v1::DIRECTION_SENDRECV);
}

TEST_F(RelaySdpTest, TheReportHasTheLegsInTheirOrderOfCreation) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  v1::DeleteLegRequest remove;
  remove.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->delete_leg(remove));
  const auto names = [](const v1::SessionReport& report) {
    std::vector<std::string> all;
    for (const v1::LegReport& leg : report.legs()) all.push_back(leg.leg());
    return all;
  };
  const std::vector<std::string> expected = {session + "/legs/caller", session + "/legs/callee"};
  v1::GetSessionReportRequest get;
  get.set_name(session);
  const auto now = api->get_session_report(get);
  ASSERT_TRUE(now);
  EXPECT_EQ(names(now->report()), expected);
  v1::DeleteSessionRequest end;
  end.set_name(session);
  const auto last = api->delete_session(end);
  ASSERT_TRUE(last);
  EXPECT_EQ(names(last->report()), expected);
}

TEST_F(RelaySdpTest, ABadDescriptionLeavesTheCallAsItWas) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv")));
  const std::string before = leg("caller").SerializeAsString();
  EXPECT_EQ(refusal(offer("v=0\r\nnonsense")), "SDP_INVALID offer_sdp");
  std::string unkeyed = seed("chromium_audio");
  for (auto at = unkeyed.find("a=fingerprint"); at != std::string::npos;
       at = unkeyed.find("a=fingerprint")) {
    unkeyed.erase(at, unkeyed.find('\n', at) + 1 - at);
  }
  EXPECT_EQ(refusal(offer(unkeyed)), "SDP_INVALID offer_sdp");
  EXPECT_EQ(leg("caller").SerializeAsString(), before);
}

TEST_F(RelaySdpTest, BothOfferingAtOnceIsGlare) {
  ASSERT_TRUE(offer(seed("chromium_audio")));
  ASSERT_TRUE(answer(trunk("sendrecv")));
  v1::CreateOfferRequest ours;
  ours.set_name(session + "/legs/caller");
  ASSERT_TRUE(api->create_offer(ours));
  v1::CreateAnswerRequest theirs;
  theirs.set_name(session + "/legs/caller");
  theirs.set_offer_sdp(seed("chromium_audio"));
  EXPECT_EQ(refusal(api->create_answer(theirs)), "LEG_NOT_READY");
  v1::RollbackOfferRequest back;
  back.set_name(session + "/legs/caller");
  ASSERT_TRUE(api->rollback_offer(back));
  EXPECT_TRUE(api->create_answer(theirs));
}

/// A SIP endpoint with both, or with its video refused.
std::string phone(const std::string& video = "9002 RTP/AVP 96") {
  return trunk("sendrecv") + "m=video " + video + "\r\na=rtpmap:96 VP8/90000\r\n";
}

TEST_F(RelaySdpTest, VideoTowardsSipHasALegOfItsOwn) {
  const auto offered = offer(seed("chromium_audio_video"));
  ASSERT_TRUE(offered);
  const v1::Leg video = leg("callee-video");
  ASSERT_NE(video.local().rtp().port(), 0U);
  EXPECT_NE(video.local().rtp().port(), leg("callee").local().rtp().port());
  EXPECT_THAT(offered->offer_sdp(),
              HasSubstr("m=video " + std::to_string(video.local().rtp().port()) + " RTP/AVP"));
  const auto answered = answer(phone());
  ASSERT_TRUE(answered) << refusal(answered);
  EXPECT_THAT(answered->answer_sdp(), HasSubstr("VP8/90000"));
  EXPECT_THAT(answered->answer_sdp(), Not(HasSubstr("H264")));
  EXPECT_EQ(leg("callee-video").remote().rtp().port(), 9002U);
  EXPECT_EQ(leg("callee-video").state(), v1::LEG_STATE_ACTIVE);
  const v1::Leg callee = leg("callee");
  ASSERT_EQ(callee.media_size(), 2);
  EXPECT_EQ(callee.media(1).leg(), session + "/legs/callee-video");
  EXPECT_EQ(callee.media(1).remote().rtp().port(), 9002U);
  EXPECT_EQ(callee.media(1).codecs(0).encoding_name(), "VP8");
  EXPECT_EQ(callee.codecs_size(), 1) << "the sound only";
  const std::vector<std::string> all = plans();
  EXPECT_EQ(all.size(), 4U);
  for (const char* plan : {"legs/callee-video -> legs/caller: rekey(vp8) seal(dtls) send(srtp)",
                           "legs/caller -> legs/callee-video: open(dtls) rekey(vp8) send(rtp)"}) {
    EXPECT_THAT(all, testing::Contains(plan));
  }
}

TEST_F(RelaySdpTest, WithoutVideoInTheAnswerItsLegGoes) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone("0 RTP/AVP 96"), true));
  EXPECT_EQ(leg("callee-video").state(), v1::LEG_STATE_WAITING) << "another branch may take it";
  const auto answered = answer(phone("0 RTP/AVP 96"));
  ASSERT_TRUE(answered);
  EXPECT_TRUE(leg("callee-video").name().empty());
  EXPECT_EQ(plans().size(), 2U);

  // It is added by a later offer, and taken away by one that lacks it.
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  const auto added = answer(phone());
  ASSERT_TRUE(added) << refusal(added) << added.error().detail;
  EXPECT_EQ(leg("callee-video").state(), v1::LEG_STATE_ACTIVE);
  EXPECT_EQ(plans().size(), 4U);
  std::string sound_only = seed("chromium_audio_video");
  sound_only.replace(sound_only.find("m=video 9"), 9, "m=video 0");
  sound_only.replace(sound_only.find("a=group:BUNDLE 0 1"), 18, "a=group:BUNDLE 0");
  const auto less = offer(sound_only);
  ASSERT_TRUE(less) << refusal(less);
  EXPECT_THAT(less->offer_sdp(), HasSubstr("m=video 0 "));
  const auto settled = answer(phone("0 RTP/AVP 96"));
  ASSERT_TRUE(settled) << refusal(settled);
  EXPECT_TRUE(leg("callee-video").name().empty());
  EXPECT_EQ(plans().size(), 2U);
}

TEST_F(RelaySdpTest, ABranchWithoutVideoStopsThatOfAnother) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone(), true));
  EXPECT_EQ(leg("callee-video").direction(), v1::DIRECTION_SENDRECV);
  ASSERT_TRUE(answer(phone("0 RTP/AVP 96"), true));
  EXPECT_EQ(leg("callee-video").direction(), v1::DIRECTION_INACTIVE);
  ASSERT_TRUE(answer(phone("9004 RTP/AVP 96")));
  EXPECT_EQ(leg("callee-video").direction(), v1::DIRECTION_SENDRECV);
  EXPECT_EQ(leg("callee-video").remote().rtp().port(), 9004U);
}

TEST_F(RelaySdpTest, AHoldByTheApplicationStopsThePicturesToo) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone()));
  v1::UpdateLegRequest hold;
  hold.mutable_leg()->set_name(session + "/legs/callee");
  hold.mutable_update_mask()->add_paths("direction");
  for (const auto direction : {v1::DIRECTION_INACTIVE, v1::DIRECTION_SENDRECV}) {
    hold.mutable_leg()->set_direction(direction);
    ASSERT_TRUE(api->update_leg(hold));
    EXPECT_EQ(leg("callee-video").direction(), direction);
    EXPECT_EQ(leg("callee").media(1).direction(), direction);
  }
}

TEST_F(RelaySdpTest, TheVideoLegIsNotNegotiatedByItself) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone()));
  v1::CreateOfferRequest alone;
  alone.set_name(session + "/legs/callee-video");
  alone.set_profile("sip-trunk");
  EXPECT_EQ(refusal(api->create_offer(alone)), "FIELD_INVALID profile");
  v1::DeleteLegRequest remove;
  remove.set_name(session + "/legs/callee-video");
  ASSERT_TRUE(api->delete_leg(remove));
  EXPECT_EQ(leg("callee").media(1).direction(), v1::DIRECTION_INACTIVE);
  EXPECT_EQ(leg("callee").media(1).local().rtp().port(), 0U);
  // The next offer gives it another.
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone()));
  EXPECT_EQ(leg("callee-video").state(), v1::LEG_STATE_ACTIVE);
}

TEST_F(RelaySdpTest, VideoThatASipCallerTakesAwayIsNotOfferedOn) {
  v1::BridgeOfferRequest request;
  request.set_session_id("s");
  request.set_from_profile("sip-trunk");
  request.set_offer_sdp(phone());
  const auto offered = api->bridge_offer(request);
  ASSERT_TRUE(offered) << refusal(offered);
  session = offered->session().name();
  ASSERT_TRUE(answer(phone("9102 RTP/AVP 96")));
  const auto less = offer(phone("0 RTP/AVP 96"));
  ASSERT_TRUE(less) << refusal(less);
  EXPECT_THAT(less->offer_sdp(), HasSubstr("m=video 0 "));
  ASSERT_TRUE(answer(phone("0 RTP/AVP 96")));
  EXPECT_TRUE(leg("caller-video").name().empty());
  EXPECT_TRUE(leg("callee-video").name().empty());

  // Added once more, and the callee will not have it: nothing of it is left.
  ASSERT_TRUE(offer(phone()));
  EXPECT_TRUE(leg("caller-video").name().empty()) << "its port is made with the answer";
  EXPECT_FALSE(leg("callee-video").name().empty()) << "this one is offered";
  v1::RollbackOfferRequest back;
  back.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->rollback_offer(back));
  EXPECT_TRUE(leg("caller-video").name().empty());
  EXPECT_TRUE(leg("callee-video").name().empty());
  EXPECT_EQ(plans().size(), 2U);
}

TEST_F(RelaySdpTest, AConnectionOfVideoGoesWithThatOfTheSound) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone()));
  v1::GetSessionRequest get;
  get.set_name(session);
  const auto shown = api->get_session(get);
  int refused = 0;
  for (const v1::Connection& each : shown->session().connections()) {
    if (each.to_leg() != session + "/legs/callee-video") continue;
    v1::DeleteConnectionRequest remove;
    remove.set_name(each.name());
    EXPECT_EQ(refusal(api->delete_connection(remove)), "FIELD_INVALID name");
    v1::CreateConnectionRequest again;
    again.set_parent(session);
    again.mutable_connection()->set_from_leg(each.from_leg());
    again.mutable_connection()->set_to_leg(each.to_leg());
    EXPECT_THAT(refusal(api->create_connection(again)), HasSubstr("STAGE_ABSENT"));
    ++refused;
  }
  EXPECT_EQ(refused, 1);
}

TEST_F(RelaySdpTest, AnOfferThatIsRolledBackLeavesNoLegForVideo) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  v1::RollbackOfferRequest back;
  back.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->rollback_offer(back));
  EXPECT_TRUE(leg("callee-video").name().empty());
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone()));
  v1::CreateOfferRequest again;
  again.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->create_offer(again));
  ASSERT_TRUE(api->rollback_offer(back));
  EXPECT_EQ(leg("callee-video").remote().rtp().port(), 9002U) << "what was agreed goes on";
}

TEST_F(RelaySdpTest, TwoSipEndpointsSeeEachOtherOverTwoLegsOfVideo) {
  v1::BridgeOfferRequest request;
  request.set_session_id("s");
  request.set_from_profile("sip-trunk");
  request.set_offer_sdp(phone());
  const auto offered = api->bridge_offer(request);
  ASSERT_TRUE(offered) << refusal(offered);
  session = offered->session().name();
  const auto answered = answer(phone("9102 RTP/AVP 96"));
  ASSERT_TRUE(answered) << refusal(answered);
  EXPECT_THAT(answered->answer_sdp(), HasSubstr("VP8/90000"));
  EXPECT_EQ(leg("caller-video").remote().rtp().port(), 9002U);
  EXPECT_EQ(leg("callee-video").remote().rtp().port(), 9102U);
  const std::vector<std::string> all = plans();
  EXPECT_THAT(all,
              testing::Contains("legs/caller-video -> legs/callee-video: forward(vp8) send(rtp)"));
  EXPECT_EQ(all.size(), 4U);

  v1::DeleteLegRequest remove;
  remove.set_name(session + "/legs/callee");
  ASSERT_TRUE(api->delete_leg(remove));
  EXPECT_TRUE(leg("callee-video").name().empty()) << "its video goes with it";
}

TEST_F(RelaySdpTest, AConnectionMadeLaterTakesTheVideoAlong) {
  ASSERT_TRUE(offer(seed("chromium_audio_video")));
  ASSERT_TRUE(answer(phone()));
  v1::GetSessionRequest get;
  get.set_name(session);
  const auto shown = api->get_session(get);
  for (const v1::Connection& each : shown->session().connections()) {
    if (each.to_leg() != session + "/legs/callee") continue;
    v1::DeleteConnectionRequest remove;
    remove.set_name(each.name());
    ASSERT_TRUE(api->delete_connection(remove));
  }
  EXPECT_EQ(plans().size(), 2U);
  v1::CreateConnectionRequest connect;
  connect.set_parent(session);
  connect.mutable_connection()->set_from_leg("legs/caller");
  connect.mutable_connection()->set_to_leg("legs/callee");
  ASSERT_TRUE(api->create_connection(connect));
  EXPECT_EQ(plans().size(), 4U);
}

TEST_F(RelaySdpTest, RtcpGoesOverTheRtpPortWhereAnAnswerSaysSo) {
  v1::BridgeOfferRequest request;
  request.set_session_id("s");
  request.set_from_profile("sip-trunk");
  request.set_to_profile("sip-dtls");
  request.set_offer_sdp(trunk("sendrecv"));
  const auto offered = api->bridge_offer(request);
  ASSERT_TRUE(offered) << refusal(offered);
  session = offered->session().name();
  EXPECT_TRUE(leg("callee").local().has_rtcp());
  std::string taken = offered->offer_sdp();
  taken.replace(taken.find("actpass"), 7, "active");
  const auto answered = answer(taken);
  ASSERT_TRUE(answered) << refusal(answered);
  EXPECT_EQ(leg("callee").transport().kind(), v1::TRANSPORT_KIND_RTCP_MUX);
  EXPECT_FALSE(leg("callee").local().has_rtcp());
  v1::UpdateLegRequest back;
  back.mutable_leg()->set_name(session + "/legs/callee");
  back.mutable_leg()->mutable_transport()->set_kind(v1::TRANSPORT_KIND_PORT_PAIR);
  back.mutable_update_mask()->add_paths("transport.kind");
  ASSERT_TRUE(api->update_leg(back));
  EXPECT_TRUE(leg("callee").local().has_rtcp()) << "the ports are those of before";
  back.mutable_leg()->mutable_transport()->set_kind(v1::TRANSPORT_KIND_SHARED_PORT);
  EXPECT_EQ(refusal(api->update_leg(back)), "FIELD_INVALID leg.transport.ice");
}

TEST_F(RelaySdpTest, VideoIsOfferedToWhoCanHaveIt) {
  v1::BridgeOfferRequest two_browsers;
  two_browsers.set_to_profile("webrtc");
  two_browsers.set_offer_sdp(seed("chromium_audio_video"));
  const auto offered = api->bridge_offer(two_browsers);
  ASSERT_TRUE(offered);
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("VP8/90000"));
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("a=bundle-only"));
}

/// Chromium's offer with a screen beside the camera.
std::string camera_and_screen() {
  std::string text = seed("chromium_audio_video");
  const std::size_t camera = text.find("m=video");
  const std::size_t data = text.find("m=application");
  std::string screen = text.substr(camera, data - camera);
  screen.replace(screen.find("a=mid:1"), 7, "a=mid:s");
  text.insert(data, screen);
  text.insert(text.find("a=group:BUNDLE 0 1") + 18, " s");
  return text;
}

TEST_F(RelaySdpTest, EachSectionOfVideoGoesToItsPlaceOnTheOtherSide) {
  v1::BridgeOfferRequest request;
  request.set_session_id("s");
  request.set_to_profile("webrtc");
  request.set_offer_sdp(camera_and_screen());
  const auto offered = api->bridge_offer(request);
  ASSERT_TRUE(offered) << refusal(offered);
  session = offered->session().name();
  // The callee takes the screen only.
  std::string callee = offered->offer_sdp();
  callee.erase(callee.find("a=ice-lite"), 12);
  for (std::size_t at = callee.find("actpass"); at != std::string::npos;
       at = callee.find("actpass")) {
    callee.replace(at, 7, "active");
  }
  callee.replace(callee.find("a=group:BUNDLE 0 1 2"), 20, "a=group:BUNDLE 0 2");
  callee.erase(callee.find("a=bundle-only"), 15);
  const auto answered = answer(callee);
  ASSERT_TRUE(answered) << refusal(answered);
  const v1::Leg caller = leg("caller");
  ASSERT_EQ(caller.video_sections_size(), 2);
  EXPECT_EQ(caller.video_sections(0).mid(), "");
  EXPECT_EQ(caller.video_sections(0).direction(), v1::DIRECTION_INACTIVE);
  EXPECT_EQ(caller.video_sections(1).mid(), "s");
  ASSERT_EQ(caller.media_size(), 4);
  EXPECT_EQ(caller.media(1).codecs_size(), 0) << "the camera is refused";
  EXPECT_EQ(caller.media(2).mid(), "s");
  EXPECT_GT(caller.media(2).codecs_size(), 0);
  EXPECT_EQ(caller.media(2).direction(), v1::DIRECTION_SENDRECV);
  ASSERT_EQ(leg("callee").video_sections_size(), 2);
  EXPECT_EQ(leg("callee").video_sections(1).mid(), "2");
}

TEST_F(RelaySdpTest, ASecondSectionOfVideoIsRefusedTowardsSip) {
  const auto offered = offer(camera_and_screen());
  ASSERT_TRUE(offered) << refusal(offered);
  const std::string sdp = offered->offer_sdp();
  const std::size_t video = sdp.find("m=video");
  ASSERT_NE(video, std::string::npos);
  EXPECT_EQ(sdp.find("m=video", video + 1), std::string::npos);
  const auto answered = answer(phone("4002 RTP/AVP 96"));
  ASSERT_TRUE(answered) << refusal(answered);
  EXPECT_EQ(leg("caller").video_sections_size(), 1);
  EXPECT_EQ(leg("caller").media(2).codecs_size(), 0);
  EXPECT_TRUE(leg("callee-video").video_sections().empty());
}

TEST_F(RelaySdpTest, TheVideoLegHasTheWaysOfTheLegBesideIt) {
  v1::BridgeOfferRequest request;
  request.set_session_id("s");
  request.set_to_profile("sip-srtp");
  request.set_offer_sdp(seed("chromium_audio_video"));
  v1::Leg& callee = *request.mutable_session()->add_legs();
  callee.set_name("legs/callee");
  callee.set_dscp(34);
  callee.mutable_media_timeout()->set_seconds(7);
  v1::SdesSecurity& sdes = *callee.mutable_security()->mutable_sdes();
  sdes.set_roc_policy(v1::SRTP_ROC_POLICY_RESET);
  sdes.mutable_send()->set_suite(v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_32);
  const auto offered = api->bridge_offer(request);
  ASSERT_TRUE(offered) << refusal(offered) << offered.error().detail;
  session = offered->session().name();
  const v1::Leg video = leg("callee-video");
  EXPECT_TRUE(video.local().has_rtcp()) << "whether it will be one port the answer says";
  EXPECT_EQ(video.dscp(), 34U);
  EXPECT_EQ(video.media_timeout().seconds(), 7);
  EXPECT_EQ(video.first_packet_timeout().seconds(), 0) << "a camera may stay off";
  EXPECT_EQ(video.security().sdes().roc_policy(), v1::SRTP_ROC_POLICY_RESET);
  EXPECT_EQ(video.security().sdes().send().suite(), v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_32);
  const std::string sdp = offered->offer_sdp();
  EXPECT_THAT(sdp.substr(sdp.find("m=video")), HasSubstr("AES_CM_128_HMAC_SHA1_32"));
}

/// Its two workers have four ports each.
class RelaySdpFewPortsTest : public RelaySdpTest {
 protected:
  RelaySdpFewPortsTest() : RelaySdpTest(8) {}
};

TEST_F(RelaySdpFewPortsTest, WithoutRoomForVideoTheCallIsOneOfSound) {
  const auto offered = offer(seed("chromium_audio_video"));
  ASSERT_TRUE(offered) << refusal(offered);
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("m=video 0 "));
  EXPECT_TRUE(leg("callee-video").name().empty());
  const auto answered = answer(phone("0 RTP/AVP 96"));
  ASSERT_TRUE(answered) << refusal(answered);
  EXPECT_THAT(answered->answer_sdp(), HasSubstr("m=video 0 "));
  EXPECT_EQ(plans().size(), 2U);
}

}  // namespace
}  // namespace causeway::control
