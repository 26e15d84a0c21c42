#include "relay/wire/header_extensions.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

constexpr const char* kHeader = "1234 01020304 cafebabe";  // after the first two octets

struct Packets : testing::Test {
  PacketPool pool{4};

  OpenRtp open(std::string_view text) {
    return *open_plain(*SealedRtp::parse(packet_of(pool, hex(text))));
  }
  /// A packet with this extension (profile, length and body) and payload aabbcc.
  OpenRtp with(std::string_view extension) {
    return open("9060" + std::string(kHeader) + std::string(extension) + "aabbcc");
  }
  OpenRtp bare() { return open("8060" + std::string(kHeader) + "aabbcc"); }
};

std::string text_of(Bytes octets) {
  std::string text;
  for (const std::byte octet : octets) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[load_u8(&octet) >> 4];
    text += kDigits[load_u8(&octet) & 15];
  }
  return text;
}

/// "id:data id:data", as the receiver of the packet reads it.
std::string elements_of(const OpenRtp& packet) {
  HeaderExtensions extensions(packet);
  std::string text;
  for (auto element = extensions.next(); element; element = extensions.next()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(element->id) + ':' + text_of(element->data);
  }
  return text;
}

/// What must hold after every edit: the octets parse to the layout that the packet says it has, and
/// nothing but the extension has changed.
void expect_sound(const OpenRtp& packet) {
  const auto layout = parse_rtp_header(packet.bytes());
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->header_octets, packet.layout().header_octets);
  EXPECT_EQ(layout->extension_offset, packet.layout().extension_offset);
  EXPECT_EQ(layout->extension_octets, packet.layout().extension_octets);
  EXPECT_EQ(text_of(packet.payload()), "aabbcc");
  EXPECT_EQ(packet.ssrc(), Ssrc(0xcafebabe));
  EXPECT_EQ(packet.seq(), SeqNum(0x1234));
  EXPECT_EQ(packet.timestamp(), RtpTimestamp(0x01020304));
  EXPECT_EQ(packet.payload_type(), PayloadType(96));
}

// ---- reading ------------------------------------------------------------------------------------

TEST_F(Packets, HaveNoElementsWithoutAnExtension) {
  const OpenRtp packet = bare();
  HeaderExtensions extensions(packet);
  EXPECT_EQ(extensions.form(), ExtensionForm::None);
  EXPECT_FALSE(extensions.next());
  EXPECT_TRUE(extensions.is_whole());
}

TEST_F(Packets, AreReadInTheOneByteForm) {
  // RFC 8285 4.2: ids 1 and 14, padding between and after them.
  const OpenRtp packet = with("bede0003 10ff 0000 e3aabbccdd 000000");
  EXPECT_EQ(HeaderExtensions(packet).form(), ExtensionForm::OneByte);
  EXPECT_EQ(elements_of(packet), "1:ff 14:aabbccdd");
  EXPECT_TRUE(HeaderExtensions(packet).is_whole());
}

TEST_F(Packets, AreReadInTheTwoByteForm) {
  const OpenRtp packet = with("1005 0003 0100 00 ff02abcd 0f0177 0000");
  EXPECT_EQ(HeaderExtensions(packet).form(), ExtensionForm::TwoByte);
  EXPECT_EQ(elements_of(packet), "1: 255:abcd 15:77");
  EXPECT_TRUE(HeaderExtensions(packet).is_whole());
}

TEST_F(Packets, StopAtIdFifteenAndAtPaddingWithALength) {
  const OpenRtp reserved = with("bede0002 10ff f0aa 20bb 0000");
  EXPECT_EQ(elements_of(reserved), "1:ff");
  EXPECT_FALSE(HeaderExtensions(reserved).is_whole());
  const OpenRtp padding = with("bede0002 10ff 01aabb 20bb 00");
  EXPECT_EQ(elements_of(padding), "1:ff");
  EXPECT_FALSE(HeaderExtensions(padding).is_whole());
}

TEST_F(Packets, DoNotReadPastAnElementThatLies) {
  EXPECT_EQ(elements_of(with("bede0001 10ff 2fab")), "1:ff");
  EXPECT_EQ(elements_of(with("10000001 0101ff 07")), "1:ff") << "no room for a length";
  EXPECT_EQ(elements_of(with("10000001 02ffabcd")), "");
}

