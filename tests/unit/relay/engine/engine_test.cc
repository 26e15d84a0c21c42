#include "relay/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "codecs/g711.h"
#include "codecs/opus_framing.h"
#include "relay/wire/rtcp_writer.h"
#include "tests/sim/world.h"

namespace causeway::engine {
namespace {

using namespace std::chrono_literals;
using sim::address;
using sim::Flying;
using sim::LegParts;
using sim::World;

std::vector<std::byte> payload(std::size_t octets, std::uint8_t fill) {
  return std::vector<std::byte>(octets, std::byte{fill});
}

/// Two plain PCMU endpoints, a and b, and what each of them hears.
struct Bridge : testing::Test {
  const SocketAddress a = address("192.0.2.1:4000");
  const SocketAddress b = address("192.0.2.2:5000");
  World world{1};
  LegParts leg_a;
  LegParts leg_b;
  std::unique_ptr<OpenSession> session;
  std::vector<Flying> heard_a;
  std::vector<Flying> heard_b;

  Bridge() {
    leg_a.spec.id = "a";
    leg_a.number = 1;
    leg_a.spec.remote_rtp = a;
    leg_a.spec.codecs = {sim::make_codec(0, "PCMU")};
    leg_b.spec = leg_a.spec;
    leg_b.spec.id = "b";
    leg_b.number = 2;
    leg_b.spec.remote_rtp = b;
    world.attach(a, [this](Instant, const Flying& in) { heard_a.push_back(in); });
    world.attach(b, [this](Instant, const Flying& in) { heard_b.push_back(in); });
    world.attach(address("192.0.2.2:5001"), [](Instant, const Flying&) {});
    world.attach(address("192.0.2.1:4001"), [](Instant, const Flying&) {});
  }
  void open() { session = world.open(sim::make_bridge(leg_a, leg_b, world.random())); }
  [[nodiscard]] SocketAddress port_a() const { return session->addresses[0].rtp; }
  [[nodiscard]] SocketAddress port_b() const { return session->addresses[1].rtp; }
  void speak(const SocketAddress& from, const SocketAddress& to, std::uint16_t seq,
             std::uint32_t timestamp, std::uint32_t ssrc = 77, std::uint8_t type = 0) {
    world.send(from, to, sim::rtp_packet(type, seq, timestamp, ssrc, payload(160, 0x5a)));
  }
  LegReport report(std::uint16_t leg) {
    auto read = std::make_unique<ReadReport>();
    read->leg = {session->handle, leg};
    return world.call(std::move(read))->report;
  }
  /// The leg learns its endpoint's address again, by the rule that it has.
  void rearm(std::uint16_t leg) {
    auto update = std::make_unique<UpdateLeg>();
    update->leg = {session->handle, leg};
    update->update.accept_from = leg_a.spec.accept_from;
    world.call(std::move(update));
  }
  void direct(std::uint16_t leg, Direction direction) {
    auto update = std::make_unique<UpdateLeg>();
    update->leg = {session->handle, leg};
    update->update.direction = direction;
    world.call(std::move(update));
  }
  std::uint64_t drops(std::uint16_t leg, DropReason reason) {
    return report(leg).drops[static_cast<std::size_t>(reason)];
  }
};

TEST_F(Bridge, ForwardsThePayloadUntouchedUnderItsOwnSsrc) {
  open();
  speak(a, port_a(), 10, 1000);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(heard_b[0].from, port_b());
  const auto& out = heard_b[0].octets;
  ASSERT_EQ(out.size(), 172U);
  EXPECT_EQ(std::vector(out.begin() + 12, out.end()), payload(160, 0x5a));
  EXPECT_NE(load_be32(&out[8]), 77U) << "the endpoint sees the relay's SSRC";
}

TEST_F(Bridge, KeepsGapsAndSpacingOfTheSender) {
  open();
  for (const int seq : {10, 11, 14}) {
    speak(a, port_a(), static_cast<std::uint16_t>(seq), 160U * static_cast<unsigned>(seq));
  }
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 3U);
  const std::uint16_t first = load_be16(&heard_b[0].octets[2]);
  EXPECT_EQ(static_cast<std::uint16_t>(load_be16(&heard_b[2].octets[2]) - first), 4);
  EXPECT_EQ(load_be32(&heard_b[2].octets[4]) - load_be32(&heard_b[0].octets[4]), 640U);
}

TEST_F(Bridge, EveryLegHasAPairOfPortsAndGivesItBack) {
  open();
  EXPECT_EQ(port_a().port.raw() % 2, 0);
  EXPECT_EQ(session->addresses[0].rtcp->port.raw(), port_a().port.raw() + 1);
  EXPECT_EQ(world.engine().ports(0).used(), 4U);
  auto close = std::make_unique<CloseSession>();
  close->session = session->handle;
  EXPECT_EQ(world.call(std::move(close))->status, Status::Ok);
  EXPECT_EQ(world.engine().ports(0).used(), 0U);
  EXPECT_EQ(world.engine().ports(0).quarantined(), 4U);
  EXPECT_EQ(world.events_of<SessionClosed>().size(), 1U);
}

TEST_F(Bridge, AStaleHandleFindsNothing) {
  open();
  auto close = std::make_unique<CloseSession>();
  close->session = session->handle;
  world.call(std::move(close));
  auto again = std::make_unique<CloseSession>();
  again->session = session->handle;
  EXPECT_EQ(world.call(std::move(again))->status, Status::SessionNotFound);
  auto second = world.open(sim::make_bridge(leg_a, leg_b, world.random()));
  EXPECT_EQ(second->handle.slot, session->handle.slot);
  EXPECT_NE(second->handle.generation, session->handle.generation);
}

TEST_F(Bridge, AStrangerIsCountedAndNotHeard) {
  open();
  speak(address("198.51.100.7:4000"), port_a(), 10, 1000);
  world.run_for(10ms);
  EXPECT_TRUE(heard_b.empty());
  EXPECT_EQ(drops(1, DropReason::UnexpectedSource), 1U);
}

TEST_F(Bridge, DuplicatesAreDroppedOnce) {
  open();
  for (int i = 0; i < 3; ++i) speak(a, port_a(), 10, 1000);
  world.run_for(10ms);
  EXPECT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(drops(1, DropReason::Duplicate), 2U);
}

TEST_F(Bridge, TruncatedPacketsOfEveryLengthAreCounted) {
  open();
  for (std::size_t octets = 0; octets < 12; ++octets) {
    std::vector<std::byte> packet(octets, std::byte{0x80});
    world.send(a, port_a(), packet);
  }
  world.run_for(10ms);
  EXPECT_TRUE(heard_b.empty());
  EXPECT_EQ(drops(1, DropReason::Truncated), 12U);
}

TEST_F(Bridge, ANewSourceGoesOnInTheSameStream) {
  open();
  speak(a, port_a(), 10, 1000, 77);
  world.run_for(400ms);
  speak(a, port_a(), 5000, 999'999, 78);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 2U);
  const auto& before = heard_b[0].octets;
  const auto& after = heard_b[1].octets;
  EXPECT_EQ(load_be32(&before[8]), load_be32(&after[8]));
  EXPECT_EQ(static_cast<std::uint16_t>(load_be16(&before[2]) + 1), load_be16(&after[2]));
  EXPECT_EQ(load_be32(&after[4]) - load_be32(&before[4]), 3200U) << "400 ms later";
  EXPECT_NE(load_u8(&after[1]) & 0x80, 0) << "a talkspurt begins";
  EXPECT_EQ(world.events_of<SsrcChanged>().size(), 1U);
}

TEST_F(Bridge, NothingIsSentWhereNoAddressIsKnown) {
  leg_b.spec.remote_rtp.reset();
  open();
  speak(a, port_a(), 10, 1000);
  world.run_for(10ms);
  EXPECT_EQ(world.astray(), 0U);
  EXPECT_EQ(drops(2, DropReason::NoRemote), 1U);
}

TEST_F(Bridge, HoldDropsAndResumeContinuesWithoutAGap) {
  open();
  speak(a, port_a(), 10, 1600);
  world.run_for(20ms);
  const auto set_direction = [&](Direction direction) {
    auto update = std::make_unique<UpdateLeg>();
    update->leg = {session->handle, 2};
    update->update.direction = direction;
    EXPECT_EQ(world.call(std::move(update))->status, Status::Ok);
  };
  set_direction(Direction::Inactive);
  for (std::uint16_t i = 1; i <= 50; ++i) {
    speak(a, port_a(), static_cast<std::uint16_t>(10 + i), 1600U + 160U * i);
    world.run_for(20ms);
  }
  EXPECT_EQ(heard_b.size(), 1U);
  set_direction(Direction::SendRecv);
  speak(a, port_a(), 61, 1600 + 160 * 51);
  world.run_for(20ms);
  ASSERT_EQ(heard_b.size(), 2U);
  EXPECT_EQ(static_cast<std::uint16_t>(load_be16(&heard_b[0].octets[2]) + 1),
            load_be16(&heard_b[1].octets[2]));
  EXPECT_EQ(load_be32(&heard_b[1].octets[4]) - load_be32(&heard_b[0].octets[4]), 160U * 51);
}

TEST_F(Bridge, SilenceIsSaidOnceAndItsEndToo) {
  open();
  world.run_for(31s);
  ASSERT_EQ(world.events_of<MediaTimeout>().size(), 2U);
  EXPECT_FALSE(world.events_of<MediaTimeout>()[0]->had_media);
  speak(a, port_a(), 1, 0);
  world.run_for(1s);
  EXPECT_EQ(world.events_of<MediaResumed>().size(), 1U);
  world.run_for(60s);
  ASSERT_EQ(world.events_of<MediaTimeout>().size(), 3U);
  EXPECT_TRUE(world.events_of<MediaTimeout>()[2]->had_media);
}

// RFC 6263: what is sent nothing else is sent something every 15 s at the latest.
TEST_F(Bridge, TheMappingOfALatchedEndpointIsKeptOpenWhileItIsSentNothing) {
  leg_a.spec.accept_from.rule = AcceptFrom::Rule::Latch;
  leg_a.spec.direction = Direction::RecvOnly;
  open();
  world.run_for(60s);
  EXPECT_TRUE(heard_a.empty()) << "nobody has been learned";
  Instant last = world.now();
  Duration longest{};
  world.on_transmit = [&](Instant at, const Flying& sent) {
    if (sent.to != a) return;
    EXPECT_TRUE(sent.octets.empty());
    longest = std::max(longest, at - last);
    last = at;
  };
  rearm(1);
  for (std::uint16_t i = 0; i < 8; ++i) speak(a, port_a(), i, 160U * i);
  world.run_for(120s);
  EXPECT_GE(heard_a.size(), 8U);
  EXPECT_LE(longest, 15s);
  EXPECT_EQ(report(1).sent.packets, 0U) << "they are no media";
}

TEST_F(Bridge, WhoIsSentMediaNeedsNothingElse) {
  leg_a.spec.accept_from.rule = AcceptFrom::Rule::Latch;
  open();
  for (std::uint16_t i = 0; i < 1000; ++i) {
    speak(a, port_a(), i, 160U * i);
    speak(b, port_b(), i, 160U * i);
    world.run_for(20ms);
  }
  EXPECT_TRUE(std::ranges::none_of(heard_a, [](const Flying& in) { return in.octets.empty(); }));
}

TEST_F(Bridge, HoldLeavesNoGapWhereAudioIsTranscoded) {
  leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
  open();
  std::uint16_t seq = 0;
  const auto speak_for = [&](Duration span) {
    for (Duration at{}; at < span; at += 20ms, ++seq) {
      speak(a, port_a(), seq, 160U * seq);
      world.run_for(20ms);
    }
  };
  speak_for(200ms);
  direct(2, Direction::Inactive);
  speak_for(100ms);
  world.run_for(1s);  // a falls silent too, which a transcoder fills
  seq = static_cast<std::uint16_t>(seq + 50);
  speak_for(100ms);
  direct(2, Direction::SendRecv);
  speak_for(200ms);
  ASSERT_GE(heard_b.size(), 20U);
  for (std::size_t i = 1; i < heard_b.size(); ++i) {
    const int step = load_be16(&heard_b[i].octets[2]) - load_be16(&heard_b[i - 1].octets[2]);
    EXPECT_EQ(static_cast<std::uint16_t>(step), 1U) << i;
  }
}

TEST_F(Bridge, WhatAnEndpointSaysWhileItIsOnHoldIsNotLost) {
  open();
  for (std::uint16_t i = 0; i < 100; ++i) {
    if (i == 20) direct(1, Direction::Inactive);
    if (i == 70) direct(1, Direction::SendRecv);
    speak(a, port_a(), i, 160U * i);
    world.run_for(20ms);
  }
  EXPECT_EQ(drops(1, DropReason::Paused), 50U);
  EXPECT_EQ(report(1).received.packets, 50U);
  EXPECT_EQ(report(1).received.lost, 0U);
}

TEST_F(Bridge, ALegOnHoldDoesNotTimeOut) {
  leg_a.spec.direction = Direction::SendOnly;
  leg_b.spec.direction = Direction::Inactive;
  open();
  world.run_for(100s);
  EXPECT_TRUE(world.events_of<MediaTimeout>().empty());
}

TEST_F(Bridge, TheCallOutlivesItsLeaseWhileSomebodySpeaks) {
  auto two = sim::make_bridge(leg_a, leg_b, world.random());
  two->renew(Instant{}, 60s);
  auto lease = std::make_unique<Session>(60s, LeaseExpiry::CloseWhenSilent);
  for (auto& leg : two->legs()) lease->add_leg(std::move(leg));
  for (auto& connection : two->connections()) lease->add_connection(std::move(connection));
  session = world.open(std::move(lease));
  for (std::uint16_t i = 0; i < 100; ++i) {
    speak(a, port_a(), i, 8000U * i);
    world.run_for(1s);
  }
  EXPECT_EQ(world.engine().sessions(), 1U) << "100 s, lease 60 s, still talking";
  world.run_for(29s);
  EXPECT_EQ(world.engine().sessions(), 1U);
  world.run_for(2s);
  EXPECT_EQ(world.engine().sessions(), 0U);
  ASSERT_EQ(world.events_of<SessionClosed>().size(), 1U);
  EXPECT_EQ(world.events_of<SessionClosed>()[0]->reason, SessionClosed::Reason::LeaseExpiredSilent);
}

TEST_F(Bridge, APortThatIsTakenIsReplacedByAnother) {
  world.refuse_sockets = 3;
  open();
  EXPECT_EQ(session->addresses.size(), 2U);
  EXPECT_GT(world.engine().ports(0).quarantined(), 0U);
  EXPECT_EQ(world.engine().ports(0).used(), 4U);
}

TEST_F(Bridge, ASystemThatRefusesEverySocketIsBelieved) {
  world.refuse_sockets = 1000;
  auto command = std::make_unique<OpenSession>();
  command->session = sim::make_bridge(leg_a, leg_b, world.random());
  const auto done = world.call(std::move(command));
  EXPECT_EQ(done->status, Status::SocketRefused);
  EXPECT_NE(done->session, nullptr) << "the sender frees it";
  EXPECT_EQ(world.engine().ports(0).used(), 0U);
  EXPECT_EQ(world.engine().sessions(), 0U);
}

TEST_F(Bridge, ExhaustedPortsRefuseTheWholeSession) {
  std::vector<std::unique_ptr<OpenSession>> open_sessions;
  EngineConfig config = World::default_config();
  config.networks[0].last_port = UdpPort(20005);
  World small(2, config);
  open_sessions.push_back(small.open(sim::make_bridge(leg_a, leg_b, small.random())));
  auto command = std::make_unique<OpenSession>();
  command->session = sim::make_bridge(leg_a, leg_b, small.random());
  small.refuse_sockets = 100;
  EXPECT_EQ(small.call(std::move(command))->status, Status::PortsExhausted);
  EXPECT_EQ(small.refuse_sockets, 100) << "no socket was opened in vain";
  small.refuse_sockets = 0;
  EXPECT_EQ(small.engine().ports(0).used(), 4U);
  EXPECT_EQ(small.engine().ports(0).free(), 2U) << "the pair of its first leg was told to nobody";
  auto one = std::make_unique<OpenSession>();
  one->session = std::make_unique<Session>(60s, LeaseExpiry::Close);
  one->session->add_leg(sim::make_leg(leg_a, small.random()));
  EXPECT_EQ(small.call(std::move(one))->status, Status::Ok);
}

TEST_F(Bridge, AFailedTryLetsOnlyRefusedPortsRest) {
  EngineConfig config = World::default_config();
  config.networks[0].last_port = UdpPort(20007);
  World small(2, config);
  small.refuse_sockets = 3;  // two pairs lose a port, so two are left for three legs
  auto command = std::make_unique<OpenSession>();
  auto legs = sim::make_bridge(leg_a, leg_b, small.random());
  LegParts leg_c = leg_b;
  leg_c.number = 3;
  legs->add_leg(sim::make_leg(leg_c, small.random()));
  command->session = std::move(legs);
  EXPECT_EQ(small.call(std::move(command))->status, Status::PortsExhausted);
  EXPECT_EQ(small.engine().ports(0).used(), 0U);
  EXPECT_EQ(small.engine().ports(0).quarantined(), 4U) << "the two pairs with a port refused";
  EXPECT_EQ(small.engine().ports(0).free(), 4U);
}

TEST_F(Bridge, LegsCanBeAddedConnectedAndRemoved) {
  open();
  LegParts leg_c = leg_b;
  leg_c.number = 3;
  leg_c.spec.id = "c";
  const SocketAddress c = address("192.0.2.3:6000");
  leg_c.spec.remote_rtp = c;
  std::vector<Flying> heard_c;
  world.attach(c, [&](Instant, const Flying& in) { heard_c.push_back(in); });
  auto add = std::make_unique<AddLeg>();
  add->session = session->handle;
  add->leg = sim::make_leg(leg_c, world.random());
  ASSERT_EQ(world.call(std::move(add))->status, Status::Ok);
  auto connect = std::make_unique<SetConnection>();
  connect->session = session->handle;
  connect->from = 1;
  connect->to = 3;
  connect->connection = sim::make_connection(leg_a, leg_c);
  ASSERT_EQ(world.call(std::move(connect))->status, Status::Ok);
  speak(a, port_a(), 10, 1000);
  world.run_for(10ms);
  EXPECT_EQ(heard_b.size(), 1U) << "one sender, two receivers";
  EXPECT_EQ(heard_c.size(), 1U);
  auto remove = std::make_unique<RemoveLeg>();
  remove->leg = {session->handle, 3};
  const auto removed = world.call(std::move(remove));
  EXPECT_EQ(removed->status, Status::Ok);
  EXPECT_EQ(removed->connections.size(), 1U);
  speak(a, port_a(), 11, 1160);
  world.run_for(10ms);
  EXPECT_EQ(heard_b.size(), 2U);
  EXPECT_EQ(heard_c.size(), 1U);
}

/// How many of eight senders leg 1 tells apart: the second of three packets comes last, and only a
/// leg that remembers the other two of its sender calls it reordered.
std::uint64_t remembered_sources(Bridge& call, std::uint16_t first) {
  const std::uint64_t before = call.report(1).received.reordered;
  for (const int step : {0, 2, 1}) {
    const auto seq = static_cast<std::uint16_t>(first + step);
    for (std::uint32_t ssrc = 1; ssrc <= kMaxSources; ++ssrc) {
      call.speak(call.a, call.port_a(), seq, 160U * seq, ssrc);
      call.world.run_for(1ms);
    }
  }
  return call.report(1).received.reordered - before;
}

TEST_F(Bridge, ALegRemembersAsManySourcesAsItsMediaAskFor) {
  open();
  EXPECT_EQ(remembered_sources(*this, 10), 0U) << "eight in turn are more than audio ever has";
  leg_a.spec.codecs.push_back(sim::make_codec(96, "VP8", 90000, MediaKind::Video));
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 1};
  update->update.set_codecs(leg_a.spec);
  const auto done = world.call(std::move(update));
  EXPECT_EQ(done->update.receptions.capacity(), kMaxAudioSources) << "the old room is freed here";
  EXPECT_EQ(remembered_sources(*this, 20), kMaxSources);
}

TEST_F(Bridge, AnAudioLegRemembersTheSourcesOfBefore) {
  open();
  for (const std::uint16_t seq : {std::uint16_t{2}, std::uint16_t{4}, std::uint16_t{3}}) {
    for (std::uint32_t ssrc = 1; ssrc <= kMaxAudioSources; ++ssrc) {
      speak(a, port_a(), seq, 160U * seq, ssrc);
      world.run_for(1ms);
    }
  }
  EXPECT_EQ(report(1).received.reordered, 4U);
}

TEST_F(Bridge, VideoThatIsAddedDuringACallPassesUnderAnSsrcOfItsOwn) {
  open();
  speak(a, port_a(), 10, 1000);
  leg_a.spec.codecs.push_back(sim::make_codec(96, "VP8", 90000, MediaKind::Video));
  leg_b.spec.codecs.push_back(sim::make_codec(120, "VP8", 90000, MediaKind::Video));
  for (const LegParts* leg : {&leg_a, &leg_b}) {
    auto update = std::make_unique<UpdateLeg>();
    update->leg = {session->handle, leg->number};
    update->update.set_codecs(leg->spec);
    ASSERT_EQ(world.call(std::move(update))->status, Status::Ok);
  }
  speak(a, port_a(), 1, 0, 99, 96);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 1U) << "the path is still that of before";
  for (int plan = 0; plan < 2; ++plan) {
    auto connect = std::make_unique<SetConnection>();
    connect->session = session->handle;
    connect->from = 1;
    connect->to = 2;
    connect->connection = sim::make_connection(leg_a, leg_b);
    ASSERT_EQ(world.call(std::move(connect))->status, Status::Ok);
    for (const std::uint32_t ssrc : {99U, 100U}) {
      speak(a, port_a(), static_cast<std::uint16_t>(2 + plan), 0, ssrc, 96);
    }
    world.run_for(10ms);
  }
  ASSERT_EQ(heard_b.size(), 5U);
  const auto ssrc_of = [&](std::size_t i) { return load_be32(&heard_b[i].octets[8]); };
  EXPECT_NE(ssrc_of(1), ssrc_of(0));
  EXPECT_NE(ssrc_of(2), ssrc_of(1));
  EXPECT_EQ(ssrc_of(3), ssrc_of(1)) << "whichever path brings it";
  EXPECT_EQ(ssrc_of(4), ssrc_of(2));
}

