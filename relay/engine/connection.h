#pragma once

#include <cstdint>
#include <memory>

#include "relay/media/path.h"

namespace causeway::engine {

/// One direction between two legs of a session, by their numbers, and the path that does the work.
struct Connection {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::unique_ptr<media::Path> path;
};

}  // namespace causeway::engine
