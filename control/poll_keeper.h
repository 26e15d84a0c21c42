#pragma once

#include <grpcpp/generic/generic_stub.h>

#include <thread>

#include "control/mutex.h"

namespace causeway::control {

/// Keeps the servers of this process answering without a pause. The two threads that gRPC 1.51 has
/// for callback services (events, health) also poll the sockets of all others, and each that has
/// had no event of its own for a second sleeps for 100 ms: with both asleep, no call at all is
/// answered meanwhile. A call that fails at once, made now and then, gives them an event.
///
/// Has a thread of its own, which ends with it.
class PollKeeper {
 public:
  PollKeeper();
  ~PollKeeper();
  PollKeeper(const PollKeeper&) = delete;
  PollKeeper& operator=(const PollKeeper&) = delete;

 private:
  void run();
  /// Returns when one of gRPC's threads has said that the call has failed.
  void call();

  grpc::GenericStub stub_;
  Mutex mutex_;
  Condition changed_;
  bool is_ending_ CAUSEWAY_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace causeway::control