TEST_F(Bridge, AnUpdateBringsWhatIsPlannedAnewWithItInTheSameInstant) {
  open();
  speak(a, port_a(), 10, 1000);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 1U);
  leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 2};
  update->update.set_codecs(leg_b.spec);
  update->replanned.push_back(sim::make_connection(leg_a, leg_b));
  const media::Path* const planned_anew = update->replanned[0]->path.get();
  const auto updated = world.call(std::move(update));
  ASSERT_EQ(updated->status, Status::Ok);
  ASSERT_EQ(updated->replanned.size(), 1U);
  ASSERT_NE(updated->replanned[0], nullptr) << "the old one comes back to be freed";
  EXPECT_NE(updated->replanned[0]->path.get(), planned_anew);
  speak(a, port_a(), 11, 1160);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 2U);
  EXPECT_EQ(load_u8(&heard_b[0].octets[1]) & 0x7fU, 0U);
  EXPECT_EQ(load_u8(&heard_b[1].octets[1]) & 0x7fU, 8U) << "from the next packet on";
}

TEST_F(Bridge, AnUpdateOfALegThatIsGoneReplansNothing) {
  open();
  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 9};
  update->replanned.push_back(sim::make_connection(leg_a, leg_b));
  const media::Path* const planned_anew = update->replanned[0]->path.get();
  const auto refused = world.call(std::move(update));
  EXPECT_EQ(refused->status, Status::LegNotFound);
  EXPECT_EQ(refused->replanned[0]->path.get(), planned_anew);
}

