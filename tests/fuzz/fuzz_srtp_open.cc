// relay/srtp: what a sender sealed opens to the same octets once, and nothing else opens, whatever
// comes in between.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "relay/srtp/receiver.h"
#include "relay/srtp/sender.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

std::vector<std::byte> pattern(std::size_t octets, unsigned first) {
  std::vector<std::byte> made(octets);
  for (std::byte& octet : made) octet = static_cast<std::byte>(first++);
  return made;
}

wire::SrtpKeys keys_of(wire::SrtpSuite suite, std::size_t mki_octets) {
  const wire::SrtpSuiteFacts& facts = wire::facts_of(suite);
  wire::SrtpKeys keys{.suite = suite, .keys = {}};
  keys.keys.push_back({.key = SecretKey(pattern(facts.key, 1)),
                       .salt = SecretKey(pattern(facts.salt, 100)),
                       .mki = pattern(mki_octets, 7)});
  return keys;
}

// A sender and a receiver that share a key, and an enemy in between.
class Line {
 public:
  Line(wire::SrtpSuite suite, std::size_t mki_octets)
      : sender_(*srtp::SrtpSender::create(keys_of(suite, mki_octets), {})),
        receiver_(*srtp::SrtpReceiver::create(keys_of(suite, mki_octets), {})) {}

  void send_genuine(Bytes payload) {
    auto sealed = seal(payload);
    check_opens(std::move(sealed), payload);
  }

  void send_twice(Bytes payload) {
    PacketBuf sealed = seal(payload);
    PacketBuf again = fuzz::packet_of(pool_, sealed.data());
    check_opens(std::move(sealed), payload);
    CAUSEWAY_CHECK(!open(std::move(again)), "a replayed packet was opened");
  }

  void send_damaged(Bytes payload, std::size_t at, std::byte flip) {
    PacketBuf sealed = seal(payload);
    PacketBuf damaged = fuzz::packet_of(pool_, sealed.data());
    damaged.data()[at % damaged.size()] ^= flip;
    if (flip != std::byte{0}) CAUSEWAY_CHECK(!open(std::move(damaged)), "damage was not seen");
    check_opens(std::move(sealed), payload);
  }

  void send_cut(Bytes payload, std::size_t octets) {
    PacketBuf sealed = seal(payload);
    PacketBuf cut = fuzz::packet_of(pool_, Bytes(sealed.data()).first(octets % sealed.size()));
    CAUSEWAY_CHECK(!open(std::move(cut)), "a piece of a packet was opened");
    check_opens(std::move(sealed), payload);
  }

  void send_forged(Bytes octets) {
    CAUSEWAY_CHECK(!open(fuzz::packet_of(pool_, octets)), "a packet without the key was opened");
    if (auto sealed = wire::SealedRtcp::parse(fuzz::packet_of(pool_, octets))) {
      CAUSEWAY_CHECK(!receiver_->open(std::move(*sealed), now_), "RTCP without the key was opened");
    }
  }

  void send_rtcp(std::size_t at, std::byte flip) {
    const std::vector<std::byte> report = {
        std::byte{0x80}, std::byte{201}, {}, std::byte{1}, {}, {}, {}, std::byte{9}};
    auto sealed = sender_->seal_rtcp(fuzz::packet_of(pool_, report));
    CAUSEWAY_CHECK(sealed.has_value(), "RTCP was not sealed");
    PacketBuf damaged = fuzz::packet_of(pool_, sealed->data());
    damaged.data()[at % damaged.size()] ^= flip;
    if (flip != std::byte{0}) {
      if (auto parsed = wire::SealedRtcp::parse(std::move(damaged))) {
        CAUSEWAY_CHECK(!receiver_->open(std::move(*parsed), now_), "damaged RTCP was opened");
      }
    }
    auto parsed = wire::SealedRtcp::parse(std::move(*sealed));
    CAUSEWAY_CHECK(parsed.has_value(), "sealed RTCP does not look like RTCP");
    const auto opened = receiver_->open(std::move(*parsed), now_);
    CAUSEWAY_CHECK(opened && std::ranges::equal(opened->bytes(), report),
                   "RTCP came out different");
  }

  // Packets that never came: fewer than half the sequence space, where RFC 3711 loses its way.
  void skip(std::uint16_t packets) {
    const auto step = static_cast<std::uint16_t>(std::min(packets % 0x4000, 0x7000 - skipped_));
    skipped_ = static_cast<std::uint16_t>(skipped_ + step);
    seq_ = static_cast<std::uint16_t>(seq_ + step);
  }

 private:
  PacketBuf seal(Bytes payload) {
    skipped_ = 0;
    auto sealed = sender_->seal(wire::OpenRtp::make(
        pool_.take(), PayloadType(0), false, SeqNum(seq_++), RtpTimestamp(160), Ssrc(9), payload));
    CAUSEWAY_CHECK(sealed.has_value(), "a packet in order was not sealed");
    return std::move(*sealed);
  }

  Result<wire::OpenRtp, DropReason> open(PacketBuf packet) {
    auto sealed = wire::SealedRtp::parse(std::move(packet));
    if (!sealed) return failure(sealed.error());
    return receiver_->open(std::move(*sealed), now_);
  }

  void check_opens(PacketBuf sealed, Bytes payload) {
    const auto opened = open(std::move(sealed));
    CAUSEWAY_CHECK(opened && std::ranges::equal(opened->payload(), payload),
                   "a genuine packet came out different");
  }

  PacketPool pool_{8};
  Instant now_{};
  std::uint16_t seq_ = 0xfff0;  // A rollover is near.
  std::uint16_t skipped_ = 0;
  std::unique_ptr<srtp::SrtpSender> sender_;
  std::unique_ptr<srtp::SrtpReceiver> receiver_;
};

void run(fuzz::Input input) {
  constexpr std::size_t kMkiOctets[] = {0, 1, 4, 128};
  const auto suite = static_cast<wire::SrtpSuite>(input.u8() % wire::kSrtpSuites);
  Line line(suite, kMkiOctets[input.u8() % 4]);
  for (int steps = 0; steps < 64 && !input.is_empty(); ++steps) {
    const std::uint8_t step = input.u8();
    const std::uint16_t number = input.u16();
    const Bytes payload = input.take(input.u8());
    switch (step % 7) {
      case 0:
        line.send_genuine(payload);
        break;
      case 1:
        line.send_twice(payload);
        break;
      case 2:
        line.send_damaged(payload, number, std::byte{step});
        break;
      case 3:
        line.send_cut(payload, number);
        break;
      case 4:
        line.send_forged(payload);
        break;
      case 5:
        line.send_rtcp(number, std::byte{step});
        break;
      default:
        line.skip(number);
        break;
    }
  }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
