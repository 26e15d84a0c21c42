// RTCP on a port of its own has a DTLS association of its own (RFC 5764 4.1): a SIP phone that
// refuses rtcp-mux, and a plain endpoint.

#include <gtest/gtest.h>

#include <map>

#include "relay/dtls/associations.h"
#include "relay/engine/engine.h"
#include "relay/wire/rtcp_writer.h"
#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using dtls::Role;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;
using Octets = std::vector<std::byte>;

wire::SrtpKeys keys_of(const dtls::Report& report, bool receives) {
  wire::SrtpKeys keys;
  keys.suite = report.suite;
  wire::SrtpMasterKey key;
  key.key = (receives ? report.receive_key : report.send_key).clone();
  key.salt = (receives ? report.receive_salt : report.send_salt).clone();
  keys.keys.push_back(std::move(key));
  return keys;
}

/// The phone's side of one association.
struct End {
  SocketAddress at;
  SocketAddress relay;
  std::unique_ptr<dtls::Association> association;
  std::optional<dtls::Report> up;
};

struct DtlsRtcp : testing::Test {
  const SocketAddress phone = address("192.0.2.1:4000");
  const SocketAddress phone_rtcp = address("192.0.2.1:4001");
  const SocketAddress stranger = address("203.0.113.9:9");
  const SocketAddress b = address("192.0.2.2:5000");
  std::shared_ptr<const dtls::Identity> ours = *dtls::Identity::create();
  std::shared_ptr<const dtls::Identity> theirs = *dtls::Identity::create();
  World world{3};
  LegParts leg_a;
  LegParts leg_b;
  std::unique_ptr<OpenSession> session;
  std::map<std::pair<bool, std::uint32_t>, dtls::Associations> pool;
  End rtp;
  End rtcp;
  std::vector<Octets> rtcp_at_phone;  // sealed
  std::vector<Octets> rtp_at_phone;
  std::size_t at_stranger = 0;

  DtlsRtcp() {
    leg_a.number = 1;
    leg_a.spec.id = "a";
    leg_a.spec.remote_rtp = phone;
    leg_a.spec.security = Security::Dtls;
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU")};
    leg_b.number = 2;
    leg_b.spec.id = "b";
    leg_b.spec.remote_rtp = b;
    leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
    rtp.at = phone;
    rtcp.at = phone_rtcp;
    world.attach(phone, [this](Instant, const Flying& in) {
      if (!take(rtp, in)) rtp_at_phone.push_back(in.octets);
    });
    world.attach(phone_rtcp, [this](Instant, const Flying& in) {
      if (!take(rtcp, in)) rtcp_at_phone.push_back(in.octets);
    });
    world.attach(b, [](Instant, const Flying&) {});
    world.attach(address("192.0.2.2:5001"), [](Instant, const Flying&) {});
    world.attach(stranger, [this](Instant, const Flying&) { ++at_stranger; });
    world.on_dtls = [this](Instant, DtlsWish& job) { carry_out(job); };
  }

  [[nodiscard]] std::shared_ptr<dtls::Settings> settings(Role role) const {
    auto made = std::make_shared<dtls::Settings>();
    made->identity = ours;
    made->role = role;
    made->remote_fingerprints = {theirs->fingerprint()};
    made->needs_cookie = true;
    return made;
  }
  void carry_out(const DtlsWish& job) {
    const std::pair key{job.component.is_rtcp, job.association};
    if (job.kind == dtls::JobKind::Close) {
      pool.erase(key);
      return;
    }
    auto& associations = pool.try_emplace(key, job.settings).first->second;
    auto made = std::make_unique<DtlsReport>();
    made->leg = job.component.leg;
    made->is_rtcp = job.component.is_rtcp;
    made->association = job.association;
    dtls::Report& report = made->report;
    if (job.kind == dtls::JobKind::Start) associations.start(report);
    if (job.kind == dtls::JobKind::Timeout) associations.handle_timeout(report);
    if (job.kind == dtls::JobKind::Settings) associations.set_settings(job.settings, report);
    if (job.kind == dtls::JobKind::Datagram) {
      associations.handle_datagram(job.packet.data(), job.from, report);
    }
    if (report.outcome == dtls::Outcome::Up) {
      made->keys.receiver = std::move(*srtp::SrtpReceiver::create(keys_of(report, true), {}));
      made->keys.sender = std::move(*srtp::SrtpSender::create(keys_of(report, false), {}));
    }
    if (report.is_empty()) return;
    auto held = std::make_shared<std::unique_ptr<DtlsReport>>(std::move(made));
    world.at(world.now() + 1ms, [this, held] { world.report(std::move(*held)); });
  }

