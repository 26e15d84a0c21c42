#include "relay/srtp/sdes.h"

#include "relay/base/random.h"
#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::to_hex;
using wire::SrtpSuite;

// RFC 4568 6.1: `1 AES_CM_128_HMAC_SHA1_80 inline:...`, the key of its examples.
constexpr std::string_view kKey = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
constexpr std::string_view kOther = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

std::string line(std::string_view after_key) {
  return "1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey) + std::string(after_key);
}
SdesAttribute read(std::string_view text) {
  auto parsed = parse_sdes(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << (parsed ? "" : parsed.error().detail);
  return parsed ? std::move(*parsed) : SdesAttribute{};
}
std::string refused(std::string_view text) {
  const auto parsed = parse_sdes(text);
  if (parsed) return "nothing";
  EXPECT_EQ(parsed.error().code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(parsed.error().detail.empty());
  EXPECT_EQ(parsed.error().detail.find(kKey.substr(0, 8)), std::string::npos) << "a key leaks";
  return std::string(parsed.error().reason) + " " + parsed.error().field;
}

TEST(Sdes, ReadsTheExampleOfRfc4568) {
  const SdesAttribute read_line =
      read("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey) +
           "|2^20|1:4 FEC_ORDER=FEC_SRTP\r\n");
  EXPECT_EQ(read_line.tag, 1U);
  EXPECT_EQ(read_line.keys.suite, SrtpSuite::AesCm128HmacSha1_80);
  ASSERT_EQ(read_line.keys.keys.size(), 1U);
  const wire::SrtpMasterKey& key = read_line.keys.keys[0];
  EXPECT_EQ(to_hex(key.key.bytes()), "59535f5f5f73656d63746c202829207b");
  EXPECT_EQ(to_hex(key.salt.bytes()), "093232303b7d0a7d0a756e6c6573");
  EXPECT_EQ(key.lifetime_packets, 1U << 20);
  EXPECT_EQ(to_hex(key.mki), "00000001");
  EXPECT_EQ(read_line.fec_order, SdesAttribute::FecOrder::FecThenSrtp);
}

TEST(Sdes, ReadsSeveralKeys) {
  const SdesAttribute read_line = read("2 AES_CM_128_HMAC_SHA1_32 inline:" + std::string(kKey) +
                                       "|2^20|1:4;inline:" + std::string(kOther) + "|2^20|2:4");
  ASSERT_EQ(read_line.keys.keys.size(), 2U);
  EXPECT_EQ(to_hex(read_line.keys.keys[1].mki), "00000002");
  EXPECT_EQ(read_line.tag, 2U);
}

TEST(Sdes, MayLeaveOutLifetimeAndMkiEach) {
  EXPECT_EQ(read(line("")).keys.keys[0].lifetime_packets, std::uint64_t{1} << 48);
  EXPECT_TRUE(read(line("|2^31")).keys.keys[0].mki.empty());
  EXPECT_EQ(read(line("|2^31")).keys.keys[0].lifetime_packets, std::uint64_t{1} << 31);
  EXPECT_EQ(read(line("|1048576")).keys.keys[0].lifetime_packets, 1U << 20);
  EXPECT_EQ(to_hex(read(line("|1:1")).keys.keys[0].mki), "01");
}

TEST(Sdes, ReadsAnMkiOfAnySize) {
  EXPECT_EQ(to_hex(read(line("|66051:3")).keys.keys[0].mki), "010203");
  EXPECT_EQ(to_hex(read(line("|340282366920938463463374607431768211455:16")).keys.keys[0].mki),
            "ffffffffffffffffffffffffffffffff");
  EXPECT_EQ(read(line("|1:128")).keys.keys[0].mki.size(), 128U);
}

TEST(Sdes, ReadsEverySuiteAndTheAliasesOfAes256) {
  for (const SrtpSuite suite : test::kAllSuites) {
    SdesAttribute attribute;
    attribute.keys = test::make_keys(suite, 3);
    EXPECT_EQ(read(write_sdes(attribute)).keys.suite, suite);
  }
  SdesAttribute attribute;
  attribute.keys = test::make_keys(SrtpSuite::AesCm256HmacSha1_80, 3);
  std::string text = write_sdes(attribute);
  text.replace(text.find("AES_256_CM"), 10, "AES_CM_256");
  EXPECT_EQ(read(text).keys.suite, SrtpSuite::AesCm256HmacSha1_80);
}

TEST(Sdes, TakesKeysWithoutTheirPadding) {
  SdesAttribute attribute;
  attribute.keys = test::make_keys(SrtpSuite::AesCm256HmacSha1_80, 3);  // 46 octets: two `=`
  std::string text = write_sdes(attribute);
  ASSERT_TRUE(text.ends_with("=="));
  text.resize(text.size() - 2);
  EXPECT_TRUE(read(text).keys.keys[0].key.equals(attribute.keys.keys[0].key));
}

TEST(Sdes, ReadsTheHarmlessSessionParameters) {
  const SdesAttribute read_line =
      read(line(" WSH=128 \t FEC_ORDER=SRTP_FEC FEC_KEY=inline:" + std::string(kOther) + " -X=1"));
  EXPECT_EQ(read_line.window_size_hint, 128U);
  EXPECT_EQ(read_line.fec_order, SdesAttribute::FecOrder::SrtpThenFec);
  ASSERT_EQ(read_line.fec_keys.size(), 1U);
}

TEST(Sdes, RefusesWhatWouldWeakenTheCall) {
  for (const char* parameter :
       {"UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP", "KDR=1", "KDR=0"}) {
    EXPECT_EQ(refused(line(" " + std::string(parameter))), "CRYPTO_INVALID session_params");
  }
  for (const char* suite :
       {"F8_128_HMAC_SHA1_80", "NULL_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_80", "aes_cm", ""}) {
    EXPECT_EQ(refused("1 " + std::string(suite) + " inline:" + std::string(kKey)),
              "CRYPTO_INVALID suite");
  }
}

TEST(Sdes, RefusesUnknownParametersUnlessTheyAreOptional) {
  EXPECT_EQ(refused(line(" FOO=1")), "CRYPTO_INVALID session_params");
  EXPECT_EQ(refused(line(" UNENCRYPTED_SRTPX")), "CRYPTO_INVALID session_params");
  EXPECT_EQ(refused(line(" -FOO=1")), "nothing");
}

TEST(Sdes, RefusesParametersThatMakeNoSense) {
  for (const char* parameter :
       {"WSH=63", "WSH=", "WSH=x", "WSH=0128", "FEC_ORDER=NONE", "FEC_ORDER=", "WSH=64 WSH=64"}) {
    EXPECT_EQ(refused(line(" " + std::string(parameter))), "CRYPTO_INVALID session_params")
        << parameter;
  }
  EXPECT_EQ(refused(line(" FEC_KEY=inline:AAAA")), "KEY_LENGTH fec_keys[0].material");
  EXPECT_EQ(refused(line(" FEC_KEY=")), "CRYPTO_INVALID keys");
}

TEST(Sdes, RefusesKeysOfWrongLength) {
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80 inline:AAAA"), "KEY_LENGTH keys[0].material");
  EXPECT_EQ(refused("1 AES_256_CM_HMAC_SHA1_80 inline:" + std::string(kKey)),
            "KEY_LENGTH keys[0].material");
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(kKey) + "AAAA"),
            "KEY_LENGTH keys[0].material");
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80 inline:"), "KEY_LENGTH keys[0].material");
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80 inline:" + std::string(500, 'A')),
            "CRYPTO_INVALID keys[0].material");
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80 inline:!!!!"), "CRYPTO_INVALID keys[0].material");
}

