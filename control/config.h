#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/node_config.h"
#include "relay/base/result.h"

namespace causeway::control {

/// What causewayd is told, from all its sources. A value; the defaults are the documented ones.
struct Config {
  NodeConfig node;
  std::uint32_t workers = 0;  ///< 0: one for each processor the process may use.
  bool pins_workers = true;
  std::string listen = "127.0.0.1:7700";
  bool is_insecure = false;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string log_level = "info";
  std::string log_file;  ///< Empty: standard error.
};

/// One setting that is a single value: its places and its meaning. The table of all of them is what
/// the file, the environment, the command line and the reference in the documentation are read
/// from.
struct Setting {
  std::string_view key;       ///< In the file, dots between levels: `tls.certificate`.
  std::string_view fallback;  ///< As text, for the reference.
  std::string_view meaning;   ///< One sentence.
  /// Stores `text`, or says in a few words what is wrong with it.
  std::function<std::optional<std::string>(Config&, const std::string& text)> store;

  /// `CAUSEWAY_TLS_CERTIFICATE`.
  [[nodiscard]] std::string environment_name() const;
  /// `--tls-certificate`.
  [[nodiscard]] std::string flag() const;
};
[[nodiscard]] std::span<const Setting> settings();

/// The defaults of this process: folders by whether it is privileged (DESIGN.md section 5).
[[nodiscard]] Config default_config();
/// Where a configuration is looked for when none is named; the first that exists.
[[nodiscard]] std::optional<std::string> default_config_file();

/// Reads YAML over `config`. Errors (InvalidArgument CONFIG): `field` is the key and its line.
[[nodiscard]] Result<void, Error> read_config(std::string_view yaml, Config& config);
/// The same from a file. Errors: also where it cannot be read.
[[nodiscard]] Result<void, Error> read_config_file(const std::string& path, Config& config);
/// CAUSEWAY_* over `config`; `lookup` is getenv.
[[nodiscard]] Result<void, Error> read_environment(
    const std::function<const char*(const std::string&)>& lookup, Config& config);
/// `name=NAME,bind=ADDRESS[,advertise=ADDRESS][,ports=FIRST-LAST][,shared_port=N][,dscp=N]`, as
/// --network has it.
[[nodiscard]] Result<NetworkConfig, Error> parse_network(std::string_view text);

/// Adds what follows from the rest: how many workers and on which processors; and where no network
/// is named and the API is for this machine only, one on 127.0.0.1, so that a first try needs no
/// file.
void settle(Config& config);

/// Whether it all goes together: networks, ports, TLS or loopback. The first thing that is wrong.
[[nodiscard]] Result<void, Error> check_config(const Config& config);

/// Whether `listen` is a unix socket or a loopback address: where no TLS may be.
[[nodiscard]] bool is_local(std::string_view listen);

/// The reference page, in Markdown, from the table.
[[nodiscard]] std::string config_reference();

}  // namespace causeway::control
