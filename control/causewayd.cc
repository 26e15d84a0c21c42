#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>

#include "control/config.h"
#include "control/poll_keeper.h"
#include "control/service_set.h"
#include "control/tls.h"
#include "relay/io/open_files.h"

// causewayd: reads its configuration, starts the media plane and offers the API until it is told to
// end. Exit codes: 0 ended as asked, 1 could not start, 2 usage or configuration.

namespace causeway::control {
namespace {

constexpr int kCannotStart = 1;
constexpr int kBadUsage = 2;

struct Arguments {
  std::string config_file;
  std::map<std::string, std::string> settings;  // by key
  std::vector<std::string> networks;
  bool is_insecure = false;
  bool only_checks = false;
  bool prints_reference = false;
};

void add_options(CLI::App& app, Arguments& arguments) {
  app.add_option("--config", arguments.config_file, "YAML file; see deploy/causewayd.yaml");
  app.add_flag("--check-config", arguments.only_checks, "Say whether the configuration is right");
  app.add_flag("--print-config-reference", arguments.prints_reference,
               "Print the reference of all settings, in Markdown");
  app.add_option("--network", arguments.networks,
                 "name=NAME,bind=ADDRESS[,advertise=ADDRESS][,ports=FIRST-LAST]"
                 "[,shared_port=N][,dscp=N]");
  for (const Setting& setting : settings()) {
    const std::string key(setting.key);
    if (key == "insecure") {
      app.add_flag("--insecure", arguments.is_insecure, std::string(setting.meaning));
      continue;
    }
    app.add_option_function<std::string>(
        setting.flag(),
        [&arguments, key](const std::string& text) { arguments.settings[key] = text; },
        std::string(setting.meaning));
  }
}

/// Flags over the environment over the file over the defaults.
Result<Config, Error> read_all(const Arguments& arguments) {
  Config config = default_config();
  std::string file = arguments.config_file;
  if (file.empty()) file = default_config_file().value_or("");
  if (!file.empty()) {
    if (auto done = read_config_file(file, config); !done) return failure(done.error());
  }
  const auto lookup = [](const std::string& name) { return std::getenv(name.c_str()); };
  if (auto done = read_environment(lookup, config); !done) return failure(done.error());
  for (const Setting& setting : settings()) {
    const auto given = arguments.settings.find(std::string(setting.key));
    if (given == arguments.settings.end()) continue;
    if (const auto wrong = setting.store(config, given->second)) {
      return failure(
          Error{ErrorCode::InvalidArgument, "CONFIG", setting.flag(), "must be " + *wrong});
    }
  }
  if (arguments.is_insecure) config.is_insecure = true;
  if (!arguments.networks.empty()) config.node.networks.clear();
  for (const std::string& text : arguments.networks) {
    auto network = parse_network(text);
    if (!network) return failure(network.error());
    config.node.networks.push_back(std::move(*network));
  }
  settle(config);
  return config;
}

/// What shared ports cannot hold while their worker is busy is lost.
void warn_of_small_buffers(const Node& node, const NodeConfig& asked) {
  for (std::size_t worker = 0; worker < asked.workers; ++worker) {
    const std::uint64_t given = node.worker_stats(worker).shared_port_buffer;
    if (given == 0 || given >= asked.shared_port_buffer) continue;
    spdlog::warn(
        "the system gives shared ports a receive buffer of {} octets, not {}: raise "
        "net.core.rmem_max, or calls lose packets where a worker is busy",
        given, asked.shared_port_buffer);
    return;
  }
}

Result<void, Error> start_log(const Config& config) {
  try {
    std::shared_ptr<spdlog::logger> logger;
    if (config.log_file.empty()) {
      logger = spdlog::stderr_logger_mt("causewayd");
    } else {
      logger = spdlog::basic_logger_mt("causewayd", config.log_file);
    }
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
    logger->set_level(spdlog::level::from_str(config.log_level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(logger);
    return {};
  } catch (const spdlog::spdlog_ex& error) {
    return failure(Error{ErrorCode::InvalidArgument, "CONFIG", "log.file", error.what()});
  }
}

/// Signals go to the main thread alone, which waits for them; every thread made later inherits
/// this.
sigset_t block_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// Keys must not reach a core file or a debugger of the same user.
void protect_memory() { ::prctl(PR_SET_DUMPABLE, 0); }

/// As many as it will ever have open: four sockets a session, and some for all else.
std::uint64_t files_of(const NodeConfig& node) {
  return std::uint64_t{4} * node.max_sessions_per_worker * node.workers + 1024;
}

void follow_drain(ControlPlane& plane, grpc::Server& server) {
  plane.set_drain_hook([&server](bool is_draining) {
    if (auto* health = server.GetHealthCheckService()) health->SetServingStatus(!is_draining);
    spdlog::info(is_draining ? "draining: no new sessions" : "taking sessions again");
  });
}

int serve(const Config& config, const sigset_t& signals) {
  auto credentials = make_credentials(config, std::make_shared<AllowEveryone>());
  if (!credentials) {
    spdlog::error("{}: {}", credentials.error().field, credentials.error().detail);
    return kBadUsage;
  }
  auto services = ServiceSet::create(config.node);
  if (!services) {
    spdlog::error("cannot start: {} {}", services.error().field, services.error().detail);
    return kCannotStart;
  }
  ControlPlane& plane = *(*services)->plane;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::channelz::experimental::InitChannelzService();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(config.listen, *credentials);
  // Two daemons on one address would share its callers between them; the second is to fail.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(1 << 20);  // the largest request of ours is a few kilobytes
  (*services)->register_with(builder);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) {
    spdlog::error("cannot listen on {}: is it an address of this machine, and free?",
                  config.listen);
    return kCannotStart;
  }
  follow_drain(plane, *server);
  const PollKeeper keeper;
  spdlog::info("causewayd {} on {}{}, {} workers, {} networks, recordings in {}",
               config.node.version, config.listen, config.is_insecure ? " without TLS" : "",
               config.node.workers, config.node.networks.size(), config.node.recordings_folder);
  warn_of_small_buffers(plane.node(), config.node);
  for (const NetworkConfig& network : config.node.networks) {
    spdlog::info("network {}: {} ports {}-{}", network.name, network.advertised.to_string(),
                 network.first_port.raw(), network.last_port.raw());
    if (network.shared_port) {
      spdlog::info("network {}: shared ports {}-{}", network.name, network.shared_port->raw(),
                   network.shared_port->raw() + config.node.workers - 1);
    }
  }

  int signal = 0;
  ::sigwait(&signals, &signal);
  spdlog::info("{}: closing every session", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  plane.set_drain_hook({});
  plane.stop();  // ends the event streams, so that the server has nothing to wait for
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  spdlog::info("ended");
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app("causewayd: the Causeway media relay", "causewayd");
  Arguments arguments;
  add_options(app, arguments);
  app.set_version_flag("--version", NodeConfig{}.version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  if (arguments.prints_reference) {
    std::cout << config_reference();
    return 0;
  }
  const auto complain = [](const Error& error) {
    std::cerr << "causewayd: " << error.field << (error.field.empty() ? "" : ": ") << error.detail
              << "\n";
    return kBadUsage;
  };
  const auto config = read_all(arguments);
  if (!config) return complain(config.error());
  if (const auto done = check_config(*config); !done) return complain(done.error());
  if (const auto done = check_certificates(*config); !done) return complain(done.error());
  if (arguments.only_checks) {
    std::cout << "causewayd: the configuration is right\n";
    return 0;
  }
  const sigset_t signals = block_signals();
  protect_memory();
  if (const auto done = start_log(*config); !done) return complain(done.error());
  if (!io::raise_open_files_limit()) spdlog::warn("the limit of open files cannot be raised");
  if (!io::reserve_open_files(files_of(config->node))) {
    spdlog::warn("no room for the open files could be reserved");
  }
  return serve(*config, signals);
}

}  // namespace
}  // namespace causeway::control

int main(int argc, char** argv) { return causeway::control::run(argc, argv); }
