// relay/engine: packets, commands, refused sockets and time in any order. Every command is answered
// once, no packet buffer is lost, ports add up, the shared port stays open, and nothing is sent
// where nobody asked for it.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "relay/base/byte_ring.h"
#include "relay/engine/engine.h"
#include "relay/wire/rtcp_writer.h"
#include "tests/fuzz/input.h"
#include "tests/sim/world.h"

namespace causeway {
namespace {

using sim::LegParts;

constexpr std::size_t kAddresses = 8;  // The first four are endpoints', the rest strangers'.
constexpr std::size_t kEndpoints = 4;
constexpr std::string_view kPassword = "oursoursoursoursoursou";

SocketAddress address_of(std::size_t index) {
  return {IpAddress::v4(0xc0000200U + static_cast<std::uint32_t>(index)),
          UdpPort(static_cast<std::uint16_t>(4000 + index))};
}

std::vector<engine::CodecSpec> codecs_of(std::uint8_t choice) {
  using engine::MediaKind;
  const auto digits = [](std::uint8_t type, std::uint32_t clock) {
    return sim::make_codec(type, "telephone-event", clock, MediaKind::TelephoneEvent);
  };
  switch (choice % 8) {
    case 0:
      return {sim::make_codec(0, "PCMU")};
    case 1:
      return {sim::make_codec(8, "PCMA"), digits(101, 8000)};
    case 2:
      return {sim::make_codec(111, "opus", 48000), digits(110, 48000)};
    case 3:
      return {sim::make_codec(9, "G722")};
    case 4:
      return {sim::make_codec(0, "PCMU"), sim::make_codec(13, "CN"), digits(101, 8000)};
    case 5: {
      std::vector<engine::CodecSpec> codecs = {
          sim::make_codec(96, "H264", 90000, MediaKind::Video)};
      if ((choice & 0x40) == 0) return codecs;
      codecs.push_back(sim::make_codec(97, "rtx", 90000, MediaKind::Retransmission));
      codecs.back().fmtp = "apt=96";
      return codecs;
    }
    case 6:
      return {sim::make_codec(97, "L16", 16000), sim::make_codec(0, "PCMU")};
    default:
      return {};
  }
}

// The engine's surroundings, as small as they may be, so that an input takes well under a
// millisecond: the World of tests/sim has room for a whole day.
class Node {
 public:
  Node() : engine_(config(), pool_) {
    engine_.open_shared_ports(out_);
    CAUSEWAY_CHECK(out_.sockets.size() == 1, "one network, one shared port");
    shared_ = out_.sockets.front().socket;
    out_.sockets.clear();
    engine_.handle_socket_opened(now_, shared_, true, out_);
  }
  ~Node() { finish(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void step(fuzz::Input& input) {
    switch (input.u8() % 17) {
      case 0:
        open_session(input);
        break;
      case 1:
      case 2:
      case 3:
        receive_rtp(input);
        break;
      case 4:
        receive_raw(input);
        break;
      case 5:
      case 6:
        pass_time(std::chrono::milliseconds(input.u8()));
        break;
      case 7:
        pass_time(std::chrono::seconds(input.u8()));
        break;
      case 8:
        connect(input);
        break;
      case 9:
        update_leg(input);
        break;
      case 10:
        add_or_remove_leg(input);
        break;
      case 11:
        close_session(input);
        break;
      case 12:
        read(input);
        break;
      case 13:
        send_digits(input);
        break;
      case 14:
        record(input);
        break;
      case 16:
        receive_check(input);
        break;
      default:
        surprise(input);
        break;
    }
    check();
  }

 private:
  struct Call {
    engine::SessionHandle handle;
    std::vector<LegParts> legs;
  };

  static engine::EngineConfig config() {
    engine::EngineConfig made;
    engine::NetworkConfig network;
    network.bind = network.advertised = IpAddress::v4(0x0a000001);
    network.first_port = UdpPort(20000);
    network.last_port = UdpPort(20015);
    network.shared_port = UdpPort(19000);
    made.networks.push_back(network);
    made.max_sessions = 3;
    made.wall = WallClock(std::chrono::seconds(1'700'000'000));
    return made;
  }

  LegParts make_parts(std::uint16_t number, fuzz::Input& input) {
    const std::uint8_t shape = input.u8();
    LegParts parts;
    parts.number = number;
    const std::uint8_t codecs = input.u8();
    parts.spec.codecs = codecs_of(codecs);
    if ((codecs & 0x20) != 0) {
      using engine::ExtensionSpec;
      const auto id = static_cast<std::uint8_t>(1 + codecs / 8 % 4);
      parts.spec.extensions = {
          ExtensionSpec{id, std::string(ExtensionSpec::kTransportCc), engine::MediaKind::Video, ""},
          ExtensionSpec{9, std::string(ExtensionSpec::kMid), engine::MediaKind::Video, "v"}};
    }
    // Two places of video, one of which has only some of the types and a signalled SSRC.
    if ((codecs & 0x30) == 0x30) {
      parts.spec.video_sections = {{"v", engine::Direction::SendRecv, {}, {}},
                                   {"w", static_cast<engine::Direction>(shape % 4), {}, {Ssrc(2)}}};
    }
    parts.spec.has_rtcp_mux = (shape & 1) != 0;
    if ((codecs & 0x80) != 0) share_port(parts, (codecs & 0x40) != 0);
    if ((shape & 2) != 0) parts.spec.remote_rtp = address_of(shape / 16 % kEndpoints);
    parts.spec.accept_from.rule = static_cast<engine::AcceptFrom::Rule>(shape / 4 % 4);
    if (parts.spec.accept_from.rule == engine::AcceptFrom::Rule::Latch) may_learn_ = true;
    if ((shape & 0x80) != 0) {
      parts.spec.security = engine::Security::Sdes;
      parts.keys = LegParts::Keys{static_cast<wire::SrtpSuite>(shape % wire::kSrtpSuites), 1, 2};
      parts.spec.receive_suite = parts.spec.send_suite = parts.keys->suite;
    }
    return parts;
  }

  static std::string fragment_of(std::size_t index) { return "frag" + std::to_string(index % 8); }

  // Legs come and go under eight fragments, so that one is now and then another's already.
  void share_port(LegParts& parts, bool is_controlling) {
    parts.spec.has_rtcp_mux = parts.spec.has_ice = parts.spec.has_shared_port = true;
    may_learn_ = true;
    const std::string fragment = fragment_of(next_fragment_++);
    parts.adjust = [fragment, is_controlling](engine::LegSetup& setup) {
      ice::AgentSetup agent;
      agent.local = ice::Credentials(fragment, kPassword);
      if (is_controlling) {
        agent.role = ice::Role::Controlling;
        agent.remote = ice::Remote{ice::Credentials("them", kPassword), true};
        agent.candidates.push_back({address_of(0), 1});
      }
      setup.endpoint.ice = std::make_unique<ice::Agent>(std::move(agent));
    };
  }

  // A check, true or not, new or a copy, to the shared port.
  void receive_check(fuzz::Input& input) {
    const std::uint8_t shape = input.u8();
    wire::StunTransaction id{};
    store_u8(id.data(), input.u8());
    PacketBuf packet = pool_.take();
    packet.resize(PacketBuf::kMaxData);
    wire::StunWriter writer(packet.data(), wire::StunMethod::Binding, wire::StunClass::Request, id);
    writer.add_text(wire::StunAttribute::Username, fragment_of(shape) + ":them");
    writer.add_u32(wire::StunAttribute::Priority, shape);
    writer.add_u64(wire::StunAttribute::IceControlling, 1);
    if ((shape & 8) != 0) writer.add(wire::StunAttribute::UseCandidate, {});
    const wire::HmacSha1 key(as_octets((shape & 16) != 0 ? kPassword : "another"));
    packet.resize(writer.finish(&key));
    Datagram datagram{shared_, address_of(input.u8() % kAddresses), now_, std::move(packet)};
    engine_.handle_datagrams({&datagram, 1}, out_);
    drain();
  }

  std::unique_ptr<engine::Connection> make_connection(const LegParts& from, const LegParts& to) {
    const auto plan = engine::plan(from.spec, to.spec, {});
    if (!plan) return nullptr;
    auto path = engine::compile(*plan);
    if (!path) return nullptr;
    return std::make_unique<engine::Connection>(from.number, to.number, std::move(*path));
  }

  void open_session(fuzz::Input& input) {
    Call call;
    sockets_to_refuse_ = input.u8() % 8 == 7 ? 2 : 0;
    call.legs.push_back(make_parts(1, input));
    call.legs.push_back(make_parts(2, input));
    auto command = std::make_unique<engine::OpenSession>();
    command->session = std::make_unique<engine::Session>(
        std::chrono::seconds(input.u8()), static_cast<engine::LeaseExpiry>(input.u8() % 2));
    for (const LegParts& leg : call.legs) command->session->add_leg(sim::make_leg(leg, random_));
    for (const auto& [from, to] : {std::pair{0, 1}, std::pair{1, 0}}) {
      auto connection = make_connection(call.legs[static_cast<std::size_t>(from)],
                                        call.legs[static_cast<std::size_t>(to)]);
      if (connection) command->session->add_connection(std::move(connection));
    }
    const auto done = call_engine(std::move(command));
    sockets_to_refuse_ = 0;
    if (done->status != engine::Status::Ok) {
      CAUSEWAY_CHECK(done->session != nullptr, "a refused session did not come back");
      return;
    }
    call.handle = done->handle;
    calls_.push_back(std::move(call));
  }

  // A packet that parses, from anyone, to any socket; sealed with the leg's key where it has one.
  void receive_rtp(fuzz::Input& input) {
    if (calls_.empty()) return;
    const std::uint8_t shape = input.u8();
    const std::uint8_t type = input.u8();
    seq_ = static_cast<std::uint16_t>(seq_ + (shape & 0x10 ? input.u16() : 1));
    timestamp_ += shape & 0x20 ? input.u32() : 160;
    const Bytes payload = input.take(type == 111 ? input.u8() : 160);
    auto packet =
        wire::OpenRtp::make(pool_.take(), PayloadType(type & 0x7f), (type & 0x80) != 0,
                            SeqNum(seq_), RtpTimestamp(timestamp_), Ssrc(1U + shape % 3), payload);
    if ((shape & 0x40) != 0) {
      const Bytes elements = input.take(8);
      (void)packet.set_extension(0xbede, elements.first(elements.size() / 4 * 4));
    }
    PacketBuf octets = std::move(packet).take();
    if ((shape & 0x80) != 0) octets = seal(std::move(octets), shape);
    if (octets) deliver(input.u8(), input.u8(), std::move(octets));
  }

  PacketBuf seal(PacketBuf octets, std::uint8_t shape) {
    const auto suite = static_cast<wire::SrtpSuite>(shape % wire::kSrtpSuites);
    auto& sender = senders_[static_cast<std::size_t>(suite)];
    if (!sender) sender = std::move(*srtp::SrtpSender::create(sim::make_keys(suite, 1), {}));
    auto sealed = wire::SealedRtp::parse(std::move(octets));
    auto open = wire::open_plain(std::move(*sealed));
    if (!open) return PacketBuf();
    auto done = sender->seal(std::move(*open));
    return done ? std::move(*done) : PacketBuf();
  }

  void receive_raw(fuzz::Input& input) {
    const std::uint8_t socket = input.u8();
    const std::uint8_t from = input.u8();
    if (from >= 0x80 && last_sent_) return ask_again(socket, from, input.u16());
    deliver(socket, from, fuzz::packet_of(pool_, input.take(input.u8())));
  }

  // A NACK about what was sent last and before.
  void ask_again(std::size_t socket, std::size_t from, std::uint16_t mask) {
    std::array<std::byte, 16> octets{};
    wire::RtcpWriter writer(octets);
    const wire::NackEntry entry{last_sent_->second.plus(-16), mask};
    CAUSEWAY_CHECK(writer.nack(Ssrc(1), last_sent_->first, {&entry, 1}), "a NACK fits");
    deliver(socket, from, fuzz::packet_of(pool_, writer.written()));
  }

  void deliver(std::size_t socket, std::size_t from, PacketBuf octets) {
    const std::size_t place = socket % (sockets_.size() + 1);
    Datagram datagram{place == sockets_.size() ? shared_ : sockets_[place],
                      address_of(from % kAddresses), now_, std::move(octets)};
    engine_.handle_datagrams({&datagram, 1}, out_);
    drain();
  }

  void pass_time(Duration span) {
    const Instant until = now_ + span;
    // A clocked stream has 50 deadlines a second; more than a few thousand are a loop.
    for (int turns = 0; engine_.next_timeout() && *engine_.next_timeout() <= until; ++turns) {
      CAUSEWAY_CHECK(turns < 100'000, "time does not pass");
      now_ = std::max(now_, *engine_.next_timeout());
      engine_.handle_timeout(now_, out_);
      drain();
    }
    now_ = until;
    engine_.handle_timeout(now_, out_);  // Too early: nothing may happen.
    drain();
  }

  Call* pick(fuzz::Input& input) {
    const std::uint8_t choice = input.u8();
    return calls_.empty() ? nullptr : &calls_[choice % calls_.size()];
  }

  void connect(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr || call->legs.size() < 2) return;
    const std::uint8_t choice = input.u8();
    LegParts& from = call->legs[choice % call->legs.size()];
    LegParts& to = call->legs[choice / 16 % call->legs.size()];
    if (from.number == to.number) return;
    auto command = std::make_unique<engine::SetConnection>();
    command->session = call->handle;
    command->from = from.number;
    command->to = to.number;
    if ((choice & 8) != 0) to.spec.codecs = codecs_of(input.u8());
    if ((choice & 4) != 0) command->connection = make_connection(from, to);
    call_engine(std::move(command));
  }

  void update_leg(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr || call->legs.empty()) return;
    const std::uint8_t choice = input.u8();
    const LegParts& leg = call->legs[choice % call->legs.size()];
    auto command = std::make_unique<engine::UpdateLeg>();
    command->leg = {call->handle, leg.number};
    if ((choice & 0x10) != 0) command->update.remote_rtp = address_of(choice % kEndpoints);
    if ((choice & 0x20) != 0) {
      command->update.direction = static_cast<engine::Direction>(choice % 4);
    }
    if ((choice & 0x40) != 0) {
      command->update.accept_from.emplace();
      command->update.accept_from->rule = static_cast<engine::AcceptFrom::Rule>(choice % 4);
      may_learn_ = true;
    }
    if ((choice & 0x80) != 0 && leg.keys) {
      command->update.receiver = std::move(
          *srtp::SrtpReceiver::create(sim::make_keys(leg.keys->suite, input.u8() % 2), {}));
    }
    if (leg.spec.has_ice && (choice & 4) != 0) {
      command->update.ice.emplace();
      command->update.ice->local = ice::Credentials(fragment_of(choice / 16), kPassword);
    }
    call_engine(std::move(command));
  }

  void add_or_remove_leg(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr) return;
    const std::uint8_t choice = input.u8();
    if (choice % 2 == 0) {
      const LegParts parts = make_parts(next_number_++, input);
      auto command = std::make_unique<engine::AddLeg>();
      command->session = call->handle;
      command->leg = sim::make_leg(parts, random_);
      if (call_engine(std::move(command))->status == engine::Status::Ok) {
        call->legs.push_back(parts);
      }
    } else if (!call->legs.empty()) {
      auto command = std::make_unique<engine::RemoveLeg>();
      const auto leg = call->legs.begin() + choice / 2 % static_cast<int>(call->legs.size());
      command->leg = {call->handle, leg->number};
      call_engine(std::move(command));
      call->legs.erase(leg);
    }
  }

  void close_session(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr) return;
    auto command = std::make_unique<engine::CloseSession>();
    command->session = call->handle;
    call_engine(std::move(command));
    // Its handle is kept now and then: what comes later must fail safely.
    if (input.u8() % 4 != 0) calls_.erase(calls_.begin() + (call - calls_.data()));
  }

  void read(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr) return;
    auto report = std::make_unique<engine::ReadReport>();
    report->leg = {call->handle, static_cast<std::uint16_t>(input.u8() % 4)};
    call_engine(std::move(report));
    auto snapshot = std::make_unique<engine::TakeSnapshot>();
    snapshot->session = call->handle;
    snapshot->snapshot = std::make_unique<engine::SessionSnapshot>();
    call_engine(std::move(snapshot));
    auto lease = std::make_unique<engine::RenewLease>();
    lease->session = call->handle;
    lease->lease = std::chrono::seconds(input.u8());
    call_engine(std::move(lease));
    call_engine(std::make_unique<engine::ReadCapacity>());
  }

