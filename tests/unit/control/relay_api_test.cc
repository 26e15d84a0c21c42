#include "control/relay_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "control/describe.h"
#include "control/session_table.h"
#include "control/watch.h"
#include "tests/unit/control/plane_fixture.h"

namespace causeway::control {
namespace {

using testing::HasSubstr;

class RelayApiTest : public PlaneTest {
 protected:
  RelayApiTest() : PlaneTest(21'000) {}
};

constexpr const char* kPlainCall =
    "legs { name: 'legs/a' remote { rtp { ip: '127.0.0.1' port: 9000 } } codecs {} } "
    "legs { name: 'legs/b' remote { rtp { ip: '127.0.0.1' port: 9002 } } codecs {} } "
    "connections { name: 'connections/ab' from_leg: 'legs/a' to_leg: 'legs/b' } "
    "connections { name: 'connections/ba' from_leg: 'legs/b' to_leg: 'legs/a' }";

TEST_F(RelayApiTest, CreatesAWholeCallInOneRequest) {
  const v1::Session session = create(kPlainCall);
  EXPECT_EQ(session.name(), "sessions/s");
  EXPECT_EQ(session.state(), v1::SESSION_STATE_OPEN);
  ASSERT_EQ(session.legs_size(), 2);
  for (const v1::Leg& leg : session.legs()) {
    EXPECT_EQ(leg.state(), v1::LEG_STATE_ACTIVE);
    EXPECT_EQ(leg.local().rtp().ip(), "127.0.0.1");
    EXPECT_EQ(leg.local().rtp().port() % 2, 0U);
    EXPECT_EQ(leg.local().rtcp().port(), leg.local().rtp().port() + 1);
    EXPECT_FALSE(leg.etag().empty());
  }
  ASSERT_EQ(session.connections_size(), 2);
  EXPECT_EQ(session.connections(0).plan().kind(), v1::PLAN_KIND_FORWARD);
  EXPECT_EQ(session.connections(0).plan().text(), "legs/a -> legs/b: forward(pcmu) send(rtp)");

  v1::GetSessionRequest get;
  get.set_name("sessions/s");
  const auto again = api->get_session(get);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->session().SerializeAsString(), session.SerializeAsString());