TEST_F(Bridge, ARemovedLegBringsItsLastReportWithAllThatWasTranscoded) {
  leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
  open();
  for (std::uint16_t i = 0; i < 10; ++i) {
    if (i == 5) continue;  // lost
    world.at(world.now() + i * 20ms,
             [this, i] { speak(a, port_a(), i, static_cast<std::uint32_t>(i * 160)); });
  }
  speak(b, port_b(), 1, 160, 78, 8);
  world.run_for(250ms);
  auto remove = std::make_unique<RemoveLeg>();
  remove->leg = {session->handle, 1};
  const LegReport last = world.call(std::move(remove))->report;
  EXPECT_EQ(last.received.packets, 9U);
  ASSERT_TRUE(last.transcoded.from_endpoint && last.transcoded.to_endpoint);
  EXPECT_EQ(last.transcoded.from_endpoint->decoded, 9U);
  EXPECT_EQ(last.transcoded.from_endpoint->lost, 1U);
  EXPECT_EQ(last.transcoded.from_endpoint->concealed, 1U);
  EXPECT_GE(last.transcoded.from_endpoint->concealed_time, 20ms);
  EXPECT_EQ(last.transcoded.to_endpoint->decoded, 1U);
  EXPECT_GE(last.transcoded.to_endpoint->encoded, 1U) << "what b stopped saying is faded out";
}

