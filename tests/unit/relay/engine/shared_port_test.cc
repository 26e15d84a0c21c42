#include "relay/engine/shared_port.h"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "tests/sim/world.h"
#include "tests/unit/support/alloc_counter.h"

// Legs that share a port: two pages p and q in a call with each other, both on one port, and
// whoever else finds that port.

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;
using Octets = std::vector<std::byte>;

constexpr std::string_view kRoute = "routE";
constexpr std::string_view kPassword = "oursoursoursoursoursou";

std::unique_ptr<ice::Agent> lite(const std::string& fragment) {
  ice::AgentSetup setup;
  setup.local = ice::Credentials(fragment, kPassword);
  return std::make_unique<ice::Agent>(std::move(setup));
}

LegParts sharing_leg(std::uint16_t number, const std::string& fragment) {
  LegParts parts;
  parts.number = number;
  parts.spec.id = std::to_string(number);
  parts.spec.has_rtcp_mux = parts.spec.has_ice = parts.spec.has_shared_port = true;
  parts.spec.codecs = {sim::make_codec(0, "PCMU")};
  parts.adjust = [fragment](LegSetup& setup) { setup.endpoint.ice = lite(fragment); };
  return parts;
}

Octets check_of(const std::string& fragment, std::uint64_t transaction,
                std::string_view password = kPassword) {
  Octets octets(300);
  wire::StunTransaction id{};
  store_be64(id.data(), transaction);
  wire::StunWriter writer(octets, wire::StunMethod::Binding, wire::StunClass::Request, id);
  writer.add_text(wire::StunAttribute::Username, fragment + ":them");
  writer.add_u32(wire::StunAttribute::Priority, 1);
  writer.add_u64(wire::StunAttribute::IceControlling, 1);
  writer.add(wire::StunAttribute::UseCandidate, {});
  const wire::HmacSha1 key(as_octets(password));
  octets.resize(writer.finish(&key));
  return octets;
}

EngineConfig sharing_config(std::uint32_t max_sessions = 256) {
  EngineConfig config = World::default_config();
  config.route = kRoute;
  config.networks[0].shared_port = UdpPort(3000);
  config.max_sessions = max_sessions;
  return config;
}

struct Sharing : testing::Test {
  struct Page {
    SocketAddress at;
    std::string fragment;
    std::uint16_t leg;
    std::vector<Flying> heard{};
  };
  const SocketAddress shared = address("10.0.0.1:3000");
  Page p{address("192.0.2.1:4000"), "routEpppppppp", 1};
  Page q{address("192.0.2.2:5000"), "routEqqqqqqqq", 2};
  Page stranger{address("203.0.113.9:9"), "routEzzzzzzzz", 0};
  World world{1, sharing_config()};
  LegParts leg_p = sharing_leg(1, p.fragment);
  LegParts leg_q = sharing_leg(2, q.fragment);
  std::unique_ptr<OpenSession> session;
  std::uint64_t next_transaction = 1;

  Sharing() {
    for (Page* const page : {&p, &q, &stranger}) {
      world.attach(page->at, [page](Instant, const Flying& in) { page->heard.push_back(in); });
    }
  }
  void open_on_v4() {
    leg_p.spec.network = leg_q.spec.network = "";
    open();
    leg_p.spec.network = "v6";
    leg_p.adjust = [](LegSetup& setup) { setup.endpoint.ice = lite("routEnew"); };
  }
  void open() { session = world.open(sim::make_bridge(leg_p, leg_q, world.random())); }
  Status try_to_open(const LegParts& a, const LegParts& b) {
    auto command = std::make_unique<OpenSession>();
    command->session = sim::make_bridge(a, b, world.random());
    return world.call(std::move(command))->status;
  }
  void check(const Page& from, const std::string& fragment) {
    world.send(from.at, shared, check_of(fragment, next_transaction++));
    world.run_for(5ms);
  }
  void check(const Page& page) { check(page, page.fragment); }
  void say(const Page& page, std::uint16_t seq) {
    world.send(page.at, shared,
               sim::rtp_packet(0, seq, seq * 160U, page.at.port.raw(), Octets(160)));
    world.run_for(5ms);
  }
  [[nodiscard]] const SharedPort& port() { return *world.engine().shared_port(0); }
  LegReport report(std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  }
  std::uint64_t drops(std::uint16_t leg, DropReason reason) {
    return report(leg).drops[static_cast<std::size_t>(reason)];
  }
  void remove(std::uint16_t leg) {
    auto command = std::make_unique<RemoveLeg>();
    command->leg = {session->handle, leg};
    EXPECT_EQ(world.call(std::move(command))->status, Status::Ok);
  }
  Status restart(std::uint16_t leg, const std::string& fragment) {
    auto update = std::make_unique<UpdateLeg>();
    update->leg = {session->handle, leg};
    update->update.ice.emplace();
    update->update.ice->local = ice::Credentials(fragment, kPassword);
    return world.call(std::move(update))->status;
  }
};

