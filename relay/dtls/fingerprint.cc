#include "relay/dtls/fingerprint.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "relay/base/text.h"

namespace causeway::dtls {

namespace {

struct FunctionFacts {
  HashFunction function;
  std::string_view name;
  std::size_t octets;
};
constexpr std::array kFunctions = {FunctionFacts{HashFunction::Sha256, "sha-256", 32},
                                   FunctionFacts{HashFunction::Sha384, "sha-384", 48},
                                   FunctionFacts{HashFunction::Sha512, "sha-512", 64}};

const FunctionFacts& facts_of(HashFunction function) {
  return kFunctions[static_cast<std::size_t>(function)];
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool operator==(const Fingerprint& a, const Fingerprint& b) {
  return a.function == b.function && std::ranges::equal(a.digest, b.digest);
}

std::string Fingerprint::value() const {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const std::byte& octet : digest) {
    if (!text.empty()) text += ':';
    text += kDigits[load_u8(&octet) >> 4];
    text += kDigits[load_u8(&octet) & 15U];
  }
  return text;
}

std::string_view name_of(HashFunction function) { return facts_of(function).name; }

std::optional<HashFunction> hash_function_named(std::string_view name) {
  for (const FunctionFacts& facts : kFunctions) {
    if (equal_ignoring_case(facts.name, name)) return facts.function;
  }
  return std::nullopt;
}

std::optional<Fingerprint> make_fingerprint(HashFunction function, Bytes digest) {
  if (digest.size() != facts_of(function).octets) return std::nullopt;
  Fingerprint fingerprint;
  fingerprint.function = function;
  for (const std::byte octet : digest) fingerprint.digest.push_back(octet);
  return fingerprint;
}

std::optional<Fingerprint> parse_fingerprint(HashFunction function, std::string_view value) {
  std::vector<std::byte> digest;
  for (std::size_t at = 0; at < value.size(); at += 3) {
    const bool is_pair = at + 2 <= value.size() && digit_of(value[at]) >= 0 &&
                         digit_of(value[at + 1]) >= 0 &&
                         (at + 2 == value.size() || value[at + 2] == ':');
    if (!is_pair) return std::nullopt;
    digest.push_back(static_cast<std::byte>(digit_of(value[at]) * 16 + digit_of(value[at + 1])));
  }
  if (!value.empty() && value.back() == ':') return std::nullopt;
  return make_fingerprint(function, digest);
}

}  // namespace causeway::dtls