  const v1::SessionReport report = remove();
  EXPECT_EQ(report.close_reason(), v1::CLOSE_REASON_DELETED);
  EXPECT_EQ(report.legs_size(), 2);
  EXPECT_EQ(refusal(api->get_session(get)), "SESSION_NOT_FOUND");
  EXPECT_EQ(plane->leg_count(), 0U);
  EXPECT_EQ(plane->session_count(), 0U);
}

TEST_F(RelayApiTest, TellsOfACallFromItsCreationToItsEnd) {
  create(std::string(kPlainCall) + " labels { key: 'customer' value: '7' }");
  remove();
  const auto seen = events_until(v1::Event::kSessionClosed);
  std::vector<int> kinds;
  for (const v1::Event& event : seen) {
    kinds.push_back(event.kind_case());
    EXPECT_EQ(event.session(), "sessions/s");
    EXPECT_EQ(event.labels().at("customer"), "7");
  }
  EXPECT_THAT(kinds, testing::ElementsAre(v1::Event::kSessionCreated, v1::Event::kLegActive,
                                          v1::Event::kLegActive, v1::Event::kLegClosed,
                                          v1::Event::kLegClosed, v1::Event::kSessionClosed));
  EXPECT_EQ(seen.back().session_closed().report().legs_size(), 2);
}

TEST_F(RelayApiTest, AllOrNothing) {
  struct Case {
    const char* session;
    const char* refusal;
  };
  const std::string two_legs =
      "legs { name: 'legs/a' codecs {} } legs { name: 'legs/b' codecs {} } ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"labels { key: '' value: '' }", "FIELD_INVALID session.labels"},
      {"lease { nanos: 5 }", "FIELD_INVALID session.lease"},
      {"lease { seconds: 3601 }", "FIELD_INVALID session.lease"},
      {"lease_expiry: 9", "FIELD_INVALID session.lease_expiry"},
      {"legs { name: 'a' }", "NAME_INVALID session.legs[0].name"},
      {"legs { name: 'legs/a' } legs { name: 'legs/a' }", "ID_TAKEN session.legs[1].name"},
      {"legs { remote { rtp { ip: '::1' port: 5000 } } }",
       "FIELD_INVALID session.legs[0].remote.rtp.ip"},
      {two_legs + "connections {}", "FIELD_REQUIRED session.connections[0].from_leg"},
      {two_legs + "connections { from_leg: 'legs/c' to_leg: 'legs/b' }",
       "LEG_NOT_FOUND session.connections[0].from_leg"},
      {two_legs + "connections { from_leg: 'legs/a' to_leg: 'b' }",
       "NAME_INVALID session.connections[0].to_leg"},
      {two_legs + "connections { from_leg: 'legs/a' to_leg: 'legs/a' }",
       "FIELD_INVALID session.connections[0].to_leg"},
      {two_legs + "connections { name: 'connections/x' from_leg: 'legs/a' to_leg: 'legs/b' } "
                  "connections { name: 'connections/x' from_leg: 'legs/b' to_leg: 'legs/a' }",
       "ID_TAKEN session.connections[1].name"},
      {two_legs + "legs { name: 'legs/c' } connections { from_leg: 'legs/a' to_leg: 'legs/b' } "
                  "connections { from_leg: 'legs/c' to_leg: 'legs/b' }",
       "STAGE_ABSENT"},
      {two_legs + "connections { from_leg: 'legs/a' to_leg: 'legs/b' stages { transcode {} } }",
       "PLAN_MISMATCH session.connections[0].stages[0]"},
      {"legs { name: 'legs/a' codecs { payload_type: 18 } } legs { name: 'legs/b' codecs {} } "
       "connections { from_leg: 'legs/a' to_leg: 'legs/b' }",
       "NO_COMMON_CODEC session.connections[0]"},
      {two_legs + "recordings { leg: 'legs/c' }", "LEG_NOT_FOUND session.recordings[0].leg"},
      {two_legs + "recordings { format: RECORDING_FORMAT_OGG_OPUS leg: 'legs/a' }",
       "CODEC_UNSUPPORTED session.recordings[0].format"},
      {"recordings {}", "LEG_NOT_FOUND session.recordings[0]"},
      {two_legs + "recordings {}", "RECORDER_UNAVAILABLE"},  // this node has no folder for them
  };
  for (const auto& [session, expected] : cases)
    EXPECT_EQ(create_refusal(session), expected) << session;
  std::string many;
  for (int i = 0; i < 17; ++i) many += "legs {} ";
  EXPECT_EQ(create_refusal(many), "QUOTA session.legs");
  EXPECT_EQ(plane->sessions().size(), 0U);
  EXPECT_EQ(create("").name(), "sessions/s") << "the id is free again";
}

TEST_F(RelayApiTest, AnAssertedPlanThatDiffersIsShown) {
  v1::CreateSessionRequest in;
  *in.mutable_session() = parse<v1::Session>(kPlainCall);
  in.mutable_session()->mutable_connections(0)->add_stages()->mutable_decrypt();
  const auto out = api->create_session(in);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().reason, "PLAN_MISMATCH");
  EXPECT_EQ(out.error().metadata_value("plan"), "legs/a -> legs/b: forward(pcmu) send(rtp)");
}

TEST_F(RelayApiTest, AReservationThatWasUsedGivesNobodyElsesIdAway) {
  SessionTable table;
  const auto first = std::make_shared<SessionState>("x");
  auto used = table.reserve(first);
  ASSERT_TRUE(used);
  table.add(first);
  EXPECT_EQ(table.find("x"), first);
  table.remove(*first);
  const auto second = std::make_shared<SessionState>("x");
  const auto reserved = table.reserve(second);
  ASSERT_TRUE(reserved);
  used.reset();  // the first one's creator returns only now
  EXPECT_FALSE(table.reserve(std::make_shared<SessionState>("x"))) << "the second one's";
  EXPECT_EQ(table.find("x"), nullptr) << "which is not open yet";
}