TEST(Sdes, RefusesLifetimesOver2To48AndOfNone) {
  EXPECT_EQ(refused(line("|2^48")), "nothing");
  EXPECT_EQ(refused(line("|281474976710656")), "nothing");
  for (const char* lifetime : {"2^49", "281474976710657", "0", "2^", "2^-1", "2^048", "020", "x",
                               "99999999999999999999999999", "2^99999999999999999999"}) {
    EXPECT_EQ(refused(line("|" + std::string(lifetime))), "CRYPTO_INVALID keys[0].lifetime_packets")
        << lifetime;
  }
}

TEST(Sdes, RefusesMkisOfWrongLengthOrValue) {
  for (const char* mki : {"1:0", "1:129", "1:", ":4", "x:4", "256:1", "1:4:4", "1:04", "-1:4"}) {
    EXPECT_EQ(refused(line("|" + std::string(mki))), "CRYPTO_INVALID keys[0].mki") << mki;
  }
  EXPECT_EQ(refused(line("|2^20|")), "CRYPTO_INVALID keys[0].mki");
  EXPECT_EQ(refused(line("|2^20|1:4|1:4")), "CRYPTO_INVALID keys[0].mki");
  EXPECT_EQ(refused(line("|1:4|2^20")), "CRYPTO_INVALID keys[0].mki");
}

TEST(Sdes, RefusesSeveralKeysThatCannotBeToldApart) {
  const std::string two = ";inline:" + std::string(kOther);
  EXPECT_EQ(refused(line(two)), "CRYPTO_INVALID keys[0].mki");
  EXPECT_EQ(refused(line("|1:4" + two + "|1:4")), "CRYPTO_INVALID keys[1].mki");
  EXPECT_EQ(refused(line("|1:4" + two + "|2:2")), "CRYPTO_INVALID keys[1].mki");
  EXPECT_EQ(refused(line("|1:4" + two)), "CRYPTO_INVALID keys[1].mki");
}