  /// The relay's side; the phone's is the other one.
  void open(Role role) {
    leg_a.adjust = [this, role](LegSetup& setup) { setup.dtls = settings(role); };
    for (End* const end : {&rtp, &rtcp}) make_end(*end, role);
    session = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
    rtp.relay = session->addresses[0].rtp;
    rtcp.relay = *session->addresses[0].rtcp;
  }
  void make_end(End& end, Role of_relay) const {
    auto made = std::make_shared<dtls::Settings>();
    made->identity = theirs;
    made->role = of_relay == Role::Active ? Role::Passive : Role::Active;
    made->remote_fingerprints = {ours->fingerprint()};
    end.association = std::move(*dtls::Association::create(made));
    end.up.reset();
  }
  void say(End& end, dtls::Report&& report) {
    for (const Octets& datagram : report.flight) world.send(end.at, end.relay, datagram);
    if (report.outcome == dtls::Outcome::Up) end.up.emplace(std::move(report));
  }
  bool take(End& end, const Flying& in) {
    if (wire::kind_of(in.octets) != wire::DatagramKind::Dtls) return false;
    EXPECT_EQ(in.from, end.relay) << "each association keeps to its port";
    dtls::Report report;
    end.association->handle_datagram(in.octets, report);
    say(end, std::move(report));
    return true;
  }
  void start(End& end) {
    dtls::Report report;
    end.association->start(report);
    say(end, std::move(report));
  }
  /// Time passes at the phone, too.
  void run(Duration span) {
    const Instant until = world.now() + span;
    while (world.now() < until) {
      world.run_for(200ms);
      for (End* const end : {&rtp, &rtcp}) {
        dtls::Report again;
        end->association->handle_timeout(again);
        say(*end, std::move(again));
      }
    }
  }
  [[nodiscard]] std::size_t ups(bool of_rtcp) const {
    const auto up = world.events_of<DtlsUp>();
    return static_cast<std::size_t>(std::ranges::count(up, of_rtcp, &DtlsUp::is_rtcp));
  }

  /// A receiver report of the phone's, under the keys of `end`.
  void send_rtcp(const End& end, const SocketAddress& from, const SocketAddress& to) {
    auto sender = std::move(*srtp::SrtpSender::create(keys_of(*end.up, false), {}));
    PacketBuf packet = world.pool().take();
    packet.resize(PacketBuf::kMaxData);
    wire::RtcpWriter writer(packet.data());
    ASSERT_TRUE(writer.receiver_report(Ssrc(77), {}));
    ASSERT_TRUE(writer.sdes_cname(Ssrc(77), "phone"));
    packet.resize(writer.written().size());
    const auto sealed = sender->seal_rtcp(std::move(packet));
    ASSERT_TRUE(sealed);
    const Bytes octets = sealed->data();
    world.send(from, to, {octets.begin(), octets.end()});
    world.run_for(5ms);
  }
  /// Whether what the phone heard opens with the keys of `end`.
  bool opens_with(const End& end, const Octets& octets) {
    auto receiver = std::move(*srtp::SrtpReceiver::create(keys_of(*end.up, true), {}));
    PacketBuf packet = world.pool().take();
    packet.resize(octets.size());
    std::ranges::copy(octets, packet.data().begin());
    return receiver->open(*wire::SealedRtcp::parse(std::move(packet)), world.now()).has_value();
  }
  LegReport report() {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, 1};
    return world.call(std::move(read))->report;
  }
  std::uint64_t drops(DropReason reason) {
    return report().drops[static_cast<std::size_t>(reason)];
  }
  void update(LegUpdate&& change) {
    auto command = std::make_unique<UpdateLeg>();
    command->leg = {session->handle, 1};
    command->update = std::move(change);
    ASSERT_EQ(world.call(std::move(command))->status, Status::Ok);
  }
  void set_mux(bool has_mux) {
    LegUpdate change;
    change.has_rtcp_mux = has_mux;
    update(std::move(change));
  }
  /// Reports go both ways, under keys that only RTCP has.
  void check_reports() {
    EXPECT_FALSE(rtp.up->send_key.equals(rtcp.up->send_key));
    const std::uint64_t before = report().received.rtcp_packets;
    send_rtcp(rtp, phone_rtcp, rtcp.relay);
    EXPECT_EQ(report().received.rtcp_packets, before) << "the keys of RTP open no RTCP there";
    EXPECT_EQ(drops(DropReason::AuthFailed), 1U);
    send_rtcp(rtcp, phone_rtcp, rtcp.relay);
    EXPECT_EQ(report().received.rtcp_packets, before + 1);
    rtcp_at_phone.clear();
    run(12s);
    ASSERT_FALSE(rtcp_at_phone.empty());
    EXPECT_TRUE(opens_with(rtcp, rtcp_at_phone.back()));
    EXPECT_FALSE(opens_with(rtp, rtcp_at_phone.back()));
  }
};