/// Labels make sessions large without ports: 9 KB each.
class ManySessions : public PlaneTest {
 protected:
  static NodeConfig config() {
    NodeConfig config = test_config(21'800, 4);
    config.max_sessions_per_worker = 300;
    return config;
  }
  ManySessions() : PlaneTest(config()) {}
};

TEST_F(ManySessions, AreListedInPagesThatAClientTakes) {
  std::string labels;
  for (int i = 0; i < 32; ++i) {
    labels += "labels { key: 'k" + std::to_string(i) + "' value: '" + std::string(255, 'v') + "' }";
  }
  v1::CreateSessionRequest in;
  *in.mutable_session() = parse<v1::Session>(labels);
  constexpr int kSessions = 600;
  for (int i = 0; i < kSessions; ++i) ASSERT_EQ(refusal(api->create_session(in)), "");
  v1::ListSessionsRequest list;
  list.set_view(v1::SESSION_VIEW_FULL);
  list.set_page_size(1'000);
  int seen = 0;
  do {
    const auto page = api->list_sessions(list);
    ASSERT_TRUE(page);
    EXPECT_LT(page->ByteSizeLong(), 4U << 20U) << "what gRPC's clients take by default";
    seen += page->sessions_size();
    list.set_page_token(page->next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(seen, kSessions);
}

TEST_F(RelayApiTest, WhatTheMaskLeavesOutIsNotLookedAt) {
  create("");
  const auto updated = api->update_session(parse<v1::UpdateSessionRequest>(
      "session { name: 'sessions/s' lease { seconds: -5 } lease_expiry: 77 labels { key: 'x' "
      "value: 'y' } } update_mask { paths: 'labels' }"));
  ASSERT_EQ(refusal(updated), "");
  EXPECT_EQ(updated->session().labels().at("x"), "y");
  EXPECT_EQ(updated->session().lease().seconds(), 60);
}

TEST_F(RelayApiTest, IdsAreTakenOnce) {
  create("");
  EXPECT_EQ(create_refusal(""), "ID_TAKEN session_id");
  v1::CreateSessionRequest in;
  in.set_session_id("-bad");
  EXPECT_EQ(refusal(api->create_session(in)), "NAME_INVALID session_id");
}

TEST_F(RelayApiTest, ADrainedNodeTakesNoNewSessions) {
  create("");
  std::vector<bool> told;
  plane->set_drain_hook([&](bool is_draining) { told.push_back(is_draining); });
  plane->set_draining(true);
  EXPECT_EQ(create_refusal(""), "NODE_DRAINING");
  v1::CreateLegRequest leg;
  leg.set_parent("sessions/s");
  EXPECT_EQ(refusal(api->create_leg(leg)), "") << "those that exist may get more legs";
  plane->set_draining(false);
  EXPECT_THAT(told, testing::ElementsAre(true, false));
}

TEST_F(RelayApiTest, ListsInTheOrderOfCreationAPageAtATime) {
  for (const char* id : {"c", "a", "b"}) {
    v1::CreateSessionRequest in;
    in.set_session_id(id);
    if (id[0] == 'a') (*in.mutable_session()->mutable_labels())["x"] = "1";
    ASSERT_TRUE(api->create_session(in));
  }
  v1::ListSessionsRequest list;
  list.set_page_size(2);
  auto page = api->list_sessions(list);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->sessions_size(), 2);
  EXPECT_EQ(page->sessions(0).name(), "sessions/c");
  EXPECT_EQ(page->sessions(1).name(), "sessions/a");
  list.set_page_token(page->next_page_token());
  page = api->list_sessions(list);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->sessions_size(), 1);
  EXPECT_EQ(page->sessions(0).name(), "sessions/b");
  EXPECT_EQ(page->next_page_token(), "");
  list.set_page_token("p1.other.sessions.2");
  EXPECT_EQ(refusal(api->list_sessions(list)), "TOKEN_INVALID page_token");
  list.set_page_token("");
  (*list.mutable_labels())["x"] = "1";
  page = api->list_sessions(list);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->sessions_size(), 1);
  EXPECT_EQ(page->sessions(0).name(), "sessions/a");
}

TEST_F(RelayApiTest, APageMayEndWithTheLastElement) {
  create(kPlainCall);
  v1::ListLegsRequest legs;
  legs.set_parent("sessions/s");
  legs.set_page_size(1);
  auto page = api->list_legs(legs);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->legs(0).name(), "sessions/s/legs/a");
  legs.set_page_token(page->next_page_token());
  page = api->list_legs(legs);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->legs(0).name(), "sessions/s/legs/b");
  EXPECT_EQ(page->next_page_token(), "");
  v1::ListConnectionsRequest connections;
  connections.set_parent("sessions/s");
  connections.set_page_size(1);
  auto some = api->list_connections(connections);
  ASSERT_TRUE(some);
  connections.set_page_token(some->next_page_token());
  some = api->list_connections(connections);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->connections(0).name(), "sessions/s/connections/ba");
}

