#include <gtest/gtest.h>

#include <map>

#include "relay/dtls/associations.h"
#include "relay/engine/engine.h"
#include "relay/wire/stun.h"
#include "tests/sim/world.h"

// What comes before media: ICE decides who the endpoint is, DTLS makes the keys. A browser-like
// endpoint a, a plain one b, and somebody who has no part in the call. All of it on a port of leg
// a's own, and on a shared one.

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;
using Octets = std::vector<std::byte>;

constexpr std::string_view kOurs = "oursoursoursoursoursou";
constexpr std::string_view kNew = "newnewnewnewnewnewnewn";

/// The pool without threads, and the endpoint's end of the handshake.
struct DtlsTwin {
  std::shared_ptr<const dtls::Identity> ours = *dtls::Identity::create();
  std::shared_ptr<const dtls::Identity> theirs = *dtls::Identity::create();
  std::map<std::uint32_t, dtls::Associations> pool;
  std::unique_ptr<dtls::Association> endpoint;
  dtls::Report endpoint_keys;
  std::size_t jobs = 0;

  [[nodiscard]] std::shared_ptr<dtls::Settings> settings(dtls::Role role = dtls::Role::Passive) {
    auto made = std::make_shared<dtls::Settings>();
    made->identity = ours;
    made->role = role;
    made->remote_fingerprints = {theirs->fingerprint()};
    return made;
  }
  void make_endpoint(dtls::Role role = dtls::Role::Active) {
    auto made = std::make_shared<dtls::Settings>();
    made->identity = theirs;
    made->role = role;
    made->remote_fingerprints = {ours->fingerprint()};
    endpoint = std::move(*dtls::Association::create(made));
  }
  static wire::SrtpKeys keys_of(const dtls::Report& report, bool receives) {
    wire::SrtpKeys keys;
    keys.suite = report.suite;
    wire::SrtpMasterKey key;
    key.key = (receives ? report.receive_key : report.send_key).clone();
    key.salt = (receives ? report.receive_salt : report.send_salt).clone();
    keys.keys.push_back(std::move(key));
    return keys;
  }
  std::unique_ptr<DtlsReport> carry_out(const DtlsWish& job) {
    ++jobs;
    if (job.kind == dtls::JobKind::Close) {
      pool.erase(job.association);
      return nullptr;
    }
    auto& associations = pool.try_emplace(job.association, job.settings).first->second;
    auto out = std::make_unique<DtlsReport>();
    out->leg = job.component.leg;
    out->association = job.association;
    if (job.kind == dtls::JobKind::Start) associations.start(out->report);
    if (job.kind == dtls::JobKind::Timeout) associations.handle_timeout(out->report);
    if (job.kind == dtls::JobKind::Settings) associations.set_settings(job.settings, out->report);
    if (job.kind == dtls::JobKind::Datagram) {
      associations.handle_datagram(job.packet.data(), job.from, out->report);
    }
    if (out->report.outcome == dtls::Outcome::Up) {
      out->keys.receiver = std::move(*srtp::SrtpReceiver::create(keys_of(out->report, true), {}));
      out->keys.sender = std::move(*srtp::SrtpSender::create(keys_of(out->report, false), {}));
    }
    return out;
  }
};

struct SetUp : testing::TestWithParam<bool> {
  const SocketAddress a = address("192.0.2.1:4000");
  const SocketAddress moved = address("192.0.2.77:4711");
  const SocketAddress b = address("192.0.2.2:5000");
  const SocketAddress stranger = address("203.0.113.9:9");
  World world{1, config()};
  LegParts leg_a;
  LegParts leg_b;
  DtlsTwin twin;
  std::unique_ptr<OpenSession> session;
  std::vector<Flying> heard_a;
  std::vector<Flying> heard_b;
  std::size_t heard_by_stranger = 0;
  std::uint64_t next_transaction = 1;
  std::string ufrag = "ours";
  std::string_view password = kOurs;
  SocketAddress endpoint = a;

