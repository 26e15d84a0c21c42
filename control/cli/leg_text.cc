#include "control/cli/leg_text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <vector>

#include "control/cli/suggest.h"
#include "relay/base/text.h"

namespace causeway::cli {

namespace {

using Wrong = std::string;  // empty: nothing is wrong

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool parse_number(std::string_view text, std::uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

Wrong parse_address(std::string_view text, v1::SocketAddress& address) {
  const auto colon = text.rfind(':');
  std::uint32_t port = 0;
  if (colon == std::string_view::npos || !parse_number(text.substr(colon + 1), port)) {
    return "`" + std::string(text) + "` is no IP:PORT";
  }
  std::string_view ip = text.substr(0, colon);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  address.set_ip(std::string(ip));
  address.set_port(port);
  return {};
}

struct KnownCodec {
  std::string_view name;
  std::string_view encoding;
  std::uint32_t type;
  std::uint32_t clock;
  std::uint32_t channels;
};
constexpr KnownCodec kCodecs[] = {
    {"pcmu", "PCMU", 0, 8000, 1},    {"pcma", "PCMA", 8, 8000, 1}, {"g722", "G722", 9, 8000, 1},
    {"opus", "opus", 111, 48000, 2}, {"l16", "L16", 97, 48000, 1},
};

Wrong add_codec(std::string_view text, v1::Leg& leg) {
  const auto parts = split(text, ':');
  v1::CodecParameters& codec = *leg.add_codecs();
  std::uint32_t type = 0;
  std::uint32_t clock = 0;
  std::uint32_t channels = 1;
  const auto known = std::ranges::find_if(
      kCodecs, [&](const KnownCodec& c) { return equal_ignoring_case(c.name, parts[0]); });
  if (known != std::end(kCodecs)) {
    codec.set_encoding_name(std::string(known->encoding));
    type = known->type;
    clock = known->clock;
    channels = known->channels;
  } else if (equal_ignoring_case(parts[0], "events")) {
    codec.set_encoding_name("telephone-event");
    type = 101;
    clock = leg.codecs_size() > 1 ? leg.codecs(0).clock_rate() : 8000;
  } else if (parts.size() < 3) {
    return "`" + std::string(text) + "` is no codec of the relay; others are NAME:TYPE:CLOCK";
  } else {
    codec.set_encoding_name(std::string(parts[0]));
  }
  const bool is_ok = (parts.size() < 2 || parse_number(parts[1], type)) &&
                     (parts.size() < 3 || parse_number(parts[2], clock)) &&
                     (parts.size() < 4 || parse_number(parts[3], channels)) && parts.size() <= 4;
  if (!is_ok) return "`" + std::string(text) + "` is no NAME:TYPE:CLOCK[:CHANNELS]";
  codec.set_payload_type(type);
  codec.set_clock_rate(clock);
  codec.set_channels(channels);
  return {};
}

Wrong parse_suite(std::string_view text, v1::SrtpSuite& suite) {
  if (v1::SrtpSuite_Parse("SRTP_SUITE_" + std::string(text), &suite)) return {};
  return "`" + std::string(text) + "` is no crypto suite of the relay";
}

Wrong parse_key(std::string_view text, v1::SrtpKeys& keys) {
  std::string material(text.size(), '\0');
  // NOLINTNEXTLINE: OpenSSL counts octets of text as unsigned char.
  const int octets = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(material.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  const auto padding = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
  if (octets < 0 || text.size() % 4 != 0 || padding > 2) return "a key is base64";
  material.resize(static_cast<std::size_t>(octets) - padding);
  keys.add_keys()->set_material(material);
  return {};
}

/// CIDR[+CIDR...], into a message that has `cidrs`; the relay says what is no network.
template <typename Message>
void add_networks(std::string_view text, Message& message) {
  for (const std::string_view block : split(text, '+')) message.add_cidrs(std::string(block));
}

Wrong parse_accept(std::string_view text, v1::AcceptFrom& accept) {
  constexpr std::string_view kLatchWithin = "latch:";
  if (text == "exact") {
    accept.mutable_exact();
  } else if (text == "same-ip") {
    accept.mutable_same_ip();
  } else if (text == "latch") {
    accept.mutable_latch();
  } else if (text.starts_with(kLatchWithin)) {
    add_networks(text.substr(kLatchWithin.size()), *accept.mutable_latch());
  } else if (text.find('/') != std::string_view::npos) {
    add_networks(text, *accept.mutable_cidrs());
  } else {
    return "accept is exact, same-ip, latch[:CIDR[+CIDR...]] or CIDR[+CIDR...]";
  }
  return {};
}

Wrong parse_yes(std::string_view text, bool& is_yes) {
  if (text != "yes" && text != "no") return "`" + std::string(text) + "` is neither yes nor no";
  is_yes = text == "yes";
  return {};
}

/// Sets something of how the leg's Opus is made.
Wrong for_each_opus(v1::Leg& leg, const std::function<void(v1::OpusSettings&)>& set) {
  bool has_opus = false;
  for (v1::CodecParameters& codec : *leg.mutable_codecs()) {
    if (!equal_ignoring_case(codec.encoding_name(), "opus")) continue;
    has_opus = true;
    set(*codec.mutable_opus());
  }
  return has_opus ? Wrong{} : "only a leg with opus has this";
}

Wrong parse_ptime(std::string_view text, v1::Leg& leg) {
  std::uint32_t ms = 0;
  if (!text.ends_with("ms") || !parse_number(text.substr(0, text.size() - 2), ms)) {
    return "`" + std::string(text) + "` is no time such as 20ms";
  }
  if (leg.codecs().empty()) return "a leg without codecs has none";
  for (v1::CodecParameters& codec : *leg.mutable_codecs()) {
    if (codec.encoding_name() != "telephone-event") {
      codec.mutable_ptime()->set_seconds(ms / 1000);
      codec.mutable_ptime()->set_nanos(static_cast<int>(ms % 1000 * 1'000'000));
    }
  }
  return {};
}

template <typename Enum, typename Parse>
Wrong parse_enum(std::string prefix, std::string_view text, Parse parse,
                 const std::function<void(Enum)>& set) {
  std::string name = std::move(prefix);
  for (const char c : text) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  Enum value{};
  if (!parse(name, &value)) return "`" + std::string(text) + "` is not one of its values";
  set(value);
  return {};
}

Wrong set(std::string_view key, std::string_view value, v1::Leg& leg) {
  v1::SdesSecurity* sdes =
      leg.security().has_sdes() ? leg.mutable_security()->mutable_sdes() : nullptr;
  const auto needs_srtp = [&](const std::function<Wrong(v1::SdesSecurity&)>& with) -> Wrong {
    return sdes == nullptr ? "only a srtp leg has keys" : with(*sdes);
  };
  if (key == "remote") return parse_address(value, *leg.mutable_remote()->mutable_rtp());
  if (key == "accept") return parse_accept(value, *leg.mutable_accept_from());
  if (key == "source") {
    return parse_address(
        value, *leg.mutable_accept_from()->mutable_exact()->mutable_source()->mutable_rtp());
  }
  if (key == "network") return leg.set_network(std::string(value)), Wrong{};
  if (key == "mux") {
    bool is_mux = false;
    if (Wrong wrong = parse_yes(value, is_mux); !wrong.empty()) return wrong;
    if (is_mux) leg.mutable_transport()->set_kind(v1::TRANSPORT_KIND_RTCP_MUX);
    return {};
  }
  if (key == "suite") {
    return needs_srtp([&](v1::SdesSecurity& keys) {
      v1::SrtpSuite suite{};
      if (Wrong wrong = parse_suite(value, suite); !wrong.empty()) return wrong;
      keys.mutable_receive()->set_suite(suite);
      keys.mutable_send()->set_suite(suite);
      return Wrong{};
    });
  }
  if (key == "receive") {
    return needs_srtp([&](auto& keys) { return parse_key(value, *keys.mutable_receive()); });
  }
  if (key == "send") {
    return needs_srtp([&](auto& keys) { return parse_key(value, *keys.mutable_send()); });
  }
  if (key == "direction") {
    return parse_enum<v1::Direction>("DIRECTION_", value, v1::Direction_Parse,
                                     [&](auto direction) { leg.set_direction(direction); });
  }
  if (key == "transcoding") {
    return parse_enum<v1::TranscodingPolicy>(
        "TRANSCODING_POLICY_", value, v1::TranscodingPolicy_Parse,
        [&](auto policy) { leg.mutable_codec_policy()->set_transcoding(policy); });
  }
  if (key == "ptime") return parse_ptime(value, leg);
  if (key == "bitrate" || key == "complexity") {
    std::uint32_t number = 0;
    if (!parse_number(value, number)) return "`" + std::string(value) + "` is no number";
    return for_each_opus(leg, [&](v1::OpusSettings& opus) {
      key == "bitrate" ? opus.set_bitrate(number) : opus.set_complexity(number);
    });
  }
  if (key == "fec" || key == "dtx") {
    bool is_on = false;
    if (Wrong wrong = parse_yes(value, is_on); !wrong.empty()) return wrong;
    return for_each_opus(leg, [&](v1::OpusSettings& opus) {
      key == "fec" ? opus.set_inband_fec(is_on) : opus.set_dtx(is_on);
    });
  }
  static const std::vector<std::string> kKeys = {
      "remote",    "accept",      "source", "network", "mux",        "suite", "receive", "send",
      "direction", "transcoding", "ptime",  "bitrate", "complexity", "fec",   "dtx"};
  const auto meant = nearest(key, kKeys);
  return "a leg has no `" + std::string(key) + "`" +
         (meant ? "; did you mean `" + *meant + "`?"
                : "; `causeway call --help` lists what it has");
}

}  // namespace

tl::expected<v1::Leg, std::string> parse_leg(std::string_view text) {
  const auto items = split(text, ',');
  const auto slash = items[0].find('/');
  const std::string_view security = items[0].substr(0, slash);
  v1::Leg leg;
  if (security == "srtp") {
    v1::SdesSecurity& sdes = *leg.mutable_security()->mutable_sdes();
    sdes.mutable_receive()->set_suite(v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80);
    sdes.mutable_send()->set_suite(v1::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80);
  } else if (security == "rtp") {
    leg.mutable_security()->mutable_plain();
  } else {
    return tl::unexpected<std::string>("a leg begins with rtp/ or srtp/, not `" +
                                       std::string(items[0]) + "`");
  }
  if (slash != std::string_view::npos) {
    for (const std::string_view codec : split(items[0].substr(slash + 1), '+')) {
      if (Wrong wrong = add_codec(codec, leg); !wrong.empty()) {
        return tl::unexpected(std::move(wrong));
      }
    }
  }
  for (std::size_t i = 1; i < items.size(); ++i) {
    const auto equals = items[i].find('=');
    if (equals == std::string_view::npos) {
      return tl::unexpected<std::string>("`" + std::string(items[i]) + "` is no KEY=VALUE");
    }
    const std::string_view key = items[i].substr(0, equals);
    if (Wrong wrong = set(key, items[i].substr(equals + 1), leg); !wrong.empty()) {
      return tl::unexpected(std::string(key) + ": " + wrong);
    }
  }
  return leg;
}

}  // namespace causeway::cli