TEST_F(Sharing, TwoLegsOfOneCallAreToldApart) {
  open();
  EXPECT_EQ(session->addresses[0].rtp, shared);
  EXPECT_EQ(session->addresses[1].rtp, shared);
  EXPECT_EQ(world.engine().ports(0).used(), 0U);
  check(p);
  check(q);
  EXPECT_EQ(p.heard.size(), 1U);
  EXPECT_EQ(p.heard[0].from, shared);
  say(p, 1);
  say(q, 1);
  say(p, 2);
  EXPECT_EQ(p.heard.size(), 2U);
  EXPECT_EQ(q.heard.size(), 3U);
  EXPECT_EQ(report(1).received.packets, 2U);
  EXPECT_EQ(report(2).received.packets, 1U);
}

TEST_F(Sharing, TheNewestOfABatchGoesToWhomItsPredecessorsHaveProved) {
  open();
  check(p);
  check(q);
  Outbox out(nullptr);
  std::vector<Datagram> batch;
  for (const Octets& octets :
       {check_of(q.fragment, 900), sim::rtp_packet(0, 1, 160, 5, Octets(160))}) {
    Datagram& in =
        batch.emplace_back(Datagram{port().socket(), p.at, world.now(), world.pool().take()});
    in.packet.resize(octets.size());
    std::ranges::copy(octets, in.packet.data().begin());
  }
  world.engine().handle_datagrams(batch, out);
  EXPECT_EQ(report(2).received.packets, 1U);
}

TEST_F(Sharing, AMisroutedCheckIsCountedAndAnsweredWithNothing) {
  open();
  check(p);
  const auto before = p.heard.size();
  for (const char* const fragment : {"othErpppppppp", "routEzzzzzzzz", "routE", "x", ""}) {
    check(stranger, fragment);
    check(p, fragment);
  }
  EXPECT_TRUE(stranger.heard.empty());
  EXPECT_EQ(p.heard.size(), before);
  EXPECT_EQ(port().counters().misrouted_checks, 6U);
  EXPECT_EQ(port().counters().unknown_checks, 4U);
  EXPECT_EQ(report(1).remote_rtp, p.at);
}

TEST_F(Sharing, WhatIsNobodysIsCounted) {
  open();
  check(p);
  say(stranger, 1);
  world.send(stranger.at, shared, Octets(60, std::byte{22}));  // DTLS
  world.send(stranger.at, shared, Octets(1, std::byte{0}));
  world.send(stranger.at, shared, {});
  world.send(stranger.at, shared, Octets(20, std::byte{0}));  // no STUN
  Octets bare(20);                                            // a request without credentials
  wire::StunWriter(bare, wire::StunMethod::Binding, wire::StunClass::Request, {});
  store_be16(&bare[2], 0);
  world.send(stranger.at, shared, bare);
  Octets answer(20);
  wire::StunWriter(answer, wire::StunMethod::Binding, wire::StunClass::Success, {});
  store_be16(&answer[2], 0);
  world.send(stranger.at, shared, answer);
  world.run_for(5ms);
  EXPECT_EQ(port().counters().strays, 7U);
  EXPECT_TRUE(stranger.heard.empty());
  world.send(p.at, shared, Octets(1, std::byte{0}));
  world.run_for(5ms);
  EXPECT_EQ(drops(1, DropReason::Truncated), 1U);
}

TEST_F(Sharing, AnAddressIsMovedByAProvenCheckOnly) {
  open();
  check(p);
  check(q);
  // Who writes p's address and q's fragment without the password moves nothing.
  world.send(p.at, shared, check_of(q.fragment, 500, "wrongwrongwrongwrongwr"));
  world.run_for(5ms);
  EXPECT_EQ(drops(2, DropReason::AuthFailed), 1U);
  say(p, 1);
  EXPECT_EQ(report(1).received.packets, 1U);
  // A true check moves it, and a copy of an older one does not move it back.
  const Octets earlier = check_of(p.fragment, 600);
  world.send(p.at, shared, earlier);
  world.run_for(5ms);
  check(p, q.fragment);
  say(p, 2);
  EXPECT_EQ(report(2).received.packets, 1U);
  world.send(p.at, shared, earlier);
  world.run_for(5ms);
  say(p, 3);
  EXPECT_EQ(report(1).received.packets, 1U);
  EXPECT_EQ(report(2).received.packets, 2U);
  // The next true one does.
  check(p);
  say(p, 4);
  EXPECT_EQ(report(1).received.packets, 2U);
}