TEST_F(RelayApiTest, UpdatesALegByItsMaskAndPlansAnew) {
  create(kPlainCall);
  v1::UpdateLegRequest in;
  in.mutable_leg()->set_name("sessions/s/legs/b");
  *in.mutable_leg()->add_codecs() = parse<v1::CodecParameters>("payload_type: 8");
  in.mutable_update_mask()->add_paths("codecs");
  const auto out = api->update_leg(in);
  ASSERT_EQ(refusal(out), "");
  EXPECT_EQ(out->leg().remote().rtp().port(), 9002U) << "what the mask does not name stays";
  v1::GetConnectionRequest get;
  get.set_name("sessions/s/connections/ab");
  auto connection = api->get_connection(get);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->connection().plan().kind(), v1::PLAN_KIND_TRANSCODE);
  EXPECT_EQ(connection->connection().plan().text(),
            "legs/a -> legs/b: transcode(pcmu->pcma) send(rtp)");
  const auto seen = events_until(v1::Event::kPlanChanged);
  EXPECT_EQ(seen.back().plan_changed().connection(), "sessions/s/connections/ab");
}

TEST_F(RelayApiTest, RefusedUpdatesChangeNothing) {
  create(kPlainCall);
  v1::GetLegRequest get;
  get.set_name("sessions/s/legs/b");
  const std::string before = api->get_leg(get)->leg().SerializeAsString();
  const auto refused = [&](const std::string& text) {
    return refusal(api->update_leg(parse<v1::UpdateLegRequest>(text)));
  };
  EXPECT_EQ(refused("leg { name: 'sessions/s/legs/b' codecs { payload_type: 18 } }"),
            "NO_COMMON_CODEC leg");
  EXPECT_EQ(refused("leg { name: 'sessions/s/legs/b' dscp: 77 }"), "FIELD_INVALID leg.dscp");
  EXPECT_EQ(refused("leg { name: 'sessions/s/legs/b' } update_mask { paths: 'network' }"),
            "UPDATE_MASK_INVALID update_mask.paths[0]");
  EXPECT_EQ(refused("leg { name: 'sessions/s/legs/b' etag: 'old' }"), "ETAG_MISMATCH");
  EXPECT_EQ(refused("leg { name: 'sessions/s/legs/x' }"), "LEG_NOT_FOUND");
  EXPECT_EQ(refused("leg { name: 'sessions/x/legs/b' }"), "SESSION_NOT_FOUND");
  EXPECT_EQ(refused("leg { }"), "FIELD_REQUIRED leg.name");
  EXPECT_EQ(api->get_leg(get)->leg().SerializeAsString(), before);
}

TEST_F(RelayApiTest, EtagsChangeWithTheirResourceOnly) {
  const v1::Session before = create(kPlainCall);
  v1::UpdateLegRequest in;
  in.mutable_leg()->set_name("sessions/s/legs/a");
  in.mutable_leg()->set_etag(before.legs(0).etag());
  (*in.mutable_leg()->mutable_labels())["x"] = "y";
  ASSERT_EQ(refusal(api->update_leg(in)), "");
  const auto again = api->update_leg(in);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "ETAG_MISMATCH");
  v1::GetSessionRequest get;
  get.set_name("sessions/s");
  const auto after = api->get_session(get);
  EXPECT_EQ(again.error().metadata_value("etag"), after->session().legs(0).etag());
  EXPECT_EQ(after->session().legs(1).etag(), before.legs(1).etag());
  EXPECT_EQ(after->session().etag(), before.etag());
}

