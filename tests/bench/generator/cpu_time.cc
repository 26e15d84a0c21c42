#include "tests/bench/generator/cpu_time.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace causeway::bench {

namespace {

namespace fs = std::filesystem;

std::int64_t threads_ns(int pid) {
  std::int64_t sum = 0;
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    std::int64_t ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    sum += ns;
  }
  return sum;
}

}  // namespace

CpuTime read_cpu_time(int pid, int core, std::int64_t now_ns) {
  CpuTime time;
  if (pid > 0) time.threads_ns = threads_ns(pid);
  if (core < 0) return time;
  const std::string wanted = "cpu" + std::to_string(core);
  std::ifstream stat("/proc/stat");
  std::string name;
  while (stat >> name && name != wanted) stat.ignore(1'000'000, '\n');
  std::int64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0,
               steal = 0;
  stat >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  const std::int64_t tick_ns = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
  time.core_steal_ns = steal * tick_ns;
  time.core_busy_ns = now_ns - (idle + iowait) * tick_ns - time.core_steal_ns;
  return time;
}

}  // namespace causeway::bench
