#include "relay/wire/stun.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

using Octets = std::vector<std::byte>;

// RFC 5769 2.1 to 2.4.
constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view kRequest =
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001"
    "ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f2"
    "49"
    "c1b571a280280004e57a3bcf";
constexpr std::string_view kResponseV4 =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a6"
    "43"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
constexpr std::string_view kResponseV6 =
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9"
    "fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";
constexpr std::string_view kLongTerm =
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000001500"
    "1c"
    "662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f726700000800"
    "14"
    "f67024656dd64a3e02b8e0712e85c9a28ca89666";

HmacSha1 key(std::string_view password = kPassword) { return HmacSha1(as_octets(password)); }

StunView parsed(const Octets& message) {
  auto view = StunView::parse(message);
  EXPECT_TRUE(view) << to_hex(message);
  return *view;
}

DropReason refused(Bytes message) {
  const auto view = StunView::parse(message);
  EXPECT_FALSE(view);
  return view ? DropReason::kCount : view.error();
}

/// Writes a message and returns its octets.
template <typename Fill>
Octets written(Fill&& fill, const HmacSha1* integrity,
               StunClass message_class = StunClass::Request) {
  Octets octets(600);
  StunTransaction transaction;
  for (std::size_t i = 0; i < transaction.size(); ++i) transaction[i] = std::byte(i + 1);
  StunWriter writer(octets, StunMethod::Binding, message_class, transaction);
  fill(writer);
  octets.resize(writer.finish(integrity));
  return octets;
}

TEST(Stun, ReadsTheRequestOfRfc5769) {
  const Octets octets = hex(kRequest);
  const StunView view = parsed(octets);
  EXPECT_EQ(view.message_class(), StunClass::Request);
  EXPECT_EQ(view.method(), StunMethod::Binding);
  EXPECT_EQ(view.username(), "evtj:h6vY");
  EXPECT_EQ(view.priority(), 0x6e0001ffU);
  EXPECT_EQ(view.tie_breaker(StunAttribute::IceControlled), 0x932ff9b151263b36U);
  EXPECT_EQ(view.tie_breaker(StunAttribute::IceControlling), std::nullopt);
  EXPECT_TRUE(view.has_fingerprint());
  EXPECT_TRUE(view.has_integrity(key()));
  EXPECT_FALSE(view.has_integrity(key("VOkJxbRl1RmTxUk/WvJxBu")));
  EXPECT_TRUE(view.unknown_attributes().empty());
  EXPECT_EQ(to_hex(view.transaction()), "b7e7a701bc34d686fa87dfae");
}

TEST(Stun, ReadsTheResponsesOfRfc5769) {
  const Octets v4 = hex(kResponseV4);
  EXPECT_EQ(parsed(v4).message_class(), StunClass::Success);
  EXPECT_EQ(parsed(v4).xor_mapped_address(), SocketAddress::parse("192.0.2.1:32853"));
  EXPECT_TRUE(parsed(v4).has_integrity(key()));
  const Octets v6 = hex(kResponseV6);
  EXPECT_EQ(parsed(v6).xor_mapped_address(),
            SocketAddress::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  EXPECT_TRUE(parsed(v6).has_integrity(key()));
}

TEST(Stun, ReadsTheLongTermRequestOfRfc5769) {
  const Octets octets = hex(kLongTerm);
  EXPECT_FALSE(parsed(octets).has_fingerprint());
  EXPECT_EQ(parsed(octets).username(), "マトリックス");
  EXPECT_TRUE(parsed(octets).unknown_attributes().empty());
}

TEST(Stun, WritesWhatItReads) {
  const HmacSha1 integrity = key();
  const auto v6 = *SocketAddress::parse("[2001:db8::5]:65535");
  const Octets octets = written(
      [&](StunWriter& writer) {
        writer.add_text(StunAttribute::Username, "abcd:efghi");
        writer.add_u32(StunAttribute::Priority, 0x7effffffU);
        writer.add_u64(StunAttribute::IceControlling, 0x0123456789abcdefU);
        writer.add(StunAttribute::UseCandidate, {});
        writer.add_xor_mapped_address(v6);
      },
      &integrity);
  const StunView view = parsed(octets);
  EXPECT_EQ(view.username(), "abcd:efghi");
  EXPECT_EQ(view.priority(), 0x7effffffU);
  EXPECT_EQ(view.tie_breaker(StunAttribute::IceControlling), 0x0123456789abcdefU);
  EXPECT_TRUE(view.has(StunAttribute::UseCandidate));
  EXPECT_EQ(view.xor_mapped_address(), v6);
  EXPECT_TRUE(view.has_fingerprint());
  EXPECT_TRUE(view.has_integrity(integrity));
}

TEST(Stun, WritesClassesAndErrorsAsTheirBitsStand) {
  for (const auto each :
       {StunClass::Request, StunClass::Indication, StunClass::Success, StunClass::Error}) {
    const Octets octets = written([](StunWriter&) {}, nullptr, each);
    EXPECT_EQ(parsed(octets).message_class(), each);
    EXPECT_EQ(parsed(octets).method(), StunMethod::Binding);
  }
  const Octets error = written(
      [](StunWriter& writer) {
        writer.add_error(420, "Unknown Attribute");
        writer.add_unknown({0x7777, 0x0002});
      },
      nullptr, StunClass::Error);
  EXPECT_EQ(parsed(error).error_code(), 420);
  EXPECT_EQ(to_hex(*parsed(error).find(StunAttribute::UnknownAttributes)), "77770002");
}

TEST(Stun, WritesNothingThatDoesNotFit) {
  for (std::size_t room = 0; room < 68; ++room) {
    Octets octets(room);
    StunWriter writer(octets, StunMethod::Binding, StunClass::Success, {});
    writer.add_xor_mapped_address(*SocketAddress::parse("192.0.2.1:1"));
    const HmacSha1 integrity = key();
    EXPECT_EQ(writer.finish(&integrity), room < 64 ? 0U : 64U) << room;
  }
}

TEST(Stun, RefusesWhatIsCutShort) {
  const Octets octets = hex(kRequest);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    EXPECT_EQ(refused(Bytes(octets).first(size)), DropReason::Truncated) << size;
  }
}

