"""What a run of the bench found: rows, their schema, and what follows from them."""

from tests.bench.suite import statistics

# What every row has; a row may have more. None: not measured, or not there.
COLUMNS = ("case", "subject", "repeat", "n", "p50", "p99", "p999", "cpu_ns_per_packet",
           "instructions_per_packet", "syscalls_per_packet", "calls_per_core", "kib_per_call",
           "invalid")
# Of a claim: fewer pairs than this make an interval that says too much.
PAIRS_FOR_A_CLAIM = 15

# The delay that a codec itself cannot do without, in both directions of a path to G.711.
LOOK_AHEAD_MS = {"opus": 6.5, "g722": 1.375}

# A figure of the case, whose same figure it is divided by (None: it is judged as it is), and where
# the whole interval has to lie.
BARS = (
    ("rtp", "cpu_ns_per_packet", "rtpengine", "<=", 0.6),
    ("srtp-cm", "cpu_ns_per_packet", "rtpengine", "<=", 0.6),
    ("srtp-gcm", "cpu_ns_per_packet", "rtpengine", "<=", 0.6),
    ("pcmu-opus", "calls_per_core", "rtpengine", ">=", 5.0),
    ("pcmu-opus-same", "calls_per_core", "rtpengine", ">=", 1.3),
    ("pcmu-opus-same", "calls_per_core", "codec", ">=", 0.85),
    ("pcmu-g722", "calls_per_core", "rtpengine", ">=", 2.0),
    ("memory-idle", "kib_per_call", "rtpengine", "<=", 0.6),
    ("memory-opus", "kib_per_call", "rtpengine", "<=", 0.6),
    ("instructions-rtp", "instructions_per_packet", None, "<=", 2000),
    ("setup@1000/s", "p99", None, "<=", 5000),
    ("setup-bridge@50/s", "p99", None, "<=", 5000),
    ("setup-answer@50/s", "p99", None, "<=", 5000),
    ("handshakes@500/s", "p99_added", None, "<=", 100),
    ("pcmu-opus", "delay_ms_a_to_b", None, "<=", LOOK_AHEAD_MS["opus"] + 1),
    ("pcmu-opus", "delay_ms_b_to_a", None, "<=", LOOK_AHEAD_MS["opus"] + 1),
    ("pcmu-g722", "delay_ms_a_to_b", None, "<=", LOOK_AHEAD_MS["g722"] + 1),
    ("pcmu-g722", "delay_ms_b_to_a", None, "<=", LOOK_AHEAD_MS["g722"] + 1),
)


def row(case, subject, repeat, found):
    """A row with every column of the schema."""
    made = dict.fromkeys(COLUMNS)
    made.update(found)
    made.update({"case": found.get("case", case), "subject": subject, "repeat": repeat})
    made["invalid"] = found.get("invalid") or ""
    return made


def check(document):
    """Raises ValueError where a document is not of the schema."""
    for name in ("commit", "machine", "settings", "rows"):
        if name not in document:
            raise ValueError("no " + name)
    for each in document["rows"]:
        missing = [name for name in COLUMNS if name not in each]
        if missing:
            raise ValueError("a row without " + ", ".join(missing))
        if not isinstance(each["invalid"], str):
            raise ValueError("`invalid` is a reason, empty where there is none")
        for name in COLUMNS[2:-1]:
            if each[name] is not None and not isinstance(each[name], (int, float)):
                raise ValueError("%s of %s is no number" % (name, each["case"]))


def valid(rows, case, subject):
    return [each for each in rows
            if each["case"] == case and each["subject"] == subject and not each["invalid"]]


def values(rows, case, subject, column):
    return [each[column] for each in valid(rows, case, subject) if each.get(column) is not None]


def pairs(rows, case, column, subject, other):
    """(ours, theirs) of the repeats in which both were valid; (ours, 1) where there is no other."""
    if other is None:
        return [(value, 1) for value in values(rows, case, subject, column)]
    by_repeat = {each["repeat"]: each[column] for each in valid(rows, case, other)}
    return [(each[column], by_repeat[each["repeat"]]) for each in valid(rows, case, subject)
            if each.get(column) is not None and by_repeat.get(each["repeat"]) is not None]


