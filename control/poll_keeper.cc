#include "control/poll_keeper.h"

#include <grpcpp/support/byte_buffer.h>
#include <pthread.h>

#include <chrono>

namespace causeway::control {

namespace {

/// So often that, whichever thread gets the events, another that falls asleep leaves it awake.
constexpr auto kPeriod = std::chrono::milliseconds(250);

}  // namespace

PollKeeper::PollKeeper(grpc::Server& server)
    : stub_(server.InProcessChannel(grpc::ChannelArguments())), thread_([this] { run(); }) {}

PollKeeper::~PollKeeper() {
  {
    const Lock lock(mutex_);
    is_ending_ = true;
  }
  has_ended_.notify_all();
  thread_.join();
  answers_.Shutdown();
  void* tag = nullptr;
  bool is_ok = false;
  while (answers_.Next(&tag, &is_ok)) {
  }
}

void PollKeeper::run() {
  ::pthread_setname_np(::pthread_self(), "cw-poll-keeper");
  for (;;) {
    ask_health();
    const Lock lock(mutex_);
    if (!is_ending_) has_ended_.wait_for(mutex_, kPeriod);
    if (is_ending_) return;
  }
}

void PollKeeper::ask_health() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPeriod);
  const grpc::ByteBuffer everything;  // an empty HealthCheckRequest: of the server as a whole
  grpc::ByteBuffer answer;
  grpc::Status status;
  const auto call =
      stub_.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", everything, &answers_);
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool is_ok = false;
  answers_.Next(&tag, &is_ok);
}

}  // namespace causeway::control