TEST_F(Sharing, ACallFollowsAnEndpointThatMoves) {
  open();
  check(p);
  check(q);
  Page moved{address("192.0.2.77:4711"), p.fragment, 1};
  world.attach(moved.at, [&](Instant, const Flying& in) { moved.heard.push_back(in); });
  check(moved);
  say(q, 1);
  EXPECT_EQ(moved.heard.size(), 2U);
  say(moved, 1);
  EXPECT_EQ(report(1).received.packets, 1U);
}

TEST_F(Sharing, AfterARestartBothFragmentsFindTheLeg) {
  open();
  check(p);
  EXPECT_EQ(restart(1, "routEnewnewne"), Status::Ok);
  check(p);
  check(p, "routEnewnewne");
  EXPECT_EQ(p.heard.size(), 3U);
  // The first to nominate with the new one ends the old one.
  check(p);
  EXPECT_EQ(drops(1, DropReason::AuthFailed), 1U);
  EXPECT_EQ(restart(1, "routEnewer"), Status::Ok);
  check(p);
  EXPECT_EQ(port().counters().unknown_checks, 1U) << "of two generations before";
  check(p, "routEnewnewne");
  EXPECT_EQ(drops(1, DropReason::AuthFailed), 1U);
}

TEST_F(Sharing, NobodyTakesAnothersFragment) {
  open();
  EXPECT_EQ(restart(1, q.fragment), Status::FragmentTaken);
  EXPECT_EQ(restart(1, p.fragment), Status::Ok) << "one's own is free";
  EXPECT_EQ(try_to_open(sharing_leg(1, "routEa"), sharing_leg(2, q.fragment)),
            Status::FragmentTaken);
  EXPECT_EQ(port().legs(), 2U);
  check(stranger, "routEa");
  EXPECT_EQ(port().counters().unknown_checks, 1U);
}

TEST_F(Sharing, ALegThatClosesLeavesNothingAndThePortStays) {
  open();
  check(p);
  check(q);
  remove(1);
  EXPECT_EQ(port().legs(), 1U);
  check(p);
  say(p, 1);
  EXPECT_EQ(port().counters().unknown_checks, 1U);
  EXPECT_EQ(port().counters().strays, 1U);
  auto close = std::make_unique<CloseSession>();
  close->session = session->handle;
  world.call(std::move(close));
  EXPECT_EQ(port().legs(), 0U);
  say(q, 1);
  EXPECT_EQ(port().counters().strays, 2U);
  EXPECT_EQ(world.engine().ports(0).quarantined(), 0U);
  open();
  check(p);
  EXPECT_EQ(p.heard.size(), 2U) << "the port is still open";
}

TEST_F(Sharing, ALegMayBeAddedToACall) {
  open();
  auto add = std::make_unique<AddLeg>();
  add->session = session->handle;
  add->leg = sim::make_leg(sharing_leg(3, "routErrrrrrrr"), world.random());
  const auto added = world.call(std::move(add));
  ASSERT_EQ(added->status, Status::Ok);
  EXPECT_EQ(added->addresses.rtp, shared);
  check(stranger, "routErrrrrrrr");
  EXPECT_EQ(stranger.heard.size(), 1U);
}

TEST_F(Sharing, OneCallMayHaveBothKindsOfPort) {
  LegParts trunk;
  trunk.number = 2;
  trunk.spec.id = "trunk";
  trunk.spec.remote_rtp = q.at;
  trunk.spec.codecs = {sim::make_codec(0, "PCMU")};
  session = world.open(sim::make_bridge(leg_p, trunk, world.random()));
  EXPECT_EQ(world.engine().ports(0).used(), 2U);
  check(p);
  say(p, 1);
  EXPECT_EQ(q.heard.size(), 1U);
  EXPECT_EQ(q.heard[0].from, session->addresses[1].rtp);
}

