#!/usr/bin/python3
"""Says in words what the relay did with a call, from the reports that it gave.

usage: explain_call.py [--recording-is-now-at PATH] REPORT.json [FINAL.json]

A report is what `causeway --json report SESSION` answers, or `causeway --json session delete SESSION`
at the end. The last one is explained; the delay is taken from the first that has it. Prints the chain of each direction, what each leg experienced, the delay that the relay added, and
where the recordings are. For people who see a plan such as
`legs/a -> legs/b: open(...) record(call) transcode(opus@8k->pcmu) send(rtp)` for the first time.
"""

import argparse
import json
import re
import sys
import textwrap

CODECS = {"opus": "Opus", "pcmu": "G.711 (PCMU)", "pcma": "G.711 (PCMA)", "g722": "G.722", "l16": "L16"}
REASONS = {"disk_full": "the disk is full", "disk_error": "the disk refuses", "ring_full":
           "the recorder did not keep up", "recorder_slow": "the disk was slow",
           "unknown_codec": "a codec is unknown", "cannot_open": "there is no file"}


def codec(name):
    """`opus@8k`: Opus, worked on at 8 kHz."""
    base, _, rate = name.partition("@")
    text = CODECS.get(base, base)
    return "%s at %s kHz" % (text, rate.rstrip("k")) if rate else text


def step(name, detail, to):
    """One stage of a plan's line in words."""
    if name == "open":
        return "SRTP is opened (%s)" % detail
    if name == "record":
        return "it is recorded (%s)" % detail
    if name == "transcode":
        return "%s becomes %s" % tuple(codec(each) for each in detail.split("->"))
    if name == "forward":
        return "%s passes as it is" % codec(detail)
    if name == "seal":
        return "SRTP is sealed (%s)" % detail
    if name == "send":
        return "it is sent to %s as %s" % (to, "SRTP" if detail == "srtp" else "plain RTP")
    return "%s(%s)" % (name, detail)


def chain(plan):
    """`legs/a -> legs/b: stage(detail) ...` as (from, to, words)."""
    head, _, stages = plan.partition(": ")
    names = [each.rsplit("/", 1)[-1] for each in head.split(" -> ")]
    steps = [step(name, detail, names[1]) for name, detail in re.findall(r"([\w-]+)\(([^)]*)\)", stages)]
    return names[0], names[1], ", then ".join(steps)


def seconds(text):
    """A proto JSON duration, `0.033554431s`."""
    return float(text.rstrip("s"))


def packets(direction):
    return int(direction.get("packets", 0))


def leg_text(leg):
    heard, said = leg.get("sent", {}), leg.get("received", {})
    lost = int(said.get("lost_packets", 0))
    text = "%d packets came from it, %s" % (packets(said), "none was lost" if lost == 0 else
                                            "%d were lost" % lost)
    if "jitter" in said:
        text += ", %.1f ms of jitter" % (seconds(said["jitter"]) * 1000)
    if "mos" in said:
        text += ", MOS %.1f (1 bad, 4.4 as good as G.711 can be)" % said["mos"]
    text += "; %d packets went to it" % packets(heard)
    decoding = leg.get("decoding", {})
    filled = int(decoding.get("concealed_packets", 0)) + int(decoding.get("fec_recovered_packets", 0))
    if filled:
        text += "; %d packets that were missing were filled in" % filled
    dropped = {k: int(v) for k, v in leg.get("drops", {}).items() if int(v) > 0}
    if dropped:
        text += "; dropped: " + ", ".join("%d %s" % (v, k) for k, v in sorted(dropped.items()))
    return text


def delay_text(reports):
    """Of the relay's worker: all legs of a session share it, so any of them says it."""
    for leg in (leg for report in reports for leg in report.get("legs", [])):
        delay = leg.get("added_delay", {})
        if int(delay.get("packets", 0)) > 0:
            return ("half of the packets were on their way again within %.2f ms of their arrival, "
                    "99 of 100 within %.2f ms" % (seconds(delay.get("p50", "0s")) * 1000,
                                                  seconds(delay.get("p99", "0s")) * 1000))
    return "no packet has passed"


def recording_text(recording, moved_to=None):
    channels = [each["leg"].rsplit("/", 1)[-1] for each in recording.get("channels", [])]
    sides = ", ".join("%s is %s" % each for each in zip(("left", "right"), channels)) \
        if len(channels) == 2 else "of " + ", ".join(channels)
    text = "%s (%s" % (moved_to or recording["uri"].removeprefix("file://"), sides)
    if "sample_rate" in recording:
        text += ", %d Hz" % recording["sample_rate"]
    if "duration" in recording:
        text += ", %.1f s" % seconds(recording["duration"])
    text += ")"
    if "degraded_reason" in recording:
        reason = recording["degraded_reason"]
        text += "; not all of it: " + REASONS.get(reason, reason)
    return text


def explain(*reports, moved_to=None):
    """(title, [line]) for each part."""
    report = reports[-1]
    chains = [chain(each["plan"]["text"]) for each in report.get("connections", [])]
    yield "what the relay did", ["%s -> %s: %s" % each for each in chains]
    yield "what each leg experienced", ["%s: %s" % (leg["leg"].rsplit("/", 1)[-1], leg_text(leg))
                                        for leg in report.get("legs", [])]
    yield "delay that the relay added", [delay_text(reports)]
    if report.get("recordings"):
        yield "recording", [recording_text(each, moved_to) for each in report["recordings"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", metavar="REPORT.json")
    parser.add_argument("--recording-is-now-at", metavar="PATH")
    options = parser.parse_args()
    reports = []
    for path in options.reports:
        with open(path, encoding="utf-8") as file:
            reports.append(json.load(file)["report"])
    for title, lines in explain(*reports, moved_to=options.recording_is_now_at):
        print(title)
        for line in lines:
            print(textwrap.fill(line, 96, initial_indent="  ", subsequent_indent="    "))
    return 0


if __name__ == "__main__":
    sys.exit(main())
