// relay/wire/telephone_event.h: what is read is written back to the same octets, the reserved bit
// apart.

#include "relay/wire/telephone_event.h"

#include <array>

#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void run(fuzz::Input input) {
  const Bytes payload = input.rest();
  const auto event = wire::TelephoneEvent::parse(payload);
  if (!event) return;
  std::array<std::byte, wire::TelephoneEvent::kOctets> written{};
  event->write(written);
  const auto again = wire::TelephoneEvent::parse(written);
  CAUSEWAY_CHECK(again && *again == *event, "an event that was written reads differently");
  for (std::size_t i = 0; i < written.size(); ++i) {
    const std::byte reserved = i == 1 ? std::byte{0x40} : std::byte{0};
    CAUSEWAY_CHECK((payload[i] & ~reserved) == written[i], "other octets than were read");
  }
  if (const char character = wire::dtmf_character(event->event); character != 0) {
    CAUSEWAY_CHECK(wire::dtmf_event(character) == event->event, "a digit that is another event");
  }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
