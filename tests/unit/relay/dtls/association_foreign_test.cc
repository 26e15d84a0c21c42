// Towards OpenSSL as others use it: its own BIOs, its own context, nothing of ours.
#include <openssl/ssl.h>

#include <cstring>

#include "relay/dtls/association.h"
#include "relay/dtls/client_hello.h"
#include "tests/unit/relay/dtls/rig.h"

namespace causeway::dtls {
namespace {

using namespace test;

constexpr const char* kLabel = "EXTRACTOR-dtls_srtp";

/// A client or a server that is not ours, to be told how it differs.
struct Stranger {
  SSL_CTX* context = SSL_CTX_new(DTLS_method());
  SSL* ssl = nullptr;
  BIO* in = nullptr;
  BIO* out = nullptr;
  bool is_server = false;
  long mtu = 1400;

  Stranger() { SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  void with(const Identity& identity) const {
    SSL_CTX_use_certificate(context, identity.certificate());
    SSL_CTX_use_PrivateKey(context, identity.key());
  }
  void with_profiles(const char* names) const { SSL_CTX_set_tlsext_use_srtp(context, names); }
  void serve(bool asks_for_certificate = true) {
    is_server = true;
    if (!asks_for_certificate) return;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(
        context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  }
  void begin() {
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    ssl = SSL_new(context);
    SSL_set_bio(ssl, in, out);
    is_server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, mtu);
  }
  /// What it sends now, cut into datagrams at the records.
  std::vector<Octets> speak() {
    SSL_do_handshake(ssl);
    return spoken();
  }
  std::vector<Octets> spoken() {
    char* data = nullptr;
    const long octets = BIO_get_mem_data(out, &data);
    const Bytes stream = std::as_bytes(std::span(data, static_cast<std::size_t>(octets)));
    std::vector<Octets> datagrams;
    for (Bytes rest = stream; !rest.empty();) {
      const Bytes before = rest;
      if (!take_record(rest)) break;
      const Bytes record = before.first(before.size() - rest.size());
      datagrams.emplace_back(record.begin(), record.end());
    }
    (void)BIO_reset(out);
    return datagrams;
  }
  void hear(const Octets& datagram) {
    BIO_write(in, datagram.data(), static_cast<int>(datagram.size()));
    SSL_do_handshake(ssl);
  }
  /// A handshake with `end`.
  void meet(End& end) {
    begin();
    std::vector<Octets> to_us;
    end.start(to_us);
    for (int turn = 0; turn < 10; ++turn) {
      for (const Octets& datagram : std::exchange(to_us, {})) hear(datagram);
      for (const Octets& datagram : speak()) end.receive(datagram, to_us);
    }
  }
  [[nodiscard]] bool is_done() const { return SSL_is_init_finished(ssl) == 1; }
  /// Client key, server key, client salt, server salt (RFC 5764 4.2), as it has them.
  [[nodiscard]] Octets exported(std::size_t octets) const {
    Octets out_octets(octets);
    EXPECT_EQ(SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(out_octets.data()),
                                         octets, kLabel, std::strlen(kLabel), nullptr, 0, 0),
              1);
    return out_octets;
  }
};

struct Foreign : testing::Test {
  std::shared_ptr<const Identity> ours = make_identity();
  std::shared_ptr<const Identity> theirs = make_identity();
  Stranger stranger;
  End passive{settings_of(ours, Role::Passive, {theirs->fingerprint()})};
  End active{settings_of(ours, Role::Active, {theirs->fingerprint()})};

