#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "control/describe.h"
#include "control/node_api.h"
#include "relay/ice/route.h"
#include "tests/unit/control/plane_fixture.h"

// Legs on a shared port as the API has them.

namespace causeway::control {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

NodeConfig sharing_config() {
  NodeConfig config = test_config(21'900, 8);  // two workers, two pairs each
  config.networks[0].name = "default";
  config.networks[0].shared_port = UdpPort(21'910);
  config.networks.push_back(config.networks[0]);
  config.networks[1].name = "bare";
  config.networks[1].first_port = UdpPort(21'920);
  config.networks[1].last_port = UdpPort(21'927);
  config.networks[1].shared_port.reset();
  return config;
}

const std::string kShared = "transport { kind: TRANSPORT_KIND_SHARED_PORT ice {} } ";

class SharedPortTest : public PlaneTest {
 protected:
  SharedPortTest() : PlaneTest(sharing_config()) {}

  Answer<v1::CreateSessionResponse> create(const std::string& session) {
    return api->create_session(parse<v1::CreateSessionRequest>("session { " + session + " }"));
  }
  [[nodiscard]] std::string route(std::uint16_t worker) const {
    return ice::route_of("test", WorkerId(worker));
  }
};

TEST_F(SharedPortTest, LegsOfAWorkerHaveOnePortAndEachAFragmentOfItsOwn) {
  const auto made = create("legs { " + kShared + "} legs { " + kShared + "}");
  ASSERT_TRUE(made) << refusal(made);
  std::set<std::string> fragments;
  for (const v1::Leg& leg : made->session().legs()) {
    EXPECT_EQ(leg.local().rtp().port(), 21'910U);
    EXPECT_FALSE(leg.local().has_rtcp());
    EXPECT_THAT(leg.transport().ice().local_ufrag(), StartsWith(route(0)));
    EXPECT_EQ(leg.transport().ice().local_ufrag().size(), 13U);
    EXPECT_FALSE(leg.transport().ice().local_password().empty());
    fragments.insert(leg.transport().ice().local_ufrag());
  }
  EXPECT_EQ(fragments.size(), 2U);
  EXPECT_THAT(describe(made->session()), HasSubstr("the port that all legs of its worker share"));
  // The other worker has fewer legs, so it is next.
  const auto other = create("legs { " + kShared + "}");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->session().legs(0).local().rtp().port(), 21'911U);
  EXPECT_THAT(other->session().legs(0).transport().ice().local_ufrag(), StartsWith(route(1)));
  v1::CreateLegRequest add;
  add.set_parent(other->session().name());
  *add.mutable_leg() = parse<v1::Leg>(kShared);
  const auto added = api->create_leg(add);
  ASSERT_TRUE(added) << refusal(added);
  EXPECT_EQ(added->leg().local().rtp().port(), 21'911U);
  EXPECT_THAT(added->leg().transport().ice().local_ufrag(), StartsWith(route(1)));
}

TEST_F(SharedPortTest, IsSeenInTheNode) {
  const auto made = create("legs { " + kShared + "}");
  ASSERT_TRUE(made);
  const auto node = NodeApi(*plane).get({});
  ASSERT_TRUE(node);
  EXPECT_GE(node->node().read_time().seconds(), node->node().start_time().seconds());
  EXPECT_EQ(node->node().networks(0).shared_port(), 21'910U);
  EXPECT_EQ(node->node().networks(0).sharing_legs(), 1U);
  EXPECT_EQ(node->node().networks(0).ports_used(), 0U);
  EXPECT_EQ(node->node().networks(1).shared_port(), 0U);
  EXPECT_THAT(node->node().absent_features(), testing::Not(testing::Contains(HasSubstr("SHARED"))));
}

TEST_F(SharedPortTest, ANetworkWithoutOneSaysSo) {
  const auto refused = create("legs { network: 'bare' " + kShared + "}");
  EXPECT_EQ(refusal(refused), "FIELD_INVALID session.legs[0].transport.kind");
  EXPECT_THAT(refused.error().detail, HasSubstr("`bare` has no shared port"));
  EXPECT_EQ(refusal(create("legs { transport { kind: TRANSPORT_KIND_SHARED_PORT } }")),
            "FIELD_INVALID session.legs[0].transport.ice");
}

// A session that goes to another worker than the first that was asked bears the other's name.
TEST_F(SharedPortTest, ASessionThatFindsRoomElsewhereIsNamedAfterIt) {
  ASSERT_TRUE(create("legs {} legs {}")) << "worker 0 has no pair left";
  ASSERT_TRUE(create("legs { " + kShared + "} legs { " + kShared + "} legs { " + kShared + "}"));
  const auto made = create("legs {} legs { " + kShared + "}");
  ASSERT_TRUE(made) << refusal(made);
  const v1::Leg& leg = made->session().legs(1);
  EXPECT_EQ(leg.local().rtp().port(), 21'911U);
  EXPECT_THAT(leg.transport().ice().local_ufrag(), StartsWith(route(1)));
}

TEST_F(SharedPortTest, ARestartKeepsTheRoute) {
  const auto made = create("legs { " + kShared + "}");
  ASSERT_TRUE(made);
  const v1::Leg& before = made->session().legs(0);
  v1::UpdateLegRequest update;
  update.mutable_leg()->set_name(before.name());
  update.mutable_leg()->mutable_transport()->mutable_ice()->set_restart(true);
  update.mutable_update_mask()->add_paths("transport.ice.restart");
  const auto after = api->update_leg(update);
  ASSERT_TRUE(after) << refusal(after);
  EXPECT_NE(after->leg().transport().ice().local_ufrag(), before.transport().ice().local_ufrag());
  EXPECT_THAT(after->leg().transport().ice().local_ufrag(), StartsWith(route(0)));
  EXPECT_EQ(after->leg().transport().kind(), v1::TRANSPORT_KIND_SHARED_PORT);
}

TEST_F(SharedPortTest, AProfileKeepsTheTransportThatIsAskedFor) {
  std::ifstream file("tests/fuzz/seeds/fuzz_sdp/chromium_audio", std::ios::binary);
  v1::BridgeOfferRequest offer;
  offer.set_offer_sdp({std::istreambuf_iterator<char>(file), {}});
  offer.set_to_profile("webrtc");
  v1::Session& session = *offer.mutable_session();
  for (const char* const name : {"legs/caller", "legs/callee"}) {
    v1::Leg& leg = *session.add_legs();
    leg.set_name(name);
    leg.mutable_transport()->set_kind(v1::TRANSPORT_KIND_SHARED_PORT);
  }
  const auto offered = api->bridge_offer(offer);
  ASSERT_TRUE(offered) << refusal(offered);
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("a=candidate:"));
  EXPECT_THAT(offered->offer_sdp(), HasSubstr(" 21910 typ host"));
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("a=ice-ufrag:" + route(0)));
  EXPECT_THAT(offered->offer_sdp(), HasSubstr("a=rtcp-mux"));
}

TEST_F(SharedPortTest, AProfileWithoutIceCannotShare) {
  EXPECT_EQ(refusal(create("legs { profile: 'sip-trunk' transport { kind: "
                           "TRANSPORT_KIND_SHARED_PORT } }")),
            "FIELD_INVALID session.legs[0].transport.ice");
}

TEST(SharedPortAtStart, APortThatIsTakenIsSaidAloud) {
  const auto first = ControlPlane::create(sharing_config());
  ASSERT_TRUE(first);
  const auto second = ControlPlane::create(sharing_config());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "SHARED_PORT_REFUSED");
  EXPECT_EQ(second.error().field, "127.0.0.1:21910");
}

}  // namespace
}  // namespace causeway::control
