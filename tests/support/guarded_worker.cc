// A worker under everything that a call can bring, with the allocation guard linked in: it exits
// with 97 if the worker's thread allocated, freed or locked after warm-up, with 1 if the calls did
// not work, else with 0. See alloc_guard.cc for the planted faults that it must find.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "codecs/codec.h"
#include "tests/sim/world.h"
#include "tests/support/worker_driver.h"

namespace causeway::worker {
namespace {

using namespace std::chrono_literals;
using engine::LegHandle;

constexpr Duration kFrame = 20ms;
constexpr int kRounds = 60;
constexpr record::RecordingId kRecording{1};

struct Voice {
  const char* codec;
  std::optional<wire::SrtpSuite> suite;
};
struct Case {
  Voice a;
  Voice b;
};

using enum wire::SrtpSuite;
const Case kCases[] = {
    {{"PCMU", {}}, {"PCMU", {}}},
    {{"G729", {}}, {"G729", AesCm128HmacSha1_80}},
    {{"opus", AesCm128HmacSha1_80}, {"PCMU", {}}},
    {{"opus", AeadAes128Gcm}, {"G722", AesCm128HmacSha1_32}},
    {{"PCMA", AesCm256HmacSha1_80}, {"G722", {}}},
    {{"L16", AeadAes256Gcm}, {"opus", {}}},
    {{"opus", AeadAes128Gcm}, {"opus", AesCm256HmacSha1_32}},
};

std::uint8_t type_of(const std::string& codec) {
  if (codec == "PCMU") return 0;
  if (codec == "PCMA") return 8;
  if (codec == "G722") return 9;
  if (codec == "G729") return 18;
  return codec == "opus" ? 111 : 96;
}

engine::CodecSpec spec_of(const std::string& codec) {
  auto spec = sim::make_codec(type_of(codec), codec.c_str(), codec == "opus" ? 48000 : 8000);
  spec.opus.has_inband_fec = true;
  spec.opus.expected_loss_percent = 10;
  spec.opus.has_dtx = true;
  return spec;
}

/// An endpoint that speaks one codec, sealed or not, well and badly.
class Talker {
 public:
  Talker(std::uint16_t number, const Voice& voice) : codec_(spec_of(voice.codec)) {
    parts_.number = number;
    parts_.spec.id = std::to_string(number);
    parts_.spec.remote_rtp = endpoint_.address();
    parts_.spec.codecs = {codec_, sim::make_codec(101, "telephone-event", codec_.clock.raw(),
                                                  engine::MediaKind::TelephoneEvent)};
    if (voice.suite) {
      parts_.spec.security = engine::Security::Sdes;
      parts_.spec.receive_suite = parts_.spec.send_suite = *voice.suite;
      set_keys(*voice.suite, static_cast<std::uint8_t>(number * 16));
      seal_ = std::move(
          *srtp::SrtpSender::create(sim::make_keys(*voice.suite, parts_.keys->receive_fill), {}));
    }
    if (codec_.encoding_name == "opus") {
      encoder_ = std::move(
          *codecs::make_encoder({codecs::CodecId::Opus, SampleRate(48000), 1, codec_.opus}));
    }
  }

  [[nodiscard]] const sim::LegParts& parts() const { return parts_; }
  [[nodiscard]] std::size_t heard() const { return heard_; }
  [[nodiscard]] std::size_t pictures() const { return pictures_; }
  void call(const SocketAddress& relay) { relay_ = relay; }

