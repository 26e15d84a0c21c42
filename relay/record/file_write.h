#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace causeway::record {

/// Octets that belong at a place of the recording's file. Writes are to be done in order. A write
/// that cannot be done may be left out, as a hole of zeros: every container here stays readable and
/// in time with holes.
struct FileWrite {
  std::uint64_t offset = 0;
  std::vector<std::byte> octets;
};

}  // namespace causeway::record