TEST_F(Sharing, ANetworkWithoutOneRefuses) {
  leg_p.spec.network = leg_q.spec.network = "v6";
  EXPECT_EQ(try_to_open(leg_p, leg_q), Status::NoSharedPort);
  open_on_v4();
  auto add = std::make_unique<AddLeg>();
  add->session = session->handle;
  leg_p.number = 3;
  add->leg = sim::make_leg(leg_p, world.random());
  EXPECT_EQ(world.call(std::move(add))->status, Status::NoSharedPort);
}

TEST_F(Sharing, APortThatIsFullRefusesTheWholeSession) {
  World small(2, sharing_config(1));
  std::unique_ptr<Session> three = sim::make_bridge(leg_p, leg_q, small.random());
  three->add_leg(sim::make_leg(sharing_leg(3, "routErrrrrrrr"), small.random()));
  auto command = std::make_unique<OpenSession>();
  command->session = std::move(three);
  EXPECT_EQ(small.call(std::move(command))->status, Status::PortsExhausted);
  const auto two = small.open(sim::make_bridge(leg_p, leg_q, small.random()));
  auto add = std::make_unique<AddLeg>();
  add->session = two->handle;
  add->leg = sim::make_leg(sharing_leg(3, "routErrrrrrrr"), small.random());
  EXPECT_EQ(small.call(std::move(add))->status, Status::PortsExhausted);
  EXPECT_EQ(small.engine().shared_port(0)->legs(), 2U);
}

TEST_F(Sharing, APortThatTheSystemRefusedRefusesLegs) {
  EngineConfig config = sharing_config();
  PacketPool pool(16);
  Engine engine(config, pool);
  Outbox out(nullptr);
  engine.open_shared_ports(out);
  ASSERT_EQ(out.sockets.size(), 1U);
  EXPECT_EQ(out.sockets[0].bind, shared);
  engine.handle_socket_opened(Instant(1s), out.sockets[0].socket, false, out);
  auto command = std::make_unique<OpenSession>();
  command->session = sim::make_bridge(leg_p, leg_q, world.random());
  engine.handle_command(Instant(1s), Command(std::move(command)), out);
  ASSERT_EQ(out.completions.size(), 1U);
  EXPECT_EQ(std::get<std::unique_ptr<OpenSession>>(out.completions[0])->status,
            Status::SocketRefused);
}

TEST_F(Sharing, TheAddressHeardOfLongestAgoMakesRoom) {
  open();
  check(p);
  std::array<Page, ice::Pairs::kMax> others;
  for (std::uint16_t i = 0; i < others.size(); ++i) {
    others[i] = {
        SocketAddress{address("198.51.100.1:1").ip, UdpPort(static_cast<std::uint16_t>(i + 1))},
        p.fragment, 1};
    world.attach(others[i].at, [](Instant, const Flying&) {});
    check(others[i]);
  }
  say(p, 1);
  EXPECT_EQ(port().counters().strays, 1U);
  say(others.back(), 1);
  EXPECT_EQ(report(1).received.packets, 1U);
  check(p);
  say(p, 2);
  EXPECT_EQ(report(1).received.packets, 2U);
}

