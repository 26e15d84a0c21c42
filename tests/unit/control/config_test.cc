#include "control/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace causeway::control {
namespace {

constexpr std::string_view kGood = R"(
listen: 127.0.0.1:7700
insecure: true
workers: 2
lease: 90s
srtp:
  transform: libsrtp
networks:
  - name: outside
    bind: 192.0.2.1
    advertise: 203.0.113.7
    ports: 20000-20999
  - name: inside
    bind: fd00::1
)";

Config read(std::string_view yaml) {
  Config config = default_config();
  const auto done = read_config(yaml, config);
  EXPECT_TRUE(done) << (done ? "" : done.error().field + ": " + done.error().detail);
  return config;
}

std::string refusal(std::string_view yaml) {
  Config config = default_config();
  const auto done = read_config(yaml, config);
  return done ? "" : done.error().field + ": " + done.error().detail;
}

TEST(Config, ReadsWhatItSays) {
  const Config config = read(kGood);
  EXPECT_EQ(config.workers, 2U);
  EXPECT_EQ(config.node.default_lease, std::chrono::seconds(90));
  EXPECT_EQ(config.node.srtp_transform, srtp::Transform::Libsrtp);
  ASSERT_EQ(config.node.networks.size(), 2U);
  EXPECT_EQ(config.node.networks[0].advertised.to_string(), "203.0.113.7");
  EXPECT_EQ(config.node.networks[0].last_port, UdpPort(20999));
  EXPECT_TRUE(config.node.networks[1].bind.is_v6());
  EXPECT_TRUE(check_config(config));
}

TEST(Config, AnEmptyFileKeepsTheDefaults) { EXPECT_EQ(read("").listen, "127.0.0.1:7700"); }

TEST(Config, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(refusal("listen: x\nwrokers: 2\n"), "wrokers (line 2): there is no such setting");
  EXPECT_EQ(refusal("workers: two\n"), "workers (line 1): must be a number from 0 to 256");
  EXPECT_EQ(refusal("srtp:\n  transform: rot13\n"),
            "srtp.transform (line 2): must be evp or libsrtp");
  EXPECT_EQ(refusal("lease: 60\n"),
            "lease (line 1): must be a time such as 500ms, 60s or 1h, within its limits");
  EXPECT_EQ(refusal("networks: 5\n"), "networks (line 1): a list of networks is needed");
  EXPECT_EQ(refusal("networks:\n  - name: a\n    bind: here\n"),
            "networks (line 2).bind: an IPv4 or IPv6 address is needed");
  EXPECT_EQ(refusal("networks:\n  - name: a\n    bind: ::1\n    ports: 9-1\n"),
            "networks (line 2).ports: `9-1` is no range such as 20000-29999");
  EXPECT_EQ(refusal("networks:\n  - name: a\n    bimd: ::1\n"),
            "networks (line 2): a network has no `bimd`");
  EXPECT_NE(refusal("a: [1\n"), "");
  EXPECT_NE(refusal("- 1\n- 2\n"), "");
}

TEST(Config, TheEnvironmentStandsOverTheFile) {
  Config config = read(kGood);
  const std::map<std::string, const char*> environment = {{"CAUSEWAY_WORKERS", "3"},
                                                          {"CAUSEWAY_SRTP_TRANSFORM", "evp"}};
  const auto lookup = [&](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second;
  };
  ASSERT_TRUE(read_environment(lookup, config));
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.node.srtp_transform, srtp::Transform::Evp);
  const auto bad = read_environment([](const std::string&) { return "x"; }, config);
  ASSERT_FALSE(bad);
}

TEST(Config, EachWorkerNeedsAPairOfPorts) {
  Config config = read(kGood);
  config.node.workers = 4;
  config.node.networks[0].first_port = UdpPort(20000);
  config.node.networks[0].last_port = UdpPort(20005);
  const auto done = check_config(config);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "each of the 4 workers needs a pair of ports, and there are 3");
  config.node.workers = 3;
  EXPECT_TRUE(check_config(config));
  config.node.networks[0].first_port = UdpPort(20001);
  config.node.networks[0].last_port = UdpPort(20006);
  EXPECT_FALSE(check_config(config)) << "20001 and 20006 belong to no pair";
}

