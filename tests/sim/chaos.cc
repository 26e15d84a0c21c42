#include "tests/sim/chaos.h"

#include <algorithm>
#include <array>

#include "codecs/codec.h"

namespace causeway::sim {

namespace {

using namespace std::chrono_literals;

constexpr Duration kFaultyTime = 4s;
constexpr Duration kRecovery = 2s;
constexpr Duration kPtime = 20ms;
/// Cheap oscillators are off by up to 100 ppm, soft phones paced by a sound card by more.
constexpr std::uint32_t kMaxDriftPpm = 500;
/// What a call of two legs may hold at one moment: reorder windows, frames that wait for their
/// turn.
constexpr std::size_t kMaxHeldBuffers = 64;

const engine::CodecSpec kPcmu = make_codec(0, "PCMU");
const engine::CodecSpec kPcma = make_codec(8, "PCMA");
const engine::CodecSpec kG722 = make_codec(9, "G722");
const engine::CodecSpec kG729 = make_codec(18, "G729");

engine::CodecSpec opus() {
  engine::CodecSpec codec = make_codec(111, "opus", 48000);
  codec.opus.complexity = 0;
  return codec;
}

/// 20 ms of a tone as one Opus packet: the same for every seed, so it is made once.
const std::vector<std::byte>& opus_packet() {
  static const std::vector<std::byte> kPacket = [] {
    codecs::CodecConfig config;
    config.id = codecs::CodecId::Opus;
    config.rate = SampleRate(8000);
    config.opus.complexity = 0;
    auto encoder = std::move(*codecs::make_encoder(config));
    std::array<std::int16_t, 160> pcm{};
    for (std::size_t i = 0; i < pcm.size(); ++i) {
      pcm[i] = static_cast<std::int16_t>((i * 977) % 8000);
    }
    std::vector<std::byte> packet(1500);
    packet.resize(*encoder->encode(pcm, packet));
    return packet;
  }();
  return kPacket;
}

}  // namespace

Chaos::Chaos(std::uint64_t seed)
    : seed_(seed), world_(seed), stranger_(address("203.0.113.66:6666")) {}

Chaos::~Chaos() = default;

void Chaos::fail(const std::string& what) {
  if (broken_.empty()) broken_ = "seed " + std::to_string(seed_) + ": " + what;
}

void Chaos::choose_leg(Endpoint& endpoint, const Endpoint* other) {
  engine::LegSpec& spec = endpoint.parts.spec;
  // Opus costs a thousand times what the others do; one seed in sixteen has it.
  const std::uint32_t which = world_.random().below(16);
  if (which == 0) {
    spec.codecs = {opus()};
  } else if (which < 6) {
    spec.codecs = {kPcmu};
  } else if (which < 9) {
    spec.codecs = {kPcma, kPcmu};
  } else if (which < 12) {
    spec.codecs = {kG722};
  } else if (other != nullptr && other->parts.spec.codecs[0] == kG729) {
    spec.codecs = {kG729};
  } else {
    spec.codecs = {kPcmu,
                   make_codec(101, "telephone-event", 8000, engine::MediaKind::TelephoneEvent)};
  }
  spec.has_rtcp_mux = chance(300);
  spec.remote_rtp = endpoint.address;
  const std::uint32_t accept = world_.random().below(4);
  if (accept == 1) spec.accept_from.rule = engine::AcceptFrom::Rule::SameIp;
  if (accept == 2) {
    spec.accept_from.rule = engine::AcceptFrom::Rule::Cidrs;
    spec.accept_from.cidrs = {*Cidr::parse("192.0.2.0/24")};
  }
  if (accept == 3) {
    spec.accept_from.rule = engine::AcceptFrom::Rule::Latch;
    spec.remote_rtp.reset();
  }
  if (chance(400)) {
    spec.security = engine::Security::Sdes;
    const auto suite = static_cast<wire::SrtpSuite>(world_.random().below(wire::kSrtpSuites));
    spec.receive_suite = spec.send_suite = suite;
    const auto fill = static_cast<std::uint8_t>(endpoint.parts.number * 16);
    endpoint.parts.keys = {suite, fill, static_cast<std::uint8_t>(fill + 1)};
    endpoint.seal = std::move(*srtp::SrtpSender::create(make_keys(suite, fill), {}));
  }
}

void Chaos::set_up() {
  for (std::uint16_t i = 0; i < 2; ++i) {
    Endpoint& endpoint = ends_[i];
    endpoint.parts.number = static_cast<std::uint16_t>(i + 1);
    endpoint.parts.spec.id = i == 0 ? "a" : "b";
    endpoint.address = address(i == 0 ? "192.0.2.1:4000" : "192.0.2.2:5000");
    endpoint.ssrc = static_cast<std::uint32_t>(world_.random().next());
    endpoint.seq = static_cast<std::uint16_t>(world_.random().next());
    endpoint.timestamp = static_cast<std::uint32_t>(world_.random().next());
    const auto drift = static_cast<std::int64_t>(world_.random().below(2 * kMaxDriftPpm + 1));
    endpoint.ptime = kPtime + kPtime * (drift - kMaxDriftPpm) / 1'000'000;
    choose_leg(endpoint, i == 0 ? nullptr : &ends_[0]);
    endpoint.places.insert(endpoint.address);
  }
  session_ = world_.open(make_bridge(ends_[0].parts, ends_[1].parts, world_.random()));
  for (std::size_t i = 0; i < 2; ++i) ends_[i].target = session_->addresses[i].rtp;
  world_.on_transmit = [this](Instant, const Flying& out) { check_transmit(out); };
  world_.attach(stranger_, [this](Instant, const Flying&) { fail("a stranger was sent to"); });
}

std::vector<std::byte> Chaos::payload_of(Endpoint& endpoint, const engine::CodecSpec& codec) {
  if (codec.encoding_name == "opus") return opus_packet();
  return std::vector<std::byte>(codec.encoding_name == "G729" ? 20 : 160,
                                std::byte{static_cast<std::uint8_t>(endpoint.seq)});
}

void Chaos::speak(Endpoint& endpoint) {
  world_.at(world_.now() + endpoint.ptime, [this, &endpoint] { speak(endpoint); });
  const auto& codec = endpoint.parts.spec.codecs[0];
  ++endpoint.seq;
  endpoint.timestamp += codec.clock.raw() / 50;
  if (endpoint.is_mute) return;
  const auto payload = payload_of(endpoint, codec);
  auto packet = rtp_packet(codec.payload_type.raw(), endpoint.seq, endpoint.timestamp,
                           endpoint.ssrc, payload);
  if (endpoint.seal) {
    auto open =
        wire::OpenRtp::make(world_.pool().take(), codec.payload_type, false, SeqNum(endpoint.seq),
                            RtpTimestamp(endpoint.timestamp), Ssrc(endpoint.ssrc), payload);
    auto sealed = endpoint.seal->seal(std::move(open));
    if (!sealed) return;
    const Bytes octets = std::as_const(*sealed).data();
    packet.assign(octets.begin(), octets.end());
  }
  world_.send(endpoint.address, endpoint.target, std::move(packet));
}

/// A stranger guesses: ports right, sometimes the SSRC and the sequence too.
void Chaos::spray() {
  const Endpoint& victim = ends_[world_.random().below(2)];
  const std::uint32_t ssrc = chance(500) ? victim.ssrc : world_.random().below(1000);
  auto packet =
      rtp_packet(0, static_cast<std::uint16_t>(victim.seq + world_.random().below(100)),
                 victim.timestamp, ssrc, std::vector<std::byte>(world_.random().below(200)));
  packet.resize(world_.random().below(static_cast<std::uint32_t>(packet.size())) + 1);
  // From elsewhere, or (spoofed, on a secure leg) from the endpoint's own address.
  const bool is_spoofed = victim.seal != nullptr && chance(300);
  world_.send(is_spoofed ? victim.address : stranger_, victim.target, std::move(packet));
}

void Chaos::hold(Endpoint& endpoint, engine::Direction direction) {
  auto update = std::make_unique<engine::UpdateLeg>();
  update->leg = {session_->handle, endpoint.parts.number};
  update->update.direction = direction;
  if (world_.call(std::move(update))->status != engine::Status::Ok) fail("hold was refused");
}

/// An endpoint whose NAT moved it while it also changed its stream is found again by an API call
/// only.
void Chaos::learn_again(Endpoint& endpoint) {
  auto update = std::make_unique<engine::UpdateLeg>();
  update->leg = {session_->handle, endpoint.parts.number};
  update->update.accept_from = endpoint.parts.spec.accept_from;
  if (world_.call(std::move(update))->status != engine::Status::Ok) fail("an update was refused");
}

void Chaos::replan() {
  const std::size_t from = world_.random().below(2);
  auto set = std::make_unique<engine::SetConnection>();
  set->session = session_->handle;
  set->from = ends_[from].parts.number;
  set->to = ends_[1 - from].parts.number;
  set->connection = make_connection(ends_[from].parts, ends_[1 - from].parts);
  if (world_.call(std::move(set))->status != engine::Status::Ok) fail("a re-plan was refused");
}

void Chaos::rotate_keys(Endpoint& endpoint) {
  if (!endpoint.parts.keys) return;
  const auto suite = endpoint.parts.keys->suite;
  const auto fill =
      static_cast<std::uint8_t>(endpoint.parts.number * 16 + 2 * ++endpoint.key_round);
  auto update = std::make_unique<engine::UpdateLeg>();
  update->leg = {session_->handle, endpoint.parts.number};
  update->update.receiver = std::move(*srtp::SrtpReceiver::create(make_keys(suite, fill), {}));
  update->update.sender = std::move(
      *srtp::SrtpSender::create(make_keys(suite, static_cast<std::uint8_t>(fill + 1)), {}));
  if (world_.call(std::move(update))->status != engine::Status::Ok) fail("new keys were refused");
  auto fresh = std::move(*srtp::SrtpSender::create(make_keys(suite, fill), {}));
  (void)endpoint.seal->adopt(std::move(fresh));
  // A wholly new key may use every index again.
  std::erase_if(sent_, [&](const auto& entry) {
    return entry.first.first == static_cast<std::size_t>(&endpoint - ends_);
  });
}

/// The NAT in front of the endpoint forgets: same address, another port.
void Chaos::rebind(Endpoint& endpoint) {
  const auto rule = endpoint.parts.spec.accept_from.rule;
  if (rule != engine::AcceptFrom::Rule::Latch) return;
  endpoint.address.port = UdpPort(static_cast<std::uint16_t>(7000 + world_.random().below(1000)));
  endpoint.places.insert(endpoint.address);
  const std::size_t index = static_cast<std::size_t>(&endpoint - ends_);
  world_.attach(endpoint.address, [this, index](Instant, const Flying&) { ++ends_[index].heard; });
}

void Chaos::meddle() {
  if (!is_meddling_) return;
  world_.at(world_.now() + std::chrono::milliseconds(20 + world_.random().below(400)),
            [this] { meddle(); });
  Endpoint& endpoint = ends_[world_.random().below(2)];
  switch (world_.random().below(9)) {
    case 0:
      return hold(endpoint, static_cast<engine::Direction>(world_.random().below(4)));
    case 1:
      return replan();
    case 2:
      return rotate_keys(endpoint);
    case 3:
      return rebind(endpoint);
    case 4:
      endpoint.is_mute = !endpoint.is_mute;
      return;
    case 5:
      endpoint.ssrc = static_cast<std::uint32_t>(world_.random().next());
      return;
    case 6:
      // Jumps of half the number space between two packets are beyond any SRTP receiver (RFC 3711
      // 3.3.1): a mute endpoint, whose jumps would add up, makes none.
      if (endpoint.is_mute) return;
      endpoint.seq = static_cast<std::uint16_t>(endpoint.seq + world_.random().below(20'000));
      return;
    case 7:
      endpoint.timestamp += world_.random().below(1'000'000);
      return;
    default:
      for (int i = 0; i < 20; ++i) spray();
  }
}

void Chaos::set_faults(bool are_on) {
  Faults faults;
  if (are_on) {
    faults.loss = world_.random().below(200);
    faults.duplicate = world_.random().below(100);
    faults.jitter = std::chrono::milliseconds(world_.random().below(60));
  }
  for (const Endpoint& endpoint : ends_) {
    for (const SocketAddress& place : endpoint.places) world_.set_faults(place, faults);
  }
}

// ----------------------------------------------------------------------------------- promises

void Chaos::check_transmit(const Flying& out) {
  check_ports();
  check_buffers();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto is_place = [&](const SocketAddress& place) {
      SocketAddress rtcp = place;
      rtcp.port = UdpPort(static_cast<std::uint16_t>(place.port.raw() + 1));
      return out.to == place || out.to == rtcp;
    };
    if (!std::ranges::any_of(ends_[i].places, is_place)) continue;
    const bool is_control = out.octets.size() >= 2 && wire::is_rtcp(out.octets);
    return is_control ? check_rtcp(out, i) : check_rtp(out, i);
  }
  fail("a packet went to " + out.to.to_string() + ", which nobody signalled or was learned at");
}

void Chaos::check_rtp(const Flying& out, std::size_t endpoint) {
  if (out.octets.size() < 12) return fail("a packet shorter than its header was sent");
  const std::uint16_t seq = load_be16(&out.octets[2]);
  const std::uint32_t timestamp = load_be32(&out.octets[4]);
  Sent& sent = sent_[{endpoint, load_be32(&out.octets[8])}];
  std::int64_t extended = seq;
  if (sent.newest) {
    extended =
        *sent.newest + SeqNum(seq).distance_from(SeqNum(static_cast<std::uint16_t>(*sent.newest)));
  }
  const auto [place, is_new] = sent.timestamps.emplace(extended, timestamp);
  if (!is_new) return fail("sequence number " + std::to_string(seq) + " was used twice");
  const auto goes_back = [](std::uint32_t earlier, std::uint32_t later) {
    return RtpTimestamp(later).distance_from(RtpTimestamp(earlier)) < 0;
  };
  if (place != sent.timestamps.begin() && goes_back(std::prev(place)->second, timestamp)) {
    return fail("a timestamp goes back at sequence number " + std::to_string(seq));
  }
  if (std::next(place) != sent.timestamps.end() && goes_back(timestamp, std::next(place)->second)) {
    return fail("a reordered packet has a timestamp of the future");
  }
  sent.newest = std::max(sent.newest.value_or(extended), extended);
}

void Chaos::check_rtcp(const Flying& out, std::size_t endpoint) {
  if (!ends_[endpoint].parts.keys || out.octets.size() < 16) return;
  const bool is_aead = wire::facts_of(ends_[endpoint].parts.keys->suite).is_aead;
  const std::size_t trailer = is_aead ? 4 : 14;  // the index, and where it is not AEAD the tag
  const std::uint32_t index = load_be32(&out.octets[out.octets.size() - trailer]);
  const bool is_new =
      srtcp_used_.emplace(endpoint, ends_[endpoint].key_round, load_be32(&out.octets[4]), index)
          .second;
  if (!is_new) fail("SRTCP index " + std::to_string(index & 0x7fffffff) + " was used twice");
}

void Chaos::check_ports() {
  const engine::PortTable& ports = world_.engine().ports(0);
  if (ports.free() + ports.used() + ports.quarantined() != ports.size())
    fail("ports do not add up");
}

void Chaos::check_buffers() {
  const std::size_t held = world_.pool().size() - world_.pool().available();
  if (held > kMaxHeldBuffers) fail(std::to_string(held) + " packet buffers are held");
}

std::string Chaos::drops_of(const Endpoint& endpoint) {
  auto read = std::make_unique<engine::ReadReport>();
  read->leg = {session_->handle, endpoint.parts.number};
  const auto done = world_.call(std::move(read));
  std::string text;
  for (std::size_t i = 0; i < done->report.drops.size(); ++i) {
    if (done->report.drops[i] == 0) continue;
    text += " " + std::string(name_of(static_cast<DropReason>(i))) + " " +
            std::to_string(done->report.drops[i]);
  }
  return text;
}

std::string Chaos::run() {
  set_up();
  for (std::size_t i = 0; i < 2; ++i) {
    world_.attach(ends_[i].address, [this, i](Instant, const Flying&) { ++ends_[i].heard; });
  }
  set_faults(true);
  for (Endpoint& endpoint : ends_) speak(endpoint);
  meddle();
  world_.run_for(kFaultyTime);

  // Faults stop; the application resumes what it holds. Whoever had been silent may be found again.
  is_meddling_ = false;
  set_faults(false);
  for (Endpoint& endpoint : ends_) {
    hold(endpoint, engine::Direction::SendRecv);
    learn_again(endpoint);
    endpoint.is_mute = false;
  }
  world_.run_for(kRecovery);
  for (Endpoint& endpoint : ends_) endpoint.heard = 0;
  world_.run_for(500ms);
  for (const Endpoint& endpoint : ends_) {
    if (endpoint.heard < 20) {
      fail("other leg:" + drops_of(&endpoint == ends_ ? ends_[1] : ends_[0]) + "; leg " +
           endpoint.parts.spec.id + " heard " + std::to_string(endpoint.heard) +
           " packets in the last 500 ms; its drops:" + drops_of(endpoint));
    }
  }
  auto close = std::make_unique<engine::CloseSession>();
  close->session = session_->handle;
  if (world_.call(std::move(close))->status != engine::Status::Ok) fail("the session is gone");
  world_.events.clear();
  check_ports();
  if (world_.engine().ports(0).used() != 0) fail("a port is still in use");
  if (world_.pool().available() != world_.pool().size()) fail("a packet buffer did not come back");
  return broken_;
}

}  // namespace causeway::sim
