#include <set>

#include "tests/attack/call_under_attack.h"

// The attack list's cases 1 to 7 and 20, packet by packet in virtual time: the same call with and
// without the attack must be the same call, to the bit.

namespace causeway::attack {
namespace {

using engine::LegReport;
using wire::SrtpSuite;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kThinning = 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int kThinning = 10;
#else
constexpr int kThinning = 1;
#endif
#else
constexpr int kThinning = 1;
#endif

/// How many packets a tick make a million over the call.
constexpr int kMillionth = 1'000'000 / CallUnderAttack::kTicks / kThinning + 1;

std::uint64_t all_drops(const LegReport& report) {
  std::uint64_t all = 0;
  for (const std::uint64_t count : report.drops) all += count;
  return all;
}

void expect_same_statistics(const LegReport& report, const LegReport& quiet) {
  EXPECT_EQ(report.received.packets, quiet.received.packets);
  EXPECT_EQ(report.received.octets, quiet.received.octets);
  EXPECT_EQ(report.received.rtcp_packets, quiet.received.rtcp_packets);
  EXPECT_EQ(report.received.lost, quiet.received.lost);
  EXPECT_EQ(report.received.reordered, quiet.received.reordered);
  EXPECT_EQ(report.received.duplicates, quiet.received.duplicates);
  EXPECT_EQ(report.received.jitter, quiet.received.jitter);
  EXPECT_EQ(report.received.ssrc, quiet.received.ssrc);
  EXPECT_EQ(report.sent.packets, quiet.sent.packets);
  EXPECT_EQ(report.sent.rtcp_packets, quiet.sent.rtcp_packets);
  EXPECT_EQ(report.sent.far_fraction_lost, quiet.sent.far_fraction_lost);
  EXPECT_EQ(report.remote_rtp, quiet.remote_rtp);
  EXPECT_EQ(report.remote_rtcp, quiet.remote_rtcp);
}

/// What holds for every attack: the endpoints were sent what they would have been sent anyway, the
/// attacker nothing; the relay's view of both is unchanged but for the drops, which count every
/// packet of the attack; no state and no buffer is left behind; at most one event tells of it.
void expect_unaffected(CallUnderAttack& call, CallUnderAttack& quiet,
                       std::uint64_t attack_packets) {
  EXPECT_GT(quiet.heard_a.size(), 250U);
  EXPECT_EQ(quiet.heard_a.size(), quiet.heard_b.size());
  EXPECT_TRUE(call.heard_a == quiet.heard_a);
  EXPECT_TRUE(call.heard_b == quiet.heard_b);
  EXPECT_TRUE(call.heard_stranger.empty());
  EXPECT_EQ(call.world.astray(), quiet.world.astray());
  std::uint64_t drops = 0;
  for (const std::uint16_t leg : {std::uint16_t{1}, std::uint16_t{2}}) {
    const LegReport report = call.report_of(leg);
    const LegReport calm = quiet.report_of(leg);
    expect_same_statistics(report, calm);
    drops += all_drops(report) - all_drops(calm);
  }
  EXPECT_EQ(drops, attack_packets);
  EXPECT_EQ(call.indices(), quiet.indices()) << "SSRCs, rollover counters, newest indices";
  EXPECT_TRUE(call.has_all_buffers_back());
  EXPECT_LE(call.world.events_of<engine::SrtpFailed>().size(), 1U);
  EXPECT_EQ(call.world.events.size() - call.world.events_of<engine::SrtpFailed>().size(),
            quiet.world.events.size());
}

void nothing(int /*tick*/) {}

TEST(MediaAttack, Case1ASprayOverTheWholePortRangeIsNotNoticed) {
  CallUnderAttack quiet;
  quiet.run(nothing);
  CallUnderAttack call;
  std::uint64_t hits = 0;
  Random random({1, 1});
  call.run([&](int tick) {
    for (std::uint16_t port = 20000; port < 21000; ++port) {
      SocketAddress to = call.port(0);
      to.port = UdpPort(port);
      const auto ssrc = static_cast<std::uint32_t>(random.next());
      call.world.send(call.stranger, to,
                      call.clear(Ssrc(ssrc), static_cast<std::uint16_t>(tick), tick));
    }
    hits += 4;
  });
  expect_unaffected(call, quiet, hits);
  EXPECT_EQ(call.drops(2, DropReason::UnexpectedSource), hits / 4) << "and RTCP's port wants RTCP";
}

TEST(MediaAttack, Case2TheVictimsOwnSsrcAndNextNumberFromElsewhereAreNotHeard) {
  CallUnderAttack quiet;
  quiet.run(nothing);
  CallUnderAttack call;
  call.run([&](int tick) {
    const auto next = static_cast<std::uint16_t>(tick);
    call.world.send(call.stranger, call.port(1), call.clear(call.kSsrcB, next, tick + 1));
    call.world.send(call.stranger, call.rtcp_port(1), call.report(call.kSsrcB));
    // The same address and another port is another source too.
    SocketAddress neighbour = call.b;
    neighbour.port = UdpPort(5002);
    call.world.send(neighbour, call.port(1), call.clear(call.kSsrcB, next, tick + 1));
    // On the SRTP leg not even the endpoint's own address helps.
    call.world.send(call.a, call.port(0), call.clear(call.kSsrcA, next, tick + 1));
    call.world.send(call.a_rtcp, call.rtcp_port(0), call.report(call.kSsrcA));
  });
  expect_unaffected(call, quiet, 5 * CallUnderAttack::kTicks);
  EXPECT_EQ(call.drops(2, DropReason::UnexpectedSource), 3U * CallUnderAttack::kTicks);
}

TEST(MediaAttack, Case3AHundredThousandSsrcsAndJumpsLeaveNoTrace) {
  CallUnderAttack quiet;
  quiet.run(nothing);
  CallUnderAttack call;
  Random random({3, 3});
  std::uint64_t sent = 0;
  call.run([&](int tick) {
    for (int i = 0; i < 400 / kThinning; ++i, sent += 2) {
      const Ssrc ssrc(static_cast<std::uint32_t>(random.next()));
      const auto seq = static_cast<std::uint16_t>(tick + 20'000 * i);
      Octets packet = call.clear(ssrc, seq, static_cast<int>(random.below(1U << 30)));
      packet.resize(packet.size() + 10, std::byte{0x5a});
      call.world.send(call.a, call.port(0), packet);  // spoofed
      call.world.send(call.stranger, call.port(1), std::move(packet));
    }
  });
  expect_unaffected(call, quiet, sent);
  EXPECT_EQ(call.indices().size(), 1U) << "no SSRC but the endpoint's own";
}

class InEverySuite : public testing::TestWithParam<SrtpSuite> {};

// A million of them: forged from the endpoint's own next packets, sent from its own address.
TEST_P(InEverySuite, Case4BadTagsNeitherEndTheCallNorMoveItsRoc) {
  CallUnderAttack quiet(GetParam());
  quiet.run(nothing);
  CallUnderAttack call(GetParam());
  Random random({4, 4});
  std::uint64_t sent = 0;
  const int packets = GetParam() == SrtpSuite::AesCm128HmacSha1_80 ? kMillionth : 100;
  call.run([&](int tick) {
    if (call.sent_by_a.empty()) return;
    Octets forged = call.sent_by_a.back();
    for (int i = 0; i < packets; ++i, ++sent) {
      // The next ones, and numbers from all over the space: across half of it, and the wrap.
      const auto ahead = i % 2 == 0 ? random.below(100) : random.below(65536);
      store_be16(&forged[2], static_cast<std::uint16_t>(tick + static_cast<int>(ahead)));
      forged.back() = static_cast<std::byte>(random.next());
      call.world.send(call.a, call.port(0), forged);
    }
    if (call.rtcp_sent_by_a.empty()) return;
    Octets report = call.rtcp_sent_by_a.back();
    report[12] ^= std::byte{1};
    call.world.send(call.a_rtcp, call.rtcp_port(0), report);
    ++sent;
  });
  expect_unaffected(call, quiet, sent);
  EXPECT_EQ(call.indices().at(0).roc(), 0U);
  EXPECT_EQ(call.world.events_of<engine::SrtpFailed>().size(), 1U) << "told once";
}

TEST_P(InEverySuite, Case5TheWholeCaptureShuffledAndAgainIsNotHeardAgain) {
  CallUnderAttack quiet(GetParam());
  quiet.run(nothing);
  CallUnderAttack call(GetParam());
  Random random({5, 5});
  std::uint64_t sent = 0;
  const auto replay = [&](const std::vector<Octets>& capture, const SocketAddress& from,
                          const SocketAddress& to) {
    if (capture.empty()) return;
    const auto at = random.below(static_cast<std::uint32_t>(capture.size()));
    call.world.send(from, to, capture[at]);
    ++sent;
  };
  call.run([&](int tick) {
    for (int i = 0; i < 20; ++i) {
      replay(call.sent_by_a, call.a, call.port(0));
      replay(call.rtcp_sent_by_a, call.a_rtcp, call.rtcp_port(0));
    }
    if (tick != CallUnderAttack::kTicks - 1) return;
    for (std::size_t i = 0; i < call.sent_by_a.size(); ++i) {
      call.world.send(call.a, call.port(0), call.sent_by_a[i * 7 % call.sent_by_a.size()]);
      ++sent;
    }
  });
  expect_unaffected(call, quiet, sent);
  EXPECT_EQ(call.drops(1, DropReason::Replayed), sent);
}

// Packets that are authentic and were held back while the stream went on by about half the number
// space, a whole one, or just out of the window: none is taken for one to come.
TEST_P(InEverySuite, Case6AValidPacketDelayedByHalfTheSpaceMovesNothing) {
  const auto run = [&](CallUnderAttack& call, bool delivers) {
    call.stride = 2500;  // eleven rollovers in a call
    std::vector<std::pair<std::uint64_t, Octets>> held;
    std::uint64_t delivered = 0;
    call.run([&](int tick) {
      // One number more, which the endpoint sends and the attacker keeps.
      const auto number = static_cast<std::uint64_t>(tick) * 2500 + 1;
      held.emplace_back(number, call.sealed(static_cast<std::uint16_t>(number), tick));
      const std::uint64_t newest = tick == 0 ? 0 : number - 1 - 2500;
      for (const auto& [index, packet] : held) {
        // From behind the window (2,499) over half the space (32,499 and 34,999) to all of it.
        const bool is_old = index < newest && newest - index < 70'000;
        if (!delivers || !is_old) continue;
        call.world.send(call.a, call.port(0), packet);
        ++delivered;
      }
    });
    return delivered;
  };
  CallUnderAttack quiet(GetParam());
  run(quiet, false);
  CallUnderAttack call(GetParam());
  const std::uint64_t sent = run(call, true);
  EXPECT_GT(sent, 5000U);
  expect_unaffected(call, quiet, sent);
  EXPECT_EQ(call.indices().at(0).rtp_index, std::uint64_t{299} * 2500);
}

std::string suite_name(const testing::TestParamInfo<SrtpSuite>& info) {
  return std::string(wire::facts_of(info.param).name);
}
INSTANTIATE_TEST_SUITE_P(MediaAttack, InEverySuite,
                         testing::Values(SrtpSuite::AesCm128HmacSha1_80,
                                         SrtpSuite::AesCm128HmacSha1_32,
                                         SrtpSuite::AesCm256HmacSha1_80,
                                         SrtpSuite::AesCm256HmacSha1_32, SrtpSuite::AeadAes128Gcm,
                                         SrtpSuite::AeadAes256Gcm),
                         suite_name);

/// Octets that say one thing and are another.
std::vector<Octets> lies(CallUnderAttack& call) {
  std::vector<Octets> made;
  const auto lie = [&](std::initializer_list<unsigned> head, std::size_t octets) {
    Octets packet;
    for (const unsigned octet : head) packet.push_back(static_cast<std::byte>(octet));
    packet.resize(octets, std::byte{0xff});
    made.push_back(std::move(packet));
  };
  lie({0x8f, 0, 0, 1}, 12 + 14 * 4);                              // CC = 15, fourteen there
  lie({0x90, 0, 0, 1}, 12);                                       // X, and no extension
  lie({0x90, 0, 0, 1}, 12 + 4 + 160);                             // an extension of 65535 words
  lie({0xa0, 0, 0, 1}, 12 + 160);                                 // padding of 255 octets
  lie({0xa0, 0, 0, 1}, 12);                                       // padding of nothing
  lie({0x80, 200, 0xff, 0xff}, 28);                               // a length past the end
  lie({0x80, 201, 0, 0}, 28);                                     // and one short of it
  lie({0xbf, 200, 0, 6}, 28);                                     // 31 blocks in 28 octets, padded
  lie({0x80, 201, 0, 2, 0, 0, 0, 1, 0xa0, 203, 0, 0, 0, 0}, 16);  // a packet in a packet
  lie({0x40, 0, 0, 1}, 172);                                      // version 1
  for (std::size_t octets = 0; octets < 12; ++octets) lie({0x80, 0}, octets);
  for (std::size_t octets = 0; octets < 8; ++octets) lie({0x80, 200}, octets);
  // Whole packets cut off, RTP and RTCP.
  const Octets rtp = call.clear(call.kSsrcB, 1, 1);
  const Octets rtcp = call.report(call.kSsrcB);
  for (std::size_t octets = 0; octets <= 40; ++octets) {
    made.emplace_back(rtp.begin(), rtp.begin() + static_cast<std::ptrdiff_t>(octets));
    made.emplace_back(rtcp.begin(), rtcp.begin() + static_cast<std::ptrdiff_t>(octets));
  }
  return made;
}

TEST(MediaAttack, Case7TruncatedAndLyingPacketsOfEveryLengthAreCountedAndNothingElse) {
  CallUnderAttack quiet;
  quiet.run(nothing);
  CallUnderAttack call;
  const std::vector<Octets> bad = lies(call);
  std::uint64_t sent = 0;
  call.run([&](int tick) {
    const Octets& packet = bad[static_cast<std::size_t>(tick) % bad.size()];
    call.send_everywhere(call.stranger, packet);
    call.world.send(call.a, call.port(0), packet);
    call.world.send(call.a_rtcp, call.rtcp_port(0), packet);
    sent += 6;
    // What a really sent, cut off anywhere.
    for (const auto* capture : {&call.sent_by_a, &call.rtcp_sent_by_a}) {
      if (capture->empty()) continue;
      Octets cut = capture->back();
      cut.resize(std::min(cut.size() - 1, static_cast<std::size_t>(tick) % 41));
      call.world.send(call.a, call.port(0), cut);
      call.world.send(call.a_rtcp, call.rtcp_port(0), cut);
      sent += 2;
    }
  });
  expect_unaffected(call, quiet, sent);
}

// From the very address that is accepted, on the leg without keys: what is not RTP or RTCP at all.
TEST(MediaAttack, Case7LiesFromTheAcceptedAddressOfAPlainLegAreCountedAndNothingElse) {
  CallUnderAttack quiet;
  quiet.run(nothing);
  CallUnderAttack call;
  std::vector<Octets> bad = lies(call);
  // A packet cut off behind its header is a shorter packet, and a compound between two packets a
  // shorter compound: nobody could tell.
  std::erase_if(bad, [](const Octets& packet) {
    if (packet.size() < 2) return false;
    if (wire::is_rtcp(packet)) return wire::check_rtcp_compound(packet).has_value();
    return wire::parse_rtp_header(packet) && (load_u8(packet.data()) & 0x20U) == 0;
  });
  ASSERT_GT(bad.size(), 60U);
  std::uint64_t sent = 0;
  call.run([&](int tick) {
    for (std::size_t i = 0; i < bad.size(); i += 10, sent += 2) {
      const Octets& packet = bad[(static_cast<std::size_t>(tick) + i) % bad.size()];
      call.world.send(call.b, call.port(1), packet);
      call.world.send(call.b_rtcp, call.rtcp_port(1), packet);
    }
  });
  expect_unaffected(call, quiet, sent);
}

// The accepted source of a plain leg may say what it likes; what it does to its own SSRC is told to
// the other side as one stream, and costs neither memory nor the SRTP sender's.
TEST(MediaAttack, Case3AStormOfSsrcsFromTheAcceptedAddressIsStillOneStream) {
  CallUnderAttack call;
  Random random({3, 4});
  call.run([&](int tick) {
    for (int i = 0; i < 100; ++i) {
      const Ssrc ssrc(static_cast<std::uint32_t>(random.next()));
      const auto seq = static_cast<std::uint16_t>(random.next());
      call.world.send(call.b, call.port(1), call.clear(ssrc, seq, tick));
    }
  });
  std::set<std::uint32_t> ssrcs;
  for (const Octets& packet : call.heard_a) {
    if (!wire::is_rtcp(packet)) ssrcs.insert(load_be32(&packet[8]));
  }
  EXPECT_EQ(ssrcs.size(), 1U);
  EXPECT_GT(call.heard_a.size(), 30'000U);
  EXPECT_TRUE(call.has_all_buffers_back());
}

/// Every kind of feedback and report that asks for something, from the accepted address.
std::vector<Octets> floods(CallUnderAttack& call, Ssrc ours) {
  std::vector<Octets> made;
  const auto flood = [&](const auto& write) {
    std::array<std::byte, 1200> room{};
    wire::RtcpWriter writer(room);
    write(writer);
    made.emplace_back(writer.written().begin(), writer.written().end());
  };
  const Ssrc b = call.kSsrcB;
  flood([&](wire::RtcpWriter& w) { (void)w.bye(std::array{b}); });
  flood([&](wire::RtcpWriter& w) {
    wire::SenderInfo wild;
    wild.ssrc = b;
    wild.ntp = NtpTime(~std::uint64_t{0});
    (void)w.sender_report(wild, {});
  });
  flood([&](wire::RtcpWriter& w) { (void)w.pli(b, ours); });
  flood([&](wire::RtcpWriter& w) { (void)w.fir(b, std::array{wire::FirEntry{ours, 1}}); });
  flood([&](wire::RtcpWriter& w) {
    std::array<wire::NackEntry, 200> entries;
    entries.fill({SeqNum(0), 0xffff});
    (void)w.nack(b, ours, entries);
  });
  flood([&](wire::RtcpWriter& w) { (void)w.remb(b, 1, std::array{ours}); });
  flood([&](wire::RtcpWriter& w) {
    for (int i = 0; i < 80; ++i) (void)w.sdes_cname(b, "");
  });
  flood([&](wire::RtcpWriter& w) {
    for (int i = 0; i < 80; ++i) (void)w.receiver_report(b, {});
  });
  Octets xr(1200, std::byte{0});
  store_be32(xr.data(), 0x80cf0000U | (1200 / 4 - 1));
  made.push_back(xr);
  return made;
}

TEST(MediaAttack, Case20FloodsOfRtcpAreNotAmplifiedAndEndNoCall) {
  CallUnderAttack call;
  std::size_t octets_in = 0;
  std::size_t packets_in = 0;
  call.run([&](int tick) {
    if (tick == 0 || call.heard_a.empty()) return;
    const Ssrc ours(load_be32(&call.heard_a.front()[8]));
    for (const Octets& packet : floods(call, ours)) {
      for (int i = 0; i < 5; ++i) {
        call.world.send(call.b_rtcp, call.rtcp_port(1), packet);
        octets_in += packet.size();
        ++packets_in;
      }
    }
  });
  std::size_t octets_out = 0;
  std::size_t packets_out = 0;
  std::size_t media = 0;
  for (const Octets& packet : call.heard_a) {
    if (!wire::is_rtcp(packet)) {
      ++media;
      continue;
    }
    octets_out += packet.size() - 14;  // the tag and the index are SRTCP's price
    ++packets_out;
  }
  EXPECT_EQ(media, static_cast<std::size_t>(CallUnderAttack::kTicks)) << "the call goes on";
  EXPECT_GT(packets_in, 10'000U);
  EXPECT_LE(packets_out, packets_in + 6);
  EXPECT_LT(octets_out, octets_in);
  // Back to b go its own call's media, a's six reports and at most one answer in 2.5 seconds.
  EXPECT_LE(call.heard_b.size(), static_cast<std::size_t>(CallUnderAttack::kTicks) + 6 + 3);
  EXPECT_TRUE(call.has_all_buffers_back());
}

}  // namespace
}  // namespace causeway::attack
