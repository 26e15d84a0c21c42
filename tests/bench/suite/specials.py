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


def load(settings, templates, rate, seconds, in_flight=32):
    """A row of calls that are made and ended; `templates`: protocol, server, what bench_setup
    reads."""
    protocol, server, text = templates
    done = subprocess.run(
        [settings.binary("bench_setup"), "load", protocol, server, "--rate", str(rate),
         "--in-flight", str(in_flight), "--seconds", str(seconds),
         "--core", str(settings.generator_core)],
        input=text, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 60)
    found = json.loads(done.stdout)
    failed = found["failed"] + found["unanswered"]
    return {"n": found["made"], "p50": found["p50"], "p95": found["p95"], "p99": found["p99"],
            "p999": found["p999"], "max": found["max"], "failed": failed,
            "calls_per_s": round(found["calls_per_s"], 1) if rate == 0 else None,
            "invalid": "%d of %d calls failed" % (failed, found["asked"]) if failed else ""}


def setup(settings, subject, case):
    """At 1,000 calls a second, each at its own instant: the latency from then to the answer with the
    addresses (one RPC, or offer and answer). Then as many as it can, 32 at once: the rate. A call is
    ended as soon as it is made, and that counts as load too."""
    for name, of in SETUP_CASES:
        for rate, title in ((1000, "@1000/s"), (0, "@most")):
            row = load(settings, setup_templates(subject, media_case(of)), rate, settings.seconds)
            row["case"] = name + title
            yield row


# What Chromium offered when it was asked, audio and video.
BROWSER_OFFER = os.path.join(places.ROOT, "tests/fuzz/seeds/fuzz_sdp/chromium_live")
TRUNK_ANSWER = "\r\n".join([
    "v=0", "o=- 1 1 IN IP4 " + places.GENERATOR_IP, "s=-", "c=IN IP4 " + places.GENERATOR_IP,
    "t=0 0", "m=audio %d RTP/AVP 0 101" % places.FIRST_ENDPOINT_PORT, "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000", "a=ptime:20", ""])


def sdp_templates(subject, name):
    """Of the two cases of setup_sdp: two requests a call, the session's id left to bench_setup."""
    with open(BROWSER_OFFER, newline="") as file:
        offer = file.read()
    if name == "setup-bridge":
        requests = {"offerSdp": offer}, {"answerSdp": TRUNK_ANSWER}
    else:
        legs = [{"name": "legs/caller", "profile": "webrtc"}]
        requests = {"session": {"lease": "3600s", "legs": legs}}, {"offerSdp": offer}
    return name.partition("-")[2], subject.api, "".join(json.dumps(each) + "\n"
                                                        for each in requests)


def setup_sdp(settings, subject, case):
    """From a browser's offer at the API to the answer in hand: a bridge to a trunk (BridgeOffer,
    BridgeAnswer; the callee takes no time) or the answer for a session that is there (CreateAnswer
    alone). At 50 calls a second, each at its own instant, for long enough that p99 is more than the
    worst; then one after the other, as fast as one client can."""
    for rate, title in ((50, "@50/s"), (0, "@one-client")):
        row = load(settings, sdp_templates(subject, case.name), rate,
                   max(10, settings.seconds) if rate else settings.seconds, in_flight=1)
        row["case"] = case.name + title
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


# ------------------------------------------------------------------------------------- handshakes

HANDSHAKES_PER_S = 500


class Endpoints:
    """bench_handshakes, on the processor of the load."""

    def __init__(self, settings):
        self.process = subprocess.Popen(
            [settings.binary("bench_handshakes"),
             "%s:%d" % (places.HANDSHAKES_IP, places.HANDSHAKES_PORT),
             "--core", str(settings.generator_core)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        word, _, self.fingerprint = self.process.stdout.readline().strip().partition(" ")
        if word != "fingerprint":
            raise RuntimeError("bench_handshakes does not begin")

    def tell(self, lines):
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def result(self):
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def handshakes(settings, subject, case):
    """What 500 handshakes a second do to the delay of calls: windows without and with them, A B and
    then B A, each pair a row. Worker and pool of the subject share its one processor; the endpoints
    of the handshakes share the generator's, which goes before them. The legs of the handshakes are
    made before the window, in both kinds of it: a signalled call costs more than its handshake, and
    that is measured elsewhere."""
    media = media_case("rtp")
    count = int(HANDSHAKES_PER_S * settings.seconds)

    def window(endpoints, has_handshakes):
        legs = subject.make_dtls_legs(count, endpoints.fingerprint)
        run = []
        if has_handshakes:
            endpoints.tell("leg %s %s" % each for each in legs)
            run = ["run %d %s" % (HANDSHAKES_PER_S, settings.seconds)]
        row = measure.media(settings, subject, media, media.calls, has_syscalls=False,
                            at_begin=lambda: endpoints.tell(run))
        return row, endpoints.result() if has_handshakes else None

    for is_first in (False, True):
        endpoints = Endpoints(settings)
        try:
            found = {has: window(endpoints, has) for has in (is_first, not is_first)}
        finally:
            endpoints.stop()
        (without, _), (row, made) = found[False], found[True]
        lost = made["failed"] + made["unanswered"]
        yield {**without, "case": case.name + "@0/s"}
        yield {**row, "case": "%s@%d/s" % (case.name, HANDSHAKES_PER_S),
               "p50_added": round(row["p50"] - without["p50"], 1),
               "p99_added": round(row["p99"] - without["p99"], 1),
               "handshakes_per_s": round(made["handshakes_per_s"], 1),
               "handshake_p50": made["p50"], "handshake_p99": made["p99"],
               "handshake_lateness_us": made["worst_lateness_us"],
               "invalid": row["invalid"] or without["invalid"] or
               ("%d of %d handshakes failed" % (lost, made["begun"]) if lost else "")}


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


KINDS = {"setup": setup, "setup_sdp": setup_sdp, "handshakes": handshakes, "memory": memory, "growth": growth, "latency": latency,
         "instructions": instructions, "opus_settings": opus_settings}
