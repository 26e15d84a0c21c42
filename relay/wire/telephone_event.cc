#include "relay/wire/telephone_event.h"

#include <string_view>

namespace causeway::wire {

namespace {

constexpr std::string_view kDtmf = "0123456789*#ABCD";

}  // namespace

Result<TelephoneEvent, DropReason> TelephoneEvent::parse(Bytes payload) {
  if (payload.empty() || payload.size() % kOctets != 0) return failure(DropReason::BadPayload);
  const unsigned second = load_u8(&payload[1]);
  return TelephoneEvent{load_u8(payload.data()), (second & 0x80U) != 0,
                        static_cast<std::uint8_t>(second & 0x3fU), load_be16(&payload[2])};
}

void TelephoneEvent::write(MutableBytes out) const {
  store_u8(&out[0], event);
  store_u8(&out[1], static_cast<std::uint8_t>((is_end ? 0x80U : 0U) | (volume & 0x3fU)));
  store_be16(&out[2], duration);
}

char dtmf_character(std::uint8_t event) { return event < kDtmf.size() ? kDtmf[event] : '\0'; }

int dtmf_event(char character) {
  if (character >= 'a' && character <= 'd') character = static_cast<char>(character - 'a' + 'A');
  const std::size_t at = kDtmf.find(character);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace causeway::wire
