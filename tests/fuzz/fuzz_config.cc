// control/config.h: any text is a configuration or is refused with a reason, from a file, from the
// environment and from --network; no exception gets out.

#include "control/config.h"

#include <string>

#include "tests/fuzz/input.h"

namespace causeway::control {
namespace {

void check_refusal(const Result<void, Error>& done) {
  if (done) return;
  CAUSEWAY_CHECK(!done.error().reason.empty() && !done.error().detail.empty(),
                 "a refusal without a reason");
}

void run(fuzz::Input input) {
  const std::uint8_t source = input.u8();
  const std::string text(input.rest_as_text());
  if (source % 4 == 0) {
    if (const auto network = parse_network(text)) {
      CAUSEWAY_CHECK(network->first_port.raw() <= network->last_port.raw(), "a range upside down");
    }
    return;
  }
  Config config;
  if (source % 4 == 1) {
    const std::string value = text.substr(0, text.find('\0'));
    const auto settings_count = settings().size();
    const std::string name = settings()[source / 4 % settings_count].environment_name();
    check_refusal(read_environment(
        [&](const std::string& asked) { return asked == name ? value.c_str() : nullptr; }, config));
  } else {
    check_refusal(read_config(text, config));
  }
  check_refusal(check_config(config));
}

}  // namespace
}  // namespace causeway::control

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::control::run(causeway::fuzz::Input(data, size));
  return 0;
}