  void send_digits(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr) return;
    auto command = std::make_unique<engine::SendDtmf>();
    command->leg = {call->handle, static_cast<std::uint16_t>(input.u8() % 4)};
    for (int i = input.u8() % 8; i > 0; --i) {
      command->digits.push_back({.event = static_cast<std::uint8_t>(input.u8() % 16)});
    }
    call_engine(std::move(command));
  }

  void record(fuzz::Input& input) {
    Call* call = pick(input);
    if (call == nullptr) return;
    const std::uint8_t choice = input.u8();
    auto command = std::make_unique<engine::ControlRecording>();
    command->session = call->handle;
    command->recording = record::RecordingId(choice % 2U);
    command->marker = static_cast<record::FrameKind>(2 + choice / 2 % 4);
    for (const LegParts& leg : call->legs) {
      if (command->taps.size() == 2) break;
      command->taps.push_back({leg.number,
                               {.recording = command->recording,
                                .channel = static_cast<std::uint8_t>(leg.number % 2),
                                .point = static_cast<engine::RecordTap::Point>(choice / 32 % 2)}});
    }
    call_engine(std::move(command));
  }

  // What a back-end may do late, or never should.
  void surprise(fuzz::Input& input) {
    const SocketId stale{input.u8(), input.u8()};
    if (stale != shared_ && std::ranges::find(sockets_, stale) == sockets_.end()) {
      engine_.handle_socket_opened(now_, stale, input.u8() % 2 == 0, out_);
      Datagram datagram{stale, address_of(0), now_, fuzz::packet_of(pool_, input.take(12))};
      engine_.handle_datagrams({&datagram, 1}, out_);
    }
    drain();
  }