  SetUp() {
    leg_a.number = 1;
    leg_a.spec.id = "a";
    leg_a.spec.has_rtcp_mux = true;
    leg_a.spec.has_ice = true;
    leg_a.spec.has_shared_port = GetParam();
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU")};
    leg_b.number = 2;
    leg_b.spec.id = "b";
    leg_b.spec.remote_rtp = b;
    leg_b.spec.codecs = {sim::make_codec(0, "PCMU")};
    world.attach(a, [this](Instant, const Flying& in) { receive(in); });
    world.attach(moved, [this](Instant, const Flying& in) { receive(in); });
    world.attach(b, [this](Instant, const Flying& in) { heard_b.push_back(in); });
    world.attach(address("192.0.2.2:5001"), [](Instant, const Flying&) {});
    world.attach(stranger, [this](Instant, const Flying&) { ++heard_by_stranger; });
    world.on_dtls = [this](Instant, DtlsWish& job) {
      // The pool is another thread: it answers later.
      auto report = twin.carry_out(job);
      if (!report) return;
      auto held = std::make_shared<std::unique_ptr<DtlsReport>>(std::move(report));
      world.at(world.now() + 1ms, [this, held] { world.report(std::move(*held)); });
    };
  }
  static EngineConfig config() {
    EngineConfig config = World::default_config();
    config.networks[0].shared_port = UdpPort(3000);
    return config;
  }
  void open(bool with_dtls, dtls::Role role = dtls::Role::Passive) {
    if (with_dtls) leg_a.spec.security = Security::Dtls;
    leg_a.adjust = [this, with_dtls, role](LegSetup& setup) {
      ice::AgentSetup agent;
      agent.local = ice::Credentials("ours", kOurs);
      setup.endpoint.ice = std::make_unique<ice::Agent>(std::move(agent));
      if (with_dtls) setup.dtls = twin.settings(role);
    };
    session = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
  }
  [[nodiscard]] SocketAddress port_a() const { return session->addresses[0].rtp; }
  [[nodiscard]] SocketAddress port_b() const { return session->addresses[1].rtp; }

  void receive(const Flying& in) {
    const wire::DatagramKind kind = wire::kind_of(in.octets);
    if (kind == wire::DatagramKind::Dtls) {
      if (!twin.endpoint) return;
      dtls::Report report;
      twin.endpoint->handle_datagram(in.octets, report);
      take(std::move(report));
      return;
    }
    heard_a.push_back(in);
  }
  void take(dtls::Report&& report) {
    for (const Octets& datagram : report.flight) world.send(endpoint, port_a(), datagram);
    if (report.outcome == dtls::Outcome::Up) twin.endpoint_keys = std::move(report);
  }
  [[nodiscard]] Octets next_check(bool nominates) {
    Octets octets(300);
    wire::StunTransaction id{};
    store_be64(id.data(), next_transaction++);
    wire::StunWriter writer(octets, wire::StunMethod::Binding, wire::StunClass::Request, id);
    writer.add_text(wire::StunAttribute::Username, ufrag + ":them");
    writer.add_u32(wire::StunAttribute::Priority, 1);
    writer.add_u64(wire::StunAttribute::IceControlling, 1);
    if (nominates) writer.add(wire::StunAttribute::UseCandidate, {});
    const wire::HmacSha1 key(as_octets(password));
    octets.resize(writer.finish(&key));
    return octets;
  }
  void check(const SocketAddress& from, bool nominates = true) {
    world.send(from, port_a(), next_check(nominates));
    world.run_for(10ms);
  }
  void say(const SocketAddress& from, const SocketAddress& to, std::uint16_t seq) {
    world.send(from, to, sim::rtp_packet(0, seq, seq * 160U, 77, Octets(160, std::byte{0x5a})));
    world.run_for(5ms);
  }
  void shake_hands(Duration span = 1s) {
    twin.make_endpoint();
    dtls::Report hello;
    twin.endpoint->start(hello);
    take(std::move(hello));
    const Instant until = world.now() + span;
    while (world.now() < until) {
      world.run_for(100ms);
      dtls::Report again;
      twin.endpoint->handle_timeout(again);
      take(std::move(again));
    }
  }
  LegReport report(std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  }
  std::uint64_t drops(std::uint16_t leg, DropReason reason) {
    return report(leg).drops[static_cast<std::size_t>(reason)];
  }
  /// Datagrams to leg a's port from whom no check has validated: on a shared one they are nobody's.
  std::uint64_t from_strangers(DropReason reason = DropReason::UnexpectedSource) {
    return GetParam() ? world.engine().shared_port(0)->counters().strays : drops(1, reason);
  }
};

