#include "relay/srtp/sdes.h"

#include <algorithm>
#include <array>
#include <bit>

#include "relay/srtp/base64.h"
#include "relay/srtp/key_check.h"
#include "relay/srtp/session_keys.h"

namespace causeway::srtp {

namespace {

using Key = wire::SrtpMasterKey;

constexpr std::uint64_t kMaxLifetime = std::uint64_t{1} << 48;
constexpr std::size_t kMaxMkiOctets = 128;
constexpr std::size_t kMaxKeys = 16;
constexpr std::size_t kMaxText = 16384;  // far more than any peer writes

auto refuse(std::string field, std::string detail, std::string_view reason = "CRYPTO_INVALID") {
  return failure(Error{.code = ErrorCode::InvalidArgument,
                       .reason = reason,
                       .field = std::move(field),
                       .detail = std::move(detail)});
}

// Takes what comes before the first of `separators` off the front of `text`.
std::string_view take(std::string_view& text, std::string_view separators) {
  const std::size_t end = std::min(text.find_first_of(separators), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return take(text, " \t");
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
// Decimal without leading zeros, up to `max`.
std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t max) {
  if (!is_number(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
    if (value > max) return std::nullopt;  // max < 2^59, so this cannot wrap before
  }
  return value;
}

// A decimal number of any size as `octets` octets; nothing where it does not fit.
std::optional<std::vector<std::byte>> read_mki_value(std::string_view text, std::size_t octets) {
  std::vector<std::byte> value(octets);
  for (const char c : text) {
    auto carry = static_cast<unsigned>(c - '0');
    for (std::size_t i = octets; i-- > 0;) {
      carry += std::to_integer<unsigned>(value[i]) * 10;
      value[i] = static_cast<std::byte>(carry & 0xffU);
      carry >>= 8;
    }
    if (carry != 0) return std::nullopt;
  }
  return value;
}
std::string write_mki_value(std::vector<std::byte> value) {
  std::string digits;
  do {
    unsigned remainder = 0;
    for (std::byte& octet : value) {
      const unsigned part = (remainder << 8) | std::to_integer<unsigned>(octet);
      octet = static_cast<std::byte>(part / 10);
      remainder = part % 10;
    }
    digits += static_cast<char>('0' + remainder);
  } while (std::ranges::any_of(value, [](std::byte octet) { return octet != std::byte{0}; }));
  std::ranges::reverse(digits);
  return digits;
}

Result<void, Error> read_material(std::string_view text, const wire::SrtpSuiteFacts& facts,
                                  const std::string& field, Key& key) {
  WipedOctets<2 * SecretKey::kMaxOctets> material;
  const auto octets = decode_base64(text, material.octets);
  if (!octets) return refuse(field + ".material", "the key after inline: is not base64");
  const std::size_t wanted = std::size_t{facts.key} + facts.salt;
  if (*octets != wanted) {
    return refuse(field + ".material",
                  std::string(facts.name) + " takes " + std::to_string(wanted) +
                      " octets of master key and salt, not " + std::to_string(*octets),
                  "KEY_LENGTH");
  }
  key.key = SecretKey(Bytes(material.octets).first(facts.key));
  key.salt = SecretKey(Bytes(material.octets).subspan(facts.key, facts.salt));
  return {};
}

Result<void, Error> read_lifetime(std::string_view text, const std::string& field, Key& key) {
  std::optional<std::uint64_t> packets;
  if (text.starts_with("2^")) {
    const auto exponent = read_number(text.substr(2), 48);
    if (exponent) packets = std::uint64_t{1} << *exponent;
  } else {
    packets = read_number(text, kMaxLifetime);
  }
  if (!packets || *packets == 0) {
    return refuse(field + ".lifetime_packets",
                  "a lifetime is 1 to 2^48 packets, as 2^n or decimal");
  }
  key.lifetime_packets = *packets;
  return {};
}

Result<void, Error> read_mki(std::string_view text, const std::string& field, Key& key) {
  const std::string_view value = take(text, ":");
  const auto octets = read_number(text, kMaxMkiOctets);
  if (!octets || *octets == 0) {
    return refuse(field + ".mki", "an MKI has 1 to 128 octets");
  }
  if (!is_number(value)) return refuse(field + ".mki", "the value of an MKI is a decimal number");
  auto mki = read_mki_value(value, *octets);
  if (!mki) {
    return refuse(field + ".mki", "the value of this MKI needs more octets than its length says");
  }
  key.mki = std::move(*mki);
  return {};
}

// `inline:` and what follows it, up to the next `;`.
Result<Key, Error> read_key(std::string_view text, const wire::SrtpSuiteFacts& facts,
                            const std::string& field) {
  const std::string_view method = take(text, ":");
  if (method != "inline") return refuse(field, "the only key method is inline:");
  Key key;
  if (auto read = read_material(take(text, "|"), facts, field, key); !read) {
    return failure(std::move(read).error());
  }
  bool has_more = !text.empty();
  if (has_more && text.substr(0, text.find('|')).find(':') == std::string_view::npos) {
    const bool has_mki = text.find('|') != std::string_view::npos;
    if (auto read = read_lifetime(take(text, "|"), field, key); !read) {
      return failure(std::move(read).error());
    }
    if (has_mki && text.empty())
      return refuse(field + ".mki", "an MKI is missing after the last |");
    has_more = has_mki;
  }
  if (has_more) {
    if (auto read = read_mki(text, field, key); !read) return failure(std::move(read).error());
  }
  return key;
}

Result<std::vector<Key>, Error> read_keys(std::string_view text, const wire::SrtpSuiteFacts& facts,
                                          const std::string& field) {
  std::vector<Key> keys;
  if (text.ends_with(';')) return refuse(field, "a key is missing after the last ;");
  while (!text.empty()) {
    if (keys.size() == kMaxKeys) return refuse(field, "at most 16 master keys are taken");
    auto key = read_key(take(text, ";"), facts, field + "[" + std::to_string(keys.size()) + "]");
    if (!key) return failure(std::move(key).error());
    keys.push_back(std::move(*key));
  }
  return keys;
}

// MKIs and lifetimes among each other; the lengths of keys are known to be right.
Result<std::vector<Key>, Error> check(std::vector<Key> keys, wire::SrtpSuite suite) {
  wire::SrtpKeys all{.suite = suite, .keys = std::move(keys)};
  if (auto checked = check_keys(all); !checked) {
    Error error = std::move(checked).error();
    error.reason = error.reason == "KEY_LENGTH" ? error.reason : "CRYPTO_INVALID";
    return failure(std::move(error));
  }
  return std::move(all.keys);
}

Result<void, Error> read_window(std::string_view value, SdesAttribute& out) {
  const auto packets = read_number(value, 999'999'999);
  if (!packets || *packets < 64) {
    return refuse("session_params", "WSH is a number of packets, at least 64");
  }
  out.window_size_hint = static_cast<std::uint32_t>(*packets);
  return {};
}
Result<void, Error> read_fec_order(std::string_view value, SdesAttribute& out) {
  if (value == "FEC_SRTP") {
    out.fec_order = SdesAttribute::FecOrder::FecThenSrtp;
  } else if (value == "SRTP_FEC") {
    out.fec_order = SdesAttribute::FecOrder::SrtpThenFec;
  } else {
    return refuse("session_params", "FEC_ORDER is FEC_SRTP or SRTP_FEC");
  }
  return {};
}
Result<void, Error> read_fec_key(std::string_view value, SdesAttribute& out) {
  auto keys = read_keys(value, wire::facts_of(out.keys.suite), "fec_keys");
  if (!keys) return failure(std::move(keys).error());
  auto checked = check(std::move(*keys), out.keys.suite);
  if (!checked) return failure(std::move(checked).error());
  out.fec_keys = std::move(*checked);
  return {};
}
Result<void, Error> refuse_weak(std::string_view, SdesAttribute&) {
  return refuse("session_params",
                "unencrypted and unauthenticated streams are refused; offer the line without it");
}
// A rate of 2^n packets, never 0: even KDR=0 asks for new session keys (RFC 4568 6.3.1).
Result<void, Error> refuse_kdr(std::string_view, SdesAttribute&) {
  return refuse("session_params", "key derivation rates are not supported; leave KDR out");
}

struct Parameter {
  std::string_view name;  ///< With `=` where a value follows.
  Result<void, Error> (*read)(std::string_view value, SdesAttribute& out);
};
constexpr std::array kParameters = {
    Parameter{"WSH=", read_window},
    Parameter{"FEC_ORDER=", read_fec_order},
    Parameter{"FEC_KEY=", read_fec_key},
    Parameter{"KDR=", refuse_kdr},
    Parameter{"UNENCRYPTED_SRTP", refuse_weak},
    Parameter{"UNENCRYPTED_SRTCP", refuse_weak},
    Parameter{"UNAUTHENTICATED_SRTP", refuse_weak},
};

Result<void, Error> read_parameters(std::string_view text, SdesAttribute& out) {
  std::array<bool, kParameters.size()> is_seen{};
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    if (word.starts_with('-')) continue;  // may be ignored by who does not know it
    const auto* const known = std::ranges::find_if(kParameters, [&](const Parameter& parameter) {
      return parameter.name.ends_with('=') ? word.starts_with(parameter.name)
                                           : word == parameter.name;
    });
    if (known == kParameters.end()) {
      return refuse("session_params", "a session parameter is not known and not optional");
    }
    bool& seen = is_seen[static_cast<std::size_t>(known - kParameters.begin())];
    if (seen) return refuse("session_params", std::string(known->name) + " is given twice");
    seen = true;
    if (auto read = known->read(word.substr(known->name.size()), out); !read) return read;
  }
  return {};
}

void write_keys(std::string& text, const std::vector<Key>& keys) {
  for (const Key& key : keys) {
    if (&key != &keys.front()) text += ';';
    WipedOctets<2 * SecretKey::kMaxOctets> material;
    const auto end = std::ranges::copy(
        key.salt.bytes(), std::ranges::copy(key.key.bytes(), material.octets.begin()).out);
    text += "inline:";
    std::string encoded = encode_base64(Bytes(material.octets.begin(), end.out));
    text += encoded;
    wipe(encoded.data(), encoded.size());
    if (key.lifetime_packets != kMaxLifetime) {
      const bool is_power = std::has_single_bit(key.lifetime_packets);
      text += is_power ? "|2^" + std::to_string(std::countr_zero(key.lifetime_packets))
                       : "|" + std::to_string(key.lifetime_packets);
    }
    if (!key.mki.empty()) {
      text += "|" + write_mki_value(key.mki) + ":" + std::to_string(key.mki.size());
    }
  }
}

}  // namespace

Result<SdesAttribute, Error> parse_sdes(std::string_view text) {
  if (text.size() > kMaxText) return refuse("", "this is too long for a crypto attribute");
  if (text.starts_with("a=")) text.remove_prefix(2);
  if (text.starts_with("crypto:")) text.remove_prefix(7);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (std::ranges::any_of(text, [](char c) { return (c < ' ' && c != '\t') || c > '~'; })) {
    return refuse("", "a crypto attribute has printable characters only");
  }
  SdesAttribute out;
  const auto tag = read_number(take_word(text), 999'999'999);
  if (!tag) return refuse("tag", "a tag is a number of one to nine digits");
  out.tag = static_cast<std::uint32_t>(*tag);
  const auto suite = wire::srtp_suite_named(take_word(text));
  if (!suite) return refuse("suite", "this crypto suite is not supported");
  out.keys.suite = *suite;
  auto keys = read_keys(take_word(text), wire::facts_of(*suite), "keys");
  if (!keys) return failure(std::move(keys).error());
  auto checked = check(std::move(*keys), *suite);
  if (!checked) return failure(std::move(checked).error());
  out.keys.keys = std::move(*checked);
  if (auto read = read_parameters(text, out); !read) return failure(std::move(read).error());
  return out;
}

std::string write_sdes(const SdesAttribute& attribute) {
  std::string text;
  text.reserve(512);
  text += std::to_string(attribute.tag) + " ";
  text += wire::facts_of(attribute.keys.suite).name;
  text += " ";
  write_keys(text, attribute.keys.keys);
  if (attribute.fec_order) {
    text += *attribute.fec_order == SdesAttribute::FecOrder::FecThenSrtp ? " FEC_ORDER=FEC_SRTP"
                                                                         : " FEC_ORDER=SRTP_FEC";
  }
  if (!attribute.fec_keys.empty()) {
    text += " FEC_KEY=";
    write_keys(text, attribute.fec_keys);
  }
  if (attribute.window_size_hint) text += " WSH=" + std::to_string(*attribute.window_size_hint);
  return text;
}

}  // namespace causeway::srtp
