#include "control/jsep/negotiation.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <sstream>

#include "control/jsep/codec_match.h"
#include "control/jsep/sdp_parser.h"

namespace causeway::jsep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string seed(const std::string& name) {
  std::ifstream file(std::filesystem::path("tests/fuzz/seeds/fuzz_sdp") / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

SessionDescription parsed(const std::string& text) {
  auto description = parse_sdp(text);
  EXPECT_TRUE(description) << (description ? "" : description.error().to_string()) << text;
  return description ? std::move(*description) : SessionDescription{};
}

const Profile& profile(std::string_view name) { return *profile_named(name); }

OurSide our_side() {
  OurSide our;
  our.session_id = "77";
  our.version = 3;
  our.rtp = *SocketAddress::parse("198.51.100.1:20000");
  our.ufrag = "ourufrag";
  our.password = "ourpasswordourpassword";
  our.fingerprint = Fingerprint{"sha-256", std::vector<std::uint8_t>(32, 0xab)};
  our.crypto = "AES_CM_128_HMAC_SHA1_80 inline:b3Vyc291cnNvdXJzb3Vyc291cnNvdXJzb3Vyc291cnM";
  return our;
}

/// A trunk's description, with `body` behind its m-line.
std::string trunk(const std::string& m_line, const std::string& body = "",
                  const std::string& address = "203.0.113.9") {
  return "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 " + address + "\r\nt=0 0\r\n" +
         m_line + "\r\n" + body;
}

Agreed agreed(std::string_view name, const std::string& offer, const CodecPolicy& policy = {},
              const Agreed* before = nullptr) {
  auto done = agree_on_offer(profile(name), policy, parsed(offer), before);
  EXPECT_TRUE(done) << (done ? "" : done.error().to_string());
  return done ? std::move(*done) : Agreed{};
}

Refusal refused(std::string_view name, const std::string& offer, const CodecPolicy& policy = {},
                const Agreed* before = nullptr) {
  const auto done = agree_on_offer(profile(name), policy, parsed(offer), before);
  EXPECT_FALSE(done);
  return done ? Refusal{} : done.error();
}

std::vector<std::string> names_of(const std::vector<Codec>& codecs) {
  std::vector<std::string> names;
  for (const Codec& codec : codecs) {
    names.push_back(codec.name + "/" + std::to_string(codec.clock.raw()));
  }
  return names;
}

TEST(Negotiation, AnswersABrowserWithOneCandidate) {
  const Agreed browser = agreed("webrtc", seed("chromium_audio"));
  EXPECT_EQ(browser.direction, Direction::SendRecv);
  EXPECT_TRUE(browser.is_active) << "its hello meets the first check";
  EXPECT_TRUE(browser.has_rtcp_mux);
  const std::string text = write_answer(profile("webrtc"), browser, our_side());
  const SessionDescription answer = parsed(text);
  EXPECT_TRUE(answer.is_ice_lite);
  ASSERT_EQ(answer.media.size(), 1U);
  const MediaSection& audio = answer.media[0];
  ASSERT_EQ(audio.candidates.size(), 1U);
  EXPECT_EQ(audio.candidates[0].priority, 2130706431U);
  EXPECT_EQ(audio.candidates[0].address, "198.51.100.1");
  EXPECT_EQ(audio.candidates[0].port, UdpPort(20000));
  EXPECT_TRUE(audio.has_rtcp_mux);
  EXPECT_EQ(answer.setup_of(audio), Setup::Active);
  EXPECT_EQ(answer.ice_ufrag_of(audio), "ourufrag");
  EXPECT_NE(answer.bundle_of(audio), nullptr);
  EXPECT_EQ(audio.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(answer.session_version, "3");
}

TEST(Negotiation, TakesTheFirstAudioAndRefusesTheRestWithPortZero) {
  for (const char* name : {"chromium_audio_video", "firefox_audio", "safari_audio"}) {
    const SessionDescription offer = parsed(seed(name));
    CodecPolicy sound_only;
    sound_only.videos.emplace();
    const Agreed browser = agreed("webrtc", seed(name), sound_only);
    const SessionDescription answer = parsed(write_answer(profile("webrtc"), browser, our_side()));
    ASSERT_EQ(answer.media.size(), offer.media.size()) << name;
    int taken = 0;
    for (std::size_t i = 0; i < answer.media.size(); ++i) {
      EXPECT_EQ(answer.media[i].kind, offer.media[i].kind);
      EXPECT_EQ(answer.media[i].mid, offer.media[i].mid);
      if (answer.media[i].port != UdpPort(0)) ++taken;
    }
    EXPECT_EQ(taken, 1) << name;
  }
}

TEST(Negotiation, TakesVideoOfTheSameBundleWithWhatTheRelayCarries) {
  const Agreed browser = agreed("webrtc", seed("chromium_audio_video"));
  ASSERT_EQ(browser.videos.size(), 1U);
  EXPECT_THAT(names_of(browser.videos.at(0).codecs),
              ElementsAre("VP8/90000", "H264/90000", "AV1/90000"));
  EXPECT_THAT(browser.videos.at(0).codecs[0].feedback,
              ElementsAre("nack", "nack pli", "ccm fir", "goog-remb"));
  EXPECT_THAT(browser.videos.at(0).codecs[1].feedback, ElementsAre("nack pli"));
  const std::string text = write_answer(profile("webrtc"), browser, our_side());
  const SessionDescription answer = parsed(text);
  ASSERT_EQ(answer.media.size(), 3U);
  EXPECT_EQ(answer.bundle_of(answer.media[0])->mids, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(answer.media[1].port, answer.media[0].port);
  EXPECT_TRUE(answer.media[1].has_rtcp_mux);
  EXPECT_TRUE(answer.media[1].candidates.empty()) << "one candidate for the whole bundle";
  EXPECT_EQ(answer.media[2].port, UdpPort(0));
}

/// What one side of a call that was agreed on looks like from the other.
CodecPolicy seen_from_the_other_side(const Agreed& one) {
  CodecPolicy policy;
  policy.videos = {Video{one.videos.at(0).codecs, turned(one.videos.at(0).direction)}};
  return policy;
}

/// Chromium's offer with a section of its own for each of these mids, behind the camera's.
std::string with_more_video(const std::vector<std::string>& mids) {
  std::string text = seed("chromium_audio_video");
  const std::size_t camera = text.find("m=video");
  const std::size_t data = text.find("m=application");
  std::string section = text.substr(camera, data - camera);
  // SSRCs are each section's own.
  while (section.find("a=ssrc") != std::string::npos) {
    const std::size_t at = section.find("a=ssrc");
    section.erase(at, section.find('\n', at) + 1 - at);
  }
  std::string more;
  for (const std::string& mid : mids) {
    std::string copy = section;
    copy.replace(copy.find("a=mid:1"), 7, "a=mid:" + mid);
    more += copy;
    text.insert(text.find("a=group:BUNDLE 0 1") + 18, " " + mid);
  }
  text.insert(text.find("m=application"), more);
  return text;
}

TEST(Negotiation, EachSectionOfVideoHasAPlaceAndKeepsIt) {
  const Agreed two = agreed("webrtc", with_more_video({"s"}));
  ASSERT_EQ(two.videos.size(), 2U);
  EXPECT_EQ(two.videos[0].place, 0);
  EXPECT_EQ(two.videos[1].place, 1);
  EXPECT_EQ(two.videos[1].line, 2U);
  EXPECT_EQ(two.videos[0].codecs[0].type, two.videos[1].codecs[0].type);
  const SessionDescription answer = parsed(write_answer(profile("webrtc"), two, our_side()));
  ASSERT_EQ(answer.media.size(), 4U);
  EXPECT_EQ(answer.media[2].port, answer.media[0].port);
  EXPECT_EQ(answer.bundle_of(answer.media[2])->mids, (std::vector<std::string>{"0", "1", "s"}));
  EXPECT_NE(answer.media[1].msids, answer.media[2].msids);
  // Without the camera the screen stays where it is; another camera takes the free place.
  std::string without = with_more_video({"s"});
  without.replace(without.find("m=video 9"), 9, "m=video 0");
  const Agreed screen = agreed("webrtc", without, {}, &two);
  ASSERT_EQ(screen.videos.size(), 1U);
  EXPECT_EQ(screen.videos[0].place, 1);
  std::string again = with_more_video({"s"});
  again.replace(again.find("a=mid:1"), 7, "a=mid:9");
  again.replace(again.find("BUNDLE 0 1"), 10, "BUNDLE 0 9");
  const Agreed both = agreed("webrtc", again, {}, &screen);
  ASSERT_EQ(both.videos.size(), 2U);
  EXPECT_EQ(both.videos[0].place, 0);
  EXPECT_EQ(both.videos[1].place, 1);
}

TEST(Negotiation, TheOtherSideIsOfferedEachPlaceAndARefusedLineIsUsedAgain) {
  const Agreed two = agreed("webrtc", with_more_video({"s"}));
  CodecPolicy both;
  both.videos.emplace();
  for (const Video& each : two.videos) {
    both.videos->push_back({each.codecs, Direction::SendRecv, {}, each.place});
  }
  CodecPolicy camera_only = both;
  camera_only.videos->pop_back();
  const Profile& lite_peer = profile("sip-webrtc");
  // One answers the other: our offer, read by the webrtc profile as a browser's would be.
  const auto settle = [&](const CodecPolicy& policy, const Agreed* before,
                          const Agreed* theirs_before) {
    const Offer offer = make_offer(lite_peer, policy, before);
    const std::string text = write_offer(lite_peer, offer, our_side());
    Agreed theirs = agreed("webrtc", text, {}, theirs_before);
    auto ours = agree_on_answer(lite_peer, offer,
                                parsed(write_answer(profile("webrtc"), theirs, our_side())));
    EXPECT_TRUE(ours) << (ours ? "" : ours.error().to_string());
    return std::pair{std::move(*ours), std::move(theirs)};
  };
  const auto first = settle(camera_only, nullptr, nullptr);
  ASSERT_EQ(first.first.videos.size(), 1U);
  const auto shared = settle(both, &first.first, &first.second);
  ASSERT_EQ(shared.first.videos.size(), 2U);
  EXPECT_EQ(shared.first.lines[2].mid, "2");
  EXPECT_EQ(shared.first.videos[0].codecs[0].type, shared.first.videos[1].codecs[0].type);
  ASSERT_TRUE(shared.first.videos[1].codecs[0].rtx);
  const auto stopped = settle(camera_only, &shared.first, &shared.second);
  EXPECT_EQ(stopped.first.videos.size(), 1U);
  EXPECT_FALSE(stopped.first.lines[2].is_ours);
  const auto again = settle(both, &stopped.first, &stopped.second);
  ASSERT_EQ(again.first.videos.size(), 2U);
  ASSERT_EQ(again.first.lines.size(), 3U);
  EXPECT_EQ(again.first.lines[2].mid, "3") << "one that was never used";
  EXPECT_EQ(again.first.videos[1].place, 1);
}

TEST(Negotiation, RefusesASectionThatNothingWouldTellOrForWhichThereIsNoPlace) {
  const Agreed five = agreed("webrtc", with_more_video({"s", "t", "u", "v"}));
  EXPECT_EQ(five.videos.size(), kMaxVideos);
  EXPECT_FALSE(five.lines[5].is_ours);
  // A payload type means one thing in a bundle.
  std::string other = with_more_video({"s"});
  const std::size_t second = other.find("m=video", other.find("m=video") + 1);
  for (std::size_t at = other.find("VP8/90000", second); at != std::string::npos;
       at = other.find("VP8/90000", at)) {
    other.replace(at, 9, "VP9/90000");
  }
  const Agreed mixed = agreed("webrtc", other);
  ASSERT_EQ(mixed.videos.size(), 2U);
  EXPECT_THAT(names_of(mixed.videos[1].codecs), ElementsAre("H264/90000", "AV1/90000"));
  // Its packets have to say where they belong.
  std::string silent = with_more_video({"s"});
  const std::string mid = "urn:ietf:params:rtp-hdrext:sdes:mid";
  silent.replace(silent.find(mid, silent.find("m=video", silent.find("m=video") + 1)), mid.size(),
                 "urn:of:no:consequence");
  EXPECT_EQ(agreed("webrtc", silent).videos.size(), 1U);
  // The other side has no such place.
  const CodecPolicy one = seen_from_the_other_side(agreed("webrtc", seed("chromium_audio_video")));
  EXPECT_EQ(agreed("webrtc", with_more_video({"s"}), one).videos.size(), 1U);
}

TEST(Negotiation, WithoutABundleThereIsOneSectionOfVideoAndOfAudioAlways) {
  const Agreed phone = agreed(
      "sip-trunk", trunk("m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/"
                         "90000\r\nm=video 4004 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
                         "m=audio 4006 RTP/AVP 0"));
  ASSERT_EQ(phone.videos.size(), 1U);
  OurSide our = our_side();
  our.video.emplace().rtp = *SocketAddress::parse("198.51.100.1:20002");
  const SessionDescription answer = parsed(write_answer(profile("sip-trunk"), phone, our));
  ASSERT_EQ(answer.media.size(), 4U);
  EXPECT_EQ(answer.media[1].port, UdpPort(20002));
  EXPECT_EQ(answer.media[2].port, UdpPort(0));
  EXPECT_EQ(answer.media[3].port, UdpPort(0));
}

TEST(Negotiation, OffersTheVideoThatTheOtherSideHas) {
  std::string caller = seed("chromium_audio_video");
  const auto section = caller.find("m=video");
  caller.replace(caller.find("a=sendrecv", section), 10, "a=sendonly");
  const Agreed first = agreed("webrtc", caller);
  EXPECT_EQ(first.videos.at(0).direction, Direction::RecvOnly);
  const Offer offer = make_offer(profile("webrtc"), seen_from_the_other_side(first), nullptr);
  const std::string text = write_offer(profile("webrtc"), offer, our_side());
  const SessionDescription written = parsed(text);
  ASSERT_EQ(written.media.size(), 2U);
  const MediaSection& video = written.media[1];
  EXPECT_TRUE(video.is_bundle_only);
  EXPECT_EQ(video.port, UdpPort(0));
  EXPECT_EQ(written.direction_of(video), Direction::SendOnly);
  EXPECT_EQ(video.formats[1].parameters,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f");
  std::set<int> types;
  for (const MediaSection& each : written.media) {
    for (const PayloadFormat& format : each.formats) {
      EXPECT_TRUE(types.insert(format.payload_type.raw()).second) << "unique in the bundle";
    }
  }

  // Its answer: another level of H.264 only, under another number.
  std::string callee = text;
  const auto put = [&](const std::string& from, const std::string& to) {
    for (auto at = callee.find(from); at != std::string::npos; at = callee.find(from, at)) {
      callee.replace(at, from.size(), to);
      at += to.size();
    }
  };
  put("a=ice-lite\r\n", "");
  put("a=setup:actpass", "a=setup:active");
  put("a=bundle-only\r\n", "");
  put("m=video 0 UDP/TLS/RTP/SAVPF 96 102 45", "m=video 9 UDP/TLS/RTP/SAVPF 122");
  put("a=rtpmap:102 H264/90000", "a=rtpmap:122 H264/90000");
  put("a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
      "a=fmtp:122 packetization-mode=1;profile-level-id=42000c");
  put("a=sendonly", "a=recvonly");
  const auto taken = agree_on_answer(profile("webrtc"), offer, parsed(callee));
  ASSERT_TRUE(taken) << taken.error().to_string() << callee;
  ASSERT_EQ(taken->videos.size(), 1U) << callee;
  ASSERT_EQ(taken->videos.at(0).codecs.size(), 1U);
  EXPECT_EQ(taken->videos.at(0).codecs[0].type, PayloadType(102));
  EXPECT_EQ(taken->videos.at(0).codecs[0].send_type, PayloadType(122));
  EXPECT_EQ(taken->videos.at(0).direction, Direction::SendOnly);

  // What the caller is then answered: that level, and nothing that the callee does not have.
  const Agreed last = agreed("webrtc", caller, seen_from_the_other_side(*taken));
  EXPECT_THAT(names_of(last.videos.at(0).codecs), ElementsAre("H264/90000"));
  EXPECT_EQ(last.videos.at(0).codecs[0].our_parameters,
            "packetization-mode=1;profile-level-id=42000c");
  EXPECT_EQ(last.videos.at(0).direction, Direction::RecvOnly);
}

TEST(Negotiation, VideoWithoutABundleHasAPortAndKeysOfItsOwn) {
  const Agreed browser = agreed("webrtc", seed("chromium_audio_video"));
  const CodecPolicy policy = seen_from_the_other_side(browser);
  OurSide our = our_side();
  our.video.emplace().rtp = *SocketAddress::parse("198.51.100.1:20002");
  our.video->fingerprint = Fingerprint{"sha-256", std::vector<std::uint8_t>(32, 0xcd)};
  our.video->crypto = "AES_CM_128_HMAC_SHA1_80 inline:dmlkZW92aWRlb3ZpZGVvdmlkZW92aWRlb3ZpZGVvdmk";
  for (const char* name : {"sip-trunk", "sip-srtp", "sip-dtls"}) {
    const Keying keying = profile(name).keying;
    const Offer offer = make_offer(profile(name), policy, nullptr);
    const std::string text = write_offer(profile(name), offer, our);
    const SessionDescription written = parsed(text);
    ASSERT_EQ(written.media.size(), 2U) << text;
    EXPECT_TRUE(written.groups.empty());
    EXPECT_EQ(written.media[0].port, UdpPort(20000));
    EXPECT_EQ(written.media[1].port, UdpPort(20002));
    EXPECT_EQ(written.media[1].protocol, profile(name).protocol);
    EXPECT_FALSE(written.media[1].is_bundle_only);

    // A phone's answer, made of it: another port for each.
    std::string callee = text;
    callee.replace(callee.find("m=audio 20000"), 13, "m=audio 30000");
    callee.replace(callee.find("m=video 20002"), 13, "m=video 30002");
    for (auto at = callee.find("actpass"); at != std::string::npos; at = callee.find("actpass")) {
      callee.replace(at, 7, "active");
    }
    const auto taken = agree_on_answer(profile(name), offer, parsed(callee));
    ASSERT_TRUE(taken) << taken.error().to_string() << callee;
    ASSERT_TRUE(taken->video_transport);
    EXPECT_EQ(taken->remote_rtp, SocketAddress::parse("198.51.100.1:30000"));
    EXPECT_EQ(taken->video_transport->remote_rtp, SocketAddress::parse("198.51.100.1:30002"));
    EXPECT_EQ(taken->video_transport->crypto.reveal().empty(), keying != Keying::Sdes);
    if (keying == Keying::Sdes) {
      EXPECT_NE(taken->video_transport->crypto.reveal(), taken->crypto.reveal());
    }
    if (keying == Keying::Dtls) {
      EXPECT_EQ(taken->video_transport->fingerprints.at(0).digest.at(0), 0xcd);
      EXPECT_EQ(taken->fingerprints.at(0).digest.at(0), 0xab);
    }

    // And an offer of the phone's, which is answered in kind.
    const Agreed heard = agreed(name, text);
    ASSERT_TRUE(heard.video_transport);
    const SessionDescription answer = parsed(write_answer(profile(name), heard, our));
    EXPECT_EQ(answer.media[1].port, UdpPort(20002));
    EXPECT_EQ(answer.media[1].crypto.size(), keying == Keying::Sdes ? 1U : 0U);
  }
}

TEST(Negotiation, OverDtlsRtcpSharesThePortWhereTheEndpointCanToo) {
  const Offer offer = make_offer(profile("sip-dtls"), {}, nullptr);
  const std::string text = write_offer(profile("sip-dtls"), offer, our_side());
  EXPECT_THAT(text, HasSubstr("a=rtcp-mux"));
  std::string callee = text;
  callee.replace(callee.find("actpass"), 7, "active");
  EXPECT_TRUE(agree_on_answer(profile("sip-dtls"), offer, parsed(callee))->has_rtcp_mux);
  callee.erase(callee.find("a=rtcp-mux\r\n"), 12);
  EXPECT_FALSE(agree_on_answer(profile("sip-dtls"), offer, parsed(callee))->has_rtcp_mux);
  const Agreed heard = agreed("sip-dtls", text);
  EXPECT_TRUE(heard.has_rtcp_mux);
  EXPECT_THAT(write_answer(profile("sip-dtls"), heard, our_side()), HasSubstr("a=rtcp-mux"));
  const Offer plain = make_offer(profile("sip-trunk"), {}, nullptr);
  EXPECT_THAT(write_offer(profile("sip-trunk"), plain, our_side()), Not(HasSubstr("rtcp-mux")));
}

TEST(Negotiation, VideoThatCannotBeReachedIsRefusedAndTheSoundGoesOn) {
  const std::string offer = trunk("m=audio 4000 RTP/SAVP 0",
                                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                                  "inline:b3Vyc291cnNvdXJzb3Vyc291cnNvdXJzb3Vyc291cnM\r\n"
                                  "m=video 4002 RTP/SAVP 96\r\na=rtpmap:96 VP8/90000\r\n");
  const Agreed heard = agreed("sip-srtp", offer);
  EXPECT_TRUE(heard.videos.empty()) << "it has no keys";
  EXPECT_THAT(write_answer(profile("sip-srtp"), heard, our_side()), HasSubstr("m=video 0 "));
}

std::vector<std::string> repairs(const MediaSection& section) {
  std::vector<std::string> found;
  for (const PayloadFormat& format : section.formats) {
    if (format.encoding_name != "rtx") continue;
    found.push_back(std::to_string(format.payload_type.raw()) + " " + format.parameters);
  }
  return found;
}

TEST(Negotiation, TakesRetransmissionsWhereTheEndpointOffersThemAndAsksForThem) {
  const Agreed browser = agreed("webrtc", seed("chromium_audio_video"));
  const SessionDescription answer = parsed(write_answer(profile("webrtc"), browser, our_side()));
  EXPECT_THAT(repairs(answer.media[1]), ElementsAre("97 apt=96")) << "the others have no nack";
}

TEST(Negotiation, OffersRetransmissionsWhateverTheOtherSideHasAndTakesWhatIsAnswered) {
  CodecPolicy policy;
  Codec vp8;
  vp8.type = vp8.send_type = PayloadType(96);
  vp8.name = "VP8";
  vp8.clock = RtpClockRate(90'000);
  Codec vp9 = vp8;
  vp9.type = vp9.send_type = PayloadType(97);
  vp9.name = "VP9";
  policy.videos = {Video{{vp8, vp9}, Direction::SendRecv}};  // without feedback, without rtx
  const Offer offer = make_offer(profile("webrtc"), policy, nullptr);
  const std::string text = write_offer(profile("webrtc"), offer, our_side());
  const SessionDescription written = parsed(text);
  EXPECT_THAT(repairs(written.media[1]), ElementsAre("98 apt=96", "99 apt=97"));
  EXPECT_THAT(written.media[1].formats[0].feedback, ElementsAre("nack", "transport-cc"));

  // An answer with numbers of its own, and retransmissions of VP8 only.
  std::string callee = text;
  const auto put = [&](const std::string& from, const std::string& to) {
    const auto at = callee.find(from);
    ASSERT_NE(at, std::string::npos) << from << callee;
    callee.replace(at, from.size(), to);
  };
  put("a=ice-lite\r\n", "");
  put("a=setup:actpass", "a=setup:active");
  put("a=bundle-only\r\n", "");
  put("m=video 0 UDP/TLS/RTP/SAVPF 96 97 98 99", "m=video 9 UDP/TLS/RTP/SAVPF 106 97 108");
  put("a=rtpmap:96 VP8", "a=rtpmap:106 VP8");
  put("a=rtcp-fb:96 nack", "a=rtcp-fb:106 nack");
  put("a=rtpmap:98 rtx", "a=rtpmap:108 rtx");
  put("a=fmtp:98 apt=96", "a=fmtp:108 apt=106");
  const auto taken = agree_on_answer(profile("webrtc"), offer, parsed(callee));
  ASSERT_TRUE(taken && taken->videos.size() == 1) << callee;
  ASSERT_EQ(taken->videos.at(0).codecs.size(), 2U);
  ASSERT_TRUE(taken->videos.at(0).codecs[0].rtx);
  EXPECT_EQ(taken->videos.at(0).codecs[0].rtx->type, PayloadType(98));
  EXPECT_EQ(taken->videos.at(0).codecs[0].rtx->send_type, PayloadType(108));
  EXPECT_FALSE(taken->videos.at(0).codecs[1].rtx);

  // The next offer keeps the numbers and asks once more for what was not taken.
  const Offer next = make_offer(profile("webrtc"), policy, &*taken);
  const SessionDescription again = parsed(write_offer(profile("webrtc"), next, our_side()));
  EXPECT_THAT(repairs(again.media[1]), ElementsAre("98 apt=96", "99 apt=97"));
}

std::vector<std::string> extensions_of(const MediaSection& section) {
  std::vector<std::string> found;
  for (const HeaderExtension& each : section.shared.header_extensions) {
    found.push_back(std::to_string(each.id) + " " +
                    each.uri.substr(each.uri.find_last_of("/:") + 1));
  }
  return found;
}

TEST(Negotiation, TakesTheHeaderExtensionsThatItKnowsUnderTheEndpointsIds) {
  const std::string kExtensions =
      "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset\r\n"
      "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
      "a=extmap:5/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
      "a=extmap:9 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
      "a=extmap:13 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=extmap:15 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
  std::string offer;
  for (std::istringstream lines(seed("chromium_audio_video")); offer.size() < 100'000;) {
    std::string line;
    if (!std::getline(lines, line)) break;
    if (line.starts_with("a=extmap")) continue;
    offer += line + "\n";
    if (line.starts_with("a=mid:")) offer += kExtensions;
  }
  const Agreed browser = agreed("webrtc", offer);
  const SessionDescription answer = parsed(write_answer(profile("webrtc"), browser, our_side()));
  EXPECT_THAT(extensions_of(answer.media[0]), ElementsAre("2 abs-send-time", "13 mid"));
  EXPECT_THAT(extensions_of(answer.media[1]),
              ElementsAre("2 abs-send-time", "9 draft-holmer-rmcat-transport-wide-cc-extensions-01",
                          "13 mid"));
  EXPECT_TRUE(answer.media[2].shared.header_extensions.empty());
  // Without the extension there is nothing to feed back, nor without the feedback anything to say.
  const auto without = [&](const std::string& words) {
    std::string text;
    std::istringstream lines(offer);
    for (std::string line; std::getline(lines, line);) {
      if (line.find(words) == std::string::npos) text += line + "\n";
    }
    return write_answer(profile("webrtc"), agreed("webrtc", text), our_side());
  };
  EXPECT_THAT(without("transport-wide-cc"), Not(HasSubstr("transport-cc")));
  EXPECT_THAT(without(" transport-cc"), Not(HasSubstr("transport-wide-cc")));
}

TEST(Negotiation, OffersItsHeaderExtensionsUnderOneIdInTheWholeBundle) {
  const Agreed first = agreed("webrtc", seed("chromium_audio_video"));
  const Offer offer = make_offer(profile("webrtc"), seen_from_the_other_side(first), nullptr);
  const SessionDescription written = parsed(write_offer(profile("webrtc"), offer, our_side()));
  EXPECT_THAT(extensions_of(written.media[0]),
              ElementsAre("1 ssrc-audio-level", "2 abs-send-time", "4 mid"));
  EXPECT_THAT(extensions_of(written.media[1]),
              ElementsAre("2 abs-send-time", "3 draft-holmer-rmcat-transport-wide-cc-extensions-01",
                          "4 mid"));
  // Video that is added later leaves the numbers of the audio's alone.
  CodecPolicy sound_only;
  sound_only.videos.emplace();
  Agreed sound = agreed("webrtc", seed("chromium_audio"), sound_only);
  sound.extensions = {{3, "urn:ietf:params:rtp-hdrext:sdes:mid"}};
  const Offer added = make_offer(profile("webrtc"), seen_from_the_other_side(first), &sound);
  ASSERT_EQ(added.videos.size(), 1U);
  std::set<int> ids;
  for (const Extension& each : added.videos.at(0).extensions) {
    EXPECT_TRUE(ids.insert(each.id).second);
    EXPECT_EQ(each.id == 3, each.uri == "urn:ietf:params:rtp-hdrext:sdes:mid") << each.uri;
  }
  // A trunk is offered none.
  const Offer plain = make_offer(profile("sip-trunk"), {}, nullptr);
  EXPECT_THAT(write_offer(profile("sip-trunk"), plain, our_side()), Not(HasSubstr("extmap")));
}

TEST(Negotiation, AnAnswerMayLeaveTheVideoOut) {
  const Agreed first = agreed("webrtc", seed("chromium_audio_video"));
  const Offer offer = make_offer(profile("webrtc"), seen_from_the_other_side(first), nullptr);
  std::string callee = write_offer(profile("webrtc"), offer, our_side());
  callee.erase(callee.find("a=ice-lite"), 12);
  callee.replace(callee.find("a=setup:actpass"), 15, "a=setup:active");
  callee.replace(callee.find("a=group:BUNDLE 0 1"), 18, "a=group:BUNDLE 0");
  callee.erase(callee.find("a=bundle-only"), 15);
  const auto taken = agree_on_answer(profile("webrtc"), offer, parsed(callee));
  ASSERT_TRUE(taken) << taken.error().to_string();
  EXPECT_TRUE(taken->videos.empty());
  CodecPolicy policy;
  policy.videos.emplace();
  const Agreed answered = agreed("webrtc", seed("chromium_audio_video"), policy, &first);
  EXPECT_TRUE(answered.videos.empty());
  EXPECT_THAT(write_answer(profile("webrtc"), answered, our_side()), HasSubstr("m=video 0 "));
  // Nor does the next offer of ours have it.
  const Offer next = make_offer(profile("webrtc"), policy, &*taken);
  EXPECT_THAT(write_offer(profile("webrtc"), next, our_side()), HasSubstr("m=video 0 "));
}

TEST(Negotiation, TheTransportOfABundleStandsInItsFirstSection) {
  std::string offer = seed("chromium_audio_video");
  offer.replace(offer.find("a=group:BUNDLE 0 1 2"), 20, "a=group:BUNDLE 1 0 2");
  const auto ufrag = offer.find("a=ice-ufrag:bQTi");
  offer.replace(ufrag, 16, "a=ice-ufrag:XXXX");
  EXPECT_EQ(agreed("webrtc", offer).ufrag, "bQTi");
}

TEST(Negotiation, AnswersEveryEndpointOfTheCorpusByItsProfile) {
  const std::vector<std::pair<const char*, const char*>> fitting = {
      {"asterisk_trunk", "sip-trunk"},    {"asterisk_webrtc", "webrtc"},
      {"baresip_dtls", "sip-dtls"},       {"chromium_audio", "webrtc"},
      {"cisco_early_offer", "sip-trunk"}, {"firefox_audio", "webrtc"},
      {"freeswitch_savp", "sip-srtp"},    {"oracle_sbc", "sip-trunk"},
      {"safari_audio", "webrtc"},         {"whatsapp_business", "sip-webrtc"},
      {"gstreamer_webrtcbin", "webrtc"},  {"chromium_live", "webrtc"},
      {"firefox_live", "webrtc"},         {"gstreamer_live", "webrtc"},
      {"aiortc_live", "webrtc"},          {"baresip_rtp_live", "sip-phone"},
      {"baresip_hold_live", "sip-phone"}, {"baresip_sdes_live", "sip-srtp"},
      {"baresip_dtls_live", "sip-dtls"}};
  for (const auto& [name, wanted] : fitting) {
    const SessionDescription offer = parsed(seed(name));
    const auto done = agree_on_offer(profile(wanted), {}, offer, nullptr);
    EXPECT_TRUE(done) << name << ": " << (done ? "" : done.error().to_string());
  }
}

TEST(Negotiation, NeverAnswersWithWhatWasNotOffered) {
  const Agreed browser = agreed("webrtc", seed("chromium_audio"));
  EXPECT_THAT(names_of(browser.codecs),
              ElementsAre("opus/48000", "G722/8000", "PCMU/8000", "PCMA/8000", "CN/8000",
                          "telephone-event/48000", "telephone-event/8000"));
  const Agreed g711 = agreed("sip-trunk", trunk("m=audio 4000 RTP/AVP 8 18 0"));
  EXPECT_THAT(names_of(g711.codecs), ElementsAre("PCMA/8000", "PCMU/8000"));
}

TEST(Negotiation, PutsTheCodecsOfTheOtherSideFirst) {
  CodecPolicy policy;
  policy.preferred = {"PCMA", "opus"};
  const Agreed browser = agreed("webrtc", seed("chromium_audio"), policy);
  EXPECT_EQ(browser.codecs[0].name, "PCMA");
  EXPECT_EQ(browser.codecs[1].name, "opus");
  policy.only_preferred = true;
  EXPECT_THAT(
      names_of(agreed("webrtc", seed("chromium_audio"), policy).codecs),
      ElementsAre("PCMA/8000", "opus/48000", "telephone-event/48000", "telephone-event/8000"));
}

TEST(Negotiation, TakesComfortNoiseOnlyWhereTheOtherSideKnowsIt) {
  const std::string offer = trunk("m=audio 4000 RTP/AVP 0 13");
  EXPECT_THAT(names_of(agreed("sip-trunk", offer).codecs), ElementsAre("PCMU/8000", "CN/8000"));
  CodecPolicy policy;
  policy.preferred = {"PCMU"};
  EXPECT_THAT(names_of(agreed("sip-trunk", offer, policy).codecs), ElementsAre("PCMU/8000"));
  policy.preferred = {"PCMU", "CN"};
  EXPECT_THAT(names_of(agreed("sip-trunk", offer, policy).codecs),
              ElementsAre("PCMU/8000", "CN/8000"));
}

TEST(Negotiation, HeedsWhatALegMayUse) {
  CodecPolicy policy;
  policy.allow = {"OPUS"};
  EXPECT_THAT(names_of(agreed("webrtc", seed("chromium_audio"), policy).codecs),
              ElementsAre("opus/48000", "telephone-event/48000"));
  policy.deny = {"opus"};
  EXPECT_EQ(refused("webrtc", seed("chromium_audio"), policy).reason,
            Refusal::Reason::NoCommonCodec);
}

TEST(Negotiation, KnowsHoldInEveryForm) {
  const std::string line = "m=audio 4000 RTP/AVP 0";
  EXPECT_EQ(agreed("sip-trunk", trunk(line, "a=sendonly\r\n")).direction, Direction::RecvOnly);
  EXPECT_EQ(agreed("sip-trunk", trunk(line, "a=recvonly\r\n")).direction, Direction::SendOnly);
  EXPECT_EQ(agreed("sip-trunk", trunk(line, "a=inactive\r\n")).direction, Direction::Inactive);
  const Agreed old = agreed("sip-trunk", trunk(line, "", "0.0.0.0"));
  EXPECT_EQ(old.direction, Direction::RecvOnly);
  EXPECT_FALSE(old.remote_rtp);
  OurSide holding = our_side();
  holding.direction = Direction::SendOnly;
  const Agreed both = agreed("sip-trunk", trunk(line));
  EXPECT_THAT(write_answer(profile("sip-trunk"), both, holding), HasSubstr("a=sendonly"));
}

TEST(Negotiation, ReadsWhereATrunkIs) {
  const Agreed one = agreed("sip-trunk", trunk("m=audio 4000 RTP/AVP 0"));
  EXPECT_EQ(one.remote_rtp, SocketAddress::parse("203.0.113.9:4000"));
  EXPECT_FALSE(one.remote_rtcp);
  const Agreed two =
      agreed("sip-trunk", trunk("m=audio 4000 RTP/AVP 0", "a=rtcp:5005 IN IP4 203.0.113.10\r\n"));
  EXPECT_EQ(two.remote_rtcp, SocketAddress::parse("203.0.113.10:5005"));
  EXPECT_THAT(refused("sip-trunk", trunk("m=audio 4000 RTP/AVP 0", "", "media.example")).what,
              HasSubstr("not a number"));
}

TEST(Negotiation, SaysWhatABrowsersOfferLacks) {
  std::string offer = seed("chromium_audio");
  const auto without = [&](const std::string& start) {
    std::string text = offer;
    const std::size_t at = text.find(start);
    text.erase(at, text.find('\n', at) + 1 - at);
    return refused("webrtc", text);
  };
  EXPECT_THAT(without("a=rtcp-mux").what, HasSubstr("rtcp-mux"));
  EXPECT_THAT(without("a=ice-pwd").what, HasSubstr("ice-pwd"));
  EXPECT_THAT(without("a=fingerprint").what, HasSubstr("fingerprint"));
  EXPECT_GT(without("a=rtcp-mux").line, 5);
  EXPECT_THAT(refused("sip-trunk", offer).what, HasSubstr("protocol"));
}

TEST(Negotiation, ChoosesACryptoAndRepeatsItsTag) {
  const std::string keys =
      "a=crypto:1 F8_128_HMAC_SHA1_80 inline:x\r\n"
      "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
  const Agreed srtp = agreed("sip-srtp", trunk("m=audio 4000 RTP/SAVP 0", keys));
  EXPECT_EQ(srtp.crypto_tag, "7");
  EXPECT_THAT(write_answer(profile("sip-srtp"), srtp, our_side()),
              HasSubstr("a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:b3Vy"));
  const Refusal none = refused("sip-srtp", trunk("m=audio 4000 RTP/SAVP 0"));
  EXPECT_EQ(none.reason, Refusal::Reason::CryptoInvalid);
  EXPECT_THAT(none.to_string(), Not(HasSubstr("inline")));
  // RFC 8643: keys beside RTP/AVP are taken by both, plain RTP by the one that may.
  EXPECT_FALSE(agreed("sip-osrtp", trunk("m=audio 4000 RTP/AVP 0", keys)).crypto.empty());
  EXPECT_TRUE(agreed("sip-osrtp", trunk("m=audio 4000 RTP/AVP 0")).crypto.empty());
  EXPECT_EQ(refused("sip-srtp", trunk("m=audio 4000 RTP/AVP 0")).reason,
            Refusal::Reason::SdpInvalid);
}

TEST(Negotiation, ReOffersKeepTheOrderOfSections) {
  const Agreed first = agreed("webrtc", seed("chromium_audio_video"));
  EXPECT_EQ(refused("webrtc", seed("chromium_audio"), {}, &first).reason,
            Refusal::Reason::SdpInvalid);
  const Agreed again = agreed("webrtc", seed("chromium_audio_video"), {}, &first);
  EXPECT_TRUE(again.lines[0].is_ours || again.lines[1].is_ours);
}

TEST(Negotiation, TakesTheAudioAwayWhereTheOfferDoes) {
  const Agreed first = agreed("sip-trunk", trunk("m=audio 4000 RTP/AVP 0"));
  const Agreed gone = agreed("sip-trunk", trunk("m=audio 0 RTP/AVP 0"), {}, &first);
  EXPECT_TRUE(gone.has_no_audio);
  EXPECT_EQ(gone.direction, Direction::Inactive);
  EXPECT_THAT(write_answer(profile("sip-trunk"), gone, our_side()), HasSubstr("m=audio 0 RTP/AVP"));
}

TEST(Negotiation, RefusesFaxAndUnknownMediaPolitely) {
  const Agreed fax =
      agreed("sip-trunk", trunk("m=audio 4000 RTP/AVP 0\r\nm=image 4002 udptl t38\r\n"
                                "m=hologram 5 RTP/AVP 99"));
  const SessionDescription answer = parsed(write_answer(profile("sip-trunk"), fax, our_side()));
  ASSERT_EQ(answer.media.size(), 3U);
  EXPECT_EQ(answer.media[1].port, UdpPort(0));
  EXPECT_EQ(answer.media[1].kind, "image");
  EXPECT_EQ(answer.media[2].port, UdpPort(0));
}

TEST(Negotiation, OffersWhatEachProfileSpeaks) {
  for (const char* name :
       {"webrtc", "sip-trunk", "sip-phone", "sip-srtp", "sip-osrtp", "sip-dtls", "sip-webrtc"}) {
    OurSide our = our_side();
    if (profile(name).keying != Keying::Sdes && profile(name).keying != Keying::SdesOrPlain) {
      our.crypto = {};
    }
    const Offer offer = make_offer(profile(name), {}, nullptr);
    const std::string text = write_offer(profile(name), offer, our);
    const SessionDescription description = parsed(text);
    ASSERT_EQ(description.media.size(), 1U) << name;
    const MediaSection& audio = description.media[0];
    EXPECT_EQ(audio.protocol, profile(name).protocol);
    EXPECT_EQ(description.is_ice_lite, std::string_view(name) == "webrtc") << name;
    EXPECT_EQ(audio.candidates.size(), profile(name).has_ice ? 1U : 0U);
    EXPECT_EQ(!description.fingerprints_of(audio).empty(), profile(name).keying == Keying::Dtls);
    if (profile(name).keying == Keying::Dtls) {
      EXPECT_EQ(description.setup_of(audio), Setup::ActPass);
    }
  }
}

TEST(Negotiation, TakesAnAnswerWithTheNumbersThatItWants) {
  const Offer offer = make_offer(profile("sip-trunk"), {}, nullptr);
  const auto done = agree_on_answer(
      profile("sip-trunk"), offer,
      parsed(trunk("m=audio 4000 RTP/AVP 96 97",
                   "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/48000\r\n")));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->codecs[0].type, PayloadType(111));
  EXPECT_EQ(done->codecs[0].send_type, PayloadType(96));
}

TEST(Negotiation, RefusesAnAnswerThatIsNone) {
  const Offer offer = make_offer(profile("sip-trunk"), {}, nullptr);
  const auto reason = [&](const std::string& text) {
    const auto done = agree_on_answer(profile("sip-trunk"), offer, parsed(text));
    EXPECT_FALSE(done);
    return done ? Refusal::Reason::SdpInvalid : done.error().reason;
  };
  EXPECT_EQ(reason(trunk("m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0")),
            Refusal::Reason::SdpInvalid);
  EXPECT_EQ(reason(trunk("m=video 4000 RTP/AVP 96")), Refusal::Reason::SdpInvalid);
  EXPECT_EQ(reason(trunk("m=audio 0 RTP/AVP 0")), Refusal::Reason::NoCommonCodec);
  EXPECT_EQ(reason(trunk("m=audio 4000 RTP/AVP 18")), Refusal::Reason::NoCommonCodec);
}

TEST(Negotiation, TheDtlsRolesOfAnAssociationStay) {
  std::string offer = seed("chromium_audio");
  const std::size_t at = offer.find("a=setup:actpass");
  std::string passive = offer;
  passive.replace(at, 15, "a=setup:passive");
  std::string active = offer;
  active.replace(at, 15, "a=setup:active");
  const Agreed first = agreed("webrtc", passive);
  EXPECT_TRUE(first.is_active);
  EXPECT_TRUE(agreed("webrtc", offer, {}, &first).is_active);
  const Agreed other = agreed("webrtc", active);
  EXPECT_FALSE(other.is_active);
  EXPECT_FALSE(agreed("webrtc", offer, {}, &other).is_active) << "not as it would begin today";
  EXPECT_FALSE(agreed("sip-dtls", seed("baresip_dtls_live")).is_active) << "perhaps behind a NAT";
}

TEST(Negotiation, ChecksOnlyCandidatesThatCanBeReached) {
  const SessionDescription description = parsed(trunk(
      "m=audio 4000 RTP/AVP 0",
      "a=candidate:1 1 udp 10 4f0e.local 5000 typ host\r\na=candidate:2 1 tcp 99 192.0.2.1 9 typ "
      "host tcptype active\r\na=candidate:3 2 udp 98 192.0.2.1 5001 typ host\r\na=candidate:4 1 "
      "UDP 50 192.0.2.2 5002 typ srflx raddr 10.0.0.1 rport 1\r\na=candidate:5 1 udp 60 "
      "2001:db8::1 5003 typ host\r\n"));
  EXPECT_THAT(usable_candidates(description.media[0].candidates),
              ElementsAre(*SocketAddress::parse("[2001:db8::1]:5003"),
                          *SocketAddress::parse("192.0.2.2:5002")));
}

/// Two of our own sides that offer and answer each other by turns, as text.
TEST(Negotiation, TenThousandAgreementsBreakNoRule) {
  std::mt19937 random(7);
  const auto chance = [&](unsigned one_in) { return random() % one_in == 0; };
  const std::vector<std::string> words = {"opus", "G722", "PCMU", "PCMA", "telephone-event", "CN"};
  for (const char* name : {"webrtc", "sip-trunk", "sip-srtp", "sip-dtls", "sip-webrtc"}) {
    std::unique_ptr<Agreed> a;
    std::unique_ptr<Agreed> b;
    int done_count = 0;
    int video_count = 0;
    int several_count = 0;
    for (int i = 0; i < 2'000; ++i) {
      if (chance(20)) {
        a.reset();
        b.reset();
      }
      CodecPolicy of_a;
      CodecPolicy of_b;
      for (const std::string& word : words) {
        if (chance(3)) of_a.deny.push_back(word);
        if (chance(3)) of_b.deny.push_back(word);
        if (chance(3)) of_b.preferred.push_back(word);
      }
      // Video comes and goes, and each side may know of another other side.
      const Agreed pictures = agreed("webrtc", seed("chromium_audio_video"));
      for (CodecPolicy* policy : {&of_a, &of_b}) {
        if (chance(4)) continue;
        policy->videos.emplace();
        for (std::uint8_t place = 0; place < kMaxVideos; ++place) {
          if (chance(2)) continue;
          Video& video = policy->videos->emplace_back();
          video.place = place;
          video.direction = static_cast<Direction>(random() % 4);
          for (const Codec& codec : pictures.videos.at(0).codecs) {
            if (!chance(3)) video.codecs.push_back(codec);
          }
        }
      }
      OurSide our = our_side();
      if (profile(name).keying != Keying::Sdes) our.crypto = {};
      our.direction = static_cast<Direction>(random() % 4);
      Offer offer = make_offer(profile(name), of_a, a.get());
      offer.direction = our.direction;
      if (offer.codecs.empty()) continue;
      // A lite offer is not for a lite answerer.
      std::string text = write_offer(profile(name), offer, our);
      if (const auto at = text.find("a=ice-lite\r\n"); at != std::string::npos) text.erase(at, 12);
      const SessionDescription theirs = parsed(text);
      auto taken = agree_on_offer(profile(name), of_b, theirs, b.get());
      if (!taken) {
        ASSERT_EQ(taken.error().reason, Refusal::Reason::NoCommonCodec) << text;
        continue;
      }
      std::string answer_text = write_answer(profile(name), *taken, our_side());
      const SessionDescription answer = parsed(answer_text);
      ASSERT_EQ(answer.media.size(), theirs.media.size());
      for (std::size_t m = 0; m < answer.media.size(); ++m) {
        ASSERT_EQ(answer.media[m].mid, theirs.media[m].mid);
        ASSERT_LE(answer.media[m].candidates.size(), 1U);
        for (const PayloadFormat& format : answer.media[m].formats) {
          ASSERT_NE(theirs.media[m].find(format.payload_type), nullptr) << answer_text;
        }
      }
      auto settled = agree_on_answer(profile(name), offer, answer);
      if (std::string_view(name) == "webrtc") {
        ASSERT_FALSE(settled);  // both lite: said, and nothing is agreed
        continue;
      }
      ASSERT_TRUE(settled) << settled.error().to_string() << answer_text;
      ASSERT_EQ(names_of(settled->codecs), names_of(taken->codecs));
      ASSERT_EQ(settled->videos.size(), taken->videos.size()) << text << answer_text;
      ASSERT_LE(taken->videos.size(), profile(name).has_ice ? kMaxVideos : 1U);
      several_count += taken->videos.size() > 1 ? 1 : 0;
      std::set<std::string> mids;
      std::set<int> places;
      for (const Video& theirs_of_it : taken->videos) {
        ++video_count;
        const std::size_t line = theirs_of_it.line;
        const Video* const ours_of_it = video_of_line(settled->videos, line);
        const Video* const offered = video_of_line(offer.videos, line);
        ASSERT_TRUE(ours_of_it != nullptr && offered != nullptr) << text << answer_text;
        ASSERT_TRUE(places.insert(theirs_of_it.place).second) << text;
        ASSERT_TRUE(settled->lines[line].is_ours && taken->lines[line].is_ours);
        if (profile(name).has_ice) {
          ASSERT_TRUE(mids.insert(settled->lines[line].mid.value()).second) << text;
        }
        ASSERT_EQ(names_of(ours_of_it->codecs), names_of(theirs_of_it.codecs));
        ASSERT_EQ(ours_of_it->direction,
                  turned(lesser(theirs_of_it.direction, turned(offered->direction))));
        std::set<int> types;
        for (const Codec& codec : taken->codecs) types.insert(codec.type.raw());
        for (const Codec& codec : theirs_of_it.codecs) types.insert(codec.type.raw());
        ASSERT_EQ(types.size(), taken->codecs.size() + theirs_of_it.codecs.size()) << text;
        for (const Video& other : taken->videos) {
          for (const Codec& codec : theirs_of_it.codecs) {
            for (const Codec& another : other.codecs) {
              ASSERT_TRUE(codec.type != another.type || codec.name == another.name) << text;
            }
          }
        }
      }
      if (profile(name).keying == Keying::Dtls) {
        ASSERT_NE(settled->is_active, taken->is_active);  // one of the two begins
      }
      a = std::make_unique<Agreed>(std::move(*settled));
      b = std::make_unique<Agreed>(std::move(*taken));
      ++done_count;
    }
    if (std::string_view(name) != "webrtc") {
      EXPECT_GT(done_count, 500) << name;
      EXPECT_GT(video_count, 100) << name;
      EXPECT_EQ(several_count > 100, profile(name).has_ice) << name;
    }
  }
}

}  // namespace
}  // namespace causeway::jsep