constexpr const char* kSecureLeg =
    "legs { name: 'legs/a' remote { rtp { ip: '127.0.0.1' port: 9000 } } security { sdes { receive "
    "{ suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { material: "
    "'0123456789012345678901234567SE' } } } } }";

TEST_F(RelayApiTest, MadeKeysAreShownOnceAndGivenKeysNever) {
  const v1::Session session = create(kSecureLeg);
  const std::string material = session.legs(0).security().sdes().send().keys(0).material();
  EXPECT_EQ(material.size(), 30U);
  EXPECT_THAT(session.legs(0).security().sdes().send().crypto(),
              HasSubstr("AES_CM_128_HMAC_SHA1_80 inline:"));
  std::string everything;
  v1::GetSessionRequest get;
  get.set_name("sessions/s");
  everything += api->get_session(get)->SerializeAsString();
  v1::ListSessionsRequest list;
  list.set_view(v1::SESSION_VIEW_FULL);
  everything += api->list_sessions(list)->SerializeAsString();
  v1::DescribeSessionRequest words;
  words.set_name("sessions/s");
  everything += api->describe_session(words)->SerializeAsString();
  v1::GetSessionReportRequest report;
  report.set_name("sessions/s");
  everything += api->get_session_report(report)->SerializeAsString();
  everything += remove().SerializeAsString();
  for (const v1::Event& event : events_until(v1::Event::kSessionClosed)) {
    everything += event.SerializeAsString();
  }
  EXPECT_EQ(everything.find(material), std::string::npos);
  EXPECT_EQ(everything.find("0123456789"), std::string::npos);
  EXPECT_EQ(everything.find("inline:"), std::string::npos);
  EXPECT_EQ(session.SerializeAsString().find("0123456789"), std::string::npos);
}

TEST_F(RelayApiTest, RotatesKeysOfSecureLegsOnly) {
  create(std::string(kSecureLeg) + " legs { name: 'legs/b' }");
  const auto rotate = [&](const std::string& text) {
    return api->rotate_keys(parse<v1::RotateKeysRequest>(text));
  };
  EXPECT_EQ(refusal(rotate("name: 'sessions/s/legs/b' send {}")), "LEG_NOT_READY");
  EXPECT_EQ(refusal(rotate("name: 'sessions/s/legs/a'")), "FIELD_REQUIRED receive");
  EXPECT_EQ(refusal(rotate("name: 'sessions/s/legs/a' receive {}")), "FIELD_REQUIRED receive");
  EXPECT_EQ(refusal(rotate("name: 'sessions/s/legs/a' send {} grace { seconds: 61 }")),
            "FIELD_INVALID grace");
  EXPECT_EQ(refusal(rotate("name: 'sessions/s/legs/a' receive { suite: "
                           "SRTP_SUITE_AEAD_AES_256_GCM keys { material: 'x' } }")),
            "KEY_LENGTH receive.keys[0].material");
  const auto done = rotate("name: 'sessions/s/legs/a' send { suite: SRTP_SUITE_AEAD_AES_256_GCM }");
  ASSERT_EQ(refusal(done), "");
  EXPECT_EQ(done->leg().security().sdes().send().keys(0).material().size(), 44U);
  EXPECT_EQ(done->leg().security().sdes().receive().suite(),
            v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80);
  v1::GetLegReportRequest report;
  report.set_name("sessions/s/legs/a");
  const auto counted = api->get_leg_report(report);
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->report().srtp().rotations(), 1U);
  EXPECT_EQ(counted->report().srtp().send_suite(), v1::SRTP_SUITE_AEAD_AES_256_GCM);
}

