"""Measurements with a course of their own: set-up, memory, growth, latency under load,
instructions. Each yields rows: dicts with what they found."""

import dataclasses
import json
import os
import re
import shutil
import subprocess

from tests.bench.suite import cases
from tests.bench.suite import measure
from tests.bench.suite import ng
from tests.bench.suite import bencode
from tests.bench.suite import settings as places
from tests.bench.suite import subjects

PLACEHOLDER = "CALLID0000000"


def media_case(name):
    return next(each for each in cases.media_cases() if each.name == name)


# ----------------------------------------------------------------------------------------- set-up

# The main job, and the least that there is.
SETUP_CASES = (("setup", "pcmu-opus-srtp"), ("setup-rtp", "rtp"))


def setup_templates(subject, media):
    """What bench_setup reads: the same call for each subject, for ever the same ports and keys."""
    key = "%s inline:%s" % (media.b.suite, "A" * 40) if media.b.suite else None
    if subject.name == "causewayd":
        keys = ["1 " + key] * 2 if key else None
        return "grpc", subject.api, subject.request(media, 0, "bench-0", keys)
    # The tag is that of the one suite that is offered.
    requests = [ng.offer(PLACEHOLDER, media, 10000),
                ng.answer(PLACEHOLDER, media, 10002, key and "1 " + key), ng.delete(PLACEHOLDER)]
    server = "%s:%d" % (places.RTPENGINE_IP, subject.NG_PORT)
    return "ng", server, "".join(bencode.encode(each).hex() + "\n" for each in requests)


def load(settings, subject, media, rate, seconds):
    protocol, server, templates = setup_templates(subject, media)
    done = subprocess.run(
        [settings.binary("bench_setup"), "load", protocol, server, "--rate", str(rate),
         "--seconds", str(seconds), "--core", str(settings.generator_core)],
        input=templates, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 60)
    return json.loads(done.stdout)


def setup(settings, subject, case):
    """At 1,000 calls a second, each at its own instant: the latency from then to the answer with the
    addresses (one RPC, or offer and answer). Then as many as it can, 32 at once: the rate. A call is
    ended as soon as it is made, and that counts as load too."""
    for name, of in SETUP_CASES:
        for rate, title in ((1000, "@1000/s"), (0, "@most")):
            found = load(settings, subject, media_case(of), rate, settings.seconds)
            failed = found["failed"] + found["unanswered"]
            row = {"case": name + title, "n": found["made"], "p50": found["p50"],
                   "p99": found["p99"], "p999": found["p999"], "failed": failed,
                   "invalid": "%d of %d calls failed" % (failed, found["asked"]) if failed else ""}
            if rate == 0:
                row["calls_per_s"] = round(found["calls_per_s"], 1)
            yield row


# ----------------------------------------------------------------------------------------- memory

def memory(settings, subject, case):
    """Resident memory of the process a call, what the kernel holds for its sockets apart: with no
    packet yet, while forwarding, while transcoding Opus."""
    for name, media, calls, speaks in (("idle", "rtp", 500, False), ("rtp", "rtp", 200, True),
                                       ("srtp", "srtp-cm", 200, True),
                                       ("opus", "pcmu-opus", 40, True)):
        yield {"case": "memory-" + name, "n": calls,
               "kib_per_call": grown_by(settings, subject, media_case(media), calls, speaks),
               "invalid": ""}


def grown_by(settings, subject, case, calls, speaks):
    # A relay of its own: memory that earlier calls left free would hide what these take.
    subject.stop()
    subject.start()
    subject.make(case, 1)
    subject.drop()
    before = measure.rss_kib(subject.pid)
    legs = subject.make(case, calls)
    try:
        if not speaks:
            return round((measure.rss_kib(subject.pid) - before) / calls, 2)
        generator = measure.Generator(settings, legs, listened_calls=0, seconds=1, tail=30)
        generator.wait_for("begin")
        generator.wait_for("end")
        after = measure.rss_kib(subject.pid)
        generator.end_tail()
        generator.result()
        return round((after - before) / calls, 2)
    finally:
        subject.drop()


# ----------------------------------------------------------------------------------------- growth

GROWTH_CALLS = (5, 50, 250, 1000, 2500)
# More than this the generator's one processor does not send on time.
MOST_SPEAKING = 1000


def growth(settings, subject, case):
    """From 10 to 5,000 legs: memory a call, and, as far as one processor can load it, what a
    forwarded packet costs."""
    media = media_case("rtp")
    for calls in GROWTH_CALLS:
        kib = grown_by(settings, subject, media, calls, False)
        row = {"n": calls, "invalid": ""}
        if calls <= MOST_SPEAKING:
            row.update(measure.media(settings, subject, media, calls))
        row.update({"case": "growth@%d" % (2 * calls), "kib_per_call": kib})
        yield row


