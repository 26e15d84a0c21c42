#include "relay/engine/spec.h"

#include "relay/base/fmtp.h"
#include "relay/base/text.h"

namespace causeway::engine {

bool CodecSpec::same_format(const CodecSpec& other) const {
  return equal_ignoring_case(encoding_name, other.encoding_name) && clock == other.clock &&
         channels == other.channels && kind == other.kind &&
         reads_alike(encoding_name, fmtp, other.fmtp);
}

}  // namespace causeway::engine