TEST_F(RelayApiTest, AnOffererGetsItsKeyFirstAndTheAnswerersLater) {
  v1::Session session = create("legs { name: 'legs/a' security { sdes {} } }");
  EXPECT_EQ(session.legs(0).state(), v1::LEG_STATE_WAITING);
  EXPECT_EQ(session.legs(0).security().sdes().send().keys(0).material().size(), 30U);
  auto in = parse<v1::UpdateLegRequest>(
      "leg { name: 'sessions/s/legs/a' remote { rtp { ip: '127.0.0.1' port: 9000 } } security { "
      "sdes { receive { suite: SRTP_SUITE_AES_CM_128_HMAC_SHA1_80 keys { material: "
      "'012345678901234567890123456789' } } } } }");
  const auto out = api->update_leg(in);
  ASSERT_EQ(refusal(out), "");
  EXPECT_EQ(out->leg().state(), v1::LEG_STATE_ACTIVE);
  EXPECT_EQ(out->leg().security().sdes().send().keys(0).material(), "") << "it was shown before";
  EXPECT_EQ(events_until(v1::Event::kLegActive).back().leg(), "sessions/s/legs/a");
}

TEST_F(RelayApiTest, LegsAndConnectionsComeAndGo) {
  create("legs { name: 'legs/a' codecs {} remote { rtp { ip: '127.0.0.1' port: 9000 } } }");
  const auto leg = api->create_leg(
      parse<v1::CreateLegRequest>("parent: 'sessions/s' leg_id: 'b' leg { codecs {} remote { rtp { "
                                  "ip: '127.0.0.1' port: 9002 } } "
                                  "}"));
  ASSERT_EQ(refusal(leg), "");
  EXPECT_EQ(leg->leg().name(), "sessions/s/legs/b");
  EXPECT_GT(leg->leg().local().rtp().port(), 0U);
  const auto connect = [&](const std::string& text) {
    return api->create_connection(
        parse<v1::CreateConnectionRequest>("parent: 'sessions/s' " + text));
  };
  EXPECT_EQ(refusal(connect("")), "FIELD_REQUIRED connection");
  const auto connection =
      connect("connection_id: 'x' connection { from_leg: 'legs/a' to_leg: 'sessions/s/legs/b' }");
  ASSERT_EQ(refusal(connection), "");
  EXPECT_EQ(connection->connection().from_leg(), "sessions/s/legs/a");
  EXPECT_EQ(
      refusal(connect("connection_id: 'x' connection { from_leg: 'legs/b' to_leg: 'legs/a' }")),
      "ID_TAKEN connection_id");
  EXPECT_EQ(refusal(connect("connection { from_leg: 'legs/a' to_leg: 'legs/b' }")), "STAGE_ABSENT");

  v1::DeleteLegRequest remove_leg;
  remove_leg.set_name("sessions/s/legs/b");
  const auto report = api->delete_leg(remove_leg);
  ASSERT_EQ(refusal(report), "");
  EXPECT_EQ(report->report().close_reason(), v1::CLOSE_REASON_DELETED);
  EXPECT_EQ(refusal(api->delete_leg(remove_leg)), "LEG_NOT_FOUND");
  v1::GetConnectionRequest get;
  get.set_name("sessions/s/connections/x");
  EXPECT_EQ(refusal(api->get_connection(get)), "CONNECTION_NOT_FOUND");
  const v1::SessionReport last = remove();
  EXPECT_EQ(last.legs_size(), 2) << "those that were closed earlier included";
}

TEST_F(RelayApiTest, AConnectionsChainIsReplacedWhole) {
  create(kPlainCall);
  const auto update = [&](const std::string& text) {
    return api->update_connection(parse<v1::UpdateConnectionRequest>(text));
  };
  const auto refused =
      update("connection { name: 'sessions/s/connections/ab' stages { encrypt {} } }");
  EXPECT_EQ(refusal(refused), "PLAN_MISMATCH connection.stages[0]");
  EXPECT_EQ(refusal(update("connection { name: 'sessions/s/connections/ab' } update_mask { paths: "
                           "'from_leg' }")),
            "UPDATE_MASK_INVALID update_mask.paths[0]");
  EXPECT_EQ(refusal(update("connection { name: 'sessions/s/connections/ab' etag: 'x' }")),
            "ETAG_MISMATCH");
  EXPECT_EQ(refusal(update("connection { name: 'sessions/s/connections/zz' }")),
            "CONNECTION_NOT_FOUND");
  const auto done = update("connection { name: 'sessions/s/connections/ab' }");
  ASSERT_EQ(refusal(done), "");
  v1::DeleteConnectionRequest remove_it;
  remove_it.set_name("sessions/s/connections/ab");
  EXPECT_EQ(refusal(api->delete_connection(remove_it)), "");
  EXPECT_EQ(refusal(api->delete_connection(remove_it)), "CONNECTION_NOT_FOUND");
}

