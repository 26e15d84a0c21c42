// What an idle call costs, and how fast a node that has no ports left says so. Starts a causewayd
// of its own (the one beside this program), opens sessions of two plain legs that nobody sends to,
// and reads how much memory the daemon came to hold. Usage: bench_capacity [SESSIONS]
//
//     resident before 69.6 MiB, after 102.1 MiB: 8.32 KiB a leg (4000 legs, 8000 sockets in the
//     kernel)
//     PORTS_EXHAUSTED after p50 486 us, p99 4678 us, max 10750 us; GetNode beside it p50 556 us

#include <grpcpp/grpcpp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "causeway/v1/node_service.grpc.pb.h"
#include "causeway/v1/relay_service.grpc.pb.h"

namespace {

namespace v1 = causeway::v1;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kRefusals = 500;

/// A causewayd that ends with this program.
class Daemon {
 public:
  Daemon(const fs::path& binary, const fs::path& folder)
      : api_("unix:" + (folder / "api").string()) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const std::string recordings = folder / "recordings";
    ::execl(binary.c_str(), "causewayd", "--insecure", "--listen", api_.c_str(), "--workers", "2",
            "--log-level", "warn", "--quality-report-interval", "0s", "--recordings",
            recordings.c_str(), "--network", "name=large,bind=127.0.0.1,ports=16384-30999",
            "--network", "name=small,bind=127.0.0.1,ports=31000-31003", nullptr);
    std::perror("causewayd");
    std::_Exit(1);
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] const std::string& api() const { return api_; }
  /// Octets of physical memory.
  [[nodiscard]] double resident() const {
    std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
    double whole = 0;
    double resident = 0;
    statm >> whole >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }

 private:
  std::string api_;
  pid_t pid_ = 0;
};

class Client {
 public:
  explicit Client(const std::string& api)
      : channel_(grpc::CreateChannel(api, grpc::InsecureChannelCredentials())),
        relay_(v1::RelayService::NewStub(channel_)),
        node_(v1::NodeService::NewStub(channel_)) {
    channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }

  /// A session of two plain legs on `network`.
  grpc::Status create(const std::string& network) {
    v1::CreateSessionRequest request;
    v1::Session& session = *request.mutable_session();
    session.mutable_lease()->set_seconds(3600);
    for (const char* name : {"legs/a", "legs/b"}) {
      v1::Leg& leg = *session.add_legs();
      leg.set_name(name);
      leg.set_network(network);
      leg.mutable_remote()->mutable_rtp()->set_ip("127.0.0.1");
      leg.mutable_remote()->mutable_rtp()->set_port(9);
      leg.add_codecs()->set_encoding_name("PCMU");
    }
    for (const auto& [from, to] : {std::pair("legs/a", "legs/b"), std::pair("legs/b", "legs/a")}) {
      v1::Connection& connection = *session.add_connections();
      connection.set_from_leg(from);
      connection.set_to_leg(to);
    }
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    return relay_->CreateSession(&context, request, &response);
  }
  grpc::Status get_node() {
    grpc::ClientContext context;
    v1::GetNodeResponse response;
    return node_->GetNode(&context, v1::GetNodeRequest(), &response);
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RelayService::Stub> relay_;
  std::unique_ptr<v1::NodeService::Stub> node_;
};

/// How long each of many calls took, sorted.
template <typename Call>
std::vector<double> microseconds_of(Call call) {
  std::vector<double> times;
  for (int i = 0; i < kRefusals; ++i) {
    const auto begun = Clock::now();
    call();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begun).count());
  }
  std::ranges::sort(times);
  return times;
}

int measure(const fs::path& binary, const fs::path& folder, int sessions) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // each figure as it is known
  const Daemon daemon(binary, folder);
  Client client(daemon.api());
  // What is made once, with the first call, is no cost of a leg.
  for (int i = 0; i < 20; ++i) {
    if (const auto done = client.create("large"); !done.ok()) {
      std::fprintf(stderr, "%s\n", done.error_message().c_str());
      return 1;
    }
  }
  const double before = daemon.resident();
  for (int i = 0; i < sessions; ++i) {
    if (const auto done = client.create("large"); !done.ok()) {
      std::fprintf(stderr, "after %d sessions: %s\n", i, done.error_message().c_str());
      return 1;
    }
  }
  const double after = daemon.resident();
  const int legs = 2 * sessions;
  std::printf(
      "resident before %.1f MiB, after %.1f MiB: %.2f KiB a leg (%d legs, %d sockets in the "
      "kernel)\n",
      before / (1 << 20), after / (1 << 20), (after - before) / 1024 / legs, legs, 2 * legs);

  while (client.create("small").ok()) {
  }
  const auto refused = microseconds_of([&] {
    const auto done = client.create("small");
    if (done.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) std::abort();
  });
  const auto beside = microseconds_of([&] { (void)client.get_node(); });
  std::printf(
      "PORTS_EXHAUSTED after p50 %.0f us, p99 %.0f us, max %.0f us; GetNode beside it p50 "
      "%.0f us\n",
      refused[kRefusals / 2], refused[kRefusals * 99 / 100], refused.back(), beside[kRefusals / 2]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int sessions = argc > 1 ? std::atoi(argv[1]) : 2'000;
  const fs::path binary = fs::canonical("/proc/self/exe").parent_path() / "causewayd";
  std::string pattern = fs::temp_directory_path() / "causeway-bench-XXXXXX";
  const fs::path folder = ::mkdtemp(pattern.data());
  const int code = measure(binary, folder, sessions);
  fs::remove_all(folder);
  return code;
}
