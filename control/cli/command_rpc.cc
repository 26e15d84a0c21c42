#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <iostream>
#include <iterator>

#include "control/cli/commands.h"

namespace causeway::cli {

namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

struct Arguments {
  std::string method;
  std::string request;
};

std::string all_of_stdin() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

int wrong_usage(const std::string& what) {
  std::cerr << "causeway: " << what << "\n";
  return kUsage;
}

int call(const Arguments& arguments, Client& client) {
  const auto* const method =
      DescriptorPool::generated_pool()->FindMethodByName("causeway.v1." + arguments.method);
  if (method == nullptr || method->server_streaming()) {
    return wrong_usage("`" + arguments.method +
                       "` is no method with one answer, such as RelayService.CreateAnswer");
  }
  MessageFactory& factory = *MessageFactory::generated_factory();
  const std::unique_ptr<Message> request(factory.GetPrototype(method->input_type())->New());
  const std::unique_ptr<Message> response(factory.GetPrototype(method->output_type())->New());
  const std::string json = arguments.request == "-" ? all_of_stdin() : arguments.request;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, request.get());
  if (!parsed.ok()) {
    return wrong_usage("the request is no " + method->input_type()->name() +
                       " in JSON: " + std::string(parsed.message()));
  }
  const int code = client.call(*method, *request, *response);
  if (code != kOk) return code;
  Options as_json;
  as_json.is_json = true;
  print(as_json, *response, "");
  return kOk;
}

}  // namespace

void add_rpc_command(CLI::App& app, Run& run) {
  auto arguments = std::make_shared<Arguments>();
  auto* rpc = app.add_subcommand("rpc", "Call any method of the API, in proto JSON");
  rpc->add_option("method", arguments->method, "RelayService.BridgeOffer and the like")->required();
  rpc->add_option("request", arguments->request, "The request in JSON; `-`: from standard input")
      ->default_val("{}");
  rpc->callback([arguments, &run] {
    run = [arguments](Client& client, const Options&) { return call(*arguments, client); };
  });
}

}  // namespace causeway::cli