TEST_F(DtlsRtcp, EachPortOfAPassiveLegHasItsHandshake) {
  open(Role::Passive);
  start(rtp);
  run(1s);
  EXPECT_EQ(ups(false), 1U);
  EXPECT_EQ(ups(true), 0U);
  start(rtcp);
  run(1s);
  EXPECT_EQ(ups(true), 1U);
  check_reports();
}

TEST_F(DtlsRtcp, AnActiveLegBeginsOnBothItsPorts) {
  open(Role::Active);
  run(1s);
  EXPECT_EQ(ups(false), 1U);
  EXPECT_EQ(ups(true), 1U);
  check_reports();
}

TEST_F(DtlsRtcp, ItsReportsWaitForItsOwnKeys) {
  open(Role::Passive);
  start(rtp);
  run(12s);
  EXPECT_TRUE(rtcp_at_phone.empty());
  EXPECT_GT(drops(DropReason::LegNotReady), 0U);
  EXPECT_TRUE(world.events_of<DtlsFailed>().empty()) << "nobody has tried";
}

TEST_F(DtlsRtcp, LossOnOneWayHoldsUpNothingOnTheOther) {
  for (const Role role : {Role::Passive, Role::Active}) {
    SCOPED_TRACE(role == Role::Passive ? "passive" : "active");
    world.events.clear();
    world.set_faults(phone_rtcp, {.loss = 1000});
    open(role);
    if (role == Role::Passive) {
      start(rtp);
      start(rtcp);
    }
    run(2s);
    EXPECT_EQ(ups(false), 1U);
    EXPECT_EQ(ups(true), 0U);
    world.set_faults(phone_rtcp, {.loss = 300, .duplicate = 200, .jitter = 30ms});
    run(20s);
    EXPECT_EQ(ups(true), 1U);
    world.set_faults(phone_rtcp, {});
    auto close = std::make_unique<CloseSession>();
    close->session = session->handle;
    (void)world.call(std::move(close));
    EXPECT_TRUE(pool.empty()) << "both are forgotten";
  }
}

TEST_F(DtlsRtcp, AHandshakeOfRtcpThatIsNotFinishedFailsByItself) {
  open(Role::Active);
  world.set_faults(phone_rtcp, {.loss = 1000});
  run(40s);
  EXPECT_EQ(ups(false), 1U);
  const auto failed = world.events_of<DtlsFailed>();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_TRUE(failed[0]->is_rtcp);
  EXPECT_EQ(failed[0]->failure, dtls::Failure::TimedOut);
}

TEST_F(DtlsRtcp, StrangersGetNoAnswer) {
  open(Role::Passive);
  start(rtp);
  run(1s);
  dtls::Report hello;
  rtcp.association->start(hello);
  ASSERT_FALSE(hello.flight.empty());
  world.send(stranger, rtcp.relay, hello.flight[0]);
  world.send(phone, rtcp.relay, hello.flight[0]);  // RTP's address is not RTCP's
  world.run_for(100ms);
  EXPECT_EQ(at_stranger, 0U);
  EXPECT_EQ(drops(DropReason::UnexpectedSource), 2U);
  say(rtcp, std::move(hello));
  run(1s);
  EXPECT_EQ(ups(true), 1U);
}

TEST_F(DtlsRtcp, AWrongCertificateOnThePortOfRtcpIsRefusedThereAlone) {
  open(Role::Passive);
  start(rtp);
  run(1s);
  auto other = std::make_shared<dtls::Settings>();
  other->identity = *dtls::Identity::create();
  other->role = Role::Active;
  other->remote_fingerprints = {ours->fingerprint()};
  rtcp.association = std::move(*dtls::Association::create(other));
  start(rtcp);
  run(1s);
  const auto failed = world.events_of<DtlsFailed>();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_TRUE(failed[0]->is_rtcp);
  EXPECT_EQ(failed[0]->failure, dtls::Failure::Fingerprint);
  EXPECT_EQ(ups(false), 1U);
}

TEST_F(DtlsRtcp, WithMuxTheOneAssociationServesBothAndThePortOfRtcpNothing) {
  open(Role::Passive);
  start(rtp);
  start(rtcp);
  run(1s);
  EXPECT_EQ(ups(true), 1U);
  set_mux(true);
  EXPECT_EQ(pool.size(), 1U) << "that of RTCP has ended";
  EXPECT_EQ(ups(false), 1U) << "and that of RTP goes on";
  send_rtcp(rtp, phone, rtp.relay);
  EXPECT_EQ(report().received.rtcp_packets, 1U);
  make_end(rtcp, Role::Passive);
  start(rtcp);
  run(1s);
  EXPECT_EQ(ups(true), 1U);
  EXPECT_GT(drops(DropReason::Unsupported), 0U);
  rtcp_at_phone.clear();
  rtp_at_phone.clear();
  run(12s);
  EXPECT_TRUE(rtcp_at_phone.empty());
  ASSERT_FALSE(rtp_at_phone.empty());
  EXPECT_TRUE(opens_with(rtp, rtp_at_phone.back()));
}

