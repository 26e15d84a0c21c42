#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/relay/record/rig.h"

namespace causeway::record::test {
namespace {

using namespace std::chrono_literals;

/// What FFmpeg, which is not of our making, makes of a file.
class FfmpegReadBack : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("ffmpeg -version >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "ffmpeg is not installed: files are only read back by our own parsers";
    }
  }
  void TearDown() override { std::filesystem::remove(path_); }

  /// Decodes the file's first `octets` to 16-bit PCM of its own rate and channels. Fails where
  /// FFmpeg has anything to complain about at `level` (of a WAV file it warns that stereo is a
  /// guess).
  std::vector<std::int16_t> decode(const std::vector<std::byte>& file, const std::string& suffix,
                                   const std::string& level, const std::string& options = "") {
    path_ = std::filesystem::temp_directory_path() /
            ("causeway-read-back-" + std::to_string(::getpid()) + suffix);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()),
               static_cast<std::streamsize>(file.size()));
    const std::string errors = path_.string() + ".log";
    const std::string command = "ffmpeg -nostdin -v " + level + " -i " + path_.string() + " " +
                                options + " -f s16le - 2>" + errors;
    std::vector<std::int16_t> pcm;
    FILE* const pipe = ::popen(command.c_str(), "r");
    std::array<std::int16_t, 4096> some{};
    for (std::size_t count = 0; (count = std::fread(some.data(), 2, some.size(), pipe)) != 0;) {
      pcm.insert(pcm.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
    }
    EXPECT_EQ(::pclose(pipe), 0);
    std::ifstream log(errors);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "");
    std::filesystem::remove(errors);
    return pcm;
  }

 private:
  std::filesystem::path path_;
};

TEST_F(FfmpegReadBack, WavAndRf64AreReadAsWritten) {
  for (const std::uint64_t max_riff : {WavWriter::kMaxRiffOctets, std::uint64_t{10'000}}) {
    RecordingSession::Options options;
    options.max_riff_octets = max_riff;
    Rig rig(wav_spec(), options);
    ClickSender a{.from = 100ms, .until = 4s};
    ClickSender b{.channel = 1, .from = 1317ms, .until = 4s};
    auto packets = a.packets();
    const auto more = b.packets();
    packets.insert(packets.end(), more.begin(), more.end());
    run(rig, packets, 4s);
    // Not finished: as kill -9 leaves it.
    EXPECT_EQ(rig.wav().is_rf64, max_riff == 10'000);
    EXPECT_EQ(decode(rig.file.octets, ".wav", "error"), rig.wav().samples);
  }
}

TEST_F(FfmpegReadBack, OggOpusIsHeardWhereItWasSpoken) {
  RecordingSpec spec = wav_spec(1);
  spec.container = Container::OggOpus;
  spec.channels[0].codecs = {opus_codec()};
  Rig rig(spec);
  codecs::CodecConfig config = opus_codec().codec;
  config.opus.bitrate = 64'000;
  const auto encoder = codecs::make_encoder(config).value();
  // Bursts of 1 kHz, 20 ms long, one every 500 ms; the leg begins late and 400 ms are lost.
  const Duration from = 3217ms + 500us;
  std::vector<ClickSender::Sent> packets;
  std::vector<Duration> truth;
  for (std::uint32_t n = 0; n < 250; ++n) {
    std::vector<std::int16_t> pcm(960);
    const bool is_burst = n % 25 == 5;
    for (std::size_t i = 0; is_burst && i < pcm.size(); ++i) {
      pcm[i] = static_cast<std::int16_t>(
          20'000 * std::sin(2 * 3.14159265358979 * 1000 * static_cast<double>(i) / 48'000));
    }
    std::vector<std::byte> payload(1500);
    payload.resize(encoder->encode(pcm, payload).value());
    if (n >= 110 && n < 130) continue;
    if (is_burst) truth.push_back(from + n * 20ms);
    packets.push_back({0, from + n * 20ms, SeqNum(static_cast<std::uint16_t>(n)),
                       RtpTimestamp(n * 960), Ssrc{1}, std::move(payload), kOpus});
  }
  run(rig, packets, 9s);
  rig.finish(9s);
  const auto pcm = decode(rig.file.octets, ".opus", "warning", "-ar 48000 -ac 1");
  EXPECT_NEAR(static_cast<double>(pcm.size()), 9 * 48'000, 48 * 100);
  std::vector<Duration> found;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    if (std::abs(pcm[i]) < 8'000) continue;
    found.push_back(Duration(static_cast<std::int64_t>(i) * 1'000'000 / 48));
    i += 4800;
  }
  const auto worst = worst_error(found, truth);
  ASSERT_TRUE(worst) << found.size() << " bursts, not " << truth.size();
  EXPECT_LE(*worst, 2500us);  // frames of 2.5 ms, and a sine that takes its time
}

}  // namespace
}  // namespace causeway::record::test