TEST_P(SetUp, MediaIsTakenFromAndSentToTheValidatedPairOnly) {
  open(false);
  say(a, port_a(), 1);
  say(b, port_b(), 1);
  EXPECT_TRUE(heard_a.empty());
  EXPECT_TRUE(heard_b.empty());
  EXPECT_EQ(from_strangers(), 1U);
  EXPECT_EQ(drops(1, DropReason::NoRemote), 1U);
  check(a);
  ASSERT_EQ(heard_a.size(), 1U);  // the answer
  EXPECT_EQ(wire::StunView::parse(heard_a[0].octets)->xor_mapped_address(), a);
  const auto changed = world.events_of<IceChanged>();
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0]->state, ice::State::Connected);
  EXPECT_EQ(changed[0]->remote, a);
  say(a, port_a(), 2);
  say(b, port_b(), 2);
  EXPECT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(heard_a.size(), 2U);
  say(stranger, port_a(), 3);
  EXPECT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(from_strangers(), 2U);
}

TEST_P(SetUp, TheCallFollowsAnEndpointThatMoves) {
  open(false);
  check(a);
  check(moved);
  say(b, port_b(), 1);
  EXPECT_EQ(heard_a.back().to, moved);
  EXPECT_EQ(report(1).remote_rtp, moved);
  say(moved, port_a(), 1);
  EXPECT_EQ(heard_b.size(), 1U);
}

TEST_P(SetUp, ChecksThatProveNothingAreCountedByReason) {
  open(false);
  check(a);
  password = kNew;
  check(stranger);
  EXPECT_EQ(drops(1, DropReason::AuthFailed), 1U);
  world.run_for(2s);
  for (int i = 0; i < 60; ++i) world.send(stranger, port_a(), next_check(true));
  world.run_for(10ms);
  EXPECT_EQ(drops(1, DropReason::AuthFailed), 51U);
  EXPECT_EQ(drops(1, DropReason::OverBudget), 10U);
  world.send(stranger, port_a(), Octets(20, std::byte{0}));
  world.run_for(10ms);
  EXPECT_EQ(from_strangers(DropReason::BadHeader), 1U);
  password = kOurs;
  check(moved);
  EXPECT_EQ(report(1).remote_rtp, moved);
}

TEST_P(SetUp, NothingIsSentOnceConsentIsLost) {
  open(false);
  check(a);
  for (std::uint16_t i = 1; i < 40; ++i) {
    world.run_for(1s);
    say(b, port_b(), i);
  }
  const auto changed = world.events_of<IceChanged>();
  ASSERT_EQ(changed.size(), 2U);
  EXPECT_EQ(changed[1]->state, ice::State::Disconnected);
  EXPECT_FALSE(changed[1]->remote);
  EXPECT_GT(drops(1, DropReason::NoRemote), 5U);
  check(a);
  say(b, port_b(), 50);
  EXPECT_EQ(wire::kind_of(heard_a.back().octets), wire::DatagramKind::Rtp);
}

TEST_P(SetUp, ARestartLetsTheOldPairGoOnUntilTheNewOneIsThere) {
  open(false);
  check(a);
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 1};
  update->update.ice.emplace();
  update->update.ice->local = ice::Credentials("new", kNew);
  EXPECT_EQ(world.call(std::move(update))->status, Status::Ok);
  say(b, port_b(), 1);
  EXPECT_EQ(heard_a.back().to, a);
  check(a);  // the old credentials: consent goes on
  EXPECT_EQ(wire::StunView::parse(heard_a.back().octets)->message_class(),
            wire::StunClass::Success);
  ufrag = "new";
  password = kNew;
  check(moved);
  say(b, port_b(), 2);
  EXPECT_EQ(heard_a.back().to, moved);
}

TEST_P(SetUp, StunAndDtlsAreNothingToALegWithoutThem) {
  open(false);
  Octets request(20);
  wire::StunWriter writer(request, wire::StunMethod::Binding, wire::StunClass::Request, {});
  store_be16(&request[2], 0);
  world.send(b, port_b(), request);
  world.send(b, port_b(), Octets(40, std::byte{22}));
  world.run_for(5ms);
  EXPECT_EQ(drops(2, DropReason::Unsupported), 2U);
  EXPECT_TRUE(heard_b.empty());
}

// ------------------------------------------------------------------------------------- DTLS

