// control/names.h: a name that is accepted is made of ids and is built again from them to the same
// octets; nothing else is an id.

#include "control/names.h"

#include <string>

#include "tests/fuzz/input.h"

namespace causeway::control {
namespace {

void check_id(std::string_view id) {
  CAUSEWAY_CHECK(is_id(id), "a name with something that is no id");
  CAUSEWAY_CHECK(id.size() <= 64 && id.find('/') == id.npos && id != "." && id != "..",
                 "an id that is no file name");
}

void run(fuzz::Input input) {
  const auto kind = static_cast<ChildKind>(input.u8() % 4);
  const std::string_view text = input.rest_as_text();
  if (const auto session = parse_session_name(text)) {
    check_id(*session);
    CAUSEWAY_CHECK(session_name(*session) == text, "a session's name that is another");
  }
  if (const auto child = parse_child_name(text, kind)) {
    check_id(child->session);
    check_id(child->id);
    CAUSEWAY_CHECK(child_name(child->session, kind, child->id) == text,
                   "a child's name that is another");
    const auto reference = parse_reference(text, kind, child->session);
    CAUSEWAY_CHECK(reference && *reference == child->id, "a full name that is no reference");
    CAUSEWAY_CHECK(!parse_reference(text, kind, std::string(child->session) + "x"),
                   "a reference into another session");
  }
  if (const auto id = parse_reference(text, kind, "s")) check_id(*id);
  if (is_id(text)) check_id(text);
}

}  // namespace
}  // namespace causeway::control

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::control::run(causeway::fuzz::Input(data, size));
  return 0;
}
