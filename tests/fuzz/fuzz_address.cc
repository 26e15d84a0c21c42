// relay/base/address.h: what parses prints as text that parses to the same value.

#include "relay/base/address.h"
#include "tests/fuzz/input.h"

namespace causeway {
namespace {

template <typename T>
void check_round_trip(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) return;
  const auto again = T::parse(value->to_string());
  CAUSEWAY_CHECK(again && *again == *value, "the printed form means something else");
}

void run(fuzz::Input input) {
  const std::string_view text = input.rest_as_text();
  check_round_trip<IpAddress>(text);
  check_round_trip<SocketAddress>(text);
  check_round_trip<Cidr>(text);
  if (const auto block = Cidr::parse(text)) {
    const std::string printed = block->to_string();
    const auto address = IpAddress::parse(printed.substr(0, printed.find('/')));
    CAUSEWAY_CHECK(address && block->contains(*address), "a block without its own first address");
  }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
