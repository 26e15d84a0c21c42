#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <utility>

#include "causeway/v1/relay_service.grpc.pb.h"
#include "tests/bench/generator/clock.h"
#include "tests/bench/setup/caller.h"

namespace causeway::bench {

namespace {

/// What lives as long as a call of the callback API.
template <typename Request, typename Response>
struct Asked {
  grpc::ClientContext context;
  Request request;
  Response response;
};

class GrpcCaller final : public Caller {
 public:
  GrpcCaller(const std::string& server, const std::string& request_json)
      : stub_(v1::RelayService::NewStub(
            grpc::CreateChannel(server, grpc::InsecureChannelCredentials()))) {
    const auto status = google::protobuf::util::JsonStringToMessage(request_json, &request_);
    if (status.ok()) return;
    std::cerr << "bench_setup: " << status.message() << "\n";
    std::exit(2);
  }

  void create(std::uint32_t call, Done done) override {
    auto* const asked = new Asked<v1::CreateSessionRequest, v1::CreateSessionResponse>;
    asked->request = request_;
    asked->request.set_session_id("bench-" + std::to_string(call));
    stub_->async()->CreateSession(&asked->context, &asked->request, &asked->response,
                                  [asked, done = std::move(done)](const grpc::Status& status) {
                                    delete asked;
                                    done(status.ok());
                                  });
  }
  void destroy(std::uint32_t call, Done done) override {
    auto* const asked = new Asked<v1::DeleteSessionRequest, v1::DeleteSessionResponse>;
    asked->request.set_name("sessions/bench-" + std::to_string(call));
    stub_->async()->DeleteSession(&asked->context, &asked->request, &asked->response,
                                  [asked, done = std::move(done)](const grpc::Status& status) {
                                    delete asked;
                                    done(status.ok());
                                  });
  }
  void poll(std::int64_t until_ns) override { wait_until(until_ns); }

 private:
  std::unique_ptr<v1::RelayService::Stub> stub_;
  v1::CreateSessionRequest request_;
};

}  // namespace

std::unique_ptr<Caller> make_grpc_caller(const std::string& server,
                                         const std::string& request_json) {
  return std::make_unique<GrpcCaller>(server, request_json);
}

}  // namespace causeway::bench