TEST_F(Bridge, DigitsAreQueuedAllOrNone) {
  leg_b.spec.codecs.push_back(
      sim::make_codec(101, "telephone-event", 8000, MediaKind::TelephoneEvent));
  open();
  const auto send = [&](std::size_t count) {
    auto command = std::make_unique<SendDtmf>();
    command->leg = {session->handle, 2};
    for (std::size_t i = 0; i < count; ++i) command->digits.push_back({});
    return world.call(std::move(command))->status;
  };
  EXPECT_EQ(send(60), Status::Ok);
  EXPECT_EQ(send(5), Status::TooManyDigits);
  EXPECT_EQ(send(4), Status::Ok) << "those that were refused take no room";
}

TEST_F(Bridge, BridgesIpv4AndIpv6) {
  const SocketAddress b6 = address("[fd00::2]:5000");
  leg_b.spec.network = "v6";
  leg_b.spec.remote_rtp = b6;
  world.attach(b6, [this](Instant, const Flying& in) { heard_b.push_back(in); });
  open();
  speak(a, port_a(), 10, 1000);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 1U);
  EXPECT_TRUE(heard_b[0].from.ip.is_v6());
}

TEST_F(Bridge, OpaqueCodecsAndVideoPassUntouched) {
  leg_a.spec.codecs = {sim::make_codec(18, "G729"),
                       sim::make_codec(96, "VP8", 90000, MediaKind::Video)};
  leg_b.spec.codecs = {sim::make_codec(18, "G729"),
                       sim::make_codec(120, "VP8", 90000, MediaKind::Video)};
  open();
  speak(a, port_a(), 10, 1000, 77, 18);
  speak(a, port_a(), 900, 5000, 78, 96);
  speak(a, port_a(), 901, 5000, 78, 96);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 3U);
  EXPECT_EQ(load_u8(&heard_b[0].octets[1]) & 0x7f, 18);
  EXPECT_EQ(load_u8(&heard_b[1].octets[1]), 120) << "type mapped, marker left alone";
  EXPECT_NE(load_be32(&heard_b[0].octets[8]), load_be32(&heard_b[1].octets[8]));
  EXPECT_EQ(load_be32(&heard_b[1].octets[4]), load_be32(&heard_b[2].octets[4]));
  EXPECT_TRUE(world.events_of<SsrcChanged>().empty()) << "pictures beside the sound are no change";
}

