// Makes calls for the benches over a connection that stays open, so that what is measured is the
// relay and not a client that starts.
//
//   bench_setup hold SERVER            reads lines from standard input and answers each with one:
//                                        create JSON of a CreateSessionRequest -> ok JSON | error
//                                        delete NAME                           -> ok | error
//   bench_setup load grpc|bridge|answer|ng SERVER [--rate N] [--in-flight N] [--seconds S]
//               [--core N] < templates
//                                      templates: the JSON of a request (grpc), two lines of JSON
//                                      (bridge, answer), three lines of bencode in hexadecimal (ng:
//                                      offer, answer, delete); see caller.h

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>
#include <sched.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include "causeway/v1/relay_service.grpc.pb.h"
#include "tests/bench/setup/load.h"

namespace causeway::bench {
namespace {

using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageToJsonString;

std::string create(v1::RelayService::Stub& stub, const std::string& json) {
  v1::CreateSessionRequest request;
  if (const auto read = JsonStringToMessage(json, &request); !read.ok()) {
    return "error " + std::string(read.message());
  }
  grpc::ClientContext context;
  v1::CreateSessionResponse response;
  const grpc::Status status = stub.CreateSession(&context, request, &response);
  if (!status.ok()) return "error " + status.error_message();
  std::string answer;
  if (!MessageToJsonString(response, &answer).ok()) return "error no JSON";
  return "ok " + answer;
}

std::string remove(v1::RelayService::Stub& stub, const std::string& name) {
  v1::DeleteSessionRequest request;
  request.set_name(name);
  grpc::ClientContext context;
  v1::DeleteSessionResponse response;
  const grpc::Status status = stub.DeleteSession(&context, request, &response);
  return status.ok() ? "ok" : "error " + status.error_message();
}

int hold(const std::string& server) {
  const auto stub =
      v1::RelayService::NewStub(grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t space = line.find(' ');
    const std::string verb = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    std::cout << (verb == "create" ? create(*stub, rest) : remove(*stub, rest)) << std::endl;
  }
  return 0;
}

std::string from_hex(const std::string& hex) {
  std::string octets;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    octets.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return octets;
}

std::unique_ptr<Caller> caller_of(const std::string& protocol, const std::string& server) {
  if (protocol == "grpc") {
    return make_grpc_caller(server, std::string(std::istreambuf_iterator<char>(std::cin), {}));
  }
  if (protocol == "bridge" || protocol == "answer") {
    std::string first, second;
    std::getline(std::cin, first);
    std::getline(std::cin, second);
    return protocol == "bridge" ? make_bridge_caller(server, first, second)
                                : make_answer_caller(server, first, second);
  }
  NgTemplates templates;
  std::cin >> templates.offer >> templates.answer >> templates.remove;
  return make_ng_caller(
      server, {from_hex(templates.offer), from_hex(templates.answer), from_hex(templates.remove)});
}

void pin(int core) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<std::size_t>(core), &cpus);
  if (::sched_setaffinity(0, sizeof cpus, &cpus) != 0) std::perror("bench_setup: --core");
}

int load(int argc, char** argv) {
  LoadOptions options;
  for (int i = 4; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rate") options.rate = std::atof(argv[i + 1]);
    if (name == "--in-flight")
      options.in_flight = static_cast<std::uint32_t>(std::atoi(argv[i + 1]));
    if (name == "--seconds") options.seconds = std::atof(argv[i + 1]);
    if (name == "--core") pin(std::atoi(argv[i + 1]));
  }
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  const auto caller = caller_of(argv[2], argv[3]);
  run_load(*caller, options);
  return 0;
}

}  // namespace
}  // namespace causeway::bench

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "hold" && argc == 3) return causeway::bench::hold(argv[2]);
  if (mode == "load" && argc >= 4) return causeway::bench::load(argc, argv);
  std::cerr
      << "usage: bench_setup hold SERVER | load grpc|bridge|answer|ng SERVER [--rate N] ...\n";
  return 2;
}