  /// One frame: now and then lost, twice, damaged, cut short, or of a telephone-event.
  void speak(int round) {
    ++seq_;
    timestamp_ += codec_.clock.raw() / 50;
    if (round % 11 == 5) return;  // lost
    const auto packet = sealed_packet(round % 13 == 7 ? event() : rtp(codec_, frame(round)));
    if (round % 4 == 0) {
      auto damaged = packet;  // before the good one, or it would only be a replay
      damaged.back() ^= std::byte{1};
      if (seal_) endpoint_.send(relay_, damaged);
      endpoint_.send(relay_, Bytes(packet).first(5));
      stranger_.send(relay_, packet);
    }
    endpoint_.send(relay_, packet);
    if (round % 5 == 0) endpoint_.send(relay_, packet);
    if (round % 10 == 0) endpoint_.send({relay_.ip, next(relay_.port)}, sealed_report());
    if (has_video_) {
      const std::vector<std::byte> picture(kPicture, std::byte{7});
      endpoint_.send(relay_,
                     sealed_packet(sim::rtp_packet(97, seq_, timestamp_, kSsrc + 1, picture)));
    }
  }
  void listen() {
    for (auto packet = endpoint_.receive(0ms); !packet.empty(); packet = endpoint_.receive(0ms)) {
      ++(packet.size() > kPicture ? pictures_ : heard_);
    }
  }
  /// Begins to send video; what the leg has to know of it.
  std::unique_ptr<engine::UpdateLeg> add_video() {
    has_video_ = true;
    parts_.spec.codecs.push_back(sim::make_codec(97, "VP8", 90000, engine::MediaKind::Video));
    parts_.spec.accept_from.cidrs = {*Cidr::parse("127.0.0.0/8")};
    auto update = std::make_unique<engine::UpdateLeg>();
    update->update.set_codecs(parts_.spec);
    update->update.accept_from = parts_.spec.accept_from;
    return update;
  }
  /// New keys for the leg, and for this end of it.
  std::unique_ptr<engine::UpdateLeg> rotate() {
    auto update = std::make_unique<engine::UpdateLeg>();
    if (!parts_.keys) return update;
    const auto suite = parts_.keys->suite;
    set_keys(suite, static_cast<std::uint8_t>(parts_.keys->receive_fill + 2));
    const auto make = [&](std::uint8_t fill) { return sim::make_keys(suite, fill); };
    update->update.receiver =
        std::move(*srtp::SrtpReceiver::create(make(parts_.keys->receive_fill), {}));
    update->update.sender = std::move(*srtp::SrtpSender::create(make(parts_.keys->send_fill), {}));
    (void)seal_->adopt(std::move(*srtp::SrtpSender::create(make(parts_.keys->receive_fill), {})));
    return update;
  }

 private:
  static UdpPort next(UdpPort port) { return UdpPort(static_cast<std::uint16_t>(port.raw() + 1)); }
  void set_keys(wire::SrtpSuite suite, std::uint8_t fill) {
    parts_.keys = {suite, fill, static_cast<std::uint8_t>(fill + 1)};
  }
  std::vector<std::byte> frame(int round) {
    if (codec_.encoding_name == "G729") return std::vector<std::byte>(20, std::byte{3});
    if (codec_.encoding_name == "L16") return std::vector<std::byte>(320, std::byte{9});
    if (!encoder_) return std::vector<std::byte>(160, static_cast<std::byte>(round));
    std::array<std::int16_t, 960> pcm{};
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      const double t = static_cast<double>(round) * 960 + static_cast<double>(i);
      pcm[i] = static_cast<std::int16_t>(8000 * std::sin(t * 0.05));
    }
    std::vector<std::byte> payload(1500);
    payload.resize(encoder_->encode(pcm, payload).value_or(1));
    return payload;
  }
  std::vector<std::byte> rtp(const engine::CodecSpec& codec,
                             const std::vector<std::byte>& payload) {
    return sim::rtp_packet(codec.payload_type.raw(), seq_, timestamp_, kSsrc, payload);
  }
  std::vector<std::byte> event() {
    const std::vector<std::byte> digit{std::byte{5}, std::byte{0x8a}, std::byte{3}, std::byte{32}};
    return rtp(parts_.spec.codecs[1], digit);
  }
  std::vector<std::byte> sealed_packet(std::vector<std::byte> packet) {
    if (!seal_) return packet;
    return seal(
        [&](PacketBuf buffer) {
          auto parsed = wire::SealedRtp::parse(std::move(buffer));
          return seal_->seal(std::move(*wire::open_plain(std::move(*parsed))));
        },
        packet);
  }
  /// A sender report and its SDES.
  std::vector<std::byte> sealed_report() {
    std::vector<std::byte> compound(28 + 12);
    compound[0] = std::byte{0x80};
    compound[1] = std::byte{200};
    store_be16(&compound[2], 6);
    store_be32(&compound[4], kSsrc);
    store_be32(&compound[8], 0xe0000000U + seq_);
    store_be32(&compound[16], timestamp_);
    compound[28] = std::byte{0x81};
    compound[29] = std::byte{202};
    store_be16(&compound[30], 2);
    store_be32(&compound[32], kSsrc);
    compound[36] = compound[37] = std::byte{1};
    if (!seal_) return compound;
    return seal([&](PacketBuf buffer) { return seal_->seal_rtcp(std::move(buffer)); }, compound);
  }
  template <typename Seal>
  std::vector<std::byte> seal(Seal with, const std::vector<std::byte>& clear) {
    PacketBuf buffer = pool_.take();
    buffer.resize(clear.size());
    std::ranges::copy(clear, buffer.data().begin());
    const auto sealed = with(std::move(buffer));
    if (!sealed) return clear;
    const Bytes octets = sealed->data();
    return {octets.begin(), octets.end()};
  }