TEST_P(SetUp, AHandshakeOverTheValidatedPairMakesTheKeys) {
  open(true);
  check(a);
  shake_hands();
  const auto up = world.events_of<DtlsUp>();
  ASSERT_EQ(up.size(), 1U);
  EXPECT_EQ(up[0]->suite, wire::SrtpSuite::AeadAes128Gcm);
  EXPECT_FALSE(up[0]->is_active);

  auto sender =
      std::move(*srtp::SrtpSender::create(DtlsTwin::keys_of(twin.endpoint_keys, false), {}));
  PacketBuf packet = world.pool().take();
  packet = std::move(*sender->seal(wire::OpenRtp::make(std::move(packet), PayloadType(0), true,
                                                       SeqNum(1), RtpTimestamp(160), Ssrc(77),
                                                       Octets(160, std::byte{0x5a}))));
  world.send(a, port_a(), Octets(packet.data().begin(), packet.data().end()));
  say(a, port_a(), 2);  // in the clear: refused
  EXPECT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(drops(1, DropReason::AuthFailed) + drops(1, DropReason::Truncated), 1U);

  say(b, port_b(), 1);
  auto receiver =
      std::move(*srtp::SrtpReceiver::create(DtlsTwin::keys_of(twin.endpoint_keys, true), {}));
  packet = world.pool().take();
  packet.resize(heard_a.back().octets.size());
  std::ranges::copy(heard_a.back().octets, packet.data().begin());
  const auto opened = receiver->open(*wire::SealedRtp::parse(std::move(packet)), world.now());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->payload().size(), 160U);
}

TEST_P(SetUp, NoMediaPassesBeforeTheHandshake) {
  open(true);
  check(a);
  say(a, port_a(), 1);
  say(b, port_b(), 1);
  EXPECT_TRUE(heard_b.empty());
  EXPECT_EQ(heard_a.size(), 1U);
  EXPECT_EQ(drops(1, DropReason::LegNotReady), 2U);
}

TEST_P(SetUp, AHandshakeGetsThroughALossyNetwork) {
  for (const auto& peer : {a, moved}) {
    sim::Faults faults;
    faults.loss = 200;
    faults.delay = 40ms;
    faults.jitter = 20ms;
    world.set_faults(peer, faults);
  }
  open(true);
  for (int i = 0; i < 20; ++i) check(a);
  shake_hands(25s);
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 1U);
}

// ES2023-03 and STANDARDS 6.3 case 8: before, during and after ICE.
TEST_P(SetUp, AHelloFromWhoHasNotBeenValidatedReachesNobody) {
  open(true);
  endpoint = stranger;
  shake_hands(300ms);
  endpoint = a;
  EXPECT_EQ(twin.jobs, 0U);
  EXPECT_EQ(heard_by_stranger, 0U);
  EXPECT_GE(from_strangers(), 1U);
  check(a);
  shake_hands();
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 1U);
}

TEST_P(SetUp, AFloodOfHellosIsHeldToItsBudget) {
  open(true);
  check(a);
  twin.make_endpoint();
  dtls::Report hello;
  twin.endpoint->start(hello);
  for (int i = 0; i < 1000; ++i) world.send(a, port_a(), hello.flight[0]);
  world.run_for(10ms);
  EXPECT_LE(twin.jobs, 65U);
  EXPECT_GE(drops(1, DropReason::OverBudget), 900U);
}

TEST_P(SetUp, AHandshakeThatIsNotFinishedIsGivenUpAfterThirtySeconds) {
  open(true);
  check(a);
  twin.make_endpoint();
  dtls::Report hello;
  twin.endpoint->start(hello);
  take(std::move(hello));
  twin.endpoint.reset();  // and then falls silent
  for (int i = 0; i < 40; ++i) {
    check(a);
    world.run_for(1s);
  }
  const auto failed = world.events_of<DtlsFailed>();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0]->failure, dtls::Failure::TimedOut);
  EXPECT_TRUE(twin.pool.empty());
  shake_hands();
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 1U);
}

