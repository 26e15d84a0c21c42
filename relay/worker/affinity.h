#pragma once

#include <vector>

#include "relay/base/strong.h"

namespace causeway::worker {

/// A processor, as the system numbers them.
using Cpu = Strong<struct CpuTag, int>;

/// The processors that this process may run on, in ascending order; a container or `taskset` may
/// leave few of the machine's. Empty if the system does not say.
[[nodiscard]] std::vector<Cpu> allowed_cpus();

/// Binds the calling thread to one processor. False if the system refuses.
[[nodiscard]] bool pin_this_thread(Cpu cpu);

}  // namespace causeway::worker
