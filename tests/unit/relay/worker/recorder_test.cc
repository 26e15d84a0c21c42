#include "relay/worker/recorder.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>

#include "relay/record/frame.h"
#include "tests/support/folder.h"
#include "tests/unit/relay/record/rig.h"

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using record::DegradeReason;
using record::FrameKind;
using record::RecordingEvent;
using record::RecordingEventKind;
using record::RecordingId;
using record::RingWriter;
using test::Folder;
using test::text_of;

record::test::ParsedWav wav_of(const fs::path& path) {
  const std::string text = text_of(path);
  return record::test::parse_wav(as_octets(text)).value();
}

/// What a disk is told to do to the writing of files.
struct Mood {
  std::atomic<int> error{0};            ///< Refuses with this one.
  std::atomic<bool> is_stuck{false};    ///< Does not come back.
  std::atomic<bool> has_caught{false};  ///< Somebody waits for it to come back.
};

/// A disk whose files refuse to be written, or hang in it, while told so.
class MoodyDisk final : public io::Disk {
 public:
  MoodyDisk(std::unique_ptr<io::Disk> inner, Mood& mood) : inner_(std::move(inner)), mood_(mood) {}
  Result<std::unique_ptr<io::File>, io::Errno> create(std::string_view path) override {
    auto file = inner_->create(path);
    if (!file) return failure(file.error());
    return std::make_unique<MoodyFile>(std::move(*file), mood_);
  }
  Result<void, io::Errno> replace(std::string_view path, Bytes octets) override {
    return inner_->replace(path, octets);
  }
  Result<void, io::Errno> remove(std::string_view path) override { return inner_->remove(path); }

 private:
  struct MoodyFile final : io::File {
    MoodyFile(std::unique_ptr<io::File> file, Mood& of) : inner(std::move(file)), mood(of) {}
    Result<std::size_t, io::Errno> write_at(std::uint64_t offset, Bytes octets) override {
      mood.has_caught = mood.is_stuck.load();
      mood.is_stuck.wait(true);
      if (const int code = mood.error.load(); code != 0) return failure(io::Errno(code));
      return inner->write_at(offset, octets);
    }
    Result<void, io::Errno> extend_to(std::uint64_t octets) override {
      return inner->extend_to(octets);
    }
    std::unique_ptr<io::File> inner;
    Mood& mood;
  };
  std::unique_ptr<io::Disk> inner_;
  Mood& mood_;
};

/// A recorder with its thread, a real folder, and a clock that the test moves.
class RecorderTest : public ::testing::Test {
 protected:
  void start(std::size_t rings = 1, std::size_t max_backlog = 4U << 20U) {
    for (std::size_t i = 0; i < rings; ++i) {
      rings_.push_back(std::make_unique<ByteRing>(1U << 20U));
      writers_.push_back(std::make_unique<RingWriter>(*rings_.back()));
    }
    reader_ = io::WakeSignal::create().value();
    RecorderConfig config;
    for (const auto& ring : rings_) config.rings.push_back(ring.get());
    config.disk = std::make_unique<MoodyDisk>(
        io::DirectoryDisk::open(folder_.path().string()).value(), mood_);
    config.wall = WallClock(std::chrono::seconds(1'700'000'000));
    config.max_backlog_octets = max_backlog;
    config.look_every = 1ms;
    config.now = [this] { return Instant(Duration(now_.load())); };
    recorder_ = Recorder::create(std::move(config), *reader_).value();
  }

  static record::RecordingSpec spec(RecordingId id, std::string path, std::size_t channels = 2) {
    record::RecordingSpec spec = record::test::wav_spec(channels);
    spec.id = id;
    spec.path = std::move(path);
    return spec;
  }

  RingWriter& writer(std::size_t ring = 0) { return *writers_[ring]; }

  /// Sends 20 ms of 8-bit sound, PCMU unless its type says otherwise, one octet throughout.
  void packet(RecordingId id, std::uint8_t channel, int number, Duration at, std::uint8_t octet,
              std::size_t ring = 0, std::uint8_t type = 0) {
    std::vector<std::byte> octets(12 + 160, std::byte{octet});
    octets[0] = std::byte{0x80};
    octets[1] = std::byte{type};
    store_be16(&octets[2], static_cast<std::uint16_t>(number));
    store_be32(&octets[4], static_cast<std::uint32_t>(number) * 160);
    store_be32(&octets[8], 0x1234U + channel);
    EXPECT_TRUE(
        writer(ring).write_packet(id, channel, record::kCodecByPayloadType, Instant(at), octets));
  }

  /// Moves the clock; what was written to the rings before is then older than it.
  void set_time(Duration to) { now_.store(to.count()); }

  /// The next event of this kind. Fails after 10 s.
  RecordingEvent wait_for(RecordingEventKind kind) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < deadline) {
      while (const auto event = recorder_->try_pop_event()) {
        seen_.push_back(*event);
        if (event->kind == kind) return *event;
      }
      reader_->may_sleep();
      if (const auto event = recorder_->try_pop_event()) {
        reader_->is_awake();
        seen_.push_back(*event);
        if (event->kind == kind) return *event;
        continue;
      }
      reader_->wait(100ms);
    }
    ADD_FAILURE() << "no event of kind " << static_cast<int>(kind);
    return {};
  }

