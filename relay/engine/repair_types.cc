#include "relay/engine/repair_types.h"

#include <algorithm>

#include "relay/base/fmtp.h"

namespace causeway::engine {

RepairTypes repair_types(const LegSpec& spec) {
  RepairTypes types;
  for (const CodecSpec& codec : spec.codecs) {
    if (codec.kind == MediaKind::Video) types.kept.set(codec.send_type().raw());
    if (codec.kind != MediaKind::Retransmission) continue;
    const auto apt = fmtp_number(codec.fmtp, "apt");
    const auto repaired = std::ranges::find_if(spec.codecs, [&](const CodecSpec& other) {
      return other.kind == MediaKind::Video && other.send_type().raw() == apt;
    });
    if (repaired == spec.codecs.end()) continue;
    // A leg with more of them than there is room for does without those.
    (void)types.to_endpoint.add(codec.send_type(), repaired->send_type());
    (void)types.from_endpoint.add(codec.payload_type, repaired->payload_type);
  }
  return types;
}

}  // namespace causeway::engine