  template <typename T>
  std::unique_ptr<T> call_engine(std::unique_ptr<T> command) {
    command->token = ++token_;
    engine_.handle_command(now_, engine::Command(std::move(command)), out_);
    drain();
    CAUSEWAY_CHECK(completions_.size() == 1, "a command was not answered once");
    auto* done = std::get_if<std::unique_ptr<T>>(&completions_.front());
    CAUSEWAY_CHECK(done != nullptr && (*done)->token == token_, "another command was answered");
    std::unique_ptr<T> answer = std::move(*done);
    completions_.clear();
    return answer;
  }

  void drain() {
    while (!out_.sockets.empty()) {
      const std::vector<engine::SocketWish> wishes = std::exchange(out_.sockets, {});
      for (const engine::SocketWish& wish : wishes) serve(wish);
    }
    for (const Transmit& transmit : out_.transmits) check_target(transmit);
    out_.transmits.clear();
    out_.events.clear();
    for (engine::Command& command : out_.completions) completions_.push_back(std::move(command));
    out_.completions.clear();
    writer_.flush();
    // The recorder keeps up.
    while (true) {
      const auto frame = ring_.front();
      if (frame.empty()) break;
      fuzz::read_all(frame);
      ring_.pop();
    }
  }

  void serve(const engine::SocketWish& wish) {
    if (wish.kind == engine::SocketWish::Kind::Close) {
      // One that was refused is closed too.
      CAUSEWAY_CHECK(std::erase(sockets_, wish.socket) + std::erase(refused_, wish.socket) == 1,
                     "a socket was closed that the engine had not asked for");
      return;
    }
    const bool is_open = sockets_to_refuse_ == 0;
    if (!is_open) --sockets_to_refuse_;
    (is_open ? sockets_ : refused_).push_back(wish.socket);
    engine_.handle_socket_opened(now_, wish.socket, is_open, out_);
  }