def judge(ratio, low, high, sign, bar):
    """met, missed, or open where the interval holds the bar."""
    if sign == "<=":
        return "met" if high <= bar else "missed" if low > bar else "open"
    return "met" if low >= bar else "missed" if high < bar else "open"


def compare(rows):
    """What is said about the bars: a list of dicts, those without pairs left out."""
    found = []
    for case, column, other, sign, bar in BARS:
        both = pairs(rows, case, column, "causewayd", other)
        made = statistics.bootstrap_ratio(both)
        if made is None:
            continue
        ratio, low, high = made
        found.append({"case": case, "column": column, "against": other or "-", "ratio": round(ratio, 3),
                      "low": round(low, 3), "high": round(high, 3), "bar": "%s %g" % (sign, bar),
                      "pairs": len(both), "verdict": judge(ratio, low, high, sign, bar),
                      "is_claim": len(both) >= PAIRS_FOR_A_CLAIM})
    return found


TABLE = (("n", "n"), ("p50", "p50 us"), ("p95", "p95 us"), ("p99", "p99 us"),
         ("p999", "p999 us"), ("max", "max us"), ("p50_added", "p50 more us"),
         ("p99_added", "p99 more us"), ("handshakes_per_s", "shakes/s"),
         ("handshake_p50", "shake p50 us"), ("handshake_p99", "shake p99 us"),
         ("cpu_ns_per_packet", "cpu ns/pkt"), ("instructions_per_packet", "instr/pkt"),
         ("syscalls_per_packet", "sysc/pkt"), ("calls_per_core", "calls/core"),
         ("kib_per_call", "KiB/call"), ("calls_per_s", "calls/s"), ("delay_ms_a_to_b", "ms a>b"),
         ("delay_ms_b_to_a", "ms b>a"), ("speech_correlation", "speech"), ("opus_to_b", "opus sent"), ("kbit_s_to_b", "kbit/s"), ("lost_share", "lost"))


def number(value):
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return "%.0f" % value
    if abs(value) >= 1:
        return "%.2f" % value
    return "%.4f" % value


def cell(found):
    """The median of figures; words, each once."""
    if found and isinstance(found[0], str):
        return ", ".join(sorted(set(found)))
    return number(statistics.median(found))


def table(rows):
    """The medians as text, a line a case and subject; the spread of the processor time behind."""
    lines = [["case", "subject"] + [title for _, title in TABLE] + ["cpu least..most", "runs"]]
    seen = []
    for each in rows:
        key = each["case"], each["subject"]
        if key not in seen:
            seen.append(key)
    for case, subject in seen:
        cells = [case, subject]
        for column, _ in TABLE:
            cells.append(cell(values(rows, case, subject, column)))
        least, most = statistics.spread(values(rows, case, subject, "cpu_ns_per_packet"))
        cells.append("-" if least is None else "%s..%s" % (number(least), number(most)))
        every = sum(each["case"] == case and each["subject"] == subject for each in rows)
        good = len(valid(rows, case, subject))
        cells.append("%d" % good if good == every else "%d of %d" % (good, every))
        lines.append(cells)
    return aligned(lines)


def aligned(lines):
    """Columns as wide as their widest cell; columns without a figure left out."""
    kept = [i for i in range(len(lines[0]))
            if len(lines) == 1 or any(line[i] != "-" for line in lines[1:])]
    widths = [max(len(line[i]) for line in lines) for i in kept]
    return "\n".join("  ".join(
        line[i].ljust(width) if order < 2 else line[i].rjust(width)
        for order, (i, width) in enumerate(zip(kept, widths))).rstrip() for line in lines)


def bars_table(found):
    lines = [["case", "against", "figure", "is", "95 % interval", "bar", "pairs", "verdict"]]
    for each in found:
        verdict = each["verdict"]
        if not each["is_claim"]:
            verdict += " (no claim: under %d pairs)" % PAIRS_FOR_A_CLAIM
        lines.append([each["case"], each["against"], each["column"], number(each["ratio"]),
                      "%s..%s" % (number(each["low"]), number(each["high"])), each["bar"],
                      "%d" % each["pairs"], verdict])
    return aligned(lines)
