// relay/srtp/sdes.h: what is accepted has keys of the suite's length and MKIs of one length, is
// written as text that reads as the same attribute, and a refusal never quotes a key.

#include "relay/srtp/sdes.h"

#include <algorithm>
#include <string>

#include "tests/fuzz/input.h"

namespace causeway {
namespace {

void check_keys(const wire::SrtpKeys& keys) {
  CAUSEWAY_CHECK(!keys.keys.empty(), "an attribute without a key");
  const wire::SrtpSuiteFacts& facts = wire::facts_of(keys.suite);
  for (const wire::SrtpMasterKey& key : keys.keys) {
    CAUSEWAY_CHECK(key.key.size() == facts.key && key.salt.size() == facts.salt, "key length");
    CAUSEWAY_CHECK(key.mki.size() == keys.keys.front().mki.size(), "MKIs of two lengths");
    CAUSEWAY_CHECK(key.lifetime_packets > 0, "a key that protects nothing");
  }
}

// Whether `said` holds sixteen characters of Base64 in a row of what follows an `inline:` of
// `text`. No word of ours is as long.
bool quotes_a_key(std::string_view said, std::string_view text) {
  constexpr std::size_t kTelling = 16;
  const auto is_base64 = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  for (auto at = text.find("inline:"); at != text.npos; at = text.find("inline:", at + 7)) {
    const std::string_view key = text.substr(at + 7, 60);
    for (std::size_t i = 0; i + kTelling <= key.size(); ++i) {
      const std::string_view piece = key.substr(i, kTelling);
      if (std::ranges::all_of(piece, is_base64) && said.find(piece) != said.npos) return true;
    }
  }
  return false;
}

void run(fuzz::Input input) {
  const std::string_view text = input.rest_as_text();
  const auto attribute = srtp::parse_sdes(text);
  if (!attribute) {
    CAUSEWAY_CHECK(!attribute.error().reason.empty(), "a refusal without a reason");
    CAUSEWAY_CHECK(!quotes_a_key(attribute.error().detail, text), "a refusal that quotes a key");
    return;
  }
  check_keys(attribute->keys);
  const std::string written = srtp::write_sdes(*attribute);
  const auto again = srtp::parse_sdes(written);
  CAUSEWAY_CHECK(again.has_value(), "what was written cannot be read");
  CAUSEWAY_CHECK(srtp::write_sdes(*again) == written, "what was written reads differently");
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  causeway::run(causeway::fuzz::Input(data, size));
  return 0;
}
