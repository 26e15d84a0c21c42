#include "relay/worker/affinity.h"

#include <sched.h>

namespace causeway::worker {

std::vector<Cpu> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<Cpu> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.emplace_back(cpu);
  }
  return cpus;
}

bool pin_this_thread(Cpu cpu) {
  if (cpu.raw() < 0 || cpu.raw() >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu.raw()), &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;  // 0: the calling thread
}

}  // namespace causeway::worker