  void be_good(Stranger& one, const char* profiles = "SRTP_AES128_CM_SHA1_80") const {
    one.with(*theirs);
    one.with_profiles(profiles);
  }
};
using ForeignClient = Foreign;
using ForeignServer = Foreign;

struct Profile {
  const char* name;
  wire::SrtpSuite suite;
  std::size_t key;
  std::size_t salt;
};
constexpr std::array kEachProfile = {
    Profile{"SRTP_AES128_CM_SHA1_80", wire::SrtpSuite::AesCm128HmacSha1_80, 16, 14},
    Profile{"SRTP_AES128_CM_SHA1_32", wire::SrtpSuite::AesCm128HmacSha1_32, 16, 14},
    Profile{"SRTP_AEAD_AES_128_GCM", wire::SrtpSuite::AeadAes128Gcm, 16, 12},
    Profile{"SRTP_AEAD_AES_256_GCM", wire::SrtpSuite::AeadAes256Gcm, 32, 12}};

TEST_F(ForeignClient, AgreesOnEachProfile) {
  for (const Profile& profile : kEachProfile) {
    Stranger client;
    be_good(client, profile.name);
    End server(settings_of(ours, Role::Passive, {theirs->fingerprint()}));
    client.meet(server);
    ASSERT_EQ(server.outcome, Outcome::Up) << profile.name;
    EXPECT_EQ(server.last.suite, profile.suite);
    const Octets exported = client.exported(2 * (profile.key + profile.salt));
    const Bytes all(exported);
    EXPECT_TRUE(server.last.receive_key.equals(SecretKey(all.first(profile.key))));
    EXPECT_TRUE(server.last.send_key.equals(SecretKey(all.subspan(profile.key, profile.key))));
    EXPECT_TRUE(
        server.last.receive_salt.equals(SecretKey(all.subspan(2 * profile.key, profile.salt))));
    EXPECT_TRUE(server.last.send_salt.equals(SecretKey(all.last(profile.salt))));
  }
}

TEST_F(ForeignServer, AgreesOnEachProfile) {
  for (const Profile& profile : kEachProfile) {
    Stranger server;
    be_good(server, profile.name);
    server.serve();
    End client(settings_of(ours, Role::Active, {theirs->fingerprint()}));
    server.meet(client);
    ASSERT_EQ(client.outcome, Outcome::Up) << profile.name;
    EXPECT_EQ(client.last.suite, profile.suite);
    const Octets exported = server.exported(2 * (profile.key + profile.salt));
    const Bytes all(exported);
    EXPECT_TRUE(client.last.send_key.equals(SecretKey(all.first(profile.key))));
    EXPECT_TRUE(client.last.receive_key.equals(SecretKey(all.subspan(profile.key, profile.key))));
    EXPECT_TRUE(
        client.last.send_salt.equals(SecretKey(all.subspan(2 * profile.key, profile.salt))));
    EXPECT_TRUE(client.last.receive_salt.equals(SecretKey(all.last(profile.salt))));
  }
}

TEST_F(ForeignClient, IsRefusedWhereItOffersNoSrtp) {
  stranger.with(*theirs);
  stranger.meet(passive);
  EXPECT_EQ(passive.failure, Failure::NoProfile);
}

TEST_F(ForeignServer, IsRefusedWhereItTakesNoSrtp) {
  stranger.with(*theirs);
  stranger.serve();
  stranger.meet(active);
  EXPECT_EQ(active.failure, Failure::NoProfile);
  EXPECT_TRUE(active.last.send_key.empty());
}

TEST_F(ForeignClient, IsRefusedWithoutACertificate) {
  stranger.with_profiles("SRTP_AES128_CM_SHA1_80");
  stranger.meet(passive);
  EXPECT_EQ(passive.outcome, Outcome::Failed);
  EXPECT_FALSE(stranger.is_done());
}

TEST_F(ForeignClient, IsRefusedWithAnotherCertificate) {
  be_good(stranger);
  stranger.with(*ours);
  stranger.meet(passive);
  EXPECT_EQ(passive.failure, Failure::Fingerprint);
}

TEST_F(ForeignServer, IsRefusedWithAnotherCertificate) {
  be_good(stranger);
  stranger.with(*ours);
  stranger.serve();
  stranger.meet(active);
  EXPECT_EQ(active.failure, Failure::Fingerprint);
  EXPECT_FALSE(stranger.is_done());
}

// CVE-2023-51443 and its like: a hello with nothing but a null cipher.
TEST_F(ForeignClient, IsRefusedWithANullCipher) {
  be_good(stranger);
  SSL_CTX_set_security_level(stranger.context, 0);
  SSL_CTX_set_cipher_list(stranger.context, "ECDHE-ECDSA-NULL-SHA");
  stranger.meet(passive);
  EXPECT_EQ(passive.failure, Failure::Protocol);
}

TEST_F(ForeignClient, IsRefusedWithDtls10) {
  be_good(stranger);
  SSL_CTX_set_security_level(stranger.context, 0);
  SSL_CTX_set_max_proto_version(stranger.context, DTLS1_VERSION);
  stranger.meet(passive);
  EXPECT_EQ(passive.failure, Failure::Protocol);
}

// OpenSSL has no name for the NULL profiles (RFC 5764 4.1.2: 0x0005, 0x0006), so the hello is
// changed under way. The server must not take one of them.
TEST_F(ForeignClient, GetsNoNullProfile) {
  const auto extension = [](std::uint8_t profile) {
    return Octets{std::byte{0}, std::byte{14}, std::byte{0},       std::byte{5}, std::byte{0},
                  std::byte{2}, std::byte{0},  std::byte{profile}, std::byte{0}};
  };
  const auto is_in = [](const Octets& part, const std::vector<Octets>& flight) {
    return std::ranges::any_of(flight, [&](const Octets& datagram) {
      return std::search(datagram.begin(), datagram.end(), part.begin(), part.end()) !=
             datagram.end();
    });
  };
  be_good(stranger);
  stranger.begin();
  const std::vector<Octets> hello = stranger.speak();
  ASSERT_EQ(hello.size(), 1U);
  for (const std::uint8_t profile : {std::uint8_t{1}, std::uint8_t{5}, std::uint8_t{6}}) {
    Octets changed = hello[0];
    const Octets before = extension(1);
    const auto place = std::search(changed.begin(), changed.end(), before.begin(), before.end());
    ASSERT_NE(place, changed.end());
    std::ranges::copy(extension(profile), place);
    End server(settings_of(ours, Role::Passive, {theirs->fingerprint()}));
    std::vector<Octets> flight;
    server.receive(changed, flight);
    ASSERT_FALSE(flight.empty());
    EXPECT_EQ(is_in(extension(profile), flight), profile == 1) << int{profile};
    EXPECT_FALSE(profile != 1 && is_in(extension(1), flight));
  }
}

/// A hello that is longer than a datagram, as hybrid key shares make it; here ALPN does.
void lengthen_hello(const Stranger& client, std::size_t octets) {
  std::vector<unsigned char> names;
  while (names.size() < octets) names.insert(names.end(), {1, 'x'});
  SSL_CTX_set_alpn_protos(client.context, names.data(), static_cast<unsigned>(names.size()));
}

TEST_F(ForeignClient, MaySpreadItsHelloOverDatagrams) {
  be_good(stranger);
  stranger.mtu = 256;
  lengthen_hello(stranger, 1500);
  stranger.begin();
  const std::vector<Octets> hello = stranger.speak();
  ASSERT_GE(hello.size(), 5U);
  std::vector<Octets> to_us;
  for (const Octets& datagram : hello) {
    EXPECT_TRUE(to_us.empty());
    passive.receive(datagram, to_us);
  }
  for (int turn = 0; turn < 4; ++turn) {
    for (const Octets& datagram : std::exchange(to_us, {})) stranger.hear(datagram);
    for (const Octets& datagram : stranger.speak()) passive.receive(datagram, to_us);
  }
  EXPECT_EQ(passive.outcome, Outcome::Up);
}

TEST_F(ForeignClient, MaySpreadItsHelloInAnyOrder) {
  be_good(stranger);
  stranger.mtu = 256;
  lengthen_hello(stranger, 600);
  stranger.begin();
  std::vector<Octets> hello = stranger.speak();
  ASSERT_GE(hello.size(), 3U);
  std::ranges::reverse(hello);
  std::vector<Octets> to_us;
  for (const Octets& datagram : hello) passive.receive(datagram, to_us);
  EXPECT_FALSE(to_us.empty());
}

/// Without ICE, from one address: the hello, a cookie, the hello with it, and the rest.
Outcome meet_with_cookie(Stranger& client, const std::shared_ptr<Settings>& settings,
                         bool in_one_datagram) {
  settings->needs_cookie = true;
  Associations leg(settings);
  client.begin();
  Outcome outcome = Outcome::Going;
  std::vector<Octets> to_client;
  for (int turn = 0; turn < 6; ++turn) {
    for (const Octets& datagram : std::exchange(to_client, {})) client.hear(datagram);
    std::vector<Octets> from_client = client.speak();
    if (in_one_datagram && !from_client.empty()) {
      Octets all;
      for (const Octets& datagram : from_client) all = all + datagram;
      from_client = {all};
    }
    for (const Octets& datagram : from_client) {
      Report report;
      leg.handle_datagram(datagram, {IpAddress::v4(0xc0000201), UdpPort(7)}, report);
      to_client.insert(to_client.end(), report.flight.begin(), report.flight.end());
      if (report.outcome != Outcome::Going) outcome = report.outcome;
    }
  }
  return outcome;
}

TEST_F(ForeignClient, MaySpreadAHelloWithACookie) {
  for (const bool in_one_datagram : {false, true}) {
    Stranger client;
    be_good(client);
    client.mtu = 256;
    lengthen_hello(client, 500);
    EXPECT_EQ(meet_with_cookie(client, settings_of(ours, Role::Passive, {theirs->fingerprint()}),
                               in_one_datagram),
              Outcome::Up)
        << in_one_datagram;
    EXPECT_TRUE(client.is_done());
  }
}

TEST_F(ForeignServer, MayAskForACookie) {
  be_good(stranger);
  stranger.serve();
  SSL_CTX_set_options(stranger.context, SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(stranger.context, [](SSL*, unsigned char* out, unsigned* octets) {
    *out = 'c';
    *octets = 1;
    return 1;
  });
  SSL_CTX_set_cookie_verify_cb(stranger.context,
                               [](SSL*, const unsigned char* cookie, unsigned octets) {
                                 return octets == 1 && *cookie == 'c' ? 1 : 0;
                               });
  stranger.meet(active);
  EXPECT_EQ(active.outcome, Outcome::Up);
}

TEST_F(ForeignServer, SendsItsLastFlightAgainWhenOursIsRepeated) {
  be_good(stranger);
  stranger.serve();
  stranger.begin();
  std::vector<Octets> to_them;
  active.start(to_them);
  for (const Octets& datagram : std::exchange(to_them, {})) stranger.hear(datagram);
  for (const Octets& datagram : stranger.spoken()) active.receive(datagram, to_them);
  for (const Octets& datagram : std::exchange(to_them, {})) stranger.hear(datagram);
  ASSERT_TRUE(stranger.is_done());
  ASSERT_FALSE(stranger.spoken().empty());  // and it is lost
  for (int lost = 0; lost < 5; ++lost) {
    active.time_out(to_them);
    for (const Octets& datagram : std::exchange(to_them, {})) {
      BIO_write(stranger.in, datagram.data(), static_cast<int>(datagram.size()));
      char nothing = 0;
      SSL_read(stranger.ssl, &nothing, 1);
    }
    const auto again = stranger.spoken();
    ASSERT_FALSE(again.empty()) << lost;
    if (lost < 4) continue;
    for (const Octets& datagram : again) active.receive(datagram, to_them);
  }
  EXPECT_EQ(active.outcome, Outcome::Up);
}

TEST_F(ForeignClient, EndsTheAssociationByClosingIt) {
  be_good(stranger);
  stranger.meet(passive);
  ASSERT_EQ(passive.outcome, Outcome::Up);
  SSL_shutdown(stranger.ssl);
  std::vector<Octets> answers;
  for (const Octets& datagram : stranger.spoken()) passive.receive(datagram, answers);
  EXPECT_EQ(passive.outcome, Outcome::Closed);
  EXPECT_FALSE(passive.association->is_up());
}

TEST_F(ForeignClient, EndsItAlsoBehindDataInTheSameDatagram) {
  be_good(stranger);
  stranger.meet(passive);
  ASSERT_EQ(passive.outcome, Outcome::Up);
  SSL_write(stranger.ssl, "data", 4);
  SSL_write(stranger.ssl, "more", 4);
  SSL_shutdown(stranger.ssl);
  Octets all;
  for (const Octets& datagram : stranger.spoken()) all = all + datagram;
  std::vector<Octets> answers;
  passive.receive(all, answers);
  EXPECT_EQ(passive.outcome, Outcome::Closed);
}

TEST_F(ForeignClient, ShakesHandsOnceAndNotAgain) {
  be_good(stranger);
  stranger.meet(passive);
  ASSERT_EQ(passive.outcome, Outcome::Up);
  SSL_renegotiate(stranger.ssl);
  std::vector<Octets> answers;
  for (const Octets& datagram : stranger.speak()) passive.receive(datagram, answers);
  EXPECT_EQ(passive.outcome, Outcome::Up);
  EXPECT_TRUE(passive.association->is_up());
}

}  // namespace
}  // namespace causeway::dtls
