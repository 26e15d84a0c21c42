#include "tests/unit/relay/media/rig.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "codecs/g711.h"
#include "relay/base/check.h"

namespace causeway::media::test {
namespace {

constexpr std::string_view kSounds = "/usr/share/asterisk/sounds/en_US_f_Allison/";
constexpr std::uint32_t kSpeechRate = 8000;

// The samples of a 16-bit mono WAV file with a plain 44 octet header.
Samples read_wav(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string octets((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  if (octets.size() < 44) return {};
  Samples pcm((octets.size() - 44) / 2);
  std::memcpy(pcm.data(), octets.data() + 44, pcm.size() * 2);
  return pcm;
}

// A voice of sorts: a gliding pitch with harmonics, syllables, and a little noise.
Samples synthetic_voice() {
  std::cerr << "no asterisk-core-sounds-en-wav: a synthetic voice stands in for speech\n";
  Samples pcm(kSpeechRate * 10);
  double phase = 0;
  std::uint32_t random = 1;
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    const double t = static_cast<double>(i) / kSpeechRate;
    phase += 2 * M_PI * (120 + 30 * std::sin(2.1 * t)) / kSpeechRate;
    const double syllable = std::max(0.0, std::sin(2 * M_PI * 1.7 * t));
    double value = 0;
    for (int k = 1; k <= 12; ++k) value += std::sin(k * phase) / k;
    random = random * 1664525 + 1013904223;
    value = value * 4000 * syllable + static_cast<double>(random >> 24) - 128;
    pcm[i] = static_cast<std::int16_t>(std::lrint(value));
  }
  return pcm;
}

Octets octets_of(const std::byte* data, std::size_t size) { return Octets(data, data + size); }

}  // namespace

codecs::CodecConfig pcmu() { return {codecs::CodecId::Pcmu, SampleRate(8000), 1, {}}; }
codecs::CodecConfig pcma() { return {codecs::CodecId::Pcma, SampleRate(8000), 1, {}}; }
codecs::CodecConfig g722() { return {codecs::CodecId::G722, SampleRate(16000), 1, {}}; }
codecs::CodecConfig opus(std::uint32_t rate, std::uint8_t channels) {
  return {codecs::CodecId::Opus, SampleRate(rate), channels, {}};
}

Transcoder::Config config_of(PayloadType from_type, const codecs::CodecConfig& from,
                             PayloadType to_type, const codecs::CodecConfig& to) {
  Transcoder::Config config;
  config.inputs.push_back({from_type, from, codecs::rtp_clock_of(from)});
  config.events.push_back({kEvent8, RtpClockRate(8000)});
  config.events.push_back({kEvent48, RtpClockRate(48000)});
  config.noises.push_back({kNoise, RtpClockRate(8000)});
  config.output.payload_type = to_type;
  config.output.codec = to;
  config.output.clock = codecs::rtp_clock_of(to);
  config.output.event_payload_type =
      config.output.clock == RtpClockRate(48000) ? kEvent48 : kEvent8;
  return config;
}

Transcoder::Config opus_to_pcmu() { return config_of(kOpus, opus(), kPcmu, pcmu()); }
Transcoder::Config pcmu_to_opus() { return config_of(kPcmu, pcmu(), kOpus, opus()); }

Rig::Rig(const Transcoder::Config& config)
    : stream_(kSink, SeqNum(0xfffa), RtpTimestamp(0xfffffc00), config.output.clock) {
  packets_.reserve(64);
  sent_.reserve(1000);
  auto made = Transcoder::create(config);
  CAUSEWAY_CHECK(made.has_value(), "the rig's configuration is good");
  transcoder_ = std::move(*made);
}

wire::OpenRtp Rig::make(const Given& packet) {
  return wire::OpenRtp::make(pool_.take(), packet.type, packet.has_marker, packet.seq,
                             packet.timestamp, packet.ssrc, packet.payload);
}

void Rig::give(Instant now, const Given& packet) {
  run_until(now);
  Emit out = emit();
  transcoder_->handle_packet(now, make(packet), out);
  collect(now);
}

void Rig::run_until(Instant now) {
  for (auto due = transcoder_->next_timeout(); due && *due <= now;
       due = transcoder_->next_timeout()) {
    now_ = std::max(now_, *due);
    Emit out = emit();
    transcoder_->handle_timeout(now_, out);
    collect(now_);
    const auto next = transcoder_->next_timeout();
    CAUSEWAY_CHECK(!next || *next > now_, "a timeout that was handled is over");
  }
  now_ = std::max(now_, now);
}

void Rig::replan(const Transcoder::Config& config) {
  auto made = Transcoder::create(config);
  CAUSEWAY_CHECK(made.has_value(), "the rig's configuration is good");
  (*made)->take_over(*transcoder_);
  transcoder_ = std::move(*made);
}

void Rig::collect(Instant now) {
  for (const wire::OpenRtp& packet : packets_) {
    const Bytes payload = packet.payload();
    sent_.push_back({now, packet.payload_type(), packet.has_marker(), packet.seq(),
                     packet.timestamp(), packet.ssrc(), octets_of(payload.data(), payload.size())});
  }
  packets_.clear();
}

std::vector<Sent> Rig::sent_as(PayloadType type) const {
  std::vector<Sent> found;
  std::ranges::copy_if(sent_, std::back_inserter(found),
                       [&](const Sent& packet) { return packet.type == type; });
  return found;
}

Samples speech(std::uint32_t rate) {
  static const Samples voice = [] {
    Samples pcm = read_wav(std::string(kSounds) + "demo-congrats.wav");
    if (pcm.empty()) pcm = read_wav(std::string(kSounds) + "tt-monkeysintro.wav");
    if (pcm.size() < kSpeechRate * 4) return synthetic_voice();
    pcm.resize(std::min<std::size_t>(pcm.size(), kSpeechRate * 10));
    return pcm;
  }();
  const std::size_t factor = rate / kSpeechRate;
  Samples out(voice.size() * factor);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t before = i / factor;
    const std::size_t after = std::min(before + 1, voice.size() - 1);
    const int step = static_cast<int>(i % factor);
    out[i] = static_cast<std::int16_t>(voice[before] + (voice[after] - voice[before]) * step /
                                                           static_cast<int>(factor));
  }
  return out;
}

std::vector<Given> packets_of(const codecs::CodecConfig& codec, PayloadType type,
                              const Samples& pcm, Duration ptime) {
  auto encoder = codecs::make_encoder(codec);
  CAUSEWAY_CHECK(encoder.has_value(), "a codec of the tests");
  const auto frame =
      static_cast<std::size_t>(ptime.count() * codec.rate.raw() / 1'000'000'000) * codec.channels;
  const auto ticks = duration_to_ticks(ptime, codecs::rtp_clock_of(codec));
  std::vector<Given> packets;
  for (std::size_t i = 0; (i + 1) * frame <= pcm.size(); ++i) {
    Octets room(1500);
    const auto octets = (*encoder)->encode(codecs::Pcm(pcm).subspan(i * frame, frame), room);
    CAUSEWAY_CHECK(octets.has_value(), "a frame of the tests");
    room.resize(*octets);
    const auto n = static_cast<int>(i);
    packets.push_back(
        {type, SeqNum(100).plus(n), RtpTimestamp(5000).plus(ticks * n), room, i == 0});
  }
  return packets;
}

std::vector<Given> opus_packets_of(const OpusSender& sender, const Samples& pcm) {
  int code = OPUS_OK;
  OpusEncoder* state = opus_encoder_create(static_cast<opus_int32>(sender.rate), sender.channels,
                                           OPUS_APPLICATION_VOIP, &code);
  opus_encoder_ctl(state, OPUS_SET_COMPLEXITY(3));
  opus_encoder_ctl(state, OPUS_SET_BITRATE(static_cast<opus_int32>(sender.bitrate)));
  opus_encoder_ctl(state, OPUS_SET_INBAND_FEC(sender.has_fec ? 1 : 0));
  opus_encoder_ctl(state, OPUS_SET_PACKET_LOSS_PERC(sender.has_fec ? 20 : 0));
  opus_encoder_ctl(state, OPUS_SET_DTX(sender.has_dtx ? 1 : 0));
  const auto samples = static_cast<std::size_t>(sender.ptime.count() * sender.rate / 1'000'000'000);
  const std::size_t frame = samples * static_cast<std::size_t>(sender.channels);
  const auto ticks = duration_to_ticks(sender.ptime, RtpClockRate(48000));
  std::vector<Given> packets;
  for (std::size_t i = 0; (i + 1) * frame <= pcm.size(); ++i) {
    Octets room(1500);
    const auto octets = opus_encode(state, pcm.data() + i * frame, static_cast<int>(samples),
                                    reinterpret_cast<unsigned char*>(room.data()), 1500);
    CAUSEWAY_CHECK(octets > 0, "libopus encodes");
    room.resize(static_cast<std::size_t>(octets));
    const auto n = static_cast<int>(i);
    packets.push_back(
        {kOpus, SeqNum(100).plus(n), RtpTimestamp(5000).plus(ticks * n), room, i == 0});
  }
  opus_encoder_destroy(state);
  return packets;
}

OpusReference::OpusReference(std::uint32_t rate, int channels) : channels_(channels) {
  int code = OPUS_OK;
  state_ = opus_decoder_create(static_cast<opus_int32>(rate), channels, &code);
}

Samples OpusReference::decode(const Octets& payload, std::size_t samples) {
  Samples pcm(samples * static_cast<std::size_t>(channels_));
  const int made = opus_decode(state_, reinterpret_cast<const unsigned char*>(payload.data()),
                               static_cast<opus_int32>(payload.size()), pcm.data(),
                               static_cast<int>(samples), 0);
  CAUSEWAY_CHECK(made == static_cast<int>(samples), "libopus decodes");
  return pcm;
}

Samples OpusReference::recover(const Octets& next, std::size_t samples) {
  Samples pcm(samples * static_cast<std::size_t>(channels_));
  const int made =
      opus_decode(state_, reinterpret_cast<const unsigned char*>(next.data()),
                  static_cast<opus_int32>(next.size()), pcm.data(), static_cast<int>(samples), 1);
  CAUSEWAY_CHECK(made == static_cast<int>(samples), "libopus recovers");
  return pcm;
}

Samples OpusReference::conceal(std::size_t samples) {
  Samples pcm(samples * static_cast<std::size_t>(channels_));
  const int made = opus_decode(state_, nullptr, 0, pcm.data(), static_cast<int>(samples), 0);
  CAUSEWAY_CHECK(made == static_cast<int>(samples), "libopus conceals");
  return pcm;
}

Octets encode_pcmu(const Samples& pcm) {
  Octets payload(pcm.size());
  std::ranges::transform(pcm, payload.begin(),
                         [](std::int16_t value) { return std::byte{codecs::encode_pcmu(value)}; });
  return payload;
}

Samples decode_pcmu(const Octets& payload) {
  Samples pcm(payload.size());
  std::ranges::transform(payload, pcm.begin(), [](std::byte code) {
    return codecs::decode_pcmu(std::to_integer<std::uint8_t>(code));
  });
  return pcm;
}

Octets joined(const std::vector<Sent>& packets) {
  Octets all;
  for (const Sent& packet : packets) {
    all.insert(all.end(), packet.payload.begin(), packet.payload.end());
  }
  return all;
}

void append(Samples& to, const Samples& more) { to.insert(to.end(), more.begin(), more.end()); }

std::string continuity_fault(const std::vector<Sent>& packets) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const std::string where = "packet " + std::to_string(i) + " of type " +
                              std::to_string(packets[i].type.raw()) + " at " +
                              std::to_string(packets[i].timestamp.raw()) + ": ";
    if (packets[i].ssrc != kSink) return where + "another SSRC";
    if (i == 0) continue;
    if (packets[i].seq != packets[i - 1].seq.plus(1)) return where + "sequence";
    if (packets[i].timestamp.distance_from(packets[i - 1].timestamp) < 0)
      return where + "backwards";
    if (packets[i].at < packets[i - 1].at) return where + "overtaken";
  }
  return "";
}

}  // namespace causeway::media::test
