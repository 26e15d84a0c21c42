#include "relay/io/port_range.h"

#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "relay/io/open_files.h"

namespace causeway::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PortRange range(std::uint16_t first, std::uint16_t last) { return {UdpPort(first), UdpPort(last)}; }

SystemPorts debian() { return {range(32768, 60999), {}}; }

TEST(PortRange, ParsesTheKernelsText) {
  EXPECT_EQ(parse_ephemeral_ports("32768\t60999\n"), range(32768, 60999));
  EXPECT_EQ(parse_ephemeral_ports(" 1024 65535"), range(1024, 65535));
}

TEST(PortRange, ParsesNothingOutOfDamagedText) {
  for (const char* text : {"", "32768", "x y", "60999 32768", "32768 99999", "-1 5"}) {
    EXPECT_EQ(parse_ephemeral_ports(text), std::nullopt) << text;
  }
}

TEST(PortRange, ParsesReservedPorts) {
  EXPECT_THAT(parse_reserved_ports("8080,20000-29999\n"),
              ElementsAre(range(8080, 8080), range(20000, 29999)));
  EXPECT_THAT(parse_reserved_ports("\n"), IsEmpty());
  EXPECT_THAT(parse_reserved_ports("x,7-,9-8,5"), ElementsAre(range(5, 5)));
}

TEST(PortRange, AcceptsTheDefaultBelowTheEphemeralPorts) {
  EXPECT_TRUE(check_port_range(range(20000, 29999), debian()));
  EXPECT_TRUE(check_port_range(range(20000, 32767), debian()));
  EXPECT_TRUE(check_port_range(range(61000, 65535), debian()));
}

TEST(PortRange, RefusesAnOverlapByOnePortAndSaysWhatToDo) {
  for (const auto& media : {range(30000, 32768), range(60999, 65535), range(40000, 50000)}) {
    const auto checked = check_port_range(media, debian());
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().reason, "PORT_RANGE_OVERLAP");
    EXPECT_THAT(checked.error().detail, HasSubstr("overlap 32768-60999"));
  }
  EXPECT_THAT(check_port_range(range(30000, 40000), debian()).error().detail,
              HasSubstr("ip_local_reserved_ports=32768-40000"));
}

TEST(PortRange, AcceptsAnOverlapThatTheSystemKeepsFree) {
  SystemPorts system = debian();
  system.reserved = {range(40000, 49999)};
  EXPECT_TRUE(check_port_range(range(40000, 49999), system));
  EXPECT_FALSE(check_port_range(range(40000, 50001), system));
}

TEST(PortRange, RefusesRangesWithoutAPairAndPrivilegedPorts) {
  for (const auto& media : {range(20000, 20000), range(20001, 20002), range(30000, 20000),
                            range(0, 0), range(80, 20000)}) {
    const auto checked = check_port_range(media, debian());
    ASSERT_FALSE(checked) << media.first.raw();
    EXPECT_EQ(checked.error().reason, "PORT_RANGE_INVALID");
  }
  EXPECT_TRUE(check_port_range(range(20000, 20001), debian()));
  EXPECT_TRUE(check_port_range(range(65534, 65535), debian()));
}

TEST(PortRange, LetsPassWhereTheSystemDoesNotSay) {
  EXPECT_TRUE(check_port_range(range(40000, 50000), SystemPorts{}));
}

TEST(PortRange, ReadsThisSystem) { EXPECT_TRUE(read_system_ports().ephemeral); }

TEST(OpenFiles, RaisesTheLimitToTheHardOne) {
  const auto limit = raise_open_files_limit();
  ASSERT_TRUE(limit);
  EXPECT_GT(*limit, 0U);
  EXPECT_EQ(raise_open_files_limit(), limit);
}

std::size_t places_for_files() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word && word != "FDSize:") {
  }
  std::size_t places = 0;
  status >> places;
  return places;
}

TEST(OpenFiles, ReservesPlacesAndTakesNone) {
  ASSERT_TRUE(raise_open_files_limit());
  const std::size_t wanted = places_for_files() + 1;
  ASSERT_TRUE(reserve_open_files(wanted));
  EXPECT_GE(places_for_files(), wanted);
  // More than is allowed is as much as is allowed.
  EXPECT_TRUE(reserve_open_files(std::uint64_t{1} << 40U));
}

}  // namespace
}  // namespace causeway::io