  void check_target(const Transmit& transmit) {
    // Nothing but what keeps a NAT mapping open (RFC 6263) is empty.
    const std::size_t octets = transmit.packet ? transmit.packet.size() : 1;
    if (octets >= 12 && !wire::is_rtcp(transmit.packet.data())) {
      const Bytes header = transmit.packet.data();
      last_sent_ = {Ssrc(load_be32(&header[8])), SeqNum(load_be16(&header[2]))};
    }
    CAUSEWAY_CHECK(octets == 0 || octets >= 4, "a datagram that is no packet was sent");
    for (std::size_t i = 0; i < (may_learn_ ? kAddresses : kEndpoints); ++i) {
      // RTP, or RTCP on the next port.
      const SocketAddress known = address_of(i);
      if (transmit.to == known) return;
      if (transmit.to.ip == known.ip && transmit.to.port.raw() == known.port.raw() + 1) return;
    }
    CAUSEWAY_CHECK(false, "sent to an address that nobody named");
  }

  void check() {
    const engine::PortTable& ports = engine_.ports(0);
    CAUSEWAY_CHECK(ports.free() + ports.used() + ports.quarantined() == ports.size(),
                   "ports do not add up");
    CAUSEWAY_CHECK(ports.used() == sockets_.size(), "a port without its socket, or the reverse");
  }