// RFC 5761 5.1.1: what an offer asked for and its answer granted.
TEST_F(Bridge, RtcpGoesOverTheRtpPortOnceThatIsAgreed) {
  leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};  // the relay reports for itself
  std::size_t at_rtcp_port = 0;
  world.attach(address("192.0.2.1:4001"), [&](Instant, const Flying&) { ++at_rtcp_port; });
  open();
  std::array<std::byte, 100> octets{};
  wire::RtcpWriter writer(octets);
  ASSERT_TRUE(writer.receiver_report(Ssrc(77), {}));
  ASSERT_TRUE(writer.sdes_cname(Ssrc(77), "a"));
  const std::vector<std::byte> compound(writer.written().begin(), writer.written().end());
  world.send(a, port_a(), compound);
  world.run_for(10ms);
  EXPECT_EQ(report(1).received.rtcp_packets, 0U);

  auto update = std::make_unique<UpdateLeg>();
  update->leg = {session->handle, 1};
  update->update.has_rtcp_mux = true;
  ASSERT_EQ(world.call(std::move(update))->status, Status::Ok);
  world.send(a, port_a(), compound);
  world.send(address("192.0.2.1:4001"), *session->addresses[0].rtcp, compound);
  world.run_for(10ms);
  EXPECT_EQ(report(1).received.rtcp_packets, 1U) << "from the RTP port only";
  EXPECT_FALSE(report(1).local_rtcp);
  speak(b, port_b(), 1, 160);
  speak(a, port_a(), 1, 160);
  world.run_for(20s);
  EXPECT_EQ(at_rtcp_port, 0U);
  EXPECT_TRUE(std::ranges::any_of(heard_a, [](const Flying& in) {
    const std::uint8_t type = load_u8(&in.octets[1]);
    return type == 200 || type == 201;
  }));
}