TEST_F(Packets, WithAProfileOfTheirOwnAreNotRead) {
  const OpenRtp packet = with("12340001 10ff10ff");
  EXPECT_EQ(HeaderExtensions(packet).form(), ExtensionForm::Other);
  EXPECT_EQ(elements_of(packet), "");
}

TEST_F(Packets, FindTheFirstElementOfAnIdFromAnyPlace) {
  const OpenRtp packet = with("bede0002 10aa 20bb 10cc 0000");
  HeaderExtensions extensions(packet);
  (void)extensions.next();
  ASSERT_TRUE(extensions.find(1));
  EXPECT_EQ(text_of(*extensions.find(1)), "aa");
  EXPECT_FALSE(extensions.find(3));
}

// ---- editing ------------------------------------------------------------------------------------

TEST_F(Packets, MapTheirIdsAndLoseWhatIsNotNegotiated) {
  OpenRtp packet = with("bede0003 10aa 21bbbb 40dd 0000 0000 00");
  ExtensionIdMap ids;
  ids.set(1, 5);
  ids.set(2, 1);
  EXPECT_EQ(edit_extension(packet, {&ids, {}}), ExtensionEditResult::Done);
  EXPECT_EQ(elements_of(packet), "5:aa 1:bbbb");
  EXPECT_EQ(packet.layout().extension_octets, 8) << "padding is made anew";
  expect_sound(packet);
}

TEST_F(Packets, LoseAnExtensionOfWhichNothingIsLeft) {
  OpenRtp packet = with("bede0001 10aa 0000");
  const ExtensionIdMap none;
  EXPECT_EQ(edit_extension(packet, {&none, {}}), ExtensionEditResult::Done);
  EXPECT_TRUE(std::ranges::equal(packet.bytes(), bare().bytes()));
  expect_sound(packet);
}

TEST_F(Packets, TakeAMidWhereTheyHadNoExtension) {
  OpenRtp packet = bare();
  const ExtensionElement mid{4, as_octets("video")};
  EXPECT_EQ(edit_extension(packet, {nullptr, std::span(&mid, 1)}), ExtensionEditResult::Done);
  EXPECT_EQ(HeaderExtensions(packet).form(), ExtensionForm::OneByte);
  EXPECT_EQ(elements_of(packet), "4:766964656f");
  expect_sound(packet);
}

TEST_F(Packets, ReplaceAMidUnderItsNewId) {
  OpenRtp packet = with("bede0002 41 3031 10aa 000000");
  const ExtensionIdMap ids = [] {
    ExtensionIdMap map = ExtensionIdMap::identity();
    map.set(4, 9);
    return map;
  }();
  const ExtensionElement mid{9, as_octets("a")};
  EXPECT_EQ(edit_extension(packet, {&ids, std::span(&mid, 1)}), ExtensionEditResult::Done);
  EXPECT_EQ(elements_of(packet), "1:aa 9:61");
  expect_sound(packet);
}

TEST_F(Packets, GoOverToTheTwoByteFormWhereAnElementNeedsIt) {
  const std::string long_mid(17, 'm');
  for (const ExtensionElement& put :
       {ExtensionElement{4, as_octets(long_mid)}, ExtensionElement{15, as_octets("a")},
        ExtensionElement{4, {}}, ExtensionElement{255, as_octets("a")}}) {
    OpenRtp packet = with("bede0001 10aa 0000");
    EXPECT_EQ(edit_extension(packet, {nullptr, std::span(&put, 1)}), ExtensionEditResult::Done);
    EXPECT_EQ(HeaderExtensions(packet).form(), ExtensionForm::TwoByte);
    EXPECT_EQ(elements_of(packet), "1:aa " + std::to_string(put.id) + ':' + text_of(put.data));
    expect_sound(packet);
  }
}

TEST_F(Packets, KeepTheTwoByteFormAndItsAppbits) {
  OpenRtp packet = with("10070001 0101aa00");
  const ExtensionElement mid{4, as_octets("a")};
  EXPECT_EQ(edit_extension(packet, {nullptr, std::span(&mid, 1)}), ExtensionEditResult::Done);
  EXPECT_EQ(HeaderExtensions(packet).profile(), 0x1007);
  EXPECT_EQ(elements_of(packet), "1:aa 4:61");
  expect_sound(packet);
}