TEST_F(RelayApiTest, LeasesAreRenewedAndRunOut) {
  create("lease { seconds: 1 } lease_expiry: LEASE_EXPIRY_CLOSE");
  v1::RenewSessionRequest renew;
  renew.set_name("sessions/s");
  renew.mutable_lease()->set_seconds(2);
  const auto renewed = api->renew_session(renew);
  ASSERT_EQ(refusal(renewed), "");
  EXPECT_EQ(renewed->session().lease().seconds(), 2);
  const auto seen = events_until(v1::Event::kSessionClosed);
  EXPECT_EQ(seen.back().session_closed().reason(), v1::CLOSE_REASON_LEASE_EXPIRED);
  EXPECT_EQ(refusal(api->renew_session(renew)), "SESSION_NOT_FOUND");
}

TEST_F(RelayApiTest, ASessionOutlivesItsApplicationAndSaysSo) {
  create("lease { seconds: 1 }");
  const auto seen = events_until(v1::Event::kSessionOrphaned);
  EXPECT_EQ(seen.back().session(), "sessions/s");
  v1::GetSessionRequest get;
  get.set_name("sessions/s");
  EXPECT_EQ(api->get_session(get)->session().state(), v1::SESSION_STATE_ORPHANED);
  v1::RenewSessionRequest renew;
  renew.set_name("sessions/s");
  renew.mutable_lease()->set_seconds(60);
  ASSERT_TRUE(api->renew_session(renew));
  EXPECT_EQ(api->get_session(get)->session().state(), v1::SESSION_STATE_OPEN);
}

TEST_F(RelayApiTest, DtmfNeedsSomewhereToGo) {
  create(
      "legs { name: 'legs/a' codecs {} codecs { payload_type: 101 encoding_name: 'telephone-event' "
      "} "
      "remote { rtp { ip: '127.0.0.1' port: 9000 } } } legs { name: 'legs/b' codecs {} } "
      "legs { name: 'legs/c' codecs {} codecs { payload_type: 101 encoding_name: 'telephone-event' "
      "} "
      "}");
  const auto send = [&](const std::string& text) {
    return api->send_dtmf(parse<v1::SendDtmfRequest>(text));
  };
  const auto done = send("name: 'sessions/s/legs/a' digits: '12#'");
  ASSERT_EQ(refusal(done), "");
  EXPECT_EQ(done->total_duration().nanos(), 450'000'000);
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/b' digits: '1'")), "LEG_NOT_READY");
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/c' digits: '1'")), "LEG_NOT_READY");
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/a'")), "FIELD_REQUIRED digits");
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/a' digits: '1x'")), "FIELD_INVALID digits");
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/a' digits: '1' volume: 64")),
            "FIELD_INVALID volume");
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/a' digits: '1' duration { seconds: 9 }")),
            "FIELD_INVALID duration");
  EXPECT_EQ(refusal(send("name: 'sessions/s/legs/a' digits: '1' gap {}")), "FIELD_INVALID gap");
}

