#include "control/recordings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/proto_time.h"

namespace causeway::control {
namespace {

using namespace std::chrono_literals;
using record::DegradeReason;
using record::RecordingEventKind;
using testing::ElementsAre;
using testing::IsEmpty;

/// What the node knows of its recordings, told by the test in the place of recorder and workers.
struct RecordingsTest : testing::Test {
  std::vector<v1::RecordingTransition> told;
  std::vector<std::string> ended;
  Recordings recordings{"/var/r",
                        [this](const std::string&, const auto&, const v1::Event& event) {
                          told.push_back(event.recording_state().transition());
                        },
                        [this](const std::string& session) { ended.push_back(session); }};

  record::RecordingId add(const std::string& id) {
    RecordingRequest request;
    request.id = id;
    request.channels.push_back({1, "a", {}});
    return recordings.add("s", {}, request, 100s)->id;
  }
  void say(record::RecordingId id, RecordingEventKind kind,
           DegradeReason reason = DegradeReason::None, std::uint64_t octets = 0) {
    record::RecordingEvent event;
    event.id = id;
    event.kind = kind;
    event.reason = reason;
    event.octets = octets;
    recordings.on_event(event, 101s);
  }
  v1::Recording shown(const std::string& id) { return *recordings.get("s", id); }
};

TEST_F(RecordingsTest, BeginsWithItsFirstSampleAndNotWhenThatIsHeardOf) {
  say(add("r"), RecordingEventKind::Started);
  EXPECT_EQ(shown("r").create_time().seconds(), 100);
  EXPECT_EQ(shown("r").start_time().seconds(), 101);
  EXPECT_THAT(told, ElementsAre(v1::RECORDING_TRANSITION_STARTED));
}

TEST_F(RecordingsTest, GrowsWithoutAnEvent) {
  const auto id = add("r");
  const std::string before = shown("r").etag();
  say(id, RecordingEventKind::Grown, DegradeReason::None, 4'000);
  EXPECT_EQ(shown("r").size_octets(), 4'000U);
  EXPECT_EQ(shown("r").etag(), before);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(RecordingsTest, TellsAFullRingOnceWhoeverSaysSoFirst) {
  const auto id = add("r");
  recordings.on_overrun(id, 1, 101s);
  recordings.on_overrun(id, 3, 101s);
  say(id, RecordingEventKind::Degraded, DegradeReason::RingFull);
  EXPECT_THAT(told, ElementsAre(v1::RECORDING_TRANSITION_DEGRADED));
  EXPECT_EQ(shown("r").degraded_reason(), "ring_full");
  EXPECT_EQ(shown("r").lost_packets(), 3U);
  say(id, RecordingEventKind::Recovered, DegradeReason::RingFull);
  say(id, RecordingEventKind::Degraded, DegradeReason::RingFull);
  EXPECT_THAT(told,
              ElementsAre(v1::RECORDING_TRANSITION_DEGRADED, v1::RECORDING_TRANSITION_RECOVERED,
                          v1::RECORDING_TRANSITION_DEGRADED));
}

TEST_F(RecordingsTest, ARecorderThatHangsDegradesWhatRunsAndWhatBeginsMeanwhile) {
  const auto over = add("over");
  say(over, RecordingEventKind::Stopped);
  add("r");
  told.clear();
  recordings.on_recorder_slow(true, 102s);
  EXPECT_THAT(told, ElementsAre(v1::RECORDING_TRANSITION_DEGRADED));
  EXPECT_EQ(shown("r").degraded_reason(), "recorder_slow");
  add("later");
  recordings.on_recorder_slow(true, 103s);
  EXPECT_EQ(told.size(), 2U);
  EXPECT_EQ(shown("later").degraded_reason(), "recorder_slow");
  EXPECT_EQ(shown("over").degraded_reason(), "");
  told.clear();
  recordings.on_recorder_slow(false, 104s);
  EXPECT_THAT(told,
              ElementsAre(v1::RECORDING_TRANSITION_RECOVERED, v1::RECORDING_TRANSITION_RECOVERED));
}

TEST_F(RecordingsTest, SaysWhyAFileCouldNotBeMade) {
  const auto id = add("r");
  record::RecordingEvent failed;
  failed.id = id;
  failed.kind = RecordingEventKind::Failed;
  failed.reason = DegradeReason::CannotOpen;
  failed.system_error = EEXIST;
  recordings.on_event(failed, 101s);
  const auto begun = recordings.wait_started("s", "r", 0s);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().reason, "RECORDER_UNAVAILABLE");
  EXPECT_THAT(begun.error().detail, testing::HasSubstr("File exists"));
  EXPECT_THAT(ended, ElementsAre("s"));
}

}  // namespace
}  // namespace causeway::control
