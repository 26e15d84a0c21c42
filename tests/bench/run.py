#!/usr/bin/python3
"""The bench's course: subjects in turn, case by case; then the table, the results, the plots.

run.sh calls this after it has installed and built what it needs."""

import argparse
import datetime
import glob
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import wave

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.bench.suite import cases  # noqa: E402
from tests.bench.suite import measure  # noqa: E402
from tests.bench.suite import ng  # noqa: E402
from tests.bench.suite import plot  # noqa: E402
from tests.bench.suite import results  # noqa: E402
from tests.bench.suite import settings as places  # noqa: E402
from tests.bench.suite import specials  # noqa: E402
from tests.bench.suite import subjects  # noqa: E402


def say(*words):
    print(*words, flush=True)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="where the bench's programs and causewayd are")
    parser.add_argument("--out", required=True, help="where results.json and the plots go")
    parser.add_argument("--case", action="append", default=[], metavar="NAME",
                        help="this case, or all that begin so (NAME*); may be repeated")
    parser.add_argument("--subject", action="append", default=[], metavar="NAME",
                        help="only this subject; may be repeated")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--seconds", type=float, help="of each window")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    return parser.parse_args()


def make_settings(arguments, work):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("bench: needs two processors, one for the load and one for the subject")
    return places.Settings(
        bin=arguments.bin, work=work, generator_core=cores[0], subject_core=cores[-1],
        seconds=arguments.seconds or (1.5 if arguments.quick else 3.0),
        warm_up=0.6 if arguments.quick else 1.0,
        repeats=arguments.repeats or (1 if arguments.quick else 5),
        has_perf=measure.perf_works("raw_syscalls:sys_enter"))


def write_speech(path):
    """Human speech of a Debian package, one file after the other: 16 kHz mono."""
    files = sorted(glob.glob(os.path.join(places.SPEECH, "*.wav")))
    if not files:
        sys.exit("bench: no speech; pocketsphinx-testdata is missing")
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        for each in files:
            with wave.open(each) as read:
                out.writeframes(read.readframes(read.getnframes()))


def machine():
    """What the figures belong to."""
    model = ""
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/loadavg") as load:
        loads = load.read().split()[:3]
    return {"processor": model, "processors": os.cpu_count(), "kernel": platform.release(),
            "load_before": [float(each) for each in loads]}


class Bench:
    """All subjects of a run, each started once and kept, so that they take turns quickly."""

    def __init__(self, settings, arguments):
        self.settings = settings
        self.arguments = arguments
        self.running = {}
        self.rows = []
        self.commands = {}
        self.halves = {}
        self.versions = {}

    def subject(self, name):
        if name not in self.running:
            made = subjects.RELAYS[name](self.settings)
            made.start()
            self.running[name] = made
            self.versions[name] = made.version()
            if name != "echo":
                self.commands[name] = made.command_line()
                say("  %s: %s" % (name, made.command_line()))
        return self.running[name]

    def names_of(self, case):
        wanted = self.arguments.subject
        return [each for each in case.subjects if not wanted or each in wanted]

    def run(self, case):
        repeats = 1 if isinstance(case, cases.Special) and case.kind in (
            "growth", "instructions", "latency", "opus_settings") else self.settings.repeats
        names = self.names_of(case)
        for repeat in range(repeats):
            # Who is first changes, so that a drift of the machine favours nobody.
            for name in names if repeat % 2 == 0 else reversed(names):
                for found in self.measure(case, name):
                    self.rows.append(results.row(case.name, name, repeat, found))
                    say("  " + brief(self.rows[-1]))

    def measure(self, case, name):
        try:
            if name in ("codec", "evp"):
                yield specials.alone(self.settings, case, name)
            elif isinstance(case, cases.Media):
                yield measure.media(self.settings, self.subject(name), case,
                                    self.calls_of(case, name))
            else:
                yield from specials.KINDS[case.kind](self.settings, self.subject(name), case)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            # One subject that fails a case is a result too, and the others go on.
            self.drop_subject(name)
            yield {"invalid": "failed: %s" % str(error)[:300]}

    def calls_of(self, case, name):
        """How many calls at once; looked for once a case and subject."""
        if not case.is_at_half:
            return case.calls
        if (case.name, name) not in self.halves:
            found = measure.capacity(self.settings, self.subject(name), case)
            self.halves[case.name, name] = found[1]
        return self.halves[case.name, name]

    def drop_subject(self, name):
        if name in self.running:
            self.running.pop(name).stop()

    def stop(self):
        for each in list(self.running):
            self.drop_subject(each)


