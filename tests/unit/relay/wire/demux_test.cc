#include "relay/wire/demux.h"

#include <gtest/gtest.h>

#include <array>

namespace causeway::wire {
namespace {

DatagramKind kind(unsigned first, unsigned second = 0) {
  const std::array<std::byte, 2> octets = {std::byte(first), std::byte(second)};
  return kind_of(octets);
}

// RFC 7983 7, every range at both ends.
TEST(Demux, TellsProtocolsByTheFirstOctet) {
  for (const unsigned first : {0U, 3U}) EXPECT_EQ(kind(first), DatagramKind::Stun);
  for (const unsigned first : {16U, 19U}) EXPECT_EQ(kind(first), DatagramKind::Zrtp);
  for (const unsigned first : {20U, 63U}) EXPECT_EQ(kind(first), DatagramKind::Dtls);
  for (const unsigned first : {64U, 79U}) EXPECT_EQ(kind(first), DatagramKind::TurnChannel);
  for (const unsigned first : {128U, 191U}) EXPECT_EQ(kind(first), DatagramKind::Rtp);
  for (const unsigned first : {4U, 15U, 80U, 127U, 192U, 255U}) {
    EXPECT_EQ(kind(first), DatagramKind::Unknown) << first;
  }
}

// RFC 5761 4: the marker bit and payload types 64 to 95 are left to RTCP.
TEST(Demux, TellsRtcpFromRtpByTheSecondOctet) {
  for (const unsigned second : {192U, 200U, 223U}) {
    EXPECT_EQ(kind(0x80, second), DatagramKind::Rtcp) << second;
  }
  for (const unsigned second : {0U, 127U, 191U, 224U, 255U}) {
    EXPECT_EQ(kind(0x80, second), DatagramKind::Rtp) << second;
  }
}

}  // namespace
}  // namespace causeway::wire
