#include "relay/engine/spec.h"

#include <algorithm>

#include "relay/base/text.h"

namespace causeway::engine {

namespace {

/// Formats whose fmtp says what the sender may do, not how the payload reads: a difference does not
/// stop a packet from passing (RFC 7587 6.1; RFC 4733 2.4.1 for the list of events).
bool has_declarative_fmtp(const CodecSpec& codec) {
  return equal_ignoring_case(codec.encoding_name, "opus") ||
         codec.kind == MediaKind::TelephoneEvent || codec.kind == MediaKind::ComfortNoise;
}

}  // namespace

bool CodecSpec::same_format(const CodecSpec& other) const {
  return equal_ignoring_case(encoding_name, other.encoding_name) && clock == other.clock &&
         channels == other.channels && kind == other.kind &&
         (fmtp == other.fmtp || has_declarative_fmtp(*this));
}

}  // namespace causeway::engine