TEST_F(Packets, AreLeftAsTheyAreWhereTheyCannotBeRead) {
  const ExtensionElement mid{4, as_octets("a")};
  const ExtensionIdMap none;
  for (const char* const extension :
       {"12340001 10ff10ff", "bede0001 10ff 2fab", "bede0001 f0aa0000", "10000001 02ffabcd"}) {
    OpenRtp packet = with(extension);
    const std::string before = text_of(packet.bytes());
    EXPECT_EQ(edit_extension(packet, {&none, std::span(&mid, 1)}), ExtensionEditResult::Unreadable);
    EXPECT_EQ(text_of(packet.bytes()), before);
    packet.remove_extension();
    EXPECT_TRUE(std::ranges::equal(packet.bytes(), bare().bytes())) << "which the caller may do";
    expect_sound(packet);
  }
}

TEST_F(Packets, AreLeftAsTheyAreWhereTheHeadRoomIsTooSmall) {
  OpenRtp packet = bare();
  const std::string text(100, 'm');
  const ExtensionElement mid{4, as_octets(text)};
  EXPECT_EQ(edit_extension(packet, {nullptr, std::span(&mid, 1)}), ExtensionEditResult::NoRoom);
  EXPECT_TRUE(std::ranges::equal(packet.bytes(), bare().bytes()));
}

TEST_F(Packets, KeepTheirCsrcsBeforeTheExtension) {
  OpenRtp packet = open("8260" + std::string(kHeader) + "11111111 22222222 aabbcc");
  const ExtensionElement mid{4, as_octets("a")};
  EXPECT_EQ(edit_extension(packet, {nullptr, std::span(&mid, 1)}), ExtensionEditResult::Done);
  EXPECT_EQ(load_be32(&packet.bytes()[12]), 0x11111111U);
  EXPECT_EQ(load_be32(&packet.bytes()[16]), 0x22222222U);
  expect_sound(packet);
}

TEST_F(Packets, SayTheSameAfterEveryRandomEdit) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    // A well-formed extension of random elements, in either form.
    const bool is_one_byte = random() % 2 == 0;
    std::vector<std::byte> body;
    std::string expected;
    ExtensionIdMap ids;
    const std::string mid_text(1 + random() % 20, 'a');
    const auto mid_id = static_cast<std::uint8_t>(1 + random() % 20);
    for (unsigned i = 0; i < random() % 5; ++i) {
      const auto id = static_cast<std::uint8_t>(1 + random() % (is_one_byte ? 14 : 40));
      const std::size_t octets = is_one_byte ? 1 + random() % 5 : random() % 6;
      if (is_one_byte) {
        body.push_back(static_cast<std::byte>((unsigned{id} << 4) | (octets - 1)));
      } else {
        body.push_back(std::byte{id});
        body.push_back(static_cast<std::byte>(octets));
      }
      std::vector<std::byte> data(octets, static_cast<std::byte>(random()));
      body.insert(body.end(), data.begin(), data.end());
      if (ids[id] == 0 && random() % 3 != 0) {
        ids.set(id, static_cast<std::uint8_t>(1 + random() % 16));
      }
    }
    while (body.size() % 4 != 0) body.push_back(std::byte{0});
    OpenRtp packet = bare();
    if (!packet.set_extension(is_one_byte ? 0xbede : 0x1000, body)) continue;
    HeaderExtensions before(packet);
    for (auto element = before.next(); element; element = before.next()) {
      const std::uint8_t id = ids[element->id];
      if (id == 0 || id == mid_id) continue;
      expected += std::to_string(id) + ':' + text_of(element->data) + ' ';
    }
    const ExtensionElement mid{mid_id, as_octets(mid_text)};
    const std::string octets_before = text_of(packet.bytes());
    const ExtensionEditResult result = edit_extension(packet, {&ids, std::span(&mid, 1)});
    if (result == ExtensionEditResult::NoRoom) {
      ASSERT_EQ(text_of(packet.bytes()), octets_before);
      continue;
    }
    ASSERT_EQ(result, ExtensionEditResult::Done);
    expected += std::to_string(mid_id) + ':' + text_of(as_octets(mid_text));
    ASSERT_EQ(elements_of(packet), expected);
    expect_sound(packet);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace causeway::wire
