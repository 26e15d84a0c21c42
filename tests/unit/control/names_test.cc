#include "control/names.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace causeway::control {
namespace {

TEST(Names, IdsAreShortAndSafeAsFileNames) {
  for (const char* good : {"a", "_", "7", "call-1", "a.b~c_d", "A"})
    EXPECT_TRUE(is_id(good)) << good;
  for (const char* bad : {"", "-a", ".", "..", ".a", "~a", "a/b", "a b", "a:b", "\xc3\xa9"}) {
    EXPECT_FALSE(is_id(bad)) << bad;
  }
  EXPECT_TRUE(is_id(std::string(64, 'a')));
  EXPECT_FALSE(is_id(std::string(65, 'a')));
  EXPECT_FALSE(is_id(std::string_view("a\0b", 3)));
}

TEST(Names, MadeIdsAreIdsAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = make_id();
    EXPECT_EQ(id.size(), 32U);
    EXPECT_TRUE(is_id(id)) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(Names, FullNamesGoThereAndBack) {
  EXPECT_EQ(session_name("s1"), "sessions/s1");
  EXPECT_EQ(parse_session_name("sessions/s1").value(), "s1");
  for (const ChildKind kind :
       {ChildKind::Leg, ChildKind::Connection, ChildKind::Recording, ChildKind::Playback}) {
    const std::string name = child_name("s1", kind, "x");
    const auto parsed = parse_child_name(name, kind);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->session, "s1");
    EXPECT_EQ(parsed->id, "x");
  }
}

TEST(Names, OfAnotherKindAreRefused) {
  EXPECT_FALSE(parse_child_name("sessions/s/legs/a", ChildKind::Connection));
  EXPECT_FALSE(parse_child_name("sessions/s/legs", ChildKind::Leg));
  EXPECT_FALSE(parse_child_name("sessions/s/legs/", ChildKind::Leg));
  EXPECT_FALSE(parse_child_name("sessions/s/legs/a/b", ChildKind::Leg));
  EXPECT_FALSE(parse_child_name("sessions//legs/a", ChildKind::Leg));
  EXPECT_FALSE(parse_child_name("legs/a", ChildKind::Leg));
  EXPECT_FALSE(parse_session_name("sessions/"));
  EXPECT_FALSE(parse_session_name("sessions/-"));
  EXPECT_FALSE(parse_session_name("session/s"));
  EXPECT_FALSE(parse_session_name("sessions/s/legs/a"));
  EXPECT_FALSE(parse_session_name(""));
}

TEST(Names, ReferencesAreShortOrOfTheirOwnSession) {
  EXPECT_EQ(parse_reference("legs/a", ChildKind::Leg, "s").value(), "a");
  EXPECT_EQ(parse_reference("sessions/s/legs/a", ChildKind::Leg, "s").value(), "a");
  EXPECT_EQ(parse_reference("sessions/t/legs/a", ChildKind::Leg, "s").error(),
            "is of another session");
  EXPECT_FALSE(parse_reference("a", ChildKind::Leg, "s"));
  EXPECT_FALSE(parse_reference("legs/..", ChildKind::Leg, "s"));
  EXPECT_FALSE(parse_reference("legsX/a", ChildKind::Leg, "s"));
}

TEST(Names, HexIsLowerCase) { EXPECT_EQ(to_hex(std::string_view("\x00\xab\x7f", 3)), "00ab7f"); }

}  // namespace
}  // namespace causeway::control