TEST_F(RelayApiTest, DescribesInWords) {
  create(
      std::string(kSecureLeg) +
      " legs { name: 'legs/b' accept_from { latch {} } } connections { from_leg: 'legs/a' to_leg: "
      "'legs/b' }");
  v1::DescribeSessionRequest in;
  in.set_name("sessions/s");
  const auto out = api->describe_session(in);
  ASSERT_TRUE(out);
  EXPECT_THAT(out->text(), HasSubstr("legs/a: active"));
  EXPECT_THAT(out->text(), HasSubstr("receives AES_CM_128_HMAC_SHA1_80"));
  EXPECT_THAT(out->text(), HasSubstr("legs/b: waiting"));
  EXPECT_THAT(out->text(), HasSubstr("(latch)"));
  EXPECT_THAT(out->text(), HasSubstr("open(AES_CM_128_HMAC_SHA1_80)"));
  ASSERT_EQ(out->plans_size(), 1);
  EXPECT_EQ(out->plans(0).plan().kind(), v1::PLAN_KIND_REKEY);
}

TEST_F(RelayApiTest, ChangesOfOneSessionFromManyThreadsAreOneAfterTheOther) {
  create(kPlainCall);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        auto in = parse<v1::UpdateLegRequest>(
            "leg { name: 'sessions/s/legs/b' codecs { payload_type: 8 } } update_mask { paths: "
            "'codecs' }");
        in.mutable_leg()->mutable_codecs(0)->set_payload_type((i + t) % 2 == 0 ? 8 : 0);
        EXPECT_EQ(refusal(api->update_leg(in)), "");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(remove().legs_size(), 2);
}

TEST_F(RelayApiTest, StoppingTheNodeClosesItsSessionsAndTellsOfIt) {
  create(kPlainCall);
  plane->stop();
  const auto seen = events_until(v1::Event::kSessionClosed);
  EXPECT_EQ(seen.back().session_closed().reason(), v1::CLOSE_REASON_NODE_SHUTDOWN);
  EXPECT_EQ(refusal(events->read()), "NODE_DRAINING");
  EXPECT_EQ(create_refusal(""), "NODE_DRAINING");
}

TEST_F(RelayApiTest, WatchersOfAClosedSessionStillGetItsEvents) {
  const std::string token = events->token();
  create("");
  remove();
  v1::WatchEventsRequest in;
  in.set_session("sessions/s");
  EXPECT_EQ(refusal(watch(*plane, in, [] {})), "SESSION_NOT_FOUND");
  in.set_resume_token(token);
  auto late = watch(*plane, in, [] {});
  ASSERT_EQ(refusal(late), "");
  EXPECT_TRUE((**(*late)->read()).has_session_created());
  in.set_session("session/s");
  EXPECT_EQ(refusal(watch(*plane, in, [] {})), "NAME_INVALID session");
  in.set_session("sessions/-");
  in.add_kinds("nothing");
  EXPECT_EQ(refusal(watch(*plane, in, [] {})), "FIELD_INVALID kinds[0]");
}

class FewPortsTest : public PlaneTest {
 protected:
  FewPortsTest() : PlaneTest(21'400, 8) {}  // two workers, two pairs each
};

TEST_F(FewPortsTest, ASessionGoesToTheWorkerThatHasRoom) {
  for (int i = 0; i < 4; ++i) {
    v1::CreateSessionRequest in;
    in.mutable_session()->add_legs();
    EXPECT_EQ(refusal(api->create_session(in)), "") << i;
  }
  EXPECT_EQ(create_refusal("legs {}"), "PORTS_EXHAUSTED");
  v1::CreateSessionRequest empty;
  EXPECT_EQ(refusal(api->create_session(empty)), "") << "without legs it needs no port";
}

NodeConfig limited() {
  NodeConfig config = test_config(21'500);
  config.max_sessions = 1;
  config.max_legs = 2;
  return config;
}

class LimitedTest : public PlaneTest {
 protected:
  LimitedTest() : PlaneTest(limited()) {}
};

TEST_F(LimitedTest, TakesNoMoreThanItIsToldTo) {
  EXPECT_EQ(create_refusal("legs {} legs {} legs {}"), "QUOTA");
  create("legs {} legs {}");
  v1::CreateSessionRequest in;
  EXPECT_EQ(refusal(api->create_session(in)), "QUOTA");
  v1::CreateLegRequest leg;
  leg.set_parent("sessions/s");
  EXPECT_EQ(refusal(api->create_leg(leg)), "QUOTA");
}

}  // namespace
}  // namespace causeway::control