  Folder folder_;
  Mood mood_;
  std::atomic<std::int64_t> now_{0};
  std::vector<std::unique_ptr<ByteRing>> rings_;
  std::vector<std::unique_ptr<RingWriter>> writers_;
  std::unique_ptr<io::WakeSignal> reader_;
  std::unique_ptr<Recorder> recorder_;  // before what it borrows
  std::vector<RecordingEvent> seen_;
};

constexpr RecordingId kFirst{1};
constexpr RecordingId kSecond{2};

TEST_F(RecorderTest, WritesWhatTheWorkerTappedAndTellsItsEnd) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(1s));
  for (int n = 0; n < 100; ++n) {
    packet(kFirst, 0, n, 1s + n * 20ms, 0x80);
    packet(kFirst, 1, n, 1s + n * 20ms, 0x00);
  }
  wait_for(RecordingEventKind::Started);
  EXPECT_TRUE(fs::exists(folder_.path() / "s/r.json"));  // before the first sound
  writer().write_marker(kFirst, FrameKind::Stop, Instant(3s));
  set_time(4s);
  const RecordingEvent stopped = wait_for(RecordingEventKind::Stopped);
  EXPECT_EQ(stopped.id, kFirst);
  EXPECT_EQ(stopped.duration, 2s);
  EXPECT_EQ(stopped.octets, 80U + 2 * 2 * 16'000);
  const auto wav = wav_of(folder_.path() / "s/r.wav");
  EXPECT_EQ(wav.channel(0), std::vector<std::int16_t>(16'000, 32124));
  EXPECT_EQ(wav.channel(1), std::vector<std::int16_t>(16'000, -32124));
  const std::string json = text_of(folder_.path() / "s/r.json");
  EXPECT_NE(json.find("\"state\": \"stopped\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"start_time\": \"2023-11-14T22:13:21.000Z\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"degraded\": []"), std::string::npos) << json;
  EXPECT_EQ(recorder_->stray_frames(), 0U);
}

TEST_F(RecorderTest, JoinsTheLegsOfTwoWorkers) {
  start(2);
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer(0).write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  writer(1).write_marker(kFirst, FrameKind::Start, Instant(0s));
  for (int n = 0; n < 50; ++n) packet(kFirst, 0, n, n * 20ms, 0x80, 0);
  for (int n = 0; n < 50; ++n) packet(kFirst, 1, n, n * 20ms, 0x00, 1);
  writer(1).write_marker(kFirst, FrameKind::Stop, Instant(1s));
  writer(0).write_marker(kFirst, FrameKind::Stop, Instant(1s));
  set_time(2s);
  wait_for(RecordingEventKind::Stopped);
  const auto wav = wav_of(folder_.path() / "s/r.wav");
  EXPECT_EQ(wav.channel(0), std::vector<std::int16_t>(8'000, 32124));
  EXPECT_EQ(wav.channel(1), std::vector<std::int16_t>(8'000, -32124));
}

TEST_F(RecorderTest, KeepsTheFilePlayableAndGrowingWhileNothingArrives) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  set_time(10s);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  std::size_t samples = 0;
  while (samples < 2U * 9 * 8000 && std::chrono::steady_clock::now() < deadline) {
    const std::string text = text_of(folder_.path() / "s/r.wav");
    // A head that is being rewritten under the reader's eyes is no head.
    if (const auto wav = record::test::parse_wav(as_octets(text))) samples = wav->samples.size();
  }
  EXPECT_GE(samples, 2U * 9 * 8000);
}

TEST_F(RecorderTest, SaysThatAFileCannotBeMadeAndThrowsItsFramesAway) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  ASSERT_TRUE(recorder_->open(spec(kSecond, "s/r.wav")));
  const RecordingEvent failed = wait_for(RecordingEventKind::Failed);
  EXPECT_EQ(failed.id, kSecond);
  EXPECT_EQ(failed.reason, DegradeReason::CannotOpen);
  EXPECT_EQ(failed.system_error, EEXIST);
  writer().write_marker(kSecond, FrameKind::Start, Instant(0s));
  packet(kSecond, 0, 0, 0s, 0x80);
  writer().write_marker(kSecond, FrameKind::Stop, Instant(1s));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  writer().write_marker(kFirst, FrameKind::Stop, Instant(1s));
  set_time(2s);
  EXPECT_EQ(wait_for(RecordingEventKind::Stopped).id, kFirst);
  EXPECT_EQ(recorder_->stray_frames(), 0U);
}

TEST_F(RecorderTest, SaysAtOnceThatTheDiskIsFullAndThatItTakesEverythingAgain) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  mood_.error = ENOSPC;
  for (int n = 0; n < 100; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  set_time(3s);
  const RecordingEvent degraded = wait_for(RecordingEventKind::Degraded);
  EXPECT_EQ(degraded.reason, DegradeReason::DiskFull);
  EXPECT_EQ(degraded.system_error, ENOSPC);
  mood_.error = 0;
  set_time(4s);
  EXPECT_EQ(wait_for(RecordingEventKind::Recovered).reason, DegradeReason::DiskFull);
  writer().write_marker(kFirst, FrameKind::Stop, Instant(4s));
  set_time(5s);
  const RecordingEvent stopped = wait_for(RecordingEventKind::Stopped);
  EXPECT_EQ(stopped.dropped_octets, 0U);
  std::vector<std::int16_t> want(16'000, 32124);
  want.resize(32'000);
  EXPECT_EQ(wav_of(folder_.path() / "s/r.wav").channel(0), want);
  EXPECT_NE(text_of(folder_.path() / "s/r.json").find("\"degraded\": [\"disk_full\"]"),
            std::string::npos);
}

TEST_F(RecorderTest, OutlivesARealDiskThatIsFull) {
  if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=128k") != 0) {
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  }
  struct Unmount {
    const fs::path& path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{folder_.path()};
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  for (int n = 0; n < 500; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  set_time(10s);
  const RecordingEvent degraded = wait_for(RecordingEventKind::Degraded);
  EXPECT_EQ(degraded.reason, DegradeReason::DiskFull);
  // What is there is playable, though the disk is full to the last octet.
  EXPECT_GT(wav_of(folder_.path() / "s/r.wav").samples.size(), 10'000U);
  ASSERT_EQ(::mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
  writer().write_marker(kFirst, FrameKind::Stop, Instant(10s));
  set_time(11s);
  wait_for(RecordingEventKind::Recovered);
  wait_for(RecordingEventKind::Stopped);
  EXPECT_EQ(wav_of(folder_.path() / "s/r.wav").channel(0),
            std::vector<std::int16_t>(80'000, 32124));
  recorder_.reset();
}

TEST_F(RecorderTest, LeavesSilenceInPlaceWhereTheDiskStayedFullForLong) {
  start(1, 64 * 1024);
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav", 1)));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  mood_.error = EIO;
  for (int n = 0; n < 500; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  writer().write_marker(kFirst, FrameKind::Stop, Instant(10s));
  set_time(10s);
  EXPECT_EQ(wait_for(RecordingEventKind::Degraded).reason, DegradeReason::DiskError);
  mood_.error = 0;
  set_time(11s);
  const RecordingEvent stopped = wait_for(RecordingEventKind::Stopped);
  const auto pcm = wav_of(folder_.path() / "s/r.wav").channel(0);
  ASSERT_EQ(pcm.size(), 80'000U);
  EXPECT_EQ(pcm.back(), 32124);
  EXPECT_GT(stopped.dropped_octets, 0U);
  const auto silent = static_cast<std::uint64_t>(std::count(pcm.begin(), pcm.end(), 0));
  EXPECT_LE(silent * 2, stopped.dropped_octets);
  EXPECT_GT(silent, 0U);
}

TEST_F(RecorderTest, TellsOfPacketsThatTheRingLostAndWhenItLosesNoMore) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  // The ring's own fullness is RingWriter's test; here, its marker.
  const auto lose = [&](std::uint32_t packets) {
    const MutableBytes room = rings_[0]->reserve(record::kFrameHeaderOctets);
    record::FrameHeader lost;
    lost.recording = kFirst;
    lost.kind = FrameKind::Lost;
    lost.frames = packets;
    lost.octets = packets * 172;
    record::write_frame_header(room, lost);
    rings_[0]->commit();
  };
  lose(10);
  const RecordingEvent degraded = wait_for(RecordingEventKind::Degraded);
  EXPECT_EQ(degraded.reason, DegradeReason::RingFull);
  EXPECT_EQ(degraded.lost_packets, 10U);
  set_time(record::kRingCalm);
  EXPECT_EQ(wait_for(RecordingEventKind::Recovered).reason, DegradeReason::RingFull);
  lose(7);
  EXPECT_EQ(wait_for(RecordingEventKind::Degraded).lost_packets, 17U);
  writer().write_marker(kFirst, FrameKind::Stop, Instant(1s));
  set_time(2s);
  EXPECT_EQ(wait_for(RecordingEventKind::Stopped).lost_packets, 17U);
  const std::string json = text_of(folder_.path() / "s/r.json");
  EXPECT_NE(json.find("\"ring_lost_packets\": 17"), std::string::npos);
  EXPECT_NE(json.find("\"degraded\": [\"ring_full\"]"), std::string::npos) << json;
}

TEST_F(RecorderTest, KnowsForHowLongItsDiskHasNotAnswered) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  mood_.is_stuck = true;
  for (int n = 0; n < 50; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  set_time(1s);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (recorder_->busy_for(Instant(3s)) != 2s && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(recorder_->busy_for(Instant(3s)), 2s);
  mood_.is_stuck = false;
  mood_.is_stuck.notify_all();
  writer().write_marker(kFirst, FrameKind::Stop, Instant(1s));
  set_time(2s);
  wait_for(RecordingEventKind::Stopped);
  EXPECT_EQ(wav_of(folder_.path() / "s/r.wav").channel(0), std::vector<std::int16_t>(8'000, 32124))
      << "what waited in the ring meanwhile is all there";
}

TEST_F(RecorderTest, ARecordingThatIsClosedHasAllThatWasInTheRingByThen) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav", 1)));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  mood_.is_stuck = true;
  for (int n = 0; n < 50; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  set_time(1s);
  while (!mood_.has_caught) std::this_thread::yield();
  // Far behind: more is in the ring than is taken at a time.
  for (int n = 50; n < 4'000; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  set_time(80s);
  ASSERT_TRUE(recorder_->close(kFirst));
  mood_.is_stuck = false;
  mood_.is_stuck.notify_all();
  EXPECT_EQ(wait_for(RecordingEventKind::Stopped).duration, 80s);
  EXPECT_EQ(wav_of(folder_.path() / "s/r.wav").channel(0),
            std::vector<std::int16_t>(640'000, 32124));
}

TEST_F(RecorderTest, TellsWhenItBeganAndHowMuchThereIs) {
  start();
  set_time(5s);
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(4s));
  EXPECT_EQ(wait_for(RecordingEventKind::Started).at, Instant(4s)) << "the file's first sample";
  set_time(7s);
  RecordingEvent grown;
  do {
    grown = wait_for(RecordingEventKind::Grown);
  } while (grown.kind == RecordingEventKind::Grown && grown.duration < 2s);
  EXPECT_GE(grown.octets, 80U + 2 * 4 * 8'000U);
  writer().write_marker(kFirst, FrameKind::Stop, Instant(7s));
  set_time(8s);
  EXPECT_EQ(wait_for(RecordingEventKind::Stopped).at, Instant(7s));
}

TEST_F(RecorderTest, SaysOnceThatACodecIsUnknown) {
  start();
  record::RecordingSpec unknown = spec(kFirst, "s/r.wav");
  for (auto& channel : unknown.channels) channel.codecs.clear();
  ASSERT_TRUE(recorder_->open(std::move(unknown)));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  constexpr std::uint8_t kG729 = 18;
  for (int n = 0; n < 50; ++n) packet(kFirst, 0, n, n * 20ms, 0x80, 0, kG729);
  EXPECT_EQ(wait_for(RecordingEventKind::Degraded).reason, DegradeReason::UnknownCodec);
  // The recorder may be at those packets still: a line of the table holds for every packet after
  // it, and for no other type.
  record::RecordedCodec pcmu;
  pcmu.type = record::test::kPcmu;
  ASSERT_TRUE(recorder_->add_codec(kFirst, 0, pcmu));
  for (int n = 50; n < 100; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  writer().write_marker(kFirst, FrameKind::Stop, Instant(2s));
  set_time(3s);
  wait_for(RecordingEventKind::Stopped);
  const auto pcm = wav_of(folder_.path() / "s/r.wav").channel(0);
  EXPECT_EQ(std::count(pcm.begin(), pcm.end(), 32124), 50 * 160);
  EXPECT_EQ(std::count_if(seen_.begin(), seen_.end(),
                          [](const RecordingEvent& event) {
                            return event.kind == RecordingEventKind::Degraded;
                          }),
            1);
}

TEST_F(RecorderTest, EndsEveryRecordingWhenItIsStopped) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  ASSERT_TRUE(recorder_->open(spec(kSecond, "t/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  for (int n = 0; n < 50; ++n) packet(kFirst, 0, n, n * 20ms, 0x80);
  set_time(1s);
  recorder_->stop();
  // Everything that was in the ring is in the file, without the horizon's delay.
  EXPECT_EQ(wav_of(folder_.path() / "s/r.wav").channel(0), std::vector<std::int16_t>(8'000, 32124));
  EXPECT_FALSE(fs::exists(folder_.path() / "t/r.wav")) << "it never began";
  std::set<std::uint32_t> ended;
  while (const auto event = recorder_->try_pop_event()) {
    if (event->kind == RecordingEventKind::Stopped) ended.insert(event->id.raw());
  }
  EXPECT_EQ(ended, (std::set<std::uint32_t>{1, 2}));
}

TEST_F(RecorderTest, ClosesARecordingWhoseWorkerNeverSaysStop) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  ASSERT_TRUE(recorder_->close(kFirst));
  EXPECT_EQ(wait_for(RecordingEventKind::Stopped).duration, 0s);
  ASSERT_TRUE(recorder_->close(kFirst));  // without effect
}

TEST_F(RecorderTest, LeavesItsNameFreeWhereItNeverBegan) {
  start();
  for (const RecordingId id : {kFirst, kSecond}) {
    ASSERT_TRUE(recorder_->open(spec(id, "s/r.wav")));
    ASSERT_TRUE(recorder_->close(id));
    EXPECT_EQ(wait_for(RecordingEventKind::Stopped).id, id);
    EXPECT_TRUE(fs::is_empty(folder_.path() / "s"));
  }
}

TEST_F(RecorderTest, RefusesASpecThatCannotBe) {
  start();
  const auto refused = recorder_->open(spec(kFirst, "s/r.wav", 3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
}

TEST_F(RecorderTest, KeepsUpWithAWorkerThatWritesAllTheTime) {
  start();
  ASSERT_TRUE(recorder_->open(spec(kFirst, "s/r.wav")));
  writer().write_marker(kFirst, FrameKind::Start, Instant(0s));
  wait_for(RecordingEventKind::Started);
  constexpr int kPackets = 20'000;  // 400 s of sound, more than the ring holds
  for (int n = 0; n < kPackets; ++n) {
    const Duration at = n * 20ms;
    std::vector<std::byte> octets(172, std::byte{0x80});
    octets[0] = std::byte{0x80};
    octets[1] = std::byte{0};
    store_be16(&octets[2], static_cast<std::uint16_t>(n));
    store_be32(&octets[4], static_cast<std::uint32_t>(n) * 160);
    while (!writer().write_packet(kFirst, 0, 0, Instant(at), octets)) {
      // The worker would go on; the test wants every sample.
      std::this_thread::yield();
    }
    set_time(at);
  }
  writer().write_marker(kFirst, FrameKind::Stop, Instant(kPackets * 20ms));
  while (!writer().flush()) std::this_thread::yield();
  set_time(kPackets * 20ms + 1s);
  const RecordingEvent stopped = wait_for(RecordingEventKind::Stopped);
  EXPECT_EQ(stopped.late_packets, 0U);
  EXPECT_EQ(wav_of(folder_.path() / "s/r.wav").channel(0),
            std::vector<std::int16_t>(kPackets * 160, 32124));
}

}  // namespace
}  // namespace causeway::worker
