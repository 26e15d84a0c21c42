#pragma once

#include <optional>
#include <string>

#include "relay/base/time.h"

namespace causeway::control {

/// How busy one thread of this process is, from what the system says of it (/proc). A worker busy
/// with nothing but media cannot be asked. Single-threaded.
class LoadMeter {
 public:
  /// The share of the time since the call before in which the thread of this name ran, 0 to 1; 0 at
  /// the first call, and where the system does not say.
  [[nodiscard]] float measure(Instant now, const std::string& thread_name);

 private:
  std::string path_;  // of the thread's figures, once it is found
  std::optional<Duration> last_run_;
  Instant last_at_{};
};

}  // namespace causeway::control