TEST_P(SetUp, AnEndpointThatHangsUpClosesItsAssociationAndFailsNothing) {
  open(true);
  check(a);
  shake_hands();
  // What it was told of our certificate is another's now: it ends what is complete (close_notify).
  auto other = std::make_shared<dtls::Settings>();
  other->identity = twin.theirs;
  other->role = dtls::Role::Active;
  twin.make_endpoint();
  twin.endpoint = std::move(*dtls::Association::create(other));
  auto again = std::make_unique<UpdateLeg>();
  again->leg = {session->handle, 1};
  again->update.dtls = twin.settings();
  again->update.has_new_association = true;
  EXPECT_EQ(world.call(std::move(again))->status, Status::Ok);
  dtls::Report hello;
  twin.endpoint->start(hello);
  take(std::move(hello));
  world.run_for(100ms);
  auto wrong = std::make_shared<dtls::Settings>(*other);
  wrong->remote_fingerprints = {twin.theirs->fingerprint()};
  dtls::Report bye;
  twin.endpoint->set_settings(wrong, bye);
  ASSERT_FALSE(bye.flight.empty());
  take(std::move(bye));
  world.run_for(100ms);
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 2U);
  EXPECT_EQ(world.events_of<DtlsClosed>().size(), 1U);
  EXPECT_TRUE(world.events_of<DtlsFailed>().empty());
}

TEST_P(SetUp, TheRelayBeginsWhereItIsTheActiveSide) {
  twin.make_endpoint(dtls::Role::Passive);
  open(true, dtls::Role::Active);
  world.run_for(1s);
  EXPECT_EQ(twin.jobs, 0U);  // nowhere to send yet
  check(a);
  world.run_for(1s);
  const auto up = world.events_of<DtlsUp>();
  ASSERT_EQ(up.size(), 1U);
  EXPECT_TRUE(up[0]->is_active);
}

// adr/0021: a browser far away nominates a second later.
TEST_P(SetUp, TheHandshakeDoesNotWaitForTheNomination) {
  open(true);
  check(a, false);
  shake_hands();
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 1U);
  const std::size_t before = heard_a.size();
  say(b, port_b(), 1);
  EXPECT_EQ(heard_a.size(), before + 1) << "nor does what it is to hear";
}

TEST_P(SetUp, AnotherAssociationLetsTheOldKeysGoOnUntilItIsUp) {
  open(true);
  check(a);
  shake_hands();
  const std::size_t before = heard_a.size();
  twin.theirs = *dtls::Identity::create();
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 1};
  update->update.dtls = twin.settings();
  update->update.has_new_association = true;
  EXPECT_EQ(world.call(std::move(update))->status, Status::Ok);
  say(b, port_b(), 1);
  EXPECT_EQ(heard_a.size(), before + 1);
  shake_hands();
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 2U);
  EXPECT_EQ(twin.pool.size(), 1U);
}

TEST_P(SetUp, FingerprintsMayComeAfterTheHandshake) {
  auto unknown = twin.settings();
  unknown->remote_fingerprints.clear();
  leg_a.spec.security = Security::Dtls;
  leg_a.adjust = [&](LegSetup& setup) {
    ice::AgentSetup agent;
    agent.local = ice::Credentials("ours", kOurs);
    setup.endpoint.ice = std::make_unique<ice::Agent>(std::move(agent));
    setup.dtls = unknown;
  };
  session = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
  check(a);
  shake_hands();
  EXPECT_TRUE(world.events_of<DtlsUp>().empty());
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 1};
  update->update.dtls = twin.settings();
  EXPECT_EQ(world.call(std::move(update))->status, Status::Ok);
  world.run_for(10ms);
  EXPECT_EQ(world.events_of<DtlsUp>().size(), 1U);
}

TEST_P(SetUp, TheEndOfALegIsTheEndOfItsHandshakes) {
  open(true);
  check(a);
  shake_hands();
  EXPECT_EQ(twin.pool.size(), 1U);
  auto remove = std::make_unique<RemoveLeg>();
  remove->leg = {session->handle, 1};
  EXPECT_EQ(world.call(std::move(remove))->status, Status::Ok);
  EXPECT_TRUE(twin.pool.empty());
}

TEST_P(SetUp, ADtlsReportOfAnAssociationThatIsOverIsIgnored) {
  open(true);
  check(a);
  auto late = std::make_unique<DtlsReport>();
  late->leg = {session->handle, 1};
  late->association = 99;
  late->report.outcome = dtls::Outcome::Up;
  world.report(std::move(late));
  EXPECT_TRUE(world.events_of<DtlsUp>().empty());
}

INSTANTIATE_TEST_SUITE_P(Ports, SetUp, testing::Bool(), [](const auto& port) {
  return std::string(port.param ? "Shared" : "Own");
});

}  // namespace
}  // namespace causeway::engine
