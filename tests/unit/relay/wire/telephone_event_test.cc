#include "relay/wire/telephone_event.h"

#include <gtest/gtest.h>

#include "tests/unit/relay/wire/octets.h"

namespace causeway::wire {
namespace {

TEST(TelephoneEvent, ReadsItsFields) {
  EXPECT_EQ(*TelephoneEvent::parse(hex("0b8a0320")), (TelephoneEvent{11, true, 10, 800}));
  EXPECT_EQ(*TelephoneEvent::parse(hex("007fffff")), (TelephoneEvent{0, false, 63, 0xffff}));
}

TEST(TelephoneEvent, ReadsOnlyTheFirstOfSeveral) {
  EXPECT_EQ(*TelephoneEvent::parse(hex("010a00a0 020a00a0")), (TelephoneEvent{1, false, 10, 160}));
}

TEST(TelephoneEvent, RefusesAnythingThatIsNoWholeEvent) {
  for (const char* text : {"", "0b", "0b8a03", "0b8a032001"}) {
    EXPECT_EQ(TelephoneEvent::parse(hex(text)), failure(DropReason::BadPayload)) << text;
  }
}

TEST(TelephoneEvent, WritesWhatItReads) {
  for (unsigned event = 0; event < 256; event += 5) {
    for (unsigned volume = 0; volume < 64; volume += 7) {
      const TelephoneEvent written{static_cast<std::uint8_t>(event), (volume & 1U) != 0,
                                   static_cast<std::uint8_t>(volume),
                                   static_cast<std::uint16_t>(event * 257)};
      std::array<std::byte, TelephoneEvent::kOctets> octets{};
      octets.fill(std::byte{0xff});
      written.write(octets);
      EXPECT_EQ(*TelephoneEvent::parse(octets), written);
      EXPECT_EQ(octets[1] & std::byte{0x40}, std::byte{0}) << "the reserved bit is zero";
    }
  }
}

TEST(TelephoneEvent, NamesDtmfBothWays) {
  for (std::uint8_t event = 0; event < 16; ++event) {
    EXPECT_EQ(dtmf_event(dtmf_character(event)), event);
  }
  EXPECT_EQ(dtmf_character(11), '#');
  EXPECT_EQ(dtmf_event('d'), 15);
  EXPECT_EQ(dtmf_character(16), '\0');
  for (const char c : {'\0', ' ', 'E', 'e', '-'}) EXPECT_EQ(dtmf_event(c), -1);
}

}  // namespace
}  // namespace causeway::wire
