#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <thread>

#include "causeway/v1/event_service.grpc.pb.h"
#include "causeway/v1/relay_service.grpc.pb.h"
#include "control/node_api.h"
#include "tests/e2e/api_server.h"

// Calls every method of the API with every error that its comments promise, over real gRPC. What is
// promised is read from the .proto files themselves, so a new promise without a case fails here.

namespace causeway::control {
namespace {

namespace fs = std::filesystem;

// ------------------------------------------------------------------------- what is promised

constexpr const char* kServices[] = {"relay_service", "recording_service", "event_service",
                                     "node_service"};

std::set<std::string> all_reasons_of_the_api() {
  std::set<std::string> reasons;
  const auto* descriptor = v1::ErrorReason_descriptor();
  for (int i = 0; i < descriptor->value_count(); ++i) {
    if (descriptor->value(i)->number() == 0) continue;
    reasons.insert(descriptor->value(i)->name().substr(std::string("ERROR_REASON_").size()));
  }
  return reasons;
}

/// `RelayService.CreateSession` -> the reasons that its own comment lists.
std::map<std::string, std::set<std::string>> promised() {
  const auto known = all_reasons_of_the_api();
  std::map<std::string, std::set<std::string>> promises;
  for (const char* file : kServices) {
    std::ifstream in(std::string("proto/causeway/v1/") + file + ".proto");
    EXPECT_TRUE(in) << "run from the root of the source";
    std::string service;
    std::string comment;
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (std::regex_search(line, match, std::regex("^service (\\w+)"))) {
        service = match[1];
      } else if (std::regex_search(line, match, std::regex("^  rpc (\\w+)"))) {
        auto& reasons = promises[service + "." + match[1].str()];
        const auto at = comment.find("Errors:");
        const std::string tail = at == std::string::npos ? "" : comment.substr(at);
        const std::regex word("[A-Z][A-Z_]+");
        for (auto it = std::sregex_iterator(tail.begin(), tail.end(), word);
             it != std::sregex_iterator(); ++it) {
          if (known.count(it->str()) != 0) reasons.insert(it->str());
        }
        comment.clear();
      } else if (line.rfind("  //", 0) == 0) {
        comment += line.substr(4) + " ";
      } else {
        comment.clear();
      }
    }
  }
  // CreateLeg: `those of CreateSession, but for NODE_DRAINING`.
  promises["RelayService.CreateLeg"] = promises["RelayService.CreateSession"];
  promises["RelayService.CreateLeg"].erase("NODE_DRAINING");
  return promises;
}

/// Promises that nothing can break yet, and why.
const std::map<std::pair<std::string, std::string>, const char*> kImpossible = {
    {{"RelayService.CreateLeg", "NO_COMMON_CODEC"}, "a new leg has no connections"},
    {{"RelayService.CreateLeg", "PLAN_MISMATCH"}, "a new leg has no connections"},
    {{"RelayService.CreateLeg", "RECORDER_UNAVAILABLE"}, "a new leg has no recordings"},
    {{"RelayService.CreateConnection", "PTIME_UNSUPPORTED"}, "checked when the leg was made"},
    {{"RelayService.UpdateConnection", "NO_COMMON_CODEC"}, "its legs have been planned before"},
    {{"RelayService.SendDtmf", "STAGE_ABSENT"}, "it is built"},
};

/// Reasons that no method can answer with yet, and why.
const std::map<std::string, const char*> kNeverYet = {
    {"PLAYBACK_NOT_FOUND", "playback is not built"},
    {"INTERNAL", "a bug of ours; answer_test.cc plants one"},
};

// --------------------------------------------------------------------------------- the cases

struct Case {
  std::string method;
  std::string request;
  std::string reason;
};

const std::string kEtag = " etag: 'of-before'";
const std::string kKey30 = "'012345678901234567890123456789'";

/// A description of one audio section, as a field of text format.
std::string sdp(const std::string& protocol_and_type, const std::string& attribute = "") {
  return "v=0\\no=- 1 1 IN IP4 127.0.0.1\\ns=-\\nc=IN IP4 127.0.0.1\\nt=0 0\\nm=audio 9 " +
         protocol_and_type + "\\n" + attribute;
}
const std::string kShortKey = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ=\\n";

/// The node has: session `s` with legs `a` (PCMU, sends to 127.0.0.1:9), `b` (PCMU, no address),
/// `k` (SDES), `v` (G.729), connections `ab`; recording `r` of `a`, running, and `old` of `b`,
/// ended.
std::vector<Case> cases() {
  const std::string leg = "sessions/s/legs/";
  std::vector<Case> table = {
      // CreateSession
      {"RelayService.CreateSession", "session_id: 's'", "ID_TAKEN"},
      {"RelayService.CreateSession", "session_id: '/'", "NAME_INVALID"},
      {"RelayService.CreateSession", "session { lease {} }", "FIELD_INVALID"},
      {"RelayService.CreateSession", "session { connections {} }", "FIELD_REQUIRED"},
      {"RelayService.CreateSession",
       "session { legs { security { sdes { receive { suite: SRTP_SUITE_AEAD_AES_128_GCM keys {} } "
       "} "
       "} } }",
       "KEY_LENGTH"},
      {"RelayService.CreateSession",
       "session { legs { security { sdes { receive { crypto: 'x' } } } } }", "CRYPTO_INVALID"},
      {"RelayService.CreateSession",
       "session { legs { codecs { payload_type: 8 clock_rate: 16000 } } }", "CODEC_UNSUPPORTED"},
      {"RelayService.CreateSession", "session { legs { codecs { ptime { nanos: 15000000 } } } }",
       "PTIME_UNSUPPORTED"},
      {"RelayService.CreateSession",
       "session { legs { name: 'legs/a' codecs {} } legs { name: 'legs/b' codecs { payload_type: "
       "18 "
       "} } connections { from_leg: 'legs/a' to_leg: 'legs/b' } }",
       "NO_COMMON_CODEC"},
      {"RelayService.CreateSession",
       "session { legs { name: 'legs/a' } legs { name: 'legs/b' } connections { from_leg: 'legs/a' "
       "to_leg: 'legs/b' stages { encrypt {} } } }",
       "PLAN_MISMATCH"},
      {"RelayService.CreateSession",
       "session { legs { codec_policy { transcoding: TRANSCODING_POLICY_PREFER_ORDER } } }",
       "STAGE_ABSENT"},
      {"RelayService.CreateSession",
       "session { legs { transport { kind: TRANSPORT_KIND_SHARED_PORT ice {} } } }",
       "FIELD_INVALID"},
      // Sessions
      {"RelayService.GetSession", "", "FIELD_REQUIRED"},
      {"RelayService.GetSession", "name: 's'", "NAME_INVALID"},
      {"RelayService.GetSession", "name: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.ListSessions", "page_token: 'x'", "TOKEN_INVALID"},
      {"RelayService.ListSessions", "view: 9", "FIELD_INVALID"},
      {"RelayService.UpdateSession", "", "FIELD_REQUIRED"},
      {"RelayService.UpdateSession", "session { name: 'sessions/none' }", "SESSION_NOT_FOUND"},
      {"RelayService.UpdateSession", "session { name: 'sessions/s' } update_mask { paths: 'legs' }",
       "UPDATE_MASK_INVALID"},
      {"RelayService.UpdateSession", "session { name: 'sessions/s'" + kEtag + " }",
       "ETAG_MISMATCH"},
      {"RelayService.UpdateSession", "session { name: 'sessions/s' lease_expiry: 7 }",
       "FIELD_INVALID"},
      {"RelayService.RenewSession", "name: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.RenewSession", "name: 'sessions/s' lease {}", "FIELD_INVALID"},
      {"RelayService.DeleteSession", "name: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.DeleteSession", "name: 'sessions/s'" + kEtag, "ETAG_MISMATCH"},
      // Legs
      {"RelayService.CreateLeg", "parent: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.CreateLeg", "parent: 'sessions/s' leg_id: 'a'", "ID_TAKEN"},
      {"RelayService.CreateLeg", "parent: 'sessions/s' leg { dscp: 64 }", "FIELD_INVALID"},
      {"RelayService.CreateLeg",
       "parent: 'sessions/s' leg { security { sdes { receive { suite: SRTP_SUITE_AEAD_AES_128_GCM "
       "keys {} } } } }",
       "KEY_LENGTH"},
      {"RelayService.CreateLeg",
       "parent: 'sessions/s' leg { security { sdes { receive { crypto: 'x' } } } }",
       "CRYPTO_INVALID"},
      {"RelayService.CreateLeg",
       "parent: 'sessions/s' leg { codecs { payload_type: 8 clock_rate: 16000 } }",
       "CODEC_UNSUPPORTED"},
      {"RelayService.CreateLeg",
       "parent: 'sessions/s' leg { codecs { ptime { nanos: 15000000 } } }", "PTIME_UNSUPPORTED"},
      {"RelayService.CreateLeg",
       "parent: 'sessions/s' leg { codec_policy { transcoding: TRANSCODING_POLICY_PREFER_ORDER } }",
       "STAGE_ABSENT"},
      {"RelayService.GetLeg", "name: '" + leg + "none'", "LEG_NOT_FOUND"},
      {"RelayService.GetLeg", "name: 'legs/a'", "NAME_INVALID"},
      {"RelayService.ListLegs", "parent: 'sessions/s' page_token: 'x'", "TOKEN_INVALID"},
      {"RelayService.ListLegs", "parent: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.UpdateLeg", "leg { name: '" + leg + "none' }", "LEG_NOT_FOUND"},
      {"RelayService.UpdateLeg", "leg { name: '" + leg + "a' } update_mask { paths: 'transport' }",
       "UPDATE_MASK_INVALID"},
      {"RelayService.UpdateLeg", "leg { name: '" + leg + "a'" + kEtag + " }", "ETAG_MISMATCH"},
      {"RelayService.UpdateLeg",
       "leg { name: '" + leg +
           "k' security { sdes { receive { suite: SRTP_SUITE_AEAD_AES_128_GCM keys {} } } } }",
       "KEY_LENGTH"},
      {"RelayService.UpdateLeg",
       "leg { name: '" + leg + "k' security { sdes { receive { crypto: 'x' } } } }",
       "CRYPTO_INVALID"},
      {"RelayService.UpdateLeg",
       "leg { name: '" + leg + "a' codecs { payload_type: 8 clock_rate: 16000 } }",
       "CODEC_UNSUPPORTED"},
      {"RelayService.UpdateLeg",
       "leg { name: '" + leg + "a' codecs { ptime { nanos: 15000000 } } }", "PTIME_UNSUPPORTED"},
      {"RelayService.UpdateLeg", "leg { name: '" + leg + "b' codecs { payload_type: 18 } }",
       "NO_COMMON_CODEC"},
      {"RelayService.UpdateLeg", "leg { name: '" + leg + "t' codecs { payload_type: 0 } }",
       "PLAN_MISMATCH"},
      {"RelayService.UpdateLeg", "leg { name: '" + leg + "a' dscp: 5 }", "STAGE_ABSENT"},
      {"RelayService.DeleteLeg", "name: '" + leg + "none'", "LEG_NOT_FOUND"},
      {"RelayService.DeleteLeg", "name: '" + leg + "a'" + kEtag, "ETAG_MISMATCH"},
      {"RelayService.RotateKeys", "name: '" + leg + "none'", "LEG_NOT_FOUND"},
      {"RelayService.RotateKeys", "name: '" + leg + "k'", "FIELD_REQUIRED"},
      {"RelayService.RotateKeys", "name: '" + leg + "k'" + kEtag, "ETAG_MISMATCH"},
      {"RelayService.RotateKeys",
       "name: '" + leg + "k' receive { suite: SRTP_SUITE_AEAD_AES_128_GCM keys {} }", "KEY_LENGTH"},
      {"RelayService.RotateKeys", "name: '" + leg + "k' receive { crypto: 'x' }", "CRYPTO_INVALID"},
      {"RelayService.RotateKeys", "name: '" + leg + "a' send {}", "LEG_NOT_READY"},
      // Connections
      {"RelayService.CreateConnection", "parent: 'sessions/none' connection {}",
       "SESSION_NOT_FOUND"},
      {"RelayService.CreateConnection", "parent: 'sessions/s'", "FIELD_REQUIRED"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection { from_leg: 'legs/none' to_leg: 'legs/a' }",
       "LEG_NOT_FOUND"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection_id: 'ab' connection { from_leg: 'legs/b' to_leg: 'legs/a' "
       "}",
       "ID_TAKEN"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection { from_leg: 'legs/a' to_leg: 'legs/v' }",
       "NO_COMMON_CODEC"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection { from_leg: 'legs/b' to_leg: 'legs/a' stages { encrypt {} "
       "} "
       "}",
       "PLAN_MISMATCH"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection { from_leg: 'legs/b' to_leg: 'legs/a' stages { fork {} } }",
       "STAGE_ABSENT"},
      {"RelayService.CreateConnection",
       "parent: 'sessions/s' connection { from_leg: 'legs/b' to_leg: 'legs/a' stages { record { "
       "recording: 'recordings/old' } } }",
       "RECORDING_STATE"},
      {"RelayService.GetConnection", "name: 'sessions/s/connections/none'", "CONNECTION_NOT_FOUND"},
      {"RelayService.ListConnections", "parent: 'sessions/s' page_token: 'x'", "TOKEN_INVALID"},
      {"RelayService.UpdateConnection", "connection { name: 'sessions/s/connections/none' }",
       "CONNECTION_NOT_FOUND"},
      {"RelayService.UpdateConnection",
       "connection { name: 'sessions/s/connections/ab' } update_mask { paths: 'to_leg' }",
       "UPDATE_MASK_INVALID"},
      {"RelayService.UpdateConnection",
       "connection { name: 'sessions/s/connections/ab'" + kEtag + " }", "ETAG_MISMATCH"},
      {"RelayService.UpdateConnection",
       "connection { name: 'sessions/s/connections/ab' stages { transcode {} } }", "PLAN_MISMATCH"},
      {"RelayService.UpdateConnection",
       "connection { name: 'sessions/s/connections/ab' stages { mix { mix: 'm' } } }",
       "STAGE_ABSENT"},
      {"RelayService.DeleteConnection", "name: 'sessions/s/connections/none'",
       "CONNECTION_NOT_FOUND"},
      {"RelayService.DeleteConnection", "name: 'sessions/s/connections/ab'" + kEtag,
       "ETAG_MISMATCH"},
      // Descriptions. Legs: `p` of a trunk, with an offer pending; `q` the same without; `w`
      // WebRTC;
      // `x` SDES; `y` SDES, with an offer pending; `n` whose policy leaves no codec.
      {"RelayService.CreateOffer", "", "FIELD_REQUIRED"},
      {"RelayService.CreateOffer", "name: '" + leg + "none'", "LEG_NOT_FOUND"},
      {"RelayService.CreateOffer", "name: '" + leg + "a'", "FIELD_REQUIRED"},
      {"RelayService.CreateOffer", "name: '" + leg + "a' profile: 'pots'", "FIELD_INVALID"},
      {"RelayService.CreateOffer", "name: '" + leg + "p'", "LEG_NOT_READY"},
      {"RelayService.CreateOffer", "name: '" + leg + "n'", "NO_COMMON_CODEC"},
      {"RelayService.CreateAnswer", "name: '" + leg + "none'", "LEG_NOT_FOUND"},
      {"RelayService.CreateAnswer", "name: '" + leg + "q'", "FIELD_REQUIRED"},
      {"RelayService.CreateAnswer", "name: '" + leg + "q' offer_sdp: 'v=1'", "SDP_INVALID"},
      {"RelayService.CreateAnswer", "name: '" + leg + "w' offer_sdp: '" + sdp("RTP/AVP 0") + "'",
       "SDP_INVALID"},
      {"RelayService.CreateAnswer", "name: '" + leg + "q' offer_sdp: '" + sdp("RTP/AVP 18") + "'",
       "NO_COMMON_CODEC"},
      {"RelayService.CreateAnswer", "name: '" + leg + "x' offer_sdp: '" + sdp("RTP/SAVP 0") + "'",
       "CRYPTO_INVALID"},
      {"RelayService.CreateAnswer",
       "name: '" + leg + "x' offer_sdp: '" + sdp("RTP/SAVP 0", kShortKey) + "'", "KEY_LENGTH"},
      {"RelayService.CreateAnswer", "name: '" + leg + "p' offer_sdp: '" + sdp("RTP/AVP 0") + "'",
       "LEG_NOT_READY"},
      {"RelayService.SetAnswer", "name: '" + leg + "p' branch: '" + std::string(129, 'b') + "'",
       "FIELD_INVALID"},
      {"RelayService.SetAnswer", "name: '" + leg + "p' answer_sdp: 'v=1'", "SDP_INVALID"},
      {"RelayService.SetAnswer", "name: '" + leg + "p' answer_sdp: '" + sdp("RTP/AVP 18") + "'",
       "NO_COMMON_CODEC"},
      {"RelayService.SetAnswer", "name: '" + leg + "y' answer_sdp: '" + sdp("RTP/SAVP 0") + "'",
       "CRYPTO_INVALID"},
      {"RelayService.SetAnswer",
       "name: '" + leg + "y' answer_sdp: '" + sdp("RTP/SAVP 0", kShortKey) + "'", "KEY_LENGTH"},
      {"RelayService.SetAnswer", "name: '" + leg + "q' answer_sdp: '" + sdp("RTP/AVP 0") + "'",
       "LEG_NOT_READY"},
      {"RelayService.RollbackOffer", "name: '" + leg + "q'", "LEG_NOT_READY"},
      {"RelayService.AddIceCandidates", "name: '" + leg + "w' candidates: 'x'", "SDP_INVALID"},
      {"RelayService.AddIceCandidates", "name: '" + leg + "q'", "LEG_NOT_READY"},
      {"RelayService.BridgeOffer", "session_id: 's' offer_sdp: 'v=1'", "ID_TAKEN"},
      {"RelayService.BridgeOffer", "offer_sdp: 'v=1'", "SDP_INVALID"},
      {"RelayService.BridgeOffer",
       "from_profile: 'sip-trunk' offer_sdp: '" + sdp("RTP/AVP 18") + "'", "NO_COMMON_CODEC"},
      {"RelayService.BridgeOffer",
       "from_profile: 'sip-srtp' offer_sdp: '" + sdp("RTP/SAVP 0") + "'", "CRYPTO_INVALID"},
      {"RelayService.BridgeOffer",
       "from_profile: 'sip-srtp' offer_sdp: '" + sdp("RTP/SAVP 0", kShortKey) + "'", "KEY_LENGTH"},
      {"RelayService.BridgeOffer",
       "name: 'sessions/s' from_leg: 'legs/q' to_leg: 'legs/p' offer_sdp: '" + sdp("RTP/AVP 0") +
           "'",
       "LEG_NOT_READY"},
      {"RelayService.BridgeAnswer",
       "name: 'sessions/s' from_leg: 'legs/p' to_leg: 'legs/w' answer_sdp: 'v=1'", "SDP_INVALID"},
      {"RelayService.BridgeAnswer",
       "name: 'sessions/s' from_leg: 'legs/p' to_leg: 'legs/w' answer_sdp: '" + sdp("RTP/AVP 18") +
           "'",
       "NO_COMMON_CODEC"},
      {"RelayService.BridgeAnswer",
       "name: 'sessions/s' from_leg: 'legs/y' to_leg: 'legs/w' answer_sdp: '" + sdp("RTP/SAVP 0") +
           "'",
       "CRYPTO_INVALID"},
      {"RelayService.BridgeAnswer",
       "name: 'sessions/s' from_leg: 'legs/y' to_leg: 'legs/w' answer_sdp: '" +
           sdp("RTP/SAVP 0", kShortKey) + "'",
       "KEY_LENGTH"},
      {"RelayService.BridgeAnswer",
       "name: 'sessions/s' from_leg: 'legs/q' to_leg: 'legs/w' answer_sdp: '" + sdp("RTP/AVP 0") +
           "'",
       "LEG_NOT_READY"},
      // The rest of RelayService
      {"RelayService.SendDtmf", "name: '" + leg + "a' digits: '1'", "LEG_NOT_READY"},
      {"RelayService.SendDtmf", "name: '" + leg + "a' digits: 'z'", "FIELD_INVALID"},
      {"RelayService.DescribeSession", "name: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.GetSessionReport", "name: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RelayService.GetLegReport", "name: '" + leg + "none'", "LEG_NOT_FOUND"},
      // Recordings
      {"RecordingService.StartRecording", "parent: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"RecordingService.StartRecording", "parent: 'sessions/s' recording { leg: 'legs/none' }",
       "LEG_NOT_FOUND"},
      {"RecordingService.StartRecording",
       "parent: 'sessions/s' recording_id: 'r' recording { leg: 'legs/a' }", "ID_TAKEN"},
      {"RecordingService.StartRecording",
       "parent: 'sessions/s' recording { leg: 'legs/a' format: RECORDING_FORMAT_OGG_OPUS }",
       "CODEC_UNSUPPORTED"},
      {"RecordingService.StartRecording",
       "parent: 'sessions/s' recording_id: 'there' recording { leg: 'legs/a' }",
       "RECORDER_UNAVAILABLE"},
      {"RecordingService.StartRecording", "parent: 'sessions/s'", "STAGE_ABSENT"},
      {"RecordingService.StopRecording", "name: 'sessions/s/recordings/none'",
       "RECORDING_NOT_FOUND"},
      {"RecordingService.PauseRecording", "name: 'sessions/s/recordings/old'", "RECORDING_STATE"},
      {"RecordingService.ResumeRecording", "name: 'sessions/s/recordings/old'", "RECORDING_STATE"},
      {"RecordingService.GetRecording", "name: 'sessions/none/recordings/r'", "SESSION_NOT_FOUND"},
      {"RecordingService.GetRecording", "name: 'sessions/s/recordings/none'",
       "RECORDING_NOT_FOUND"},
      {"RecordingService.ListRecordings", "parent: 'sessions/-' page_token: 'x'", "TOKEN_INVALID"},
      // Events
      {"EventService.WatchEvents", "resume_token: 'x'", "TOKEN_INVALID"},
      {"EventService.WatchEvents", "session: 'sessions/none'", "SESSION_NOT_FOUND"},
      {"EventService.WatchEvents", "kinds: 'nothing'", "FIELD_INVALID"},
      {"EventService.WatchEvents", "session: 'x'", "NAME_INVALID"},
      {"EventService.WatchEvents", "resume_token: 'e1.0000000000000000.1'", "CURSOR_EXPIRED"},
      // The node
      {"NodeService.GetNode", "name: 'nodes/elsewhere'", "NODE_NOT_FOUND"},
      {"NodeService.GetNode", "name: 'here'", "NAME_INVALID"},
      {"NodeService.DrainNode", "name: 'nodes/elsewhere'", "NODE_NOT_FOUND"},
      {"NodeService.DrainNode", "name: 'here'", "NAME_INVALID"},
      {"NodeService.UndrainNode", "name: 'nodes/elsewhere'", "NODE_NOT_FOUND"},
      {"NodeService.UndrainNode", "name: 'here'", "NAME_INVALID"},
  };
  for (const std::string& method : kAbsent) table.push_back({method, "", "STAGE_ABSENT"});
  return table;
}

constexpr const char* kSession =
    "session_id: 's' session { legs { name: 'legs/a' codecs {} remote { rtp { ip: '127.0.0.1' "
    "port: 9 "
    "} } } legs { name: 'legs/b' codecs {} } legs { name: 'legs/k' security { sdes {} } } legs { "
    "name: "
    "'legs/v' codecs { payload_type: 18 } } legs { name: 'legs/t' codecs { payload_type: 8 } } "
    "legs { name: 'legs/p' profile: 'sip-trunk' } legs { name: 'legs/q' profile: 'sip-trunk' } "
    "legs { name: 'legs/w' profile: 'webrtc' } legs { name: 'legs/x' profile: 'sip-srtp' } "
    "legs { name: 'legs/y' profile: 'sip-srtp' } "
    "legs { name: 'legs/n' profile: 'sip-trunk' codec_policy { allow: 'none' } } "
    "connections { name: 'connections/ab' from_leg: 'legs/a' to_leg: 'legs/b' } connections { "
    "name: "
    "'connections/at' from_leg: 'legs/a' to_leg: 'legs/t' stages { transcode {} } } }";

/// Everything that was called, with what it was answered.
std::set<std::pair<std::string, std::string>> seen;

class ApiErrors : public testing::Test {
 protected:
  static void expect(Server& server, const Case& each, bool has_role = true) {
    const Outcome outcome = server.call(each.method, each.request, has_role);
    EXPECT_EQ(outcome.reason, each.reason)
        << each.method << " { " << each.request << " }: " << outcome.status.error_message();
    const auto facts = facts_of_reason(each.reason);
    ASSERT_TRUE(facts) << each.reason;
    EXPECT_EQ(outcome.has_retry, facts->retry_after != Duration::zero()) << each.reason;
    if (each.reason == "STAGE_ABSENT") {
      const auto absent = absent_features();
      EXPECT_NE(std::ranges::find(absent, outcome.metadata.at("feature")), absent.end())
          << "GetNode does not say that " << outcome.metadata.at("feature") << " is absent";
    }
    seen.emplace(each.method, outcome.reason);
  }

  static NodeConfig with_recordings(std::uint16_t first_port, const fs::path& folder) {
    NodeConfig config = small_node(first_port);
    config.recordings_folder = folder.string();
    return config;
  }
};

TEST_F(ApiErrors, EachOfTheTable) {
  const fs::path folder =
      fs::temp_directory_path() / ("causeway-errors-" + std::to_string(::getpid()));
  fs::create_directories(folder / "s");
  std::ofstream(folder / "s" / "there.wav") << "x";
  {
    Server server(with_recordings(22'000, folder));
    server.succeed("RelayService.CreateSession", kSession);
    server.succeed("RelayService.CreateOffer", "name: 'sessions/s/legs/p'");
    server.succeed("RelayService.CreateOffer", "name: 'sessions/s/legs/y'");
    server.succeed("RecordingService.StartRecording",
                   "parent: 'sessions/s' recording_id: 'r' recording { leg: 'legs/a' }");
    server.succeed("RecordingService.StartRecording",
                   "parent: 'sessions/s' recording_id: 'old' recording { leg: 'legs/b' }");
    server.succeed("RecordingService.StopRecording", "name: 'sessions/s/recordings/old'");
    for (const Case& each : cases()) expect(server, each);
    // A leg is in at most four recordings.
    for (int i = 0; i < 3; ++i) {
      server.succeed("RecordingService.StartRecording",
                     "parent: 'sessions/s' recording { leg: 'legs/a' }");
    }
    expect(server, {"RecordingService.StartRecording",
                    "parent: 'sessions/s' recording { leg: 'legs/a' }", "QUOTA"});
    // Every method asks for the role first.
    for (const auto& [method, reasons] : promised()) {
      expect(server, {method, "", "ROLE"}, false);
    }
  }
  fs::remove_all(folder);
}

TEST_F(ApiErrors, RequestIdsThatAreUsedForSomethingElse) {
  Server server(small_node(22'400));
  server.succeed("RelayService.CreateSession", "request_id: 'taken'");
  for (const auto& [method, reasons] : promised()) {
    const auto* descriptor =
        DescriptorPool::generated_pool()->FindMethodByName("causeway.v1." + method);
    if (kAbsent.count(method) != 0) continue;
    if (descriptor->input_type()->FindFieldByName("request_id") == nullptr) continue;
    const std::string body = method == "RelayService.CreateSession" ? " session_id: 'x'" : "";
    expect(server, {method, "request_id: 'taken'" + body, "REQUEST_ID_REUSED"});
  }
}

TEST_F(ApiErrors, LimitsAndDraining) {
  {
    NodeConfig config = small_node(22'800, 4);
    Server server(config);
    server.succeed("RelayService.CreateSession", "session_id: 's' session { legs {} legs {} }");
    expect(server, {"RelayService.CreateSession", "session { legs {} }", "PORTS_EXHAUSTED"});
    expect(server, {"RelayService.CreateLeg", "parent: 'sessions/s'", "PORTS_EXHAUSTED"});
    expect(server, {"RelayService.CreateSession",
                    "session { legs { name: 'legs/a' } recordings {} }", "RECORDER_UNAVAILABLE"});
    server.succeed("NodeService.DrainNode", "");
    expect(server, {"RelayService.CreateSession", "", "NODE_DRAINING"});
    server.succeed("NodeService.UndrainNode", "");
    server.succeed("RelayService.CreateSession", "");
  }
  NodeConfig config = small_node(22'810);
  config.max_legs = 1;
  Server server(config);
  server.succeed("RelayService.CreateSession", "session_id: 's' session { legs {} }");
  expect(server, {"RelayService.CreateSession", "session { legs {} }", "QUOTA"});
  expect(server, {"RelayService.CreateLeg", "parent: 'sessions/s'", "QUOTA"});
}

/// Methods that ask a worker, on sessions of their own so that they do not wait for each other.
std::vector<Case> calls_to_a_worker(const std::string& reason) {
  const auto call = [&](const char* method, const std::string& request) {
    return Case{method, request, reason};
  };
  return {
      call("RelayService.CreateSession", ""),
      call("RelayService.UpdateSession", "session { name: 'sessions/s0' lease { seconds: 9 } }"),
      call("RelayService.RenewSession", "name: 'sessions/s1'"),
      call("RelayService.CreateLeg", "parent: 'sessions/s2'"),
      call("RelayService.UpdateLeg", "leg { name: 'sessions/s3/legs/a' direction: 4 }"),
      call("RelayService.RotateKeys", "name: 'sessions/s4/legs/k' send {}"),
      call("RelayService.CreateConnection",
           "parent: 'sessions/s5' connection { from_leg: 'legs/b' to_leg: 'legs/a' }"),
      call("RelayService.UpdateConnection", "connection { name: 'sessions/s6/connections/ab' }"),
      call("RelayService.SendDtmf", "name: 'sessions/s7/legs/a' digits: '1'"),
      call("RelayService.GetSessionReport", "name: 'sessions/s8'"),
      call("RelayService.GetLegReport", "name: 'sessions/s8/legs/a'"),
      call("RecordingService.StartRecording", "parent: 'sessions/s9' recording { leg: 'legs/a' }"),
      call("RecordingService.PauseRecording", "name: 'sessions/s10/recordings/r'"),
  };
}

void make_sessions(Server& server, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string id = "s" + std::to_string(i);
    server.succeed(
        "RelayService.CreateSession",
        "session_id: '" + id +
            "' session { legs { name: 'legs/a' codecs {} codecs { payload_type: 101 "
            "encoding_name: 'telephone-event' } remote { rtp { ip: '127.0.0.1' port: 9 } "
            "} } legs { name: 'legs/b' codecs {} } legs { name: 'legs/k' security { sdes "
            "{} } } connections { name: 'connections/ab' from_leg: 'legs/a' to_leg: "
            "'legs/b' } }");
  }
  server.succeed("RecordingService.StartRecording",
                 "parent: 'sessions/s10' recording_id: 'r' recording { leg: 'legs/a' }");
}

TEST_F(ApiErrors, AWorkerThatHangsHoldsUpNothingElse) {
  const fs::path folder =
      fs::temp_directory_path() / ("causeway-stall-" + std::to_string(::getpid()));
  {
    Server server(with_recordings(23'000, folder));
    make_sessions(server, 11);
    server.stall.begin();
    std::vector<std::thread> calls;
    for (const Case& each : calls_to_a_worker("WORKER_UNRESPONSIVE")) {
      calls.emplace_back([&server, each] { expect(server, each); });
    }
    // What the control plane knows by itself it still says, at once.
    const auto begun = std::chrono::steady_clock::now();
    server.succeed("RelayService.ListSessions", "view: SESSION_VIEW_FULL");
    server.succeed("RelayService.DescribeSession", "name: 'sessions/s3'");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
    for (std::thread& call : calls) call.join();
    server.stall.end();
    // What was opened too late is closed again.
    server.succeed("RelayService.CreateSession", "session_id: 'after'");
    EXPECT_EQ(server.services->plane->sessions().size(), 12U);
  }
  fs::remove_all(folder);
}

TEST_F(ApiErrors, AFullMailboxRefusesButForWhatFrees) {
  const fs::path folder =
      fs::temp_directory_path() / ("causeway-full-" + std::to_string(::getpid()));
  {
    NodeConfig config = with_recordings(23'400, folder);
    config.mailbox_commands = 1;
    Server server(config);
    make_sessions(server, 14);
    server.stall.begin();
    // One command lies in the mailbox, and waits for its 2 s.
    std::thread filler([&] { server.call("RelayService.RenewSession", "name: 'sessions/s13'"); });
    while (server.services->plane->node().worker_stats(0).refused_commands == 0) {
      server.call("RelayService.GetLegReport", "name: 'sessions/s8/legs/a'");
    }
    std::vector<std::thread> calls;
    for (const Case& each : calls_to_a_worker("OVERLOAD")) {
      calls.emplace_back([&server, each] { expect(server, each); });
    }
    for (std::thread& call : calls) call.join();
    // These wait for the worker, and are carried out.
    std::vector<std::thread> frees;
    for (const Case& each : std::vector<Case>{
             {"RelayService.DeleteSession", "name: 'sessions/s0'", ""},
             {"RelayService.DeleteLeg", "name: 'sessions/s1/legs/a'", ""},
             {"RelayService.DeleteConnection", "name: 'sessions/s2/connections/ab'", ""},
             {"RecordingService.StopRecording", "name: 'sessions/s10/recordings/r'", ""}}) {
      frees.emplace_back([&server, each] { server.succeed(each.method, each.request); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    server.stall.end();
    for (std::thread& each : frees) each.join();
    filler.join();
  }
  fs::remove_all(folder);
}

TEST_F(ApiErrors, ASlowReaderIsCutOffToldAndMayResume) {
  NodeConfig config = small_node(23'800);
  config.event_ring = 20'000;
  config.event_backlog = 5'000;
  Server server(config);
  server.succeed("RelayService.CreateSession", "session_id: 's'");
  const auto stub = v1::EventService::NewStub(server.channel);
  grpc::ClientContext context;
  v1::WatchEventsRequest watch;
  const auto reader = stub->WatchEvents(&context, watch);
  v1::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_TRUE(response.event().has_stream_opened());
  // Far more than the transport's windows hold.
  constexpr int kEvents = 8'000;
  // Somebody else, on a connection of his own, reads as fast as he can and hears it all.
  const auto others = v1::EventService::NewStub(server.another_channel());
  grpc::ClientContext others_context;
  const auto diligent = others->WatchEvents(&others_context, watch);
  v1::WatchEventsResponse heard;
  ASSERT_TRUE(diligent->Read(&heard));
  std::atomic<unsigned> heard_by_others{0};
  std::thread reading([&] {
    while (heard_by_others < kEvents && diligent->Read(&heard)) {
      EXPECT_EQ(heard.event().dtmf().event_code(), heard_by_others.load());
      ++heard_by_others;
      heard_by_others.notify_one();
    }
    if (heard_by_others == kEvents) return;
    heard_by_others = kEvents + 1;  // cut off: nobody is to wait for it, and the test fails
    heard_by_others.notify_one();
  });
  const SessionPtr session = server.services->plane->sessions().find("s");
  for (int i = 0; i < kEvents; ++i) {
    const Lock lock(session->data);
    v1::Event event;
    event.mutable_dtmf()->set_event_code(static_cast<unsigned>(i));
    event.mutable_dtmf()->set_digit(std::string(200, 'x'));
    server.services->plane->publish(*session, std::move(event));
    // Not faster than the one who reads: only he who does not is to be cut off.
    for (unsigned heard_so_far;
         (heard_so_far = heard_by_others) + 1'000 < static_cast<unsigned>(i);) {
      heard_by_others.wait(heard_so_far);
    }
  }
  reading.join();
  EXPECT_EQ(heard_by_others, static_cast<unsigned>(kEvents))
      << "while the slow one has read nothing";
  others_context.TryCancel();
  (void)diligent->Finish();
  unsigned next = 0;
  while (reader->Read(&response)) {
    ASSERT_EQ(response.event().dtmf().event_code(), next);
    ++next;
  }
  const Outcome outcome = outcome_of(reader->Finish());
  EXPECT_EQ(outcome.reason, "SLOW_READER");
  EXPECT_LT(next, static_cast<unsigned>(kEvents));
  seen.emplace("EventService.WatchEvents", outcome.reason);

  grpc::ClientContext again;
  watch.set_resume_token(outcome.metadata.at("resume_token"));
  const auto resumed = stub->WatchEvents(&again, watch);
  ASSERT_TRUE(resumed->Read(&response));
  EXPECT_TRUE(response.event().has_stream_opened());
  // The token says what was sent; what was read is the client's to know.
  ASSERT_TRUE(resumed->Read(&response));
  EXPECT_EQ(response.event().dtmf().event_code(), next);
  for (++next; next < kEvents; ++next) {
    ASSERT_TRUE(resumed->Read(&response)) << next;
    ASSERT_EQ(response.event().dtmf().event_code(), next);
  }
  again.TryCancel();
  (void)resumed->Finish();
}

TEST_F(ApiErrors, AStreamEndsWithTheNode) {
  Server server(small_node(24'200));
  const auto stub = v1::EventService::NewStub(server.channel);
  grpc::ClientContext context;
  const auto reader = stub->WatchEvents(&context, v1::WatchEventsRequest());
  v1::WatchEventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  server.services->plane->stop();
  while (reader->Read(&response)) {
  }
  const Outcome outcome = outcome_of(reader->Finish());
  EXPECT_EQ(outcome.reason, "NODE_DRAINING");
  EXPECT_TRUE(outcome.has_retry);
  seen.emplace("EventService.WatchEvents", outcome.reason);
}

TEST_F(ApiErrors, InterceptIsAbsent) {
  Server server(small_node(24'600));
  const auto* service =
      DescriptorPool::generated_pool()->FindServiceByName("causeway.v1.InterceptService");
  ASSERT_NE(service, nullptr);
  for (int i = 0; i < service->method_count(); ++i) {
    EXPECT_EQ(server.call(*service->method(i), "").reason, "STAGE_ABSENT");
  }
}

/// The last one: what was promised and what was seen, side by side.
TEST_F(ApiErrors, ZzEveryPromiseWasSeen) {
  std::set<std::string> known;
  for (const MethodDescriptor* method : methods_of_the_api()) known.insert(name_of(*method));
  for (const auto& [method, reasons] : promised()) known.erase(method);
  EXPECT_TRUE(known.empty()) << *known.begin() << " stands in no file whose comments are read here";
  for (const auto& [method, reasons] : promised()) {
    if (kAbsent.count(method) != 0) continue;
    for (const std::string& reason : reasons) {
      if (kImpossible.count({method, reason}) != 0) continue;
      EXPECT_EQ(seen.count({method, reason}), 1U) << method << " has no case for " << reason;
    }
  }
  for (const std::string& reason : all_reasons_of_the_api()) {
    const bool was_seen =
        std::ranges::any_of(seen, [&](const auto& each) { return each.second == reason; });
    EXPECT_NE(was_seen, kNeverYet.count(reason) != 0)
        << reason << (was_seen ? " is listed as impossible" : " has no case");
  }
}

}  // namespace
}  // namespace causeway::control