  static constexpr std::uint32_t kSsrc = 0x5eed;
  static constexpr std::size_t kPicture = 600;  // octets: no packet of sound is as large
  PacketPool pool_{4};
  Endpoint endpoint_{"127.0.0.1:0"};
  Endpoint stranger_{"127.0.0.1:0"};
  engine::CodecSpec codec_;
  sim::LegParts parts_;
  std::unique_ptr<srtp::SrtpSender> seal_;
  std::unique_ptr<codecs::Encoder> encoder_;
  SocketAddress relay_;
  std::uint16_t seq_ = 65'500;  // the sequence wraps on the way
  std::uint32_t timestamp_ = 0;
  std::size_t heard_ = 0;
  std::size_t pictures_ = 0;
  bool has_video_ = false;
};

struct Call {
  explicit Call(const Case& what) : a(1, what.a), b(2, what.b) {}
  Talker a;
  Talker b;
  engine::SessionHandle session;
};

class Run {
 public:
  Run() {
    WorkerConfig config = make_config();
    config.records = &writer_;
    driver_.start(std::move(config));
    for (const Case& what : kCases) open(what);
  }

  int operator()() {
    for (int round = 0; round < kRounds; ++round) {
      const Instant frame_ends = io::now() + kFrame;
      for (const auto& call : calls_) {
        call->a.speak(round);
        call->b.speak(round);
        act(*call, round);
      }
      clock_.receive(frame_ends - io::now());
      for (const auto& call : calls_) {
        call->a.listen();
        call->b.listen();
      }
      while (!ring_.front().empty()) ring_.pop();
    }
    return finish();
  }

 private:
  void open(const Case& what) {
    auto call = std::make_unique<Call>(what);
    auto command = std::make_unique<engine::OpenSession>();
    command->session = sim::make_bridge(call->a.parts(), call->b.parts(), random_);
    const auto done = check(driver_.call(std::move(command)), "open");
    call->session = done->handle;
    call->a.call(done->addresses[0].rtp);
    call->b.call(done->addresses[1].rtp);
    calls_.push_back(std::move(call));
  }

  /// What an application does during a call, one thing a round.
  void act(Call& call, int round) {
    const LegHandle a{call.session, 1};
    const auto post = [&](auto command, const char* what) {
      check(driver_.call(std::move(command)), what);
    };
    if (round == 3 || round == 50) {
      auto record = std::make_unique<engine::ControlRecording>();
      record->session = call.session;
      record->recording = kRecording;
      record->marker = round == 3 ? record::FrameKind::Start : record::FrameKind::Stop;
      if (round == 3) record->taps.push_back({1, {kRecording, 0}});
      post(std::move(record), "record");
    } else if (round == 10) {
      auto dtmf = std::make_unique<engine::SendDtmf>();
      dtmf->leg = a;
      dtmf->digits.push_back({});
      post(std::move(dtmf), "dtmf");
    } else if (round == 12) {
      for (Talker* talker : {&call.a, &call.b}) {
        auto update = talker->add_video();
        update->leg = {call.session, talker->parts().number};
        post(std::move(update), "video");
      }
    } else if (round == 15 || round == 25) {
      auto set = std::make_unique<engine::SetConnection>();
      set->session = call.session;
      set->from = 1;
      set->to = 2;
      set->connection = sim::make_connection(call.a.parts(), call.b.parts());
      post(std::move(set), "replan");
    } else if (round == 20) {
      auto update = call.a.rotate();
      update->leg = a;
      post(std::move(update), "rotate");
    } else if (round == 30 || round == 32) {
      auto update = std::make_unique<engine::UpdateLeg>();
      update->leg = a;
      update->update.direction =
          round == 30 ? engine::Direction::Inactive : engine::Direction::SendRecv;
      post(std::move(update), "hold");
    } else if (round == 35) {
      auto report = std::make_unique<engine::ReadReport>();
      report->leg = a;
      post(std::move(report), "report");
      auto renew = std::make_unique<engine::RenewLease>();
      renew->session = call.session;
      renew->lease = 1h;
      post(std::move(renew), "renew");
    } else if (round == 40) {
      auto snapshot = std::make_unique<engine::TakeSnapshot>();
      snapshot->session = call.session;
      snapshot->snapshot = std::make_unique<engine::SessionSnapshot>();
      post(std::move(snapshot), "snapshot");
    } else if (round == 45) {
      sim::LegParts third = call.b.parts();
      third.number = 3;
      auto add = std::make_unique<engine::AddLeg>();
      add->session = call.session;
      add->leg = sim::make_leg(third, random_);
      post(std::move(add), "add");
    } else if (round == 47) {
      auto remove = std::make_unique<engine::RemoveLeg>();
      remove->leg = {call.session, 3};
      post(std::move(remove), "remove");
    }
  }

