"""Plots as SVG, without a library: grouped bars, and lines. Pure: rows in, text out."""

import math
from xml.sax.saxutils import escape

from tests.bench.suite import results
from tests.bench.suite import statistics

COLOURS = {"causewayd": "#1b6ca8", "rtpengine": "#d1603d", "echo": "#7a7a7a", "evp": "#7a7a7a",
           "codec": "#7a7a7a"}
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 90


def colour(subject):
    return COLOURS.get(subject, "#444444")


class Scale:
    """From a value to a height in the picture, logarithmic or from zero."""

    def __init__(self, values, is_log):
        self.is_log = is_log
        top = max(values)
        if is_log:
            self.low = 10.0 ** math.floor(math.log10(min(values)))
            self.high = 10.0 ** math.ceil(math.log10(top))
            if self.high == self.low:
                self.high *= 10
        else:
            step = 10.0 ** math.floor(math.log10(top))
            self.low, self.high = 0.0, step * math.ceil(top / step)

    def y(self, value):
        if self.is_log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def ticks(self):
        if not self.is_log:
            return [self.high * i / 5 for i in range(6)]
        ticks, value = [], self.low
        while value <= self.high * 1.001:
            ticks.append(value)
            value *= 10
        return ticks


def text(x, y, words, anchor="middle", size=12, more=""):
    return ('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d"%s>%s</text>'
            % (x, y, anchor, size, more, escape(str(words))))


def frame(title, unit, scale, body, subjects):
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
             'font-family="sans-serif">' % (WIDTH, HEIGHT),
             '<rect width="100%" height="100%" fill="white"/>',
             text(LEFT, 20, title, "start", 15), text(LEFT, 38, unit, "start", 11)]
    for tick in scale.ticks():
        y = scale.y(tick)
        parts.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#dddddd"/>'
                     % (LEFT, WIDTH - RIGHT, y, y))
        parts.append(text(LEFT - 6, y + 4, results.number(tick).rstrip("0").rstrip(".")
                          if "." in results.number(tick) else results.number(tick), "end", 11))
    x = WIDTH - RIGHT - 110 * len(subjects)
    for subject in subjects:
        parts.append('<rect x="%d" y="28" width="12" height="12" fill="%s"/>'
                     % (x, colour(subject)))
        parts.append(text(x + 17, 38, subject, "start"))
        x += 110
    return "\n".join(parts + body + ["</svg>"]) + "\n"


def bars(title, unit, groups, is_log=True):
    """`groups`: [(label, [(subject, value, least, most)])], values above zero. The whisker is the
    spread."""
    scale = Scale([v for _, members in groups for _, *three in members for v in three], is_log)
    subjects = []
    body = []
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    for place, (label, members) in enumerate(groups):
        width = min(34.0, room * 0.8 / len(members))
        x = LEFT + room * place + (room - width * len(members)) / 2
        for subject, value, least, most in members:
            if subject not in subjects:
                subjects.append(subject)
            y = scale.y(value)
            body.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'
                        % (x, y, width - 2, HEIGHT - BOTTOM - y, colour(subject)))
            body.append('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="black"/>'
                        % (x + width / 2 - 1, x + width / 2 - 1, scale.y(least), scale.y(most)))
            body.append(text(x + width / 2 - 1, min(y, scale.y(most)) - 4,
                             results.number(value), size=9))
            x += width
        centre = LEFT + room * (place + 0.5)
        body.append(text(centre, HEIGHT - BOTTOM + 16, label, "end", 11,
                         ' transform="rotate(-30 %.1f %.1f)"' % (centre, HEIGHT - BOTTOM + 16)))
    return frame(title, unit, scale, body, subjects)


def lines(title, unit, series, is_log=True):
    """`series`: {(subject, style): [(label, value)]}; all have the same labels, in order."""
    scale = Scale([value for points in series.values() for _, value in points], is_log)
    labels = []
    for points in series.values():
        labels += [label for label, _ in points if label not in labels]
    room = (WIDTH - LEFT - RIGHT) / len(labels)
    body, subjects = [], []
    for (subject, style), points in series.items():
        if subject not in subjects:
            subjects.append(subject)
        where = [(LEFT + room * (labels.index(label) + 0.5), scale.y(value))
                 for label, value in points]
        body.append('<polyline fill="none" stroke="%s" stroke-width="2"%s points="%s"/>'
                    % (colour(subject), ' stroke-dasharray="%s"' % style if style else "",
                       " ".join("%.1f,%.1f" % point for point in where)))
        body += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x, y, colour(subject))
                 for x, y in where]
    for place, label in enumerate(labels):
        body.append(text(LEFT + room * (place + 0.5), HEIGHT - BOTTOM + 18, label))
    return frame(title, unit, scale, body, subjects)


def groups_of(rows, column, prefix="", exclude=()):
    """Groups for bars() of the cases that have valid figures of a column."""
    groups = {}
    for each in rows:
        if each["invalid"] or not each.get(column) or each[column] <= 0:
            continue
        if "@" in each["case"] or not each["case"].startswith(prefix):
            continue
        if any(each["case"].startswith(other) for other in exclude):
            continue
        groups.setdefault(each["case"], {}).setdefault(each["subject"], []).append(each[column])
    return [(case, [(subject, statistics.median(found), min(found), max(found))
                    for subject, found in members.items()]) for case, members in groups.items()]


def line_series(rows, prefix, column, style=""):
    """Series for lines() of the cases `prefix@label`."""
    found = {}
    for each in rows:
        case, _, label = each["case"].partition("@")
        if case == prefix and label and not each["invalid"] and (each.get(column) or 0) > 0:
            found.setdefault((each["subject"], style), {}).setdefault(label, []).append(
                each[column])
    return {key: [(label, statistics.median(each)) for label, each in points.items()]
            for key, points in found.items()}


def all_plots(rows):
    """{file name: SVG} of whatever the rows have something of."""
    plots = {}
    for name, column, title, unit in (
            ("cpu", "cpu_ns_per_packet", "Processor time for a packet",
             "ns, median and spread; logarithmic"),
            ("calls", "calls_per_core", "Calls a processor carries", "logarithmic"),
            ("memory", "kib_per_call", "Memory for a call", "KiB; logarithmic"),
            ("instructions", "instructions_per_packet", "User instructions for a packet",
             "logarithmic")):
        groups = groups_of(rows, column)
        if groups:
            plots[name + ".svg"] = bars(title, unit, groups)
    for case in sorted({each["case"].partition("@")[0] for each in rows if "%" in each["case"]}):
        series = {**line_series(rows, case, "p50"), **line_series(rows, case, "p99", "6 4")}
        if series:
            plots[case + ".svg"] = lines(
                "Latency at shares of each one's own capacity: " + case[len("latency-"):],
                "us; p50 solid, p99 dashed; logarithmic", series)
    for column, title in (("kib_per_call", "Memory for a call, by legs"),
                          ("cpu_ns_per_packet", "Processor time for a packet, by legs")):
        series = line_series(rows, "growth", column)
        if series:
            plots["growth-%s.svg" % column.split("_")[0]] = lines(
                title, "KiB" if "kib" in column else "ns", series, is_log=False)
    return plots