# ---------------------------------------------------------------------------------------- latency

SHARES = (0.25, 0.5, 0.75, 0.9)


def latency(settings, subject, case):
    """Percentiles of the latency at shares of the subject's own capacity."""
    media = media_case(case.name[len("latency-"):])
    capacity, _ = measure.capacity(settings, subject, media)
    for share in SHARES:
        calls = max(1, min(measure.MOST_CALLS, int(capacity * share)))
        row = measure.media(settings, subject, media, calls)
        row["case"] = "%s@%d%%" % (case.name, share * 100)
        row["capacity_calls"] = capacity
        if calls == measure.MOST_CALLS:
            row["invalid"] = row["invalid"] or "beyond what the generator can send"
        yield row


# ----------------------------------------------------------------------------------- instructions

INSTRUCTION_CASES = (("rtp", 40), ("srtp-cm", 20), ("srtp-gcm", 20), ("pcmu-opus", 1),
                     ("pcmu-opus-same", 1), ("pcmu-g722", 2))


def instructions(settings, subject, case):
    """User instructions a packet, by valgrind's callgrind: counted, not sampled, so the same again
    on any machine. All threads, from before the first packet until after the last. Valgrind's
    processor has no AVX-512, which libraries use where there is one."""
    for name, calls in INSTRUCTION_CASES:
        media = media_case(name)
        with Callgrind(settings, subject) as counted:
            legs = subject.make(media, calls)
            counted.control("-z")
            generator = measure.Generator(settings, legs, listened_calls=0, warm_up=2, seconds=8)
            generator.wait_for("begin")
            generator.wait_for("end")
            found = generator.result()
            counted.control("-d")
            subject.drop()
        lost = 1 - found["received"] / max(1, found["sent"])
        yield {"case": "instructions-" + name, "n": calls,
               "instructions_per_packet": round(counted.count() / found["sent_in_all"], 1),
               "lost_share": round(lost, 6),
               "invalid": "valgrind was too slow for this load" if lost > 0.01 else ""}


class Callgrind:
    """The subject, started under callgrind for a while."""

    def __init__(self, settings, subject):
        self.settings = settings
        self.subject = subject
        self.folder = os.path.join(settings.work, "callgrind")

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.subject.stop()
        self.subject.prefix = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" +
                               os.path.join(self.folder, "out")]
        self.subject.patience = 120
        self.subject.start()
        return self

    def __exit__(self, *exc):
        self.subject.stop()
        self.subject.prefix = []
        self.subject.patience = subjects.Subject.patience
        self.subject.start()

    def control(self, what):
        subprocess.run(["callgrind_control", what, str(self.subject.pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180)

    def count(self):
        """Instructions between the two controls: the first dump holds them, all threads together."""
        dumps = sorted(os.listdir(self.folder))
        first = next(each for each in dumps if each.endswith(".1"))
        with open(os.path.join(self.folder, first)) as dump:
            return int(re.search(r"^totals: (\d+)", dump.read(), re.M).group(1))


# ----------------------------------------------------------------------------------- Opus settings

def opus_settings(settings, subject, case):
    """Whether a subject does with Opus what a case asks it to: bandwidth, channels and bitrate are
    read from what it sends; of the complexity, which no packet shows, only the price can be seen."""
    media = media_case("pcmu-opus-same")
    for title, opus in (("defaults", None), ("complexity-0", {**media.opus, "complexity": 0}),
                        ("same", media.opus), ("complexity-10", {**media.opus, "complexity": 10}),
                        ("12-kbit", {**media.opus, "bitrate": 12000})):
        row = measure.media(settings, subject, dataclasses.replace(media, opus=opus), media.calls)
        row["case"] = "opus-settings-" + title
        yield row


# ------------------------------------------------------------------------------------- bare limits

def alone(settings, case, name):
    """A codec or a cipher alone, as a row of a media case."""
    command = [settings.binary("bench_alone")]
    if name == "evp":
        command += ["evp", case.b.suite]
    else:
        command += ["codec", case.b.payload, "--calls", str(case.calls), "--speech",
                    os.path.join(settings.work, "speech.wav")]
    command += ["--seconds", str(settings.seconds), "--core", str(settings.subject_core)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    ns = float(done.stdout.split()[1])
    return {"n": case.calls if name == "codec" else 1, "cpu_ns_per_packet": round(ns, 1),
            "calls_per_core": round(1e9 / (ns * 2 * measure.PACKETS_PER_LEG), 1), "invalid": ""}


KINDS = {"setup": setup, "memory": memory, "growth": growth, "latency": latency,
         "instructions": instructions, "opus_settings": opus_settings}
