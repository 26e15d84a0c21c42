#include "control/load_meter.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>

namespace causeway::control {

namespace {

namespace fs = std::filesystem;

/// `/proc/self/task/{tid}/schedstat` of the thread that calls itself so.
std::string find_thread(const std::string& name) {
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/self/task", error)) {
    std::string comm;
    std::getline(std::ifstream(task.path() / "comm"), comm);
    if (comm == name) return (task.path() / "schedstat").string();
  }
  return {};
}

/// The first figure of schedstat: nanoseconds that the thread has run.
std::optional<Duration> run_time(const std::string& path) {
  std::ifstream file(path);
  std::int64_t nanoseconds = 0;
  if (!(file >> nanoseconds)) return std::nullopt;
  return Duration(nanoseconds);
}

}  // namespace

float LoadMeter::measure(Instant now, const std::string& thread_name) {
  if (path_.empty()) path_ = find_thread(thread_name);
  const auto run = path_.empty() ? std::nullopt : run_time(path_);
  float load = 0;
  if (run && last_run_ && now > last_at_) {
    load = std::clamp(static_cast<float>((*run - *last_run_).count()) /
                          static_cast<float>((now - last_at_).count()),
                      0.0F, 1.0F);
  }
  last_run_ = run;
  last_at_ = now;
  return load;
}

}  // namespace causeway::control