TEST_F(Bridge, RtcpWhoseInsidesLieIsCountedOnceWhoeverReadsIt) {
  for (const bool transcodes : {false, true}) {
    if (transcodes) leg_b.spec.codecs = {sim::make_codec(8, "PCMA")};
    open();
    speak(a, port_a(), 10, 1000);
    // An SR of 31 blocks in eight octets, then one that does not lie.
    std::vector<std::byte> compound(16, std::byte{0});
    store_be32(compound.data(), 0x9fc80001);
    store_be32(&compound[8], 0x80c90001);
    world.send(address("192.0.2.1:4001"), *session->addresses[0].rtcp, compound);
    world.run_for(10ms);
    EXPECT_EQ(drops(1, DropReason::BadHeader), 1U) << transcodes;
  }
}

struct SecureBridge : Bridge {
  std::unique_ptr<srtp::SrtpSender> phone;       // what endpoint a seals with
  std::unique_ptr<srtp::SrtpReceiver> listener;  // and opens with
  SecureBridge() {
    constexpr auto kSuite = wire::SrtpSuite::AesCm128HmacSha1_80;
    leg_a.spec.security = Security::Sdes;
    leg_a.keys = {kSuite, 0x11, 0x22};
    phone = std::move(*srtp::SrtpSender::create(sim::make_keys(kSuite, 0x11), {}));
    listener = std::move(*srtp::SrtpReceiver::create(sim::make_keys(kSuite, 0x22), {}));
  }
  std::vector<std::byte> sealed(std::uint16_t seq) {
    PacketBuf buffer = world.pool().take();
    auto open = wire::OpenRtp::make(std::move(buffer), PayloadType(0), false, SeqNum(seq),
                                    RtpTimestamp(160U * seq), Ssrc(77), payload(160, 0x5a));
    auto packet = phone->seal(std::move(open));
    EXPECT_TRUE(packet);
    const Bytes octets = std::as_const(*packet).data();
    return {octets.begin(), octets.end()};
  }
};

