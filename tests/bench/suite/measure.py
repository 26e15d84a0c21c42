"""One measurement: a load on a subject, and what it cost."""

import json
import os
import re
import subprocess


PACKETS_PER_LEG = 50  # a second
# Of the subject's processor: with more than this gone to others, the run says little of the subject.
MOST_FOREIGN_SHARE = 0.15


def rss_kib(pid):
    """Resident memory of a process."""
    with open("/proc/%d/status" % pid) as status:
        return int(re.search(r"^VmRSS:\s+(\d+)", status.read(), re.M).group(1))


def perf_counts(settings, pid, event):
    """Events a second of all threads of `pid`, over one second; None where perf cannot."""
    done = subprocess.run(
        ["taskset", "-c", str(settings.generator_core), "perf", "stat", "-x", ",", "-e", event,
         "-p", str(pid), "--", "sleep", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return read_perf(done.stderr, event)


def read_perf(text, event):
    """The count of `event` in the output of `perf stat -x ,`; None where it was not counted."""
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2] == event and fields[0].isdigit():
            return int(fields[0])
    return None


def perf_works(event):
    """Whether perf counts this event on this machine."""
    try:
        done = subprocess.run(["perf", "stat", "-x", ",", "-e", event, "true"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        return False
    return read_perf(done.stderr, event) is not None


class Generator:
    """A run of bench_generator over some legs."""

    def __init__(self, settings, legs, watch=0, listened_calls=2, seconds=None, warm_up=None,
                 tail=0.0):
        command = [settings.binary("bench_generator"), "--speech",
                   os.path.join(settings.work, "speech.wav"),
                   "--core", str(settings.generator_core), "--watch", str(watch),
                   "--watch-core", str(settings.subject_core),
                   "--warm-up", str(settings.warm_up if warm_up is None else warm_up),
                   "--seconds", str(seconds or settings.seconds), "--tail", str(tail),
                   "--max-lateness-us", str(settings.max_lateness_us)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.process.stdin.write("".join(
            leg.line(i < 2 * listened_calls and leg.payload != "pattern") + "\n" for i, leg in enumerate(legs)))
        self.process.stdin.close()

    def wait_for(self, word):
        line = self.process.stdout.readline().rstrip("\n")
        if line != word:
            raise RuntimeError("bench_generator said %r, not %r" % (line, word))

    def end_tail(self):
        self.process.terminate()

    def result(self):
        """What it measured, once it has ended."""
        text = self.process.stdout.read()
        if self.process.wait() != 0:
            raise RuntimeError("bench_generator ended with %d" % self.process.returncode)
        return json.loads(text)


def media(settings, subject, case, calls, is_probe=False, has_syscalls=True,
          at_begin=lambda: None):
    """Lets `calls` calls speak over a subject that has been started; returns a row's figures.

    Processor time is that of the subject's threads, the softirq of what they send included (see
    generator/cpu_time.h). Syscalls are counted in a second of their own, after the window, because
    counting them costs time. `is_probe`: a second of it will do, and no syscalls. `at_begin` is
    called as the window begins."""
    made = subject.make(case, calls)
    try:
        has_perf = settings.has_perf and has_syscalls and not is_probe
        generator = Generator(settings, made, watch=subject.pid, tail=60.0 if has_perf else 0.0,
                              seconds=1 if is_probe else None)
        generator.wait_for("begin")
        at_begin()
        generator.wait_for("end")
        syscalls = None
        if has_perf:
            count = perf_counts(settings, subject.pid, "raw_syscalls:sys_enter")
            syscalls = count and count / (len(made) * PACKETS_PER_LEG)
            generator.end_tail()
        found = generator.result()
    finally:
        subject.drop()
    return row_of(found, calls, syscalls)


# More than this the generator's one processor does not send on time.
MOST_CALLS = 1500


def capacity(settings, subject, case):
    """(calls a core, their half): worked out from what a packet costs near the half, which is asked
    twice since the cost falls with the load."""
    calls = case.calls
    for _ in range(2):
        found = media(settings, subject, case, calls, is_probe=True)
        calls = max(1, min(MOST_CALLS, int(found["calls_per_core"] * 0.5)))
    return found["calls_per_core"], calls


def row_of(found, calls, syscalls):
    """A row from what the generator printed."""
    packets = max(1, found["sent"])
    cpu_ns = found["threads_ns"] / packets
    latency = found["latency_us"]
    lost = 1 - found["received"] / found["sent"] if found["sent"] else 1
    window_ns = found["window_s"] * 1e9
    foreign = (found["core_busy_ns"] + found["core_steal_ns"] - found["threads_ns"]) / window_ns
    row = {
        "n": calls, "p50": latency["p50"], "p99": latency["p99"], "p999": latency["p999"],
        "cpu_ns_per_packet": round(cpu_ns, 1),
        "core_ns_per_packet": round(found["core_busy_ns"] / packets, 1),
        "syscalls_per_packet": syscalls and round(syscalls, 3),
        "calls_per_core": round(1e9 / (cpu_ns * 2 * PACKETS_PER_LEG), 1) if cpu_ns else None,
        "lost_share": round(lost, 6), "bad": found["bad"], "rebased": found["rebased"],
        "rtcp_received": found["rtcp_received"], "rtcp_sent": found["rtcp_sent"],
        "lateness_p99_us": found["lateness_us"]["p99"],
        "generator_core_share": round(found["own_cpu_share"], 3),
        "steal_share": round(found["core_steal_ns"] / window_ns, 4),
        "foreign_share": round(foreign, 4),
        "invalid": found["invalid"],
    }
    if foreign > MOST_FOREIGN_SHARE and not row["invalid"]:
        row["invalid"] = "others ran on the subject's processor"
    if found["speech"] and found["speech"][0]["windows"]:
        row["speech_correlation"] = min(each["median_correlation"] for each in found["speech"])
        towards_a = [each["delay_ms"] for each in found["speech"][0::2]]
        towards_b = [each["delay_ms"] for each in found["speech"][1::2]]
        row["delay_ms_b_to_a"] = round(sum(towards_a) / len(towards_a), 2)
        # 400 bits a second for each octet of a packet every 20 ms.
        row["kbit_s_to_b"] = round(sum(each["octets"] for each in found["speech"][1::2])
                                   / len(towards_b) * 0.4, 2)
        row["opus_to_b"] = found["speech"][1]["opus"] or None
        row["delay_ms_a_to_b"] = round(sum(towards_b) / len(towards_b), 2)
    return row