TEST(Sdes, RefusesWhatIsNoCryptoAttribute) {
  EXPECT_EQ(refused(""), "CRYPTO_INVALID tag");
  EXPECT_EQ(refused("x AES_CM_128_HMAC_SHA1_80"), "CRYPTO_INVALID tag");
  EXPECT_EQ(refused("01 AES_CM_128_HMAC_SHA1_80"), "CRYPTO_INVALID tag");
  EXPECT_EQ(refused("1234567890 AES_CM_128_HMAC_SHA1_80"), "CRYPTO_INVALID tag");
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80"), "CRYPTO_INVALID keys");
  EXPECT_EQ(refused("1 AES_CM_128_HMAC_SHA1_80 uri:x"), "CRYPTO_INVALID keys[0]");
  EXPECT_EQ(refused(line(";")), "CRYPTO_INVALID keys");
  EXPECT_EQ(refused(line("\r\na=x")), "CRYPTO_INVALID ");
  EXPECT_EQ(refused(line(std::string(20'000, ' '))), "CRYPTO_INVALID ");
}

TEST(Sdes, WritesWhatItReads) {
  const std::string lines[] = {
      line(""),
      line("|2^20|1:4"),
      line("|1000000"),
      line("|340282366920938463463374607431768211455:16"),
      line("|2^20|1:4;inline:" + std::string(kOther) + "|2^31|4294967295:4"),
      line(" FEC_ORDER=SRTP_FEC FEC_KEY=inline:" + std::string(kOther) + "|2^10 WSH=4096"),
  };
  for (const std::string& text : lines) EXPECT_EQ(write_sdes(read(text)), text);
}

// Parse, write, parse: nothing changes on the way, whatever the keys.
TEST(Sdes, ReadsBackWhatItWrites) {
  Random random({3, 4});
  for (int i = 0; i < 500; ++i) {
    SdesAttribute attribute;
    attribute.tag = random.below(1'000'000'000);
    const SrtpSuite suite = test::kAllSuites[random.below(6)];
    attribute.keys.suite = suite;
    const std::size_t mki_octets = random.below(3) == 0 ? 1 + random.below(128) : 0;
    const std::uint32_t keys = mki_octets > 1 ? 1 + random.below(4) : 1;
    for (std::uint32_t k = 0; k < keys; ++k) {
      auto key = test::make_key(suite, static_cast<std::uint8_t>(random.next()));
      for (std::size_t octet = 0; octet < mki_octets; ++octet) {
        key.mki.push_back(static_cast<std::byte>(random.next()));
      }
      key.lifetime_packets = 1 + random.next() % (std::uint64_t{1} << (1 + random.below(48)));
      attribute.keys.keys.push_back(std::move(key));
    }
    if (random.below(4) == 0) attribute.window_size_hint = 64 + random.below(10'000);
    const std::string text = write_sdes(attribute);
    const SdesAttribute again = read(text);
    ASSERT_EQ(write_sdes(again), text);
    ASSERT_EQ(again.tag, attribute.tag);
    ASSERT_EQ(again.keys.keys.size(), attribute.keys.keys.size());
    for (std::size_t k = 0; k < attribute.keys.keys.size(); ++k) {
      const auto& before = attribute.keys.keys[k];
      const auto& after = again.keys.keys[k];
      ASSERT_TRUE(after.key.equals(before.key));
      ASSERT_TRUE(after.salt.equals(before.salt));
      ASSERT_EQ(after.mki, before.mki);
      ASSERT_EQ(after.lifetime_packets, before.lifetime_packets);
    }
  }
}

// Whatever a peer sends: an attribute or an error, and what is read can be written and read again.
TEST(Sdes, SurvivesDamagedLines) {
  Random random({5, 6});
  const std::string good = line("|2^20|1:4;inline:" + std::string(kOther) +
                                "|2^20|2:4 WSH=128 FEC_KEY=inline:" + std::string(kOther));
  int read_anyway = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (std::uint32_t changes = 1 + random.below(3); changes-- > 0;) {
      const auto at = random.below(static_cast<std::uint32_t>(text.size()));
      static constexpr std::string_view kSpice = "|:;=-^ \t\r\n0129aZ/+\x01\x7f\x80";
      switch (random.below(3)) {
        case 0:
          text[at] = kSpice[random.below(static_cast<std::uint32_t>(kSpice.size()))];
          break;
        case 1:
          text.erase(at, 1 + random.below(20));
          break;
        default:
          text.insert(at, text.substr(random.below(at + 1), random.below(40)));
      }
      if (text.empty()) text = " ";
    }
    const auto parsed = parse_sdes(text);
    if (!parsed) continue;
    ++read_anyway;
    const auto again = parse_sdes(write_sdes(*parsed));
    ASSERT_TRUE(again.has_value()) << text;
    ASSERT_EQ(write_sdes(*again), write_sdes(*parsed));
  }
  EXPECT_GT(read_anyway, 100);
}

}  // namespace
}  // namespace causeway::srtp
