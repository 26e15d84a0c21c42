#include "control/recording_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/control/plane_fixture.h"

namespace causeway::control {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, gone with the test.
struct Folder {
  Folder() : path(fs::temp_directory_path() / ("causeway-control-" + make_id())) {
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;

 private:
  static std::string make_id() {
    return std::to_string(::getpid()) + "-" +
           std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
  }
};

NodeConfig recording_config(const Folder& folder) {
  NodeConfig config = test_config(21'800);
  config.recordings_folder = folder.path.string();
  return config;
}

class RecordingApiTest : private Folder, public PlaneTest {
 protected:
  RecordingApiTest() : PlaneTest(recording_config(*this)) {}

  Answer<v1::StartRecordingResponse> start(const std::string& text) {
    return recordings->start(parse<v1::StartRecordingRequest>("parent: 'sessions/s' " + text));
  }
  Answer<v1::StopRecordingResponse> stop(const std::string& id) {
    v1::StopRecordingRequest in;
    in.set_name("sessions/s/recordings/" + id);
    return recordings->stop(in);
  }
  [[nodiscard]] const fs::path& folder() const { return path; }
};

constexpr const char* kCall =
    "legs { name: 'legs/a' codecs {} remote { rtp { ip: '127.0.0.1' port: 9000 } } } "
    "legs { name: 'legs/b' codecs {} remote { rtp { ip: '127.0.0.1' port: 9002 } } } "
    "connections { name: 'connections/ab' from_leg: 'legs/a' to_leg: 'legs/b' } "
    "connections { name: 'connections/ba' from_leg: 'legs/b' to_leg: 'legs/a' }";

std::vector<v1::RecordingTransition> transitions(const std::vector<v1::Event>& events) {
  std::vector<v1::RecordingTransition> seen;
  for (const v1::Event& event : events) {
    if (event.has_recording_state()) seen.push_back(event.recording_state().transition());
  }
  return seen;
}

TEST_F(RecordingApiTest, StartInsertsTheStagesAndStopRemovesThem) {
  create(kCall);
  const auto started = start("recording_id: 'r'");
  ASSERT_EQ(refusal(started), "");
  const v1::Recording& recording = started->recording();
  EXPECT_EQ(recording.name(), "sessions/s/recordings/r");
  EXPECT_EQ(recording.state(), v1::RECORDING_STATE_RECORDING);
  EXPECT_EQ(recording.uri(), "file://" + (folder() / "s" / "r.wav").string());
  EXPECT_EQ(recording.sample_rate(), 8000U);
  ASSERT_EQ(recording.channels_size(), 2);
  EXPECT_EQ(recording.channels(0).leg(), "sessions/s/legs/a");

  v1::GetConnectionRequest get;
  get.set_name("sessions/s/connections/ab");
  EXPECT_EQ(api->get_connection(get)->connection().plan().text(),
            "legs/a -> legs/b: record(r) forward(pcmu) send(rtp)");
  EXPECT_EQ(api->get_connection(get)->connection().stages_size(), 1);

  const auto stopped = stop("r");
  ASSERT_EQ(refusal(stopped), "");
  EXPECT_EQ(stopped->recording().state(), v1::RECORDING_STATE_STOPPED);
  EXPECT_TRUE(fs::exists(folder() / "s" / "r.wav"));
  EXPECT_TRUE(fs::exists(folder() / "s" / "r.json"));
  EXPECT_EQ(api->get_connection(get)->connection().stages_size(), 0);
  EXPECT_EQ(refusal(stop("r")), "") << "one that has ended stays as it is";
  EXPECT_EQ(refusal(start("recording_id: 'r'")), "ID_TAKEN recording_id");
}

TEST_F(RecordingApiTest, ASessionMayBeginWithItsRecording) {
  const v1::Session session =
      create(std::string(kCall) + " recordings { name: 'recordings/whole' }");
  ASSERT_EQ(session.recordings_size(), 1);
  EXPECT_EQ(session.recordings(0).channels_size(), 2);
  EXPECT_THAT(session.connections(0).plan().text(), testing::HasSubstr("record(whole)"));
  const v1::SessionReport report = remove();
  ASSERT_EQ(report.recordings_size(), 1);
  EXPECT_EQ(report.recordings(0).state(), v1::RECORDING_STATE_STOPPED);
  const auto seen = events_until(v1::Event::kSessionClosed);
  EXPECT_THAT(transitions(seen), testing::ElementsAre(v1::RECORDING_TRANSITION_STARTED,
                                                      v1::RECORDING_TRANSITION_STOPPED));
  EXPECT_EQ(seen.back().session_closed().report().recordings(0).state(),
            v1::RECORDING_STATE_STOPPED)
      << "the session's last event comes after the end of its recordings";
  v1::GetRecordingRequest get;
  get.set_name("sessions/s/recordings/whole");
  EXPECT_EQ(refusal(recordings->get(get)), "") << "also after its session was closed";
}

TEST_F(RecordingApiTest, StagesThatNameNewRecordingsMakeThem) {
  v1::Session wanted = parse<v1::Session>(kCall);
  for (v1::Connection& connection : *wanted.mutable_connections()) {
    connection.add_stages()->mutable_record()->set_recording("recordings/both");
  }
  v1::CreateSessionRequest in;
  in.set_session_id("s");
  *in.mutable_session() = wanted;
  const auto out = api->create_session(in);
  ASSERT_EQ(refusal(out), "");
  ASSERT_EQ(out->session().recordings_size(), 1);
  EXPECT_EQ(out->session().recordings(0).channels_size(), 2);

  const auto update = [&](const std::string& stages) {
    return api->update_connection(parse<v1::UpdateConnectionRequest>(
        "connection { name: 'sessions/s/connections/ab' " + stages + "}"));
  };
  EXPECT_EQ(refusal(update("")), "STAGE_ABSENT") << "one of two stages of a recording";
  ASSERT_EQ(refusal(update("stages { record { recording: 'recordings/both' } } stages { record { "
                           "recording: 'recordings/more' } }")),
            "");
  v1::GetRecordingRequest get;
  get.set_name("sessions/s/recordings/more");
  ASSERT_EQ(recordings->get(get)->recording().channels_size(), 1);
  ASSERT_EQ(refusal(update("stages { record { recording: 'recordings/both' } }")), "");
  EXPECT_EQ(recordings->get(get)->recording().state(), v1::RECORDING_STATE_STOPPED);
  EXPECT_EQ(refusal(update("stages { record { recording: 'recordings/both' } } stages { record { "
                           "recording: 'recordings/more' } }")),
            "RECORDING_STATE connection.stages[1]");
}

TEST_F(RecordingApiTest, PausesAndResumesUntilItHasEnded) {
  create(kCall);
  ASSERT_TRUE(start("recording_id: 'r' recording { leg: 'legs/a' }"));
  v1::PauseRecordingRequest pause;
  pause.set_name("sessions/s/recordings/r");
  v1::ResumeRecordingRequest resume;
  resume.set_name("sessions/s/recordings/r");
  EXPECT_EQ(recordings->pause(pause)->recording().state(), v1::RECORDING_STATE_PAUSED);
  EXPECT_EQ(recordings->pause(pause)->recording().state(), v1::RECORDING_STATE_PAUSED);
  EXPECT_EQ(recordings->resume(resume)->recording().state(), v1::RECORDING_STATE_RECORDING);
  ASSERT_TRUE(stop("r"));
  EXPECT_EQ(refusal(recordings->pause(pause)), "RECORDING_STATE");
  EXPECT_EQ(refusal(recordings->resume(resume)), "RECORDING_STATE");
  remove();
  EXPECT_EQ(refusal(recordings->resume(resume)), "RECORDING_STATE");
  EXPECT_THAT(
      transitions(events_until(v1::Event::kSessionClosed)),
      testing::ElementsAre(v1::RECORDING_TRANSITION_STARTED, v1::RECORDING_TRANSITION_PAUSED,
                           v1::RECORDING_TRANSITION_RESUMED, v1::RECORDING_TRANSITION_STOPPED));
}

TEST_F(RecordingApiTest, RefusesWhatItCannotRecord) {
  create(std::string(kCall) + " legs { name: 'legs/c' }");
  EXPECT_EQ(refusal(start("")), "STAGE_ABSENT") << "three legs";
  EXPECT_EQ(refusal(start("recording { leg: 'legs/x' }")), "LEG_NOT_FOUND");
  EXPECT_EQ(refusal(start("recording { leg: 'x' }")), "NAME_INVALID recording.leg");
  EXPECT_EQ(refusal(start("recording { leg: 'legs/a' format: RECORDING_FORMAT_OGG_OPUS }")),
            "CODEC_UNSUPPORTED recording.format");
  EXPECT_EQ(refusal(start("recording { point: 7 }")), "FIELD_INVALID recording.point");
  EXPECT_EQ(refusal(start("recording_id: '../x'")), "NAME_INVALID recording_id");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(refusal(start("recording { leg: 'legs/a' }")), "");
  EXPECT_EQ(refusal(start("recording { leg: 'legs/a' }")), "QUOTA");
  EXPECT_EQ(refusal(stop("nothing")), "RECORDING_NOT_FOUND");
  v1::GetRecordingRequest get;
  get.set_name("sessions/nobody/recordings/r");
  EXPECT_EQ(refusal(recordings->get(get)), "SESSION_NOT_FOUND");
}

TEST_F(RecordingApiTest, AFileThatIsThereAlreadyIsNotWrittenOver) {
  fs::create_directories(folder() / "s");
  std::ofstream(folder() / "s" / "r.wav") << "precious";
  create(kCall);
  EXPECT_EQ(refusal(start("recording_id: 'r' recording { leg: 'legs/a' }")),
            "RECORDER_UNAVAILABLE");
  EXPECT_EQ(refusal(start("recording_id: 'q' recording { leg: 'legs/a' }")), "");
  std::string text;
  std::getline(std::ifstream(folder() / "s" / "r.wav"), text);
  EXPECT_EQ(text, "precious");
}

TEST_F(RecordingApiTest, ListsThoseOfASessionOrOfAll) {
  create(kCall);
  for (const char* id : {"x", "y", "z"}) {
    ASSERT_EQ(refusal(start(std::string("recording_id: '") + id + "' recording { leg: 'legs/a' }")),
              "");
  }
  v1::ListRecordingsRequest list;
  EXPECT_EQ(refusal(recordings->list(list)), "FIELD_REQUIRED parent");
  list.set_parent("sessions/-");
  list.set_page_size(2);
  auto page = recordings->list(list);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->recordings_size(), 2);
  list.set_page_token(page->next_page_token());
  page = recordings->list(list);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->recordings_size(), 1);
  EXPECT_EQ(page->recordings(0).name(), "sessions/s/recordings/z");
  EXPECT_EQ(page->next_page_token(), "");
  list.clear_page_token();
  list.set_parent("sessions/none");
  EXPECT_EQ(refusal(recordings->list(list)), "SESSION_NOT_FOUND");
}

TEST_F(RecordingApiTest, ALegThatGoesTakesItsOwnRecordingAlong) {
  create(kCall);
  ASSERT_EQ(refusal(start("recording_id: 'r' recording { leg: 'legs/a' }")), "");
  v1::DeleteLegRequest in;
  in.set_name("sessions/s/legs/a");
  ASSERT_EQ(refusal(api->delete_leg(in)), "");
  v1::GetRecordingRequest get;
  get.set_name("sessions/s/recordings/r");
  EXPECT_EQ(recordings->get(get)->recording().state(), v1::RECORDING_STATE_STOPPED);
}

TEST_F(RecordingApiTest, WhatTheSoundOfACallIsRecordedAsItsPicturesAreNot) {
  const std::string sip =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio 9000 RTP/AVP 0\r\nm=video 9002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
  auto request = parse<v1::BridgeOfferRequest>(R"(
    session_id: 's'
    from_profile: 'sip-trunk'
    session {
      recordings { name: 'recordings/r' }
      connections {
        from_leg: 'legs/caller'
        to_leg: 'legs/callee'
        stages { record { recording: 'recordings/r' } }
      }
      connections { from_leg: 'legs/callee' to_leg: 'legs/caller' }
    })");
  request.set_offer_sdp(sip);
  const auto offered = api->bridge_offer(request);
  ASSERT_EQ(refusal(offered), "") << offered.error().detail;
  v1::BridgeAnswerRequest answer;
  answer.set_name("sessions/s");
  answer.set_answer_sdp(sip);
  const auto answered = api->bridge_answer(answer);
  ASSERT_EQ(refusal(answered), "");
  EXPECT_EQ(answered->session().connections_size(), 4);
  for (const v1::Connection& each : answered->session().connections()) {
    const bool is_recorded = each.plan().text().find("record") != std::string::npos;
    EXPECT_NE(is_recorded, each.to_leg().ends_with("-video")) << each.plan().text();
  }
}

}  // namespace
}  // namespace causeway::control