TEST(Config, EachWorkerHasASharedPortOfItsOwn) {
  EXPECT_EQ(refusal("networks:\n  - name: a\n    bind: ::1\n    shared_port: 80\n"),
            "networks (line 2).shared_port: a port from 1024 to 65535");
  EXPECT_EQ(parse_network("name=a,bind=::1,shared_port=3478")->shared_port, UdpPort(3478));
  Config config = read(kGood);
  EXPECT_FALSE(config.node.networks[0].shared_port);
  config.node.workers = 4;
  const auto refused = [&](std::uint16_t port) {
    config.node.networks[0].shared_port = UdpPort(port);
    const auto done = check_config(config);
    return done ? std::string() : done.error().field + ": " + done.error().detail;
  };
  EXPECT_EQ(refused(19'996), "");
  EXPECT_EQ(refused(19'997),
            "networks.outside.shared_port: the workers' shared ports 19997-20000 lie in the "
            "`ports` of network outside");
  EXPECT_NE(refused(20'500), "");
  EXPECT_EQ(refused(21'000), "");
  EXPECT_NE(refused(65'533), "");
  // The other network has the same numbers on another address.
  config.node.networks[1].first_port = UdpPort(22'000);
  config.node.networks[1].shared_port = UdpPort(21'000);
  EXPECT_EQ(refused(21'000), "");
  config.node.networks[1].bind = config.node.networks[1].advertised = config.node.networks[0].bind;
  EXPECT_EQ(refused(21'003),
            "networks.outside.shared_port: the workers' shared ports 21003-21006 are also those "
            "of network inside");
  EXPECT_NE(refused(21'999), "");
}

TEST(Config, ANodeHasAName) {
  EXPECT_EQ(read("").node.name, "causeway");
  EXPECT_EQ(read("name: media-1\n").node.name, "media-1");
  EXPECT_NE(refusal("name: a/b\n"), "");
}

TEST(Config, WithoutTlsOnlyThisMachineMayCall) {
  Config config = read(kGood);
  config.listen = "192.0.2.1:7700";
  EXPECT_FALSE(check_config(config));
  config.listen = "unix:/run/causeway.sock";
  EXPECT_TRUE(check_config(config));
  config.listen = "[::1]:7700";
  EXPECT_TRUE(check_config(config));
  config.is_insecure = false;
  ASSERT_FALSE(check_config(config));
  EXPECT_EQ(check_config(config).error().field, "tls");
}

TEST(Config, NetworksMustBeReachableAndDifferent) {
  Config config = read(kGood);
  config.node.networks[1].name = "outside";
  EXPECT_FALSE(check_config(config));
  config = read(kGood);
  config.node.networks[0].bind = config.node.networks[0].advertised = *IpAddress::parse("0.0.0.0");
  ASSERT_FALSE(check_config(config));
  EXPECT_EQ(check_config(config).error().field, "networks.outside.advertise");
  config.node.networks.clear();
  EXPECT_FALSE(check_config(config));
}

TEST(Config, AFirstTryNeedsNoFile) {
  Config config = default_config();
  config.is_insecure = true;
  settle(config);
  EXPECT_TRUE(check_config(config));
  EXPECT_GE(config.node.workers, 1U);
}

TEST(Config, AnEmptyFileSaysNothingAndAFolderIsNone) {
  const std::string folder = std::filesystem::temp_directory_path();
  Config config = default_config();
  EXPECT_TRUE(read_config_file("/dev/null", config));
  const auto refused = read_config_file(folder, config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field + ": " + refused.error().detail,
            folder + ": the file cannot be read");
}

TEST(Config, ReadsANetworkFromOneArgument) {
  const auto network = parse_network("name=lan,bind=10.0.0.1,ports=30000-30099,dscp=0");
  ASSERT_TRUE(network);
  EXPECT_EQ(network->first_port, UdpPort(30000));
  EXPECT_EQ(network->dscp, 0);
  EXPECT_FALSE(parse_network("name=lan"));
  EXPECT_FALSE(parse_network("name=lan,bind=10.0.0.1,colour=blue"));
}

TEST(Config, TheReferenceNamesEverySetting) {
  const std::string page = config_reference();
  for (const Setting& setting : settings()) {
    EXPECT_NE(page.find("`" + std::string(setting.key) + "`"), std::string::npos) << setting.key;
  }
  EXPECT_NE(page.find("`CAUSEWAY_TLS_CLIENT_CA`"), std::string::npos);
  EXPECT_NE(page.find("`--tls-client-ca`"), std::string::npos);
}

}  // namespace
}  // namespace causeway::control