  /// What the relay met, over all legs; a run that met nothing bad would prove little.
  bool met_everything() {
    using enum DropReason;
    std::array<std::uint64_t, static_cast<std::size_t>(kCount)> drops{};
    media::TranscoderCounters done;
    for (const auto& call : calls_) {
      for (std::uint16_t leg = 1; leg <= 2; ++leg) {
        auto command = std::make_unique<engine::ReadReport>();
        command->leg = {call->session, leg};
        const auto read = check(driver_.call(std::move(command)), "report");
        for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += read->report.drops[i];
        if (const auto& each = read->report.transcoded.from_endpoint) done += *each;
      }
    }
    for (std::size_t i = 0; i < drops.size(); ++i) {
      if (drops[i] == 0) continue;
      std::printf("dropped %s: %llu\n", std::string(name_of(static_cast<DropReason>(i))).c_str(),
                  static_cast<unsigned long long>(drops[i]));
    }
    std::printf("concealed %llu, recovered %llu\n", static_cast<unsigned long long>(done.concealed),
                static_cast<unsigned long long>(done.fec_recovered));
    return std::ranges::all_of(
               std::array{Truncated, UnexpectedSource, AuthFailed, Replayed, Duplicate},
               [&](DropReason reason) { return drops[static_cast<std::size_t>(reason)] > 0; }) &&
           done.concealed > 0 && done.fec_recovered > 0;
  }

  int finish() {
    bool is_good = met_everything();
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      std::printf("%s <-> %s: heard %zu and %zu\n", kCases[i].a.codec, kCases[i].b.codec,
                  calls_[i]->a.heard(), calls_[i]->b.heard());
      is_good = is_good && calls_[i]->a.heard() > kRounds / 2 && calls_[i]->b.heard() > kRounds / 2;
      // The way back is not planned again, so no picture takes it.
      is_good = is_good && calls_[i]->b.pictures() > kRounds / 2 && calls_[i]->a.pictures() == 0;
      if (i % 2 == 0) continue;  // the others are closed by the stop
      auto close = std::make_unique<engine::CloseSession>();
      close->session = calls_[i]->session;
      check(driver_.call(std::move(close)), "close");
    }
    driver_.stop();
    return is_good && !has_failed_ ? 0 : 1;
  }

  template <typename T>
  std::unique_ptr<T> check(std::unique_ptr<T> done, const char* what) {
    const bool is_ok = done != nullptr && done->status == engine::Status::Ok;
    if (!is_ok)
      std::printf("%s was refused: %d\n", what, done ? static_cast<int>(done->status) : -1);
    has_failed_ = has_failed_ || !is_ok;
    return done;
  }

  Random random_{{3, 4}};
  ByteRing ring_{1 << 20};
  record::RingWriter writer_{ring_};
  WorkerDriver driver_;
  Endpoint clock_{"127.0.0.1:0"};  // nobody sends to it: its wait is the pace
  std::vector<std::unique_ptr<Call>> calls_;
  bool has_failed_ = false;
};

}  // namespace
}  // namespace causeway::worker

int main() { return causeway::worker::Run()(); }
