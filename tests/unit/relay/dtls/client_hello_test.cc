#include "relay/dtls/client_hello.h"

#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;

Octets octets_of(std::initializer_list<int> values) {
  Octets octets;
  for (const int value : values) octets.push_back(static_cast<std::byte>(value));
  return octets;
}

/// A fragment of a ClientHello of `length` octets in a record of its own.
Octets hello_record(const Octets& body, int length, int offset = 0, int type = 1) {
  const auto size = static_cast<int>(body.size());
  const Octets head = octets_of({type, length >> 16, length >> 8, length, 0, 1, offset >> 16,
                                 offset >> 8, offset, 0, size >> 8, size});
  return forged_record(ContentType::Handshake, 0, 5, head + body);
}
Octets hello_record(const Octets& body) {
  return hello_record(body, static_cast<int>(body.size()));
}
const Octets kFront =
    octets_of({0xfe, 0xfd}) + Octets(32, std::byte{7}) + octets_of({0}) + octets_of({3, 1, 2, 3});
const Octets kWhole = kFront + octets_of({0, 4, 0xc0, 0x2b, 0, 0xff, 1, 0});

TEST(ClientHello, ShowsWhatStandsAtItsFront) {
  const Octets datagram = hello_record(kWhole);
  const auto hello = parse_client_hello(datagram);
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->record_sequence, 5U);
  EXPECT_EQ(hello->message_seq, 1);
  EXPECT_EQ(hello->version, 0xfefd);
  EXPECT_EQ(hello->random.size(), 32U);
  EXPECT_TRUE(hello->session_id.empty());
  EXPECT_TRUE(std::ranges::equal(hello->cookie, octets_of({1, 2, 3})));
  EXPECT_TRUE(hello->offers(0xc02b));
  EXPECT_TRUE(hello->offers(0x00ff));
  EXPECT_FALSE(hello->offers(0xc02c));
  EXPECT_FALSE(hello->offers(0x2b00));  // across two of them
  EXPECT_TRUE(hello->is_whole);
}

TEST(ClientHello, IsReadFromItsFirstFragment) {
  for (std::size_t size = kFront.size(); size < kWhole.size(); ++size) {
    const Octets part(kWhole.begin(), kWhole.begin() + static_cast<std::ptrdiff_t>(size));
    const Octets datagram = hello_record(part, static_cast<int>(kWhole.size()));
    const auto hello = parse_client_hello(datagram);
    ASSERT_TRUE(hello) << size;
    EXPECT_FALSE(hello->is_whole);
    EXPECT_EQ(hello->cookie.size(), 3U);
    EXPECT_LE(hello->cipher_suites.size(), 4U);
  }
}

TEST(ClientHello, IsNoneWithoutAllOfItsFront) {
  for (std::size_t size = 0; size < kFront.size(); ++size) {
    const Octets part(kWhole.begin(), kWhole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(parse_client_hello(hello_record(part, static_cast<int>(kWhole.size())))) << size;
  }
}

TEST(ClientHello, IsNoneOfAnyShorterDatagram) {
  const Octets datagram = hello_record(kWhole);
  for (std::size_t size = 0; size < datagram.size(); ++size) {
    EXPECT_FALSE(parse_client_hello(Bytes(datagram).first(size))) << size;
  }
}

TEST(ClientHello, IsNoneOfAnythingElse) {
  EXPECT_FALSE(parse_client_hello(hello_record(kWhole, 200, 1)));     // a later fragment
  EXPECT_FALSE(parse_client_hello(hello_record(kWhole, 10)));         // longer than its message
  EXPECT_FALSE(parse_client_hello(hello_record(kWhole, 200, 190)));   // ends behind it
  EXPECT_FALSE(parse_client_hello(hello_record(kWhole, 200, 0, 2)));  // a ServerHello
  EXPECT_FALSE(parse_client_hello(hello_record(octets_of({3, 3}) + kWhole)));  // TLS
  Octets later = hello_record(kWhole);
  later[4] = std::byte{1};  // epoch 1: encrypted
  EXPECT_FALSE(parse_client_hello(later));
  const Octets long_id = octets_of({0xfe, 0xfd}) + Octets(32, std::byte{7}) + octets_of({33}) +
                         Octets(33, std::byte{1}) + octets_of({0, 0, 2, 0xc0, 0x2b});
  EXPECT_FALSE(parse_client_hello(hello_record(long_id)));
}

TEST(ClientHello, IsFoundInWhatOpenSslSends) {
  const auto identity = make_identity();
  End end(settings_of(identity, Role::Active, {identity->fingerprint()}));
  std::vector<Octets> out;
  end.start(out);
  ASSERT_EQ(out.size(), 1U);
  const auto hello = parse_client_hello(out[0]);
  ASSERT_TRUE(hello);
  EXPECT_TRUE(hello->is_whole);
  EXPECT_TRUE(hello->offers(0xc02b));   // RFC 8827 6.5: ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
  EXPECT_FALSE(hello->offers(0xc006));  // ECDHE_ECDSA_WITH_NULL_SHA
}

TEST(HandshakeFragment, IsTakenOneAfterAnother) {
  const Octets two = octets_of({11, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 2, 8, 9}) +
                     octets_of({14, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0});
  Bytes rest = two;
  const auto first = take_fragment(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, 11);
  EXPECT_EQ(first->message_seq, 3);
  EXPECT_TRUE(first->is_whole());
  const auto second = take_fragment(rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->type, 14);
  EXPECT_TRUE(second->body.empty());
  EXPECT_FALSE(take_fragment(rest));
}

}  // namespace
}  // namespace causeway::dtls
