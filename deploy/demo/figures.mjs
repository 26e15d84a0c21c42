// What the page draws of a leg's report.

const milliseconds = (duration) => duration ? Number(duration.seconds) * 1000 + duration.nanos / 1e6 : null;

function direction(report) {
  if (!report) return null;
  return {
    packets: report.packets, lost: report.lostPackets, lostFraction: report.lostFraction,
    jitter: report.packets ? milliseconds(report.jitter) : null,
    mos: report._mos ? report.mos : null,
    codec: report.codec?.encodingName ?? "",
    level: report.audioLevel?.now ?? null,
  };
}

/** A leg in figures: times in milliseconds, null where something is not known. */
export function figuresOf(leg) {
  return {
    leg: leg.leg.split("/").pop(),
    state: leg.state.replace("LEG_STATE_", "").toLowerCase(),
    received: direction(leg.received), sent: direction(leg.sent),
    roundTrip: milliseconds(leg.roundTrip?.last),
    drops: leg.drops,
    suite: (leg.srtp?.receiveSuite ?? "").replace("SRTP_SUITE_", "").replace("UNSPECIFIED", ""),
    addedDelay: milliseconds(leg.addedDelay?.p50),
  };
}