def brief(row):
    words = ["%-22s %-10s" % (row["case"], row["subject"])]
    for name, title in (("cpu_ns_per_packet", "cpu %s ns"), ("p50", "p50 %s us"),
                        ("p99", "p99 %s us"), ("kib_per_call", "%s KiB/call"),
                        ("instructions_per_packet", "%s instructions"),
                        ("calls_per_s", "%s calls/s"), ("p99_added", "p99 %s us more"),
                        ("handshakes_per_s", "%s handshakes/s")):
        if row.get(name) is not None:
            words.append(title % results.number(row[name]))
    if row["invalid"]:
        words.append("INVALID: " + row["invalid"])
    return "  ".join(words)


def commit():
    done = subprocess.run(["git", "-C", places.ROOT, "rev-parse", "HEAD"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip()


def document(bench, started):
    settings = bench.settings
    return {
        "commit": commit(),
        "machine": {**started, "versions": bench.versions},
        "settings": {
            "seconds": settings.seconds, "warm_up": settings.warm_up, "repeats": settings.repeats,
            "generator_core": settings.generator_core, "subject_core": settings.subject_core,
            "command_lines": bench.commands,
            "opus": {
                "endpoints send": "16 kHz mono, 24 kbit/s, complexity 5",
                "causewayd": "its defaults: 8 kHz mono here, 24 kbit/s, complexity 5",
                "rtpengine": "its defaults: 48 kHz stereo, complexity 10",
                "*-same, causewayd": cases.SAME_OPUS,
                "*-same, rtpengine": ng.opus_name(cases.SAME_OPUS),
            },
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        },
        "rows": bench.rows,
        "comparisons": results.compare(bench.rows),
    }


def write(out, found):
    os.makedirs(out, exist_ok=True)
    results.check(found)
    with open(os.path.join(out, "results.json"), "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    for name, svg in plot.all_plots(found["rows"]).items():
        with open(os.path.join(out, name), "w") as file:
            file.write(svg)


def report(out, found):
    say("\nMedians (percentiles of the latency in microseconds; cpu: the subject's threads, the "
        "softirq of what\nthey send included):\n")
    say(results.table(found["rows"]))
    if found["comparisons"]:
        say("\nAgainst the bars (causewayd / other, pair by pair; or causewayd's own figure):\n")
        say(results.bars_table(found["comparisons"]))
    invalid = [each for each in found["rows"] if each["invalid"]]
    for each in invalid:
        say("invalid: %s, %s, repeat %d: %s"
            % (each["case"], each["subject"], each["repeat"], each["invalid"]))
    say("\n%s: results.json and %d plots" % (out, len(plot.all_plots(found["rows"]))))
    return not [each for each in invalid if each["invalid"].startswith("failed")]


def main():
    arguments = read_arguments()
    try:
        wanted = cases.chosen(arguments.case, arguments.quick)
    except ValueError as error:
        sys.exit("bench: %s" % error)
    if arguments.list:
        say("\n".join(each.name for each in cases.all_cases()))
        return 0
    started = machine()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    work = tempfile.mkdtemp(prefix="causeway-bench-", dir=memory)
    settings = make_settings(arguments, work)
    write_speech(os.path.join(work, "speech.wav"))
    # This program's own wake-ups belong on the processor of the load.
    os.sched_setaffinity(0, {settings.generator_core})
    say("load on processor %d, subjects on %d, %d repeats of %.1f s; load average %s"
        % (settings.generator_core, settings.subject_core, settings.repeats, settings.seconds,
           started["load_before"]))
    if not settings.has_perf:
        say("perf counts no system calls here: syscalls_per_packet stays empty")
    bench = Bench(settings, arguments)
    try:
        for case in wanted:
            if bench.names_of(case):
                say(case.name)
                bench.run(case)
    finally:
        bench.stop()
        found = document(bench, started)
        write(arguments.out, found)
        shutil.rmtree(work, ignore_errors=True)
    return 0 if report(arguments.out, found) else 1


if __name__ == "__main__":
    sys.exit(main())