  void finish() {
    engine_.close_all(now_, engine::SessionClosed::Reason::NodeShutdown, out_);
    drain();
    CAUSEWAY_CHECK(engine_.sessions() == 0 && sockets_.empty(), "something outlived the node");
    CAUSEWAY_CHECK(engine_.shared_port(0)->legs() == 0, "a leg outlived its session");
    CAUSEWAY_CHECK(pool_.available() == pool_.size(), "a packet was not given back");
  }

  PacketPool pool_{256};
  ByteRing ring_{1 << 16};
  record::RingWriter writer_{ring_};
  engine::Outbox out_{&writer_, 64};
  engine::Engine engine_;
  Random random_{{1, 2}};
  Instant now_{std::chrono::seconds(1000)};
  SocketId shared_;
  std::vector<SocketId> sockets_;
  std::vector<SocketId> refused_;
  std::vector<Call> calls_;
  std::vector<engine::Command> completions_;
  std::array<std::unique_ptr<srtp::SrtpSender>, wire::kSrtpSuites> senders_;
  std::uint64_t token_ = 0;
  std::uint32_t timestamp_ = 0;
  std::uint16_t seq_ = 0xfff0;
  std::uint16_t next_number_ = 3;
  std::size_t next_fragment_ = 0;
  int sockets_to_refuse_ = 0;
  std::optional<std::pair<Ssrc, SeqNum>> last_sent_;
  bool may_learn_ = false;
};

void run(fuzz::Input input) {
  Node node;
  for (int steps = 0; steps < 200 && !input.is_empty(); ++steps) node.step(input);
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
