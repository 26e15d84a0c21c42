#include <fstream>
#include <sstream>

#include "relay/srtp/master_key.h"
#include "relay/srtp/receiver_core.h"
#include "relay/srtp/sender_core.h"
#include "tests/unit/relay/srtp/fixture.h"

namespace causeway::srtp {
namespace {

using test::hex;
using test::to_hex;

struct Vector {
  wire::SrtpSuite suite;
  bool is_rtcp;
  wire::SrtpKeys keys;
  std::uint64_t index;
  std::string clear;
  std::string sealed;
};

std::vector<Vector> read_vectors() {
  std::ifstream file("tests/vectors/srtp.txt");
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string suite, kind, key, salt;
    Vector vector;
    fields >> suite >> kind >> key >> salt >> vector.index >> vector.clear >> vector.sealed;
    vector.suite = *wire::srtp_suite_named(suite);
    vector.is_rtcp = kind == "rtcp";
    vector.keys.suite = vector.suite;
    vector.keys.keys.resize(1);
    vector.keys.keys[0].key = SecretKey(hex(key));
    vector.keys.keys[0].salt = SecretKey(hex(salt));
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

class SrtpVectors : public test::EachTransform {};

TEST_P(SrtpVectors, AreSealedToTheBit) {
  const auto vectors = read_vectors();
  ASSERT_GE(vectors.size(), 6U);
  for (const Vector& vector : vectors) {
    if (vector.is_rtcp && vector.index == 0) continue;  // a sender begins with 1
    auto core = SenderCore<>::create(vector.keys, options());
    ASSERT_TRUE(core.has_value());
    PacketBuf packet = buffer(hex(vector.clear));
    const auto sealed = vector.is_rtcp ? (*core)->seal_rtcp(packet) : (*core)->seal_rtp(packet, 12);
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(to_hex(packet.data()), vector.sealed);
  }
}

TEST_P(SrtpVectors, AreOpenedAgain) {
  for (const Vector& vector : read_vectors()) {
    auto core = ReceiverCore<>::create(vector.keys, options());
    ASSERT_TRUE(core.has_value());
    PacketBuf packet = buffer(hex(vector.sealed));
    const auto opened = vector.is_rtcp ? (*core)->open_rtcp(packet, test::kStart)
                                       : (*core)->open_rtp(packet, 12, test::kStart);
    ASSERT_TRUE(opened.has_value()) << vector.sealed;
    EXPECT_EQ(opened->index, vector.index);
    EXPECT_EQ(to_hex(packet.data()), vector.clear);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, SrtpVectors, ::testing::Values(Transform::Evp, Transform::Libsrtp));

}  // namespace
}  // namespace causeway::srtp
