#include "relay/record/metadata.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

TEST(Metadata, StandsBesideItsRecording) {
  EXPECT_EQ(metadata_path("s/r.wav"), "s/r.json");
  EXPECT_EQ(metadata_path("s.x/r"), "s.x/r.json");
  EXPECT_EQ(metadata_path("r.opus"), "r.json");
  EXPECT_EQ(metadata_path("s/.hidden"), "s/.hidden.json");
}

TEST(Metadata, SaysWhatWasRecordedAndWhatIsMissing) {
  RecordingSpec spec = wav_spec(1);
  spec.name = "sessions/\"odd\"\n/recordings/r";
  Rig rig(spec);
  const std::vector<std::byte> payload(160, std::byte{kMuLawClick});
  rig.packet(0, 0ms, kPcmu, SeqNum{1}, RtpTimestamp{0}, Ssrc{1}, payload);
  rig.packet(0, 40ms, kPcmu, SeqNum{3}, RtpTimestamp{320}, Ssrc{1}, payload);
  rig.finish(1500ms);
  MetadataState state;
  state.state = "stopped";
  state.degraded = {DegradeReason::DiskFull, DegradeReason::RingFull};
  state.dropped_octets = 12;
  // The rig starts at 30 h of the relay's clock.
  const std::string json =
      metadata_json(rig.session(), WallClock(std::chrono::seconds(1'700'000'000) + 7ms), state);
  EXPECT_EQ(json, R"({
  "version": 1,
  "recording": "sessions/\"odd\"\u000a/recordings/r",
  "file": "r.wav",
  "state": "stopped",
  "container": "wav_pcm",
  "sample_rate": 8000,
  "pause_mode": "silence",
  "start_time": "2023-11-16T04:13:20.007Z",
  "end_time": "2023-11-16T04:13:21.507Z",
  "duration_ms": 1500,
  "file_octets": 24080,
  "hole_octets": 12,
  "degraded": ["disk_full", "ring_full"],
  "channels": [
    {
      "leg": "sessions/s/legs/a",
      "codecs": ["0 PCMU/8000", "101 ", "13 "],
      "ssrcs": 1,
      "packets": 2,
      "missing_packets": 1,
      "late_packets": 0,
      "duplicate_packets": 0,
      "undecodable_packets": 0,
      "telephone_event_packets": 0,
      "comfort_noise_packets": 0,
      "ring_lost_packets": 0,
      "ring_lost_octets": 0
    }]
}
)");
}

}  // namespace
}  // namespace causeway::record::test
