#include "control/config.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "control/ids.h"
#include "relay/base/text.h"
#include "relay/io/port_range.h"

namespace causeway::control {

namespace {

using Wrong = std::optional<std::string>;

Error config_error(std::string field, std::string detail) {
  return {ErrorCode::InvalidArgument, "CONFIG", std::move(field), std::move(detail)};
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// One maker for each kind of value: what the table below is written in.

template <typename Member>
auto text_into(Member member) {
  return [member](Config& config, const std::string& text) -> Wrong {
    member(config) = text;
    return std::nullopt;
  };
}

template <typename Member>
auto number_into(Member member, std::uint32_t least, std::uint32_t most) {
  return [member, least, most](Config& config, const std::string& text) -> Wrong {
    const auto value = parse_number<std::uint32_t>(text);
    if (!value || *value < least || *value > most) {
      return "a number from " + std::to_string(least) + " to " + std::to_string(most);
    }
    member(config) = *value;
    return std::nullopt;
  };
}

template <typename Member>
auto flag_into(Member member) {
  return [member](Config& config, const std::string& text) -> Wrong {
    const std::string lower = to_lower(text);
    if (lower != "true" && lower != "false") return "true or false";
    member(config) = lower == "true";
    return std::nullopt;
  };
}

/// `500ms`, `60s`, `5m`, `1h`.
std::optional<Duration> parse_duration(std::string_view text) {
  const auto unit_at = text.find_first_not_of("0123456789");
  if (unit_at == std::string_view::npos || unit_at == 0) return std::nullopt;
  const auto count = parse_number<std::uint32_t>(text.substr(0, unit_at));
  const std::string_view unit = text.substr(unit_at);
  if (!count) return std::nullopt;
  if (unit == "ms") return std::chrono::milliseconds(*count);
  if (unit == "s") return std::chrono::seconds(*count);
  if (unit == "m") return std::chrono::minutes(*count);
  if (unit == "h") return std::chrono::hours(*count);
  return std::nullopt;
}

template <typename Member>
auto duration_into(Member member, Duration least, Duration most) {
  return [member, least, most](Config& config, const std::string& text) -> Wrong {
    const auto value = parse_duration(text);
    if (!value || *value < least || *value > most) {
      return "a time such as 500ms, 60s or 1h, within its limits";
    }
    member(config) = *value;
    return std::nullopt;
  };
}

template <typename Member>
auto choice_into(Member member, std::vector<std::string> choices) {
  return [member, choices = std::move(choices)](Config& config, const std::string& text) -> Wrong {
    if (std::ranges::find(choices, text) == choices.end()) {
      std::string all = "one of";
      for (const std::string& choice : choices) all += " " + choice;
      return all;
    }
    member(config) = text;
    return std::nullopt;
  };
}

Wrong store_transform(Config& config, const std::string& text) {
  if (text != "evp" && text != "libsrtp") return "evp or libsrtp";
  config.node.srtp_transform = text == "evp" ? srtp::Transform::Evp : srtp::Transform::Libsrtp;
  return std::nullopt;
}

Wrong store_name(Config& config, const std::string& text) {
  if (!is_id(text))
    return "1 to 64 of `A-Z a-z 0-9 . _ ~ -`, beginning with a letter, a digit or _";
  config.node.name = text;
  return std::nullopt;
}

using namespace std::chrono_literals;

const std::vector<Setting>& table() {
  static const std::vector<Setting> kSettings = {
      {"listen", "127.0.0.1:7700",
       "Where the gRPC API is offered: an address and port, or unix:/path of a socket.",
       text_into([](Config & c) -> auto& { return c.listen; })},
      {"name", "causeway",
       "What the node is called (`nodes/NAME`); another for each node of a cluster. The username "
       "fragments of its ICE begin with a mark of it.",
       store_name},
      {"insecure", "false",
       "Offer the API without TLS. Only on a loopback address or a unix socket.",
       flag_into([](Config & c) -> auto& { return c.is_insecure; })},
      {"tls.certificate", "", "PEM file of the server's certificate and its chain.",
       text_into([](Config & c) -> auto& { return c.tls_certificate; })},
      {"tls.key", "", "PEM file of the certificate's private key.",
       text_into([](Config & c) -> auto& { return c.tls_key; })},
      {"tls.client_ca", "",
       "PEM file of the authorities whose certificates clients must show; empty: none is asked "
       "for.",
       text_into([](Config & c) -> auto& { return c.tls_client_ca; })},
      {"workers", "0", "Media threads; 0: one for each processor that the process may use.",
       number_into(
           [](Config & c) -> auto& { return c.workers; }, 0, 256)},
      {"pin_workers", "true", "Bind each media thread to a processor of its own.",
       flag_into([](Config & c) -> auto& { return c.pins_workers; })},
      {"recordings", "/var/lib/causeway/recordings",
       "The folder under which recordings are written, as {session}/{recording}.wav. Unprivileged: "
       "$XDG_STATE_HOME/causeway/recordings.",
       text_into([](Config & c) -> auto& { return c.node.recordings_folder; })},
      {"max_sessions", "10000", "Sessions that each worker holds at most.",
       number_into(
           [](Config & c) -> auto& { return c.node.max_sessions_per_worker; }, 1, 1'000'000)},
      {"lease", "60s", "The lease of a session that asks for none, up to 1h.",
       duration_into(
           [](Config & c) -> auto& { return c.node.default_lease; }, 1s, 1h)},
      {"port_quarantine", "30s", "How long a media port rests after a call, up to 10m.",
       duration_into(
           [](Config & c) -> auto& { return c.node.port_quarantine; }, 0s, 10min)},
      {"shared_port_buffer", "4194304",
       "Octets of the receive buffer of each shared port, which holds what comes while its worker "
       "is busy: 4 MiB are about 0.1 s of a thousand calls. The system gives no more than "
       "net.core.rmem_max unless the process has CAP_NET_ADMIN; the log says so at the start.",
       number_into(
           [](Config & c) -> auto& { return c.node.shared_port_buffer; }, 65'536, 1U << 30U)},
      {"quality_report_interval", "10s",
       "How often quality_report events are made for each active leg, up to 1h; 0s: never.",
       duration_into(
           [](Config & c) -> auto& { return c.node.quality_interval; }, 0s, 1h)},
      {"event_ring", "10000", "Events that are kept for readers that come back.",
       number_into(
           [](Config & c) -> auto& { return c.node.event_ring; }, 16, 10'000'000)},
      {"srtp.transform", "evp",
       "Who does the arithmetic of SRTP: evp (OpenSSL, fast) or libsrtp (the field's audited "
       "library, several times the cost).",
       store_transform},
      {"ice.answer_plain_binding", "false",
       "Tell whoever sends a STUN Binding request without credentials to a leg with ICE which "
       "address it came from, as a STUN server does; at most five a second and leg.",
       flag_into([](Config & c) -> auto& { return c.node.answers_plain_binding; })},
      {"log.level", "info", "trace, debug, info, warn or error.",
       choice_into([](Config & c) -> auto& { return c.log_level; },
                   {"trace", "debug", "info", "warn", "error"})},
      {"log.file", "", "Where the log goes; empty: standard error.",
       text_into([](Config & c) -> auto& { return c.log_file; })},
  };
  return kSettings;
}

Result<NetworkConfig, Error> network_from(const std::function<std::string(const char*)>& value,
                                          const std::string& where) {
  NetworkConfig network;
  network.name = value("name");
  if (network.name.empty()) return failure(config_error(where, "a network needs a name"));
  const auto bind = IpAddress::parse(value("bind"));
  if (!bind) return failure(config_error(where + ".bind", "an IPv4 or IPv6 address is needed"));
  network.bind = network.advertised = *bind;
  if (const std::string text = value("advertise"); !text.empty()) {
    const auto advertise = IpAddress::parse(text);
    if (!advertise) {
      return failure(config_error(where + ".advertise", "`" + text + "` is no address"));
    }
    network.advertised = *advertise;
  }
  if (const std::string text = value("ports"); !text.empty()) {
    const auto dash = std::min(text.find('-'), text.size());
    const auto first = parse_number<std::uint16_t>(std::string_view(text).substr(0, dash));
    const auto last =
        parse_number<std::uint16_t>(std::string_view(text).substr(std::min(dash + 1, text.size())));
    if (!first || !last || *first > *last) {
      return failure(
          config_error(where + ".ports", "`" + text + "` is no range such as 20000-29999"));
    }
    network.first_port = UdpPort(*first);
    network.last_port = UdpPort(*last);
  }
  if (const std::string text = value("shared_port"); !text.empty()) {
    const auto port = parse_number<std::uint16_t>(text);
    if (!port || *port < 1024) {
      return failure(config_error(where + ".shared_port", "a port from 1024 to 65535"));
    }
    network.shared_port = UdpPort(*port);
  }
  if (const std::string text = value("dscp"); !text.empty()) {
    const auto dscp = parse_number<std::uint8_t>(text);
    if (!dscp || *dscp > 63) return failure(config_error(where + ".dscp", "a number from 0 to 63"));
    network.dscp = *dscp;
  }
  return network;
}

constexpr std::array<std::string_view, 6> kNetworkKeys = {"name",  "bind",        "advertise",
                                                          "ports", "shared_port", "dscp"};

std::string at_line(const std::string& key, const YAML::Node& node) {
  return key + " (line " + std::to_string(node.Mark().line + 1) + ")";
}

Result<void, Error> read_networks(const YAML::Node& list, Config& config) {
  if (!list.IsSequence()) {
    return failure(config_error(at_line("networks", list), "a list of networks is needed"));
  }
  config.node.networks.clear();
  for (const YAML::Node& item : list) {
    const std::string where = at_line("networks", item);
    if (!item.IsMap()) return failure(config_error(where, "a network is a set of keys"));
    for (const auto& entry : item) {
      const auto key = entry.first.as<std::string>();
      if (std::ranges::find(kNetworkKeys, key) == kNetworkKeys.end()) {
        return failure(config_error(where, "a network has no `" + key + "`"));
      }
    }
    auto network = network_from(
        [&](const char* key) {
          return item[key] && item[key].IsScalar() ? item[key].Scalar() : std::string();
        },
        where);
    if (!network) return failure(network.error());
    config.node.networks.push_back(std::move(*network));
  }
  return {};
}

Result<void, Error> read_map(const YAML::Node& map, const std::string& prefix, Config& config) {
  for (const auto& entry : map) {
    const std::string key = prefix + entry.first.as<std::string>();
    const YAML::Node& value = entry.second;
    if (key == "networks") {
      if (auto done = read_networks(value, config); !done) return done;
      continue;
    }
    if (value.IsMap()) {
      if (auto done = read_map(value, key + ".", config); !done) return done;
      continue;
    }
    const auto setting = std::ranges::find(table(), key, &Setting::key);
    if (setting == table().end()) {
      return failure(config_error(at_line(key, value), "there is no such setting"));
    }
    if (!value.IsScalar() && !value.IsNull()) {
      return failure(config_error(at_line(key, value), "one value is needed"));
    }
    if (const auto wrong = setting->store(config, value.IsNull() ? "" : value.Scalar())) {
      return failure(config_error(at_line(key, value), "must be " + *wrong));
    }
  }
  return {};
}

/// Each worker has a port of its own in it, and no other socket of the node has any of them.
Result<void, Error> check_shared_ports(const Config& config) {
  const auto& networks = config.node.networks;
  const auto last_of = [&](const NetworkConfig& network) {
    return network.shared_port->raw() + config.node.workers - 1;
  };
  for (const NetworkConfig& network : networks) {
    if (!network.shared_port) continue;
    const std::size_t first = network.shared_port->raw();
    const std::size_t last = last_of(network);
    const auto refuse = [&](const std::string& why) {
      return failure(config_error("networks." + network.name + ".shared_port",
                                  "the workers' shared ports " + std::to_string(first) + "-" +
                                      std::to_string(last) + " " + why));
    };
    if (last > 65'535) return refuse("do not all exist");
    for (const NetworkConfig& other : networks) {
      if (other.bind != network.bind) continue;
      if (first <= other.last_port.raw() && last >= other.first_port.raw()) {
        return refuse("lie in the `ports` of network " + other.name);
      }
      const bool is_same = &other == &network || !other.shared_port;
      if (!is_same && first <= last_of(other) && last >= other.shared_port->raw()) {
        return refuse("are also those of network " + other.name);
      }
    }
  }
  return {};
}

Result<void, Error> check_networks(const Config& config) {
  if (config.node.networks.empty()) {
    return failure(config_error("networks", "at least one network is needed"));
  }
  if (config.node.networks.size() > 16) return failure(config_error("networks", "at most 16"));
  std::set<std::string> names;
  const io::SystemPorts system = io::read_system_ports();
  for (const NetworkConfig& network : config.node.networks) {
    const std::string where = "networks." + network.name;
    if (!names.insert(network.name).second) {
      return failure(config_error(where, "two networks have this name"));
    }
    if (network.advertised.is_unspecified()) {
      return failure(config_error(where + ".advertise",
                                  "endpoints cannot send to " + network.advertised.to_string() +
                                      ": say which address they reach this node at"));
    }
    if (network.advertised.family() != network.bind.family()) {
      return failure(config_error(where + ".advertise", "must be of the family of `bind`"));
    }
    auto fits = io::check_port_range({network.first_port, network.last_port}, system);
    if (!fits) return failure(config_error(where + ".ports", fits.error().detail));
    // An odd first and an even last port belong to no pair.
    const std::size_t end = (network.last_port.raw() + 1U) & ~1U;
    const std::size_t pairs = (end - ((network.first_port.raw() + 1U) & ~1U)) / 2;
    if (pairs < config.node.workers) {
      return failure(
          config_error(where + ".ports", "each of the " + std::to_string(config.node.workers) +
                                             " workers needs a pair of ports, and there are " +
                                             std::to_string(pairs)));
    }
  }
  return check_shared_ports(config);
}

Result<void, Error> check_tls(const Config& config) {
  if (config.is_insecure) {
    if (is_local(config.listen)) return {};
    return failure(config_error(
        "insecure",
        "without TLS the API is only offered on loopback (127.0.0.1:PORT, [::1]:PORT) or a "
        "unix socket (unix:/PATH), not on " +
            config.listen));
  }
  if (config.tls_certificate.empty() || config.tls_key.empty()) {
    return failure(config_error("tls",
                                "tls.certificate and tls.key are needed (or, on loopback or a "
                                "unix socket, insecure: true)"));
  }
  return {};
}

}  // namespace

std::string Setting::environment_name() const {
  std::string name = "CAUSEWAY_" + std::string(key);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == '.' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  });
  return name;
}

std::string Setting::flag() const {
  std::string name = "--" + std::string(key);
  std::ranges::replace(name, '.', '-');
  std::ranges::replace(name, '_', '-');
  return name;
}

std::span<const Setting> settings() { return table(); }

Config default_config() {
  Config config;
  config.node.recordings_folder = "/var/lib/causeway/recordings";
  if (::geteuid() != 0) {
    const char* state = std::getenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    if (state != nullptr) {
      config.node.recordings_folder = std::string(state) + "/causeway/recordings";
    } else if (home != nullptr) {
      config.node.recordings_folder = std::string(home) + "/.local/state/causeway/recordings";
    }
  }
  return config;
}

std::optional<std::string> default_config_file() {
  std::vector<std::string> places;
  if (::geteuid() != 0) {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    if (config != nullptr) {
      places.push_back(std::string(config) + "/causeway/causewayd.yaml");
    } else if (home != nullptr) {
      places.push_back(std::string(home) + "/.config/causeway/causewayd.yaml");
    }
  }
  places.emplace_back("/etc/causeway/causewayd.yaml");
  for (const std::string& place : places) {
    std::error_code ignored;
    if (std::filesystem::exists(place, ignored)) return place;
  }
  return std::nullopt;
}

Result<void, Error> read_config(std::string_view yaml, Config& config) {
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (root.IsNull()) return {};
    if (!root.IsMap()) return failure(config_error("", "the file is not a set of settings"));
    return read_map(root, "", config);
  } catch (const YAML::Exception& error) {  // the library's only way to say no
    return failure(config_error("line " + std::to_string(error.mark.line + 1), error.msg));
  }
}

Result<void, Error> read_config_file(const std::string& path, Config& config) {
  std::ifstream file(path);
  file.peek();  // a folder opens, and says only now that it is none
  if (!file.is_open() || file.bad()) {
    return failure(config_error(path, "the file cannot be read"));
  }
  std::stringstream text;
  text << file.rdbuf();
  auto done = read_config(text.str(), config);
  if (!done) return failure(config_error(path + ": " + done.error().field, done.error().detail));
  return {};
}

Result<void, Error> read_environment(const std::function<const char*(const std::string&)>& lookup,
                                     Config& config) {
  for (const Setting& setting : settings()) {
    const std::string name = setting.environment_name();
    const char* value = lookup(name);
    if (value == nullptr) continue;
    if (const auto wrong = setting.store(config, value)) {
      return failure(config_error(name, "must be " + *wrong));
    }
  }
  return {};
}

Result<NetworkConfig, Error> parse_network(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> values;
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto equals = std::min(item.find('='), item.size());
    const std::string key(item.substr(0, equals));
    if (std::ranges::find(kNetworkKeys, key) == kNetworkKeys.end()) {
      return failure(config_error("--network", "a network has no `" + key + "`"));
    }
    values.emplace_back(key, item.substr(std::min(equals + 1, item.size())));
  }
  return network_from(
      [&](const char* key) {
        const auto found =
            std::ranges::find(values, key, &std::pair<std::string, std::string>::first);
        return found == values.end() ? std::string() : found->second;
      },
      "--network");
}

void settle(Config& config) {
  const std::vector<worker::Cpu> cpus = worker::allowed_cpus();
  config.node.workers =
      config.workers != 0 ? config.workers : std::max<std::size_t>(cpus.size(), 1);
  config.node.cpus = config.pins_workers ? cpus : std::vector<worker::Cpu>();
  if (config.node.networks.empty() && config.is_insecure && is_local(config.listen)) {
    NetworkConfig loopback;
    loopback.name = "loopback";
    loopback.bind = loopback.advertised = *IpAddress::parse("127.0.0.1");
    config.node.networks.push_back(loopback);
  }
}

Result<void, Error> check_config(const Config& config) {
  // First, because where the API is offered decides whether there is a network by default.
  if (auto done = check_tls(config); !done) return done;
  if (config.node.recordings_folder.empty())
    return failure(config_error("recordings", "a folder is needed"));
  return check_networks(config);
}

bool is_local(std::string_view listen) {
  if (listen.starts_with("unix:")) return true;
  const auto address = SocketAddress::parse(listen);
  return address && address->ip.is_loopback();
}

std::string config_reference() {
  std::string page =
      "# Configuration reference\n\n"
      "Made from the code by `causewayd --print-config-reference`; do not edit.\n\n"
      "Every setting can stand in the YAML file, in the environment and on the command line; a "
      "flag\n"
      "stands over the environment, which stands over the file.\n\n"
      "| file | environment | flag | default | meaning |\n|---|---|---|---|---|\n";
  for (const Setting& setting : settings()) {
    page += "| `" + std::string(setting.key) + "` | `" + setting.environment_name() + "` | `" +
            setting.flag() + "` | " +
            (setting.fallback.empty() ? "" : "`" + std::string(setting.fallback) + "`") + " | " +
            std::string(setting.meaning) + " |\n";
  }
  page +=
      "\n`networks` is a list in the file, and `--network` on the command line, once a network\n"
      "(`--network name=lan,bind=192.0.2.1,ports=20000-29999`). The first is the default of a "
      "leg.\n\n"
      "| key | default | meaning |\n|---|---|---|\n"
      "| `name` | | What a leg calls it. |\n"
      "| `bind` | | The address to which its sockets are bound, IPv4 or IPv6. |\n"
      "| `advertise` | `bind` | The address that endpoints are told, where it differs (NAT). |\n"
      "| `ports` | `20000-29999` | The UDP ports for media; must not overlap "
      "`net.ipv4.ip_local_port_range`. |\n"
      "| `shared_port` | | The UDP port that all WebRTC legs of the first worker on this network "
      "share; each further worker has the next one. Outside of `ports`. Empty: none. |\n"
      "| `dscp` | `46` | The DSCP of what is sent, 0 to 63, unless the leg says. |\n";
  return page;
}

}  // namespace causeway::control
