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

std::string id_of(std::uint32_t call) { return "bench-" + std::to_string(call); }
std::string name_of(std::uint32_t call) { return "sessions/" + id_of(call); }

template <typename Request>
Request read(const std::string& json) {
  Request request;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &request);
  if (status.ok()) return request;
  std::cerr << "bench_setup: " << status.message() << "\n";
  std::exit(2);
}

/// What all calls over gRPC have in common: the connection, and how they end.
class GrpcCaller : public Caller {
 public:
  explicit GrpcCaller(const std::string& server)
      : stub_(v1::RelayService::NewStub(
            grpc::CreateChannel(server, grpc::InsecureChannelCredentials()))) {}

  void destroy(std::uint32_t call, Done done) override {
    v1::DeleteSessionRequest request;
    request.set_name(name_of(call));
    ask<v1::DeleteSessionResponse>(&Async::DeleteSession, std::move(request), std::move(done));
  }
  void poll(std::int64_t until_ns) override { wait_until(until_ns); }

 protected:
  using Async = v1::RelayService::StubInterface::async_interface;
  template <typename Request, typename Response>
  using Method = void (Async::*)(grpc::ClientContext*, const Request*, Response*,
                                 std::function<void(grpc::Status)>);

  template <typename Response, typename Request>
  void ask(Method<Request, Response> method, Request request, Done done) {
    auto* const asked = new Asked<Request, Response>;
    asked->request = std::move(request);
    (stub_->async()->*method)(&asked->context, &asked->request, &asked->response,
                              [asked, done = std::move(done)](const grpc::Status& status) {
                                delete asked;
                                done(status.ok());
                              });
  }
  void create_session(v1::CreateSessionRequest request, std::uint32_t call, Done done) {
    request.set_session_id(id_of(call));
    ask<v1::CreateSessionResponse>(&Async::CreateSession, std::move(request), std::move(done));
  }

 private:
  std::unique_ptr<v1::RelayService::Stub> stub_;
};

class SessionCaller final : public GrpcCaller {
 public:
  SessionCaller(const std::string& server, const std::string& request_json)
      : GrpcCaller(server), request_(read<v1::CreateSessionRequest>(request_json)) {}

  void create(std::uint32_t call, Done done) override {
    create_session(request_, call, std::move(done));
  }

 private:
  const v1::CreateSessionRequest request_;
};

class BridgeCaller final : public GrpcCaller {
 public:
  BridgeCaller(const std::string& server, const std::string& offer_json,
               const std::string& answer_json)
      : GrpcCaller(server),
        offer_(read<v1::BridgeOfferRequest>(offer_json)),
        answer_(read<v1::BridgeAnswerRequest>(answer_json)) {}

  void create(std::uint32_t call, Done done) override {
    v1::BridgeOfferRequest offer = offer_;
    offer.set_session_id(id_of(call));
    ask<v1::BridgeOfferResponse>(&Async::BridgeOffer, std::move(offer),
                                 [this, call, done = std::move(done)](bool is_ok) {
                                   if (!is_ok) return done(false);
                                   answer(call, done);
                                 });
  }

 private:
  void answer(std::uint32_t call, Done done) {
    v1::BridgeAnswerRequest answer = answer_;
    answer.set_name(name_of(call));
    ask<v1::BridgeAnswerResponse>(&Async::BridgeAnswer, std::move(answer), std::move(done));
  }

  const v1::BridgeOfferRequest offer_;
  const v1::BridgeAnswerRequest answer_;
};

class AnswerCaller final : public GrpcCaller {
 public:
  AnswerCaller(const std::string& server, const std::string& session_json,
               const std::string& answer_json)
      : GrpcCaller(server),
        session_(read<v1::CreateSessionRequest>(session_json)),
        answer_(read<v1::CreateAnswerRequest>(answer_json)) {}

  bool has_preparation() const override { return true; }
  void prepare(std::uint32_t call, Done done) override {
    create_session(session_, call, std::move(done));
  }
  void create(std::uint32_t call, Done done) override {
    v1::CreateAnswerRequest answer = answer_;
    answer.set_name(name_of(call) + "/legs/caller");
    ask<v1::CreateAnswerResponse>(&Async::CreateAnswer, std::move(answer), std::move(done));
  }

 private:
  const v1::CreateSessionRequest session_;
  const v1::CreateAnswerRequest answer_;
};

}  // namespace

std::unique_ptr<Caller> make_grpc_caller(const std::string& server,
                                         const std::string& request_json) {
  return std::make_unique<SessionCaller>(server, request_json);
}

std::unique_ptr<Caller> make_bridge_caller(const std::string& server, const std::string& offer_json,
                                           const std::string& answer_json) {
  return std::make_unique<BridgeCaller>(server, offer_json, answer_json);
}

std::unique_ptr<Caller> make_answer_caller(const std::string& server,
                                           const std::string& session_json,
                                           const std::string& answer_json) {
  return std::make_unique<AnswerCaller>(server, session_json, answer_json);
}

}  // namespace causeway::bench
