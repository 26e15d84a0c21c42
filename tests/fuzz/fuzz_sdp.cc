// control/jsep: what is accepted is written as text that reads as the same description, a refusal
// names its line and quotes no key.

#include "control/jsep/negotiation.h"
#include "control/jsep/sdp_parser.h"
#include "control/jsep/sdp_writer.h"
#include "relay/base/check.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void check_bounds(const jsep::SessionDescription& description) {
  CAUSEWAY_CHECK(description.media.size() <= jsep::SdpLimits::kSections, "too many sections");
  for (const jsep::MediaSection& section : description.media) {
    CAUSEWAY_CHECK(section.formats.size() <= jsep::SdpLimits::kFormats, "too many formats");
    CAUSEWAY_CHECK(section.formats.empty() || section.other_formats.empty(), "both kinds");
    for (const jsep::PayloadFormat& format : section.formats) {
      CAUSEWAY_CHECK(section.find(format.payload_type) == &format, "a payload type twice");
    }
    // What is nearer exists where anything says it.
    (void)description.bundle_of(section);
    (void)description.direction_of(section);
    CAUSEWAY_CHECK(!section.shared.ice_pwd || description.ice_pwd_of(section) != nullptr, "nearer");
  }
}

/// Each section of video has a place of its own, and the next offer has the same ones.
void check_videos(const jsep::Profile& profile, const jsep::Agreed& agreed) {
  const std::size_t most = profile.has_ice ? jsep::kMaxVideos : 1;
  CAUSEWAY_CHECK(agreed.videos.size() <= most, "too many sections of video");
  for (const jsep::Video& each : agreed.videos) {
    CAUSEWAY_CHECK(each.place < most && !each.codecs.empty(), "video without a place");
    CAUSEWAY_CHECK(jsep::video_in(agreed.videos, each.place) == &each, "two in one place");
    CAUSEWAY_CHECK(agreed.lines.at(each.line).is_ours, "video in a line that was refused");
  }
  const jsep::Offer next = jsep::make_offer(profile, {}, &agreed);
  for (const jsep::Video& each : next.videos) {
    const jsep::Video* const was = jsep::video_in(agreed.videos, each.place);
    CAUSEWAY_CHECK(was != nullptr && was->line == each.line, "an offer has moved a section");
  }
}

/// What any profile makes of it as an offer: its answer reads, and has the offer's sections.
void check_answers(const jsep::SessionDescription& offer) {
  for (const char* name :
       {"webrtc", "sip-trunk", "sip-phone", "sip-srtp", "sip-osrtp", "sip-dtls", "sip-webrtc"}) {
    const jsep::Profile& profile = *jsep::profile_named(name);
    const auto agreed = jsep::agree_on_offer(profile, {}, offer, nullptr);
    if (!agreed) {
      CAUSEWAY_CHECK(!agreed.error().what.empty(), "a refusal that says nothing");
      continue;
    }
    jsep::OurSide our;
    our.session_id = "1";
    our.rtp = {IpAddress::v4(0xc6336401), UdpPort(20000)};
    our.ufrag = "ours";
    our.password = "oursoursoursoursoursou";
    our.crypto = "AES_CM_128_HMAC_SHA1_80 inline:x";
    const std::string text = jsep::write_answer(profile, *agreed, our);
    const auto answer = jsep::parse_sdp(text);
    if (!answer && text.size() > jsep::SdpLimits::kOctets) continue;
    CAUSEWAY_CHECK(answer.has_value(), "an answer cannot be read");
    CAUSEWAY_CHECK(answer->media.size() == offer.media.size(), "an answer has other sections");
    check_videos(profile, *agreed);
  }
}

void run(fuzz::Input input) {
  const std::string_view text = input.rest_as_text();
  const auto description = jsep::parse_sdp(text);
  if (!description) {
    const auto& error = description.error();
    CAUSEWAY_CHECK(!error.what.empty() && error.what.size() < 200, "a refusal that says nothing");
    return;
  }
  check_bounds(*description);
  check_answers(*description);
  const std::string written = jsep::write_sdp(*description);
  const auto again = jsep::parse_sdp(written);
  // Only what grew past the limit (a static type's rtpmap is said aloud) may be refused.
  if (!again && written.size() > jsep::SdpLimits::kOctets) return;
  CAUSEWAY_CHECK(again.has_value(), "what was written cannot be read");
  CAUSEWAY_CHECK(jsep::write_sdp(*again) == written, "what was written reads differently");
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
