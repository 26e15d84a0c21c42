#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>

#include <thread>

#include "control/mutex.h"

namespace causeway::control {

/// Keeps a server answering without a pause. The threads that gRPC 1.51 has for callback services
/// (events, health) also poll the sockets of all others, and each that has had no event of its own
/// for a second sleeps for 100 ms: with both asleep, no call at all is answered meanwhile. Asking
/// the server's own health four times a second gives them events.
///
/// Destroyed before the server is shut down.
class PollKeeper {
 public:
  explicit PollKeeper(grpc::Server& server);
  ~PollKeeper();
  PollKeeper(const PollKeeper&) = delete;
  PollKeeper& operator=(const PollKeeper&) = delete;

 private:
  void run();
  void ask_health();

  grpc::GenericStub stub_;
  grpc::CompletionQueue answers_;
  Mutex mutex_;
  Condition has_ended_;
  bool is_ending_ CAUSEWAY_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace causeway::control