TEST_F(DtlsRtcp, WithoutMuxAgainItShakesHandsAnew) {
  open(Role::Active);
  run(1s);
  set_mux(true);
  run(1s);
  make_end(rtcp, Role::Active);
  set_mux(false);
  run(1s);
  EXPECT_EQ(ups(false), 1U);
  EXPECT_EQ(ups(true), 2U);
  check_reports();
}

TEST_F(DtlsRtcp, AnotherAssociationIsOneForEachPort) {
  open(Role::Active);
  run(1s);
  theirs = *dtls::Identity::create();
  for (End* const end : {&rtp, &rtcp}) make_end(*end, Role::Active);
  LegUpdate change;
  change.dtls = settings(Role::Active);
  change.has_new_association = true;
  update(std::move(change));
  run(1s);
  EXPECT_EQ(ups(false), 2U);
  EXPECT_EQ(ups(true), 2U);
  EXPECT_EQ(pool.size(), 2U);
  check_reports();
}

// The association stays behind; what it has made goes on (law 4).
TEST_F(DtlsRtcp, ARestoredLegGoesOnUnderTheKeysOfItsHandshakes) {
  open(Role::Active);
  run(1s);
  send_rtcp(rtcp, phone_rtcp, rtcp.relay);
  run(12s);
  ASSERT_FALSE(rtcp_at_phone.empty());
  const Octets last_of_before = rtcp_at_phone.back();
  auto take = std::make_unique<TakeSnapshot>();
  take->session = session->handle;
  take->snapshot = std::make_unique<SessionSnapshot>();
  const auto taken = world.call(std::move(take));
  auto close = std::make_unique<CloseSession>();
  close->session = session->handle;
  (void)world.call(std::move(close));
  EXPECT_TRUE(pool.empty());

  const LegSnapshot* of_a = nullptr;
  for (const LegSnapshot& each : taken->snapshot->legs) {
    if (each.number == 1) of_a = &each;
  }
  ASSERT_TRUE(of_a != nullptr && of_a->dtls && of_a->rtcp_dtls);
  EXPECT_TRUE(of_a->dtls->send_key.equals(rtp.up->receive_key));
  EXPECT_TRUE(of_a->rtcp_dtls->send_key.equals(rtcp.up->receive_key));
  const auto keys = [](const DtlsKeys& made, bool receives) {
    dtls::Report report;
    report.suite = made.suite;
    report.receive_key = made.receive_key.clone();
    report.receive_salt = made.receive_salt.clone();
    report.send_key = made.send_key.clone();
    report.send_salt = made.send_salt.clone();
    return keys_of(report, receives);
  };
  leg_a.adjust = [&](LegSetup& setup) {
    setup.dtls = settings(Role::Active);
    setup.receiver = std::move(*srtp::SrtpReceiver::create(keys(*of_a->dtls, true), {}));
    setup.sender = std::move(*srtp::SrtpSender::create(keys(*of_a->dtls, false), {}));
    setup.rtcp_receiver = std::move(*srtp::SrtpReceiver::create(keys(*of_a->rtcp_dtls, true), {}));
    setup.rtcp_sender = std::move(*srtp::SrtpSender::create(keys(*of_a->rtcp_dtls, false), {}));
  };
  auto bridge = sim::make_bridge(leg_a, leg_b, world.random());
  bridge->leg(1)->restore(*of_a, world.now());
  session = world.open(std::move(bridge));
  rtp.relay = session->addresses[0].rtp;
  rtcp.relay = *session->addresses[0].rtcp;
  rtcp_at_phone.clear();
  send_rtcp(rtcp, phone_rtcp, rtcp.relay);
  EXPECT_EQ(drops(DropReason::Replayed), 1U) << "what was heard before is not heard again";
  run(12s);
  ASSERT_FALSE(rtcp_at_phone.empty());
  EXPECT_TRUE(opens_with(rtcp, rtcp_at_phone.back()));
  const auto index_of = [](const Octets& octets) {  // RFC 7714 9: its last word
    return load_be32(&octets[octets.size() - 4]) & 0x7fffffffU;
  };
  EXPECT_GT(index_of(rtcp_at_phone.front()), index_of(last_of_before)) << "no index twice";
  EXPECT_TRUE(pool.empty()) << "no handshake was begun";
}

}  // namespace
}  // namespace causeway::engine