// Two calls to one lite server, whose answers come from one address: RFC 8445 knows them by their
// transactions.
TEST_F(Sharing, AnswersFindTheAgentThatHasAsked) {
  const SocketAddress server = address("192.0.2.50:3478");
  const auto full = [&](std::uint16_t number, const std::string& fragment) {
    LegParts parts = sharing_leg(number, fragment);
    parts.adjust = [&, fragment](LegSetup& setup) {
      ice::AgentSetup agent;
      agent.role = ice::Role::Controlling;
      agent.local = ice::Credentials(fragment, kPassword);
      agent.remote = ice::Remote{ice::Credentials("serv", "serverserverserverserv"), true};
      agent.candidates.push_back({server, 2'130'706'431});
      setup.endpoint.ice = std::make_unique<ice::Agent>(std::move(agent));
    };
    return parts;
  };
  world.attach(server, [&](Instant, const Flying& in) {
    const auto request = wire::StunView::parse(in.octets);
    if (!request || request->message_class() != wire::StunClass::Request) return;
    Octets answer(200);
    wire::StunWriter writer(answer, wire::StunMethod::Binding, wire::StunClass::Success,
                            request->transaction());
    writer.add_xor_mapped_address(in.from);
    const wire::HmacSha1 key(as_octets("serverserverserverserv"));
    answer.resize(writer.finish(&key));
    world.send(server, in.from, answer);
  });
  leg_p = full(1, p.fragment);
  leg_q = full(2, q.fragment);
  open();
  world.run_for(60s);  // consent too
  EXPECT_EQ(report(1).remote_rtp, server);
  EXPECT_EQ(report(2).remote_rtp, server);
  EXPECT_EQ(world.events_of<IceChanged>().size(), 2U);
  EXPECT_EQ(port().counters().strays, 0U);
}

TEST_F(Sharing, ARestoredLegIsHeardFromWhereItWas) {
  open();
  check(p);
  auto take = std::make_unique<TakeSnapshot>();
  take->session = session->handle;
  take->snapshot = std::make_unique<SessionSnapshot>();
  const auto taken = world.call(std::move(take));
  auto close = std::make_unique<CloseSession>();
  close->session = session->handle;
  world.call(std::move(close));

  auto again = std::make_unique<Session>(3600s, LeaseExpiry::Close);
  for (const LegParts& parts : {leg_p, leg_q}) {
    auto leg = sim::make_leg(parts, world.random());
    for (const LegSnapshot& each : taken->snapshot->legs) {
      if (each.number == parts.number) leg->restore(each, world.now());
    }
    again->add_leg(std::move(leg));
  }
  session = world.open(std::move(again));
  say(p, 1);
  EXPECT_EQ(report(1).received.packets, 1U);
}

TEST_F(Sharing, AgreesWithASimpleModelOfIt) {
  constexpr std::size_t kLegs = 6;
  SharedPort made({1, 1}, std::string(kRoute), kLegs, {5, 6});
  struct Known {
    std::unique_ptr<Leg> leg;
    std::uint32_t place = 0;
    std::vector<SocketAddress> sources;  // the latest last
  };
  std::array<Known, kLegs> legs;
  std::map<SocketAddress, Leg*> owners;
  Random random({3, 4});
  const auto fragment_of = [](std::size_t leg) { return "routE" + std::to_string(leg); };
  const auto source_of = [&] {
    return SocketAddress{p.at.ip, UdpPort(static_cast<std::uint16_t>(1 + random.below(40)))};
  };
  for (int step = 0; step < 50'000; ++step) {
    const std::size_t index = random.below(kLegs);
    Known& known = legs[index];
    if (!known.leg) {
      known.leg = sim::make_leg(sharing_leg(1, fragment_of(index)), random);
      ASSERT_TRUE(made.is_free(fragment_of(index)));
      known.place = made.add(*known.leg, 0);
      ASSERT_FALSE(made.is_free(fragment_of(index)));
    } else if (random.below(50) == 0) {
      made.remove(known.place);
      for (const SocketAddress& source : known.sources) owners.erase(source);
      known = {};
    } else {
      const SocketAddress source = source_of();
      made.hear(known.place, source);
      for (Known& each : legs) std::erase(each.sources, source);
      if (known.sources.size() == ice::Pairs::kMax) {
        owners.erase(known.sources.front());
        known.sources.erase(known.sources.begin());
      }
      known.sources.push_back(source);
      owners[source] = known.leg.get();
    }
    Datagram in{{1, 1}, source_of(), world.now(), {}};
    const auto owner = owners.find(in.from);
    ASSERT_EQ(made.recipient_of(in, wire::DatagramKind::Rtp).leg,
              owner == owners.end() ? nullptr : owner->second);
  }
}

/// Twenty calls between pages on one port, over a network that loses, repeats and swaps, whose NATs
/// give them other addresses now and then, and a stranger who copies what he sees. What one page
/// says its partner may hear and nobody else; and once the network is good again, everybody is
/// heard.
struct Crowd {
  struct Page {
    SocketAddress at;
    std::string fragment;
    std::uint8_t mark = 0;     ///< Of what it says.
    std::uint8_t partner = 0;  ///< Of what it may hear.
    std::uint64_t heard = 0;
    std::uint64_t wrong = 0;
    std::uint16_t seq = 0;
  };
  static constexpr std::uint8_t kPages = 40;
  const SocketAddress shared = address("10.0.0.1:3000");
  World world;
  std::vector<Page> pages{kPages};
  std::vector<std::unique_ptr<OpenSession>> sessions;
  std::uint64_t transactions = 1;
  std::uint16_t next_port = 4000;
  std::vector<Flying> copied;

  explicit Crowd(std::uint64_t seed) : world(seed, sharing_config()) {
    for (std::uint8_t i = 0; i < kPages; ++i) {
      pages[i].fragment = "routE" + std::to_string(10'000'000 + i);
      pages[i].mark = i;
      pages[i].partner = i ^ 1;
      move(pages[i]);
    }
    for (std::uint8_t i = 0; i < kPages; i += 2) {
      sessions.push_back(
          world.open(sim::make_bridge(sharing_leg(1, pages[i].fragment),
                                      sharing_leg(2, pages[i + 1].fragment), world.random())));
    }
  }
  [[nodiscard]] bool chance(std::uint32_t in_thousand) {
    return world.random().below(1000) < in_thousand;
  }
  void move(Page& page) {
    page.at = address(("192.0.2.7:" + std::to_string(next_port++)).c_str());
    world.attach(page.at, [&page](Instant, const Flying& in) {
      if (in.octets.size() != 172) return;  // an answer to a check
      ++(static_cast<std::uint8_t>(in.octets.back()) == page.partner ? page.heard : page.wrong);
    });
  }
  void run(Duration span, bool is_bad) {
    for (const Page& page : pages) {
      world.set_faults(page.at, is_bad ? sim::Faults{100, 50, 1ms, 60ms} : sim::Faults{});
    }
    const Instant until = world.now() + span;
    for (int turn = 0; world.now() < until; ++turn) {
      for (Page& page : pages) {
        if (is_bad && chance(2)) {
          move(page);
          world.set_faults(page.at, {100, 50, 1ms, 60ms});
        }
        // A check a second, each page at another moment.
        if ((turn + page.mark) % 50 == 0) {
          world.send(page.at, shared, check_of(page.fragment, transactions++));
        }
        Octets said = sim::rtp_packet(0, page.seq, page.seq * 160U, 100U + page.mark,
                                      Octets(160, static_cast<std::byte>(page.mark)));
        ++page.seq;
        if (is_bad && chance(5)) copied.push_back({page.at, shared, said});
        world.send(page.at, shared, std::move(said));
      }
      if (!copied.empty() && chance(300)) {
        const SocketAddress stranger = address("203.0.113.9:9");
        world.send(stranger, shared,
                   copied[world.random().below(static_cast<std::uint32_t>(copied.size()))].octets);
      }
      world.run_for(20ms);
    }
    world.run_for(100ms);
  }
};

TEST(CrowdOnASharedPort, IsToldApartUnderLossReorderingAndMoves) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Crowd crowd(seed);
    crowd.run(5s, true);
    crowd.run(2s, false);  // every page has had its check
    for (Crowd::Page& page : crowd.pages) page.heard = 0;
    crowd.run(1s, false);
    for (const Crowd::Page& page : crowd.pages) {
      ASSERT_EQ(page.wrong, 0U) << int{page.mark};
      ASSERT_EQ(page.heard, 50U) << int{page.mark};
    }
    const SharedPort& port = *crowd.world.engine().shared_port(0);
    EXPECT_EQ(port.legs(), std::size_t{Crowd::kPages});
    EXPECT_EQ(port.counters().misrouted_checks, 0U);
    for (const auto& session : crowd.sessions) {
      auto close = std::make_unique<CloseSession>();
      close->session = session->handle;
      EXPECT_EQ(crowd.world.call(std::move(close))->status, Status::Ok);
    }
    EXPECT_EQ(port.legs(), 0U);
  }
}