TEST_F(SecureBridge, RekeysInBothDirections) {
  open();
  world.send(a, port_a(), sealed(10));
  speak(b, port_b(), 20, 3200);
  world.run_for(10ms);
  ASSERT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(heard_b[0].octets.size(), 172U);
  EXPECT_EQ(heard_b[0].octets[20], std::byte{0x5a}) << "in the clear";
  ASSERT_EQ(heard_a.size(), 1U);
  EXPECT_EQ(heard_a[0].octets.size(), 182U) << "an 80-bit tag";
  PacketBuf buffer = world.pool().take();
  buffer.resize(heard_a[0].octets.size());
  std::ranges::copy(heard_a[0].octets, buffer.data().begin());
  const auto opened = listener->open(*wire::SealedRtp::parse(std::move(buffer)), world.now());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->payload()[8], std::byte{0x5a});
}

TEST_F(SecureBridge, ForgedPacketsChangeNothingButCountersAndOneEvent) {
  open();
  auto forged = sealed(10);
  forged.back() ^= std::byte{1};
  for (int i = 0; i < 1000; ++i) world.send(a, port_a(), forged);
  world.run_for(10ms);
  EXPECT_TRUE(heard_b.empty());
  EXPECT_EQ(drops(1, DropReason::AuthFailed), 1000U);
  const auto said = world.events_of<SrtpFailed>();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0]->failures, 1U);
  EXPECT_EQ(said[0]->verified, 0U) << "a wrong key, rather than an attacker";
  EXPECT_TRUE(world.events_of<FirstPacket>().empty());
  world.send(a, port_a(), sealed(11));
  world.run_for(10ms);
  EXPECT_EQ(heard_b.size(), 1U) << "the call lives";
}

TEST_F(SecureBridge, ReplayedPacketsAreNotHeardTwice) {
  open();
  const auto packet = sealed(10);
  for (int i = 0; i < 5; ++i) world.send(a, port_a(), packet);
  world.run_for(10ms);
  EXPECT_EQ(heard_b.size(), 1U);
  EXPECT_EQ(drops(1, DropReason::Replayed), 4U);
}

TEST_F(SecureBridge, APairOfLegsUnderOneKeyIsStillVerified) {
  constexpr auto kSuite = wire::SrtpSuite::AesCm128HmacSha1_80;
  leg_b.spec.security = Security::Sdes;
  leg_b.keys = {kSuite, 0x22, 0x11};
  listener = std::move(*srtp::SrtpReceiver::create(sim::make_keys(kSuite, 0x11), {}));
  open();
  auto forged = sealed(10);
  forged.back() ^= std::byte{1};
  world.send(a, port_a(), forged);
  world.send(a, port_a(), sealed(11));
  world.run_for(10ms);
  EXPECT_EQ(drops(1, DropReason::AuthFailed), 1U);
  ASSERT_EQ(heard_b.size(), 1U);
  PacketBuf buffer = world.pool().take();
  buffer.resize(heard_b[0].octets.size());
  std::ranges::copy(heard_b[0].octets, buffer.data().begin());
  const auto opened = listener->open(*wire::SealedRtp::parse(std::move(buffer)), world.now());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->payload()[8], std::byte{0x5a});
}

// RFC 3711 3.3.1 and its readers differ about the ROC after a new key: a new SSRC leaves no doubt.
TEST_F(SecureBridge, AStreamPastARolloverGoesOnUnderANewSsrcWhenRekeyed) {
  leg_b.spec.codecs = {sim::make_codec(8, "PCMA"), sim::make_codec(0, "PCMU"),
                       sim::make_codec(96, "VP8", 90000, MediaKind::Video)};
  leg_a.spec.codecs.push_back(leg_b.spec.codecs.back());
  open();
  std::vector<Flying> reports;
  world.attach(address("192.0.2.1:4001"),
               [&](Instant, const Flying& in) { reports.push_back(in); });
  std::uint16_t seq = 0;
  const auto talk = [&](std::uint8_t audio) {
    ++seq;
    speak(b, port_b(), static_cast<std::uint16_t>(seq * 3000), seq * 160U, 77, audio);
    speak(b, port_b(), static_cast<std::uint16_t>(seq * 3000), seq * 1800U, 78, 96);
    world.run_for(20ms);
  };
  const auto heard_ssrcs = [&] {
    std::map<std::uint8_t, std::uint32_t> by_type;
    for (const Flying& in : heard_a) {
      by_type[load_u8(&in.octets[1]) & 0x7f] = load_be32(&in.octets[8]);
    }
    return by_type;
  };
  for (int i = 0; i < 30; ++i) talk(0);  // 90,000 numbers: at least one rollover
  const auto before = heard_ssrcs();
  ASSERT_EQ(before.size(), 2U);

  auto rekey = std::make_unique<UpdateLeg>();
  rekey->leg = {session->handle, 1};
  constexpr auto kSuite = wire::SrtpSuite::AesCm128HmacSha1_80;
  rekey->update.sender = std::move(*srtp::SrtpSender::create(sim::make_keys(kSuite, 0x33), {}));
  ASSERT_EQ(world.call(std::move(rekey))->status, Status::Ok);
  heard_a.clear();
  reports.clear();
  talk(0);
  talk(8);  // transcoded: from here on the reports about it are our own
  const auto after = heard_ssrcs();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_NE(after.at(0), before.at(0));
  EXPECT_NE(after.at(96), before.at(96)) << "video too";
  for (int i = 0; i < 500; ++i) talk(8);
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(load_u8(&reports.back().octets[1]), 200) << "a sender report";
  EXPECT_EQ(load_be32(&reports.back().octets[4]), after.at(0));
  // And what the endpoint says about it is heard.
  std::array<std::byte, 200> octets{};
  wire::RtcpWriter writer(octets);
  wire::ReportBlock block;
  block.ssrc = Ssrc(after.at(0));
  block.fraction_lost = 64;
  ASSERT_TRUE(writer.receiver_report(Ssrc(77), std::array{block}));
  PacketBuf buffer = world.pool().take();
  buffer.resize(writer.written().size());
  std::ranges::copy(writer.written(), buffer.data().begin());
  const auto sealed_report = phone->seal_rtcp(std::move(buffer));
  ASSERT_TRUE(sealed_report);
  const Bytes sent = std::as_const(*sealed_report).data();
  world.send(address("192.0.2.1:4001"), *session->addresses[0].rtcp, {sent.begin(), sent.end()});
  world.run_for(10ms);
  EXPECT_EQ(report(1).sent.far_fraction_lost, 64);
}

