#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/packet_buf.h"
#include "relay/srtp/srtp.h"
#include "tests/unit/relay/wire/octets.h"

namespace causeway::srtp::test {

using Octets = std::vector<std::byte>;

inline Octets hex(std::string_view text) {
  Octets octets;
  int digits = 0;
  unsigned value = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    value = (value << 4) | digit;
    if (++digits % 2 == 0) octets.push_back(static_cast<std::byte>(value & 0xffU));
  }
  return octets;
}
using wire::to_hex;

inline constexpr wire::SrtpSuite kAllSuites[] = {
    wire::SrtpSuite::AesCm128HmacSha1_80, wire::SrtpSuite::AesCm128HmacSha1_32,
    wire::SrtpSuite::AesCm256HmacSha1_80, wire::SrtpSuite::AesCm256HmacSha1_32,
    wire::SrtpSuite::AeadAes128Gcm,       wire::SrtpSuite::AeadAes256Gcm};

/// A master key made of `seed`, so that different seeds give different keys.
inline wire::SrtpMasterKey make_key(wire::SrtpSuite suite, std::uint8_t seed,
                                    std::string_view mki_hex = {}) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  Octets material(std::size_t{facts.key} + facts.salt);
  for (std::size_t i = 0; i < material.size(); ++i) {
    material[i] = static_cast<std::byte>(seed * 37U + i * 11U + 1U);
  }
  wire::SrtpMasterKey key;
  key.key = SecretKey(Bytes(material).first(facts.key));
  key.salt = SecretKey(Bytes(material).subspan(facts.key));
  key.mki = hex(mki_hex);
  return key;
}
inline wire::SrtpKeys make_keys(wire::SrtpSuite suite, std::uint8_t seed,
                                std::string_view mki_hex = {}) {
  wire::SrtpKeys keys;
  keys.suite = suite;
  keys.keys.push_back(make_key(suite, seed, mki_hex));
  return keys;
}

inline std::unique_ptr<SrtpReceiver> make_receiver(const wire::SrtpKeys& keys,
                                                   const SrtpOptions& options = {}) {
  auto made = SrtpReceiver::create(keys, options);
  EXPECT_TRUE(made.has_value());
  return made ? std::move(*made) : nullptr;
}
inline std::unique_ptr<SrtpSender> make_sender(const wire::SrtpKeys& keys,
                                               const SrtpOptions& options = {}) {
  auto made = SrtpSender::create(keys, options);
  EXPECT_TRUE(made.has_value());
  return made ? std::move(*made) : nullptr;
}

inline constexpr Instant kStart{std::chrono::hours(1)};
inline constexpr Ssrc kSsrc{0xcafebabe};

/// Buffers, and packets in them.
class SrtpTest : public ::testing::Test {
 protected:
  PacketBuf buffer(Bytes octets) {
    PacketBuf packet = pool_.take();
    packet.resize(octets.size());
    std::ranges::copy(octets, packet.data().begin());
    return packet;
  }
  wire::OpenRtp open_rtp(std::uint16_t seq, Ssrc ssrc = kSsrc) {
    return wire::OpenRtp::make(pool_.take(), PayloadType(0), false, SeqNum(seq),
                               RtpTimestamp(seq * 160U), ssrc, as_octets("twenty octets of it."));
  }
  PacketBuf compound(Ssrc ssrc = kSsrc) {
    Octets octets = hex("81c90007 00000000 11223344 00000000 00000010 00000000 00000000 00000000");
    store_be32(&octets[4], ssrc.raw());
    return buffer(octets);
  }

  /// What goes over the wire.
  Octets sealed(SrtpSender& sender, std::uint16_t seq, Ssrc ssrc = kSsrc) {
    auto packet = sender.seal(open_rtp(seq, ssrc));
    EXPECT_TRUE(packet.has_value()) << seq;
    return packet ? copy(packet->data()) : Octets{};
  }
  Octets sealed_rtcp(SrtpSender& sender, Ssrc ssrc = kSsrc) {
    auto packet = sender.seal_rtcp(compound(ssrc));
    EXPECT_TRUE(packet.has_value());
    return packet ? copy(packet->data()) : Octets{};
  }
  DropReason refusal(SrtpSender& sender, std::uint16_t seq, Ssrc ssrc = kSsrc) {
    auto packet = sender.seal(open_rtp(seq, ssrc));
    return packet ? DropReason::kCount : packet.error();
  }

  /// kCount where it opened; the packet is then in opened_.
  DropReason open(SrtpReceiver& receiver, Bytes octets, Instant now = kStart) {
    auto parsed = wire::SealedRtp::parse(buffer(octets));
    if (!parsed) return parsed.error();
    auto opened = receiver.open(std::move(*parsed), now);
    if (!opened) return opened.error();
    opened_ = copy(opened->bytes());
    return DropReason::kCount;
  }
  DropReason open_rtcp(SrtpReceiver& receiver, Bytes octets, Instant now = kStart) {
    auto parsed = wire::SealedRtcp::parse(buffer(octets));
    if (!parsed) return parsed.error();
    auto opened = receiver.open(std::move(*parsed), now);
    if (!opened) return opened.error();
    opened_ = copy(opened->bytes());
    return DropReason::kCount;
  }

  static Octets copy(Bytes octets) { return {octets.begin(), octets.end()}; }

  static constexpr DropReason kOpened = DropReason::kCount;
  static constexpr DropReason kSealed = DropReason::kCount;
  PacketPool pool_{16};
  Octets opened_;
};

/// The same, for each transform.
class EachTransform : public SrtpTest, public ::testing::WithParamInterface<Transform> {
 protected:
  static SrtpOptions options() { return {.transform = GetParam()}; }
};

}  // namespace causeway::srtp::test