TEST(Stun, RefusesLengthsThatLie) {
  Octets longer = hex(kRequest);
  longer.resize(longer.size() + 4);
  EXPECT_EQ(refused(longer), DropReason::BadHeader);
  Octets odd = hex("000100022112a442000000000000000000000000 0000");
  EXPECT_EQ(refused(odd), DropReason::BadHeader);
  // An attribute that claims 64 KiB (STANDARDS 6.3 case 10).
  EXPECT_EQ(refused(hex("000100042112a442000000000000000000000000 0006ffff")),
            DropReason::BadHeader);
}

TEST(Stun, RefusesAnotherCookieAndAnotherFingerprint) {
  Octets rfc3489 = hex("000100002112a443000000000000000000000000");
  EXPECT_EQ(refused(rfc3489), DropReason::BadHeader);
  for (std::size_t at = 8; at < 108; ++at) {
    if (at >= 20) break;
    Octets changed = hex(kRequest);
    changed[at] ^= std::byte{1};
    EXPECT_EQ(refused(changed), DropReason::BadHeader) << at;
  }
}

TEST(Stun, RefusesAFingerprintThatIsNotLast) {
  Octets octets = written([](StunWriter&) {}, nullptr);
  const Octets more = hex("8022000441424344");
  octets.insert(octets.end(), more.begin(), more.end());
  store_be16(&octets[2], static_cast<std::uint16_t>(octets.size() - kStunHeaderOctets));
  EXPECT_EQ(refused(octets), DropReason::BadHeader);
}

TEST(Stun, LooksAtNothingBehindTheIntegrity) {
  // USE-CANDIDATE put behind MESSAGE-INTEGRITY by somebody on the way.
  const HmacSha1 integrity = key();
  Octets octets =
      written([](StunWriter& writer) { writer.add_text(StunAttribute::Username, "abcd:efgh"); },
              &integrity);
  octets.resize(octets.size() - kStunFingerprintOctets);
  const Octets added = hex("00250000");
  octets.insert(octets.end(), added.begin(), added.end());
  store_be16(&octets[2], static_cast<std::uint16_t>(octets.size() - kStunHeaderOctets));
  const StunView view = parsed(octets);
  EXPECT_TRUE(view.has_integrity(integrity));
  EXPECT_FALSE(view.has(StunAttribute::UseCandidate));
}

TEST(Stun, TakesTheFirstOfTwoAttributes) {
  const HmacSha1 integrity = key();
  const Octets octets = written(
      [](StunWriter& writer) {
        writer.add_u32(StunAttribute::Priority, 1);
        writer.add_u32(StunAttribute::Priority, 2);
      },
      &integrity);
  EXPECT_EQ(parsed(octets).priority(), 1U);
}

TEST(Stun, NamesWhatItDoesNotUnderstand) {
  const Octets octets = written(
      [](StunWriter& writer) {
        writer.add(StunAttribute{0x7001}, {});
        writer.add(StunAttribute{0x9001}, {});  // may be passed over
        writer.add(StunAttribute::MessageIntegritySha256, {});
      },
      nullptr);
  const auto unknown = parsed(octets).unknown_attributes();
  ASSERT_EQ(unknown.size(), 2U);
  EXPECT_EQ(unknown[0], 0x7001);
  EXPECT_EQ(unknown[1], 0x001c);
}

TEST(Stun, PartsTheUsernameAtItsFirstColon) {
  const auto parts = split_username("ours:theirs:more");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->receiver, "ours");
  EXPECT_EQ(parts->sender, "theirs:more");
  EXPECT_FALSE(split_username("ours"));
}

}  // namespace
}  // namespace causeway::wire
