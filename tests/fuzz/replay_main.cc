// Runs a fuzz target over its seeds without libFuzzer, so that every preset and compiler replays
// what fuzzing once found. Arguments: files or folders; an empty set of seeds is a failure.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> seeds_of(int count, char** arguments) {
  std::vector<fs::path> seeds;
  for (int i = 1; i < count; ++i) {
    const fs::path given = arguments[i];
    if (!fs::is_directory(given)) {
      seeds.push_back(given);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(given)) {
      if (entry.is_regular_file()) seeds.push_back(entry.path());
    }
  }
  std::ranges::sort(seeds);
  return seeds;
}

std::vector<char> contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<fs::path> seeds = seeds_of(count, arguments);
  for (const fs::path& seed : seeds) {
    // Said before it runs: the last name is the one that crashed.
    std::printf("%s\n", seed.c_str());
    std::fflush(stdout);
    // A vector of exactly this size, so that the address sanitizer sees a read past its end.
    const std::vector<char> bytes = contents_of(seed);
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu seeds\n", seeds.size());
  return seeds.empty() ? 1 : 0;
}