TEST_F(Sharing, NothingIsAllocatedOnceItIsMade) {
  if (!test_support::can_count_allocations()) GTEST_SKIP();
  SharedPort made({1, 1}, std::string(kRoute), 2, {5, 6});
  auto leg = sim::make_leg(leg_p, world.random());
  Datagram in{{1, 1}, p.at, world.now(), world.pool().take()};
  const Octets octets = check_of(p.fragment, 1);
  in.packet.resize(octets.size());
  std::ranges::copy(octets, in.packet.data().begin());
  const test_support::AllocationScope scope;
  const std::uint32_t place = made.add(*leg, 0);
  EXPECT_EQ(made.recipient_of(in, wire::DatagramKind::Stun).leg, leg.get());
  EXPECT_EQ(made.recipient_of(in, wire::DatagramKind::Rtp).leg, nullptr);
  for (std::uint16_t i = 0; i < 100; ++i) made.hear(place, {p.at.ip, UdpPort(i)});
  made.hear(place, p.at);
  EXPECT_EQ(made.recipient_of(in, wire::DatagramKind::Rtp).leg, leg.get());
  made.rename(place);
  made.remove(place);
  EXPECT_EQ(scope.allocations() + scope.frees(), 0U);
}

}  // namespace
}  // namespace causeway::engine
