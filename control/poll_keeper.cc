#include "control/poll_keeper.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <pthread.h>

#include <chrono>

namespace causeway::control {

namespace {

/// Under a second: whichever thread has the event is awake until the next one.
constexpr auto kPeriod = std::chrono::milliseconds(700);

}  // namespace

// A channel without credentials leads nowhere.
PollKeeper::PollKeeper()
    : stub_(grpc::CreateChannel("nowhere", nullptr)), thread_([this] { run(); }) {}

PollKeeper::~PollKeeper() {
  {
    const Lock lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void PollKeeper::run() {
  ::pthread_setname_np(::pthread_self(), "cw-poll-keeper");
  for (;;) {
    call();
    const Lock lock(mutex_);
    if (!is_ending_) changed_.wait_for(mutex_, kPeriod);
    if (is_ending_) return;
  }
}

void PollKeeper::call() {
  grpc::ClientContext context;
  const grpc::Slice empty;
  const grpc::ByteBuffer nothing(&empty, 1);
  grpc::ByteBuffer answer;
  bool has_ended = false;
  stub_.UnaryCall(&context, "/", {}, &nothing, &answer, [&](const grpc::Status&) {
    const Lock lock(mutex_);
    has_ended = true;
    changed_.notify_all();
  });
  const Lock lock(mutex_);
  while (!has_ended) changed_.wait(mutex_);
}

}  // namespace causeway::control