TEST_F(SecureBridge, ASecureLegWithoutKeysNeverFallsBackToPlain) {
  leg_a.keys.reset();
  open();
  speak(a, port_a(), 10, 1000);
  speak(b, port_b(), 10, 1000);
  world.run_for(10ms);
  EXPECT_TRUE(heard_a.empty());
  EXPECT_TRUE(heard_b.empty());
  EXPECT_EQ(drops(1, DropReason::LegNotReady), 2U);
}

/// A voice of sorts at 8 kHz as PCMU: a pulse train that swells and fades.
std::vector<std::byte> voiced(std::uint32_t packet) {
  std::vector<std::byte> octets;
  for (std::uint32_t i = packet * 160; i < (packet + 1) * 160; ++i) {
    const std::uint32_t loudness = i / 20 % 400;  // a syllable a second
    const int value = (static_cast<int>(i % 66) - 33) * static_cast<int>(std::min(loudness, 100U));
    octets.push_back(std::byte{codecs::encode_pcmu(static_cast<std::int16_t>(value))});
  }
  return octets;
}

/// A receiver report about `source` that says one in five was lost, and an SDES with a CNAME.
std::vector<std::byte> report_of_loss(std::uint32_t reporter, std::uint32_t source) {
  std::vector<std::byte> octets(32 + 16);
  store_be32(&octets[0], 0x81C90007);
  store_be32(&octets[4], reporter);
  store_be32(&octets[8], source);
  store_be32(&octets[12], 51U << 24U | 10U);
  store_be32(&octets[32], 0x81CA0003);
  store_be32(&octets[36], reporter);
  store_be32(&octets[40], 0x01026263);  // CNAME "bc"
  return octets;
}

TEST_F(Bridge, TheLossThatAReceiverReportsReachesTheEncoderTowardsIt) {
  leg_b.spec.codecs = {sim::make_codec(111, "opus", 48000)};
  leg_b.spec.codecs[0].channels = 2;
  leg_b.spec.codecs[0].opus.has_inband_fec = true;
  open();
  const auto speak_packets = [&](std::uint32_t from, std::uint32_t to) {
    heard_b.clear();
    for (std::uint32_t i = from; i < to; ++i) {
      world.send(a, port_a(),
                 sim::rtp_packet(0, static_cast<std::uint16_t>(i), 160 * i, 77, voiced(i)));
      world.run_for(20ms);
    }
    return std::ranges::count_if(heard_b, [](const Flying& in) {
      return codecs::OpusPacket::parse(Bytes(in.octets).subspan(12))->has_lbrr();
    });
  };
  EXPECT_EQ(speak_packets(0, 100), 0) << "no loss is known, no FEC";
  ASSERT_EQ(heard_b.size(), 100U);
  const std::uint32_t ssrc = load_be32(&heard_b.back().octets[8]);
  world.send(address("192.0.2.2:5001"), *session->addresses[1].rtcp, report_of_loss(0xbbbb, ssrc));
  world.run_for(20ms);
  EXPECT_GT(speak_packets(101, 201), 20);
}

TEST_F(Bridge, TheSameSeedGivesTheSameOctets) {
  const auto run = [&](std::uint64_t seed) {
    World again(seed);
    std::vector<std::byte> all;
    again.on_transmit = [&](Instant, const Flying& out) {
      all.insert(all.end(), out.octets.begin(), out.octets.end());
    };
    again.attach(b, [](Instant, const Flying&) {});
    again.set_faults(a, {50, 50, 5ms, 30ms});
    auto opened = again.open(sim::make_bridge(leg_a, leg_b, again.random()));
    for (std::uint16_t seq = 0; seq < 200; ++seq) {
      again.at(again.now() + 20ms * seq, [&again, this, seq, to = opened->addresses[0].rtp] {
        again.send(a, to, sim::rtp_packet(0, seq, 160U * seq, 77, payload(160, 1)));
      });
    }
    again.run_for(10s);
    return all;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace causeway::engine
