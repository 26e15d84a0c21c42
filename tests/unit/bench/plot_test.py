#!/usr/bin/python3
"""The plots are well-formed pictures of the figures."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

import xml.etree.ElementTree as xml  # noqa: E402

from tests.bench.suite import plot  # noqa: E402
from tests.bench.suite import results  # noqa: E402


def row(case, subject, **found):
    return results.row(case, subject, 0, found)


ROWS = [
    row("rtp", "causewayd", cpu_ns_per_packet=1500, calls_per_core=6600),
    row("rtp", "rtpengine", cpu_ns_per_packet=4000, calls_per_core=2500),
    row("rtp", "echo", cpu_ns_per_packet=1200, calls_per_core=8000, invalid="late"),
    row("latency-rtp@25%", "causewayd", p50=20, p99=60),
    row("latency-rtp@90%", "causewayd", p50=40, p99=900),
    row("growth@10", "causewayd", kib_per_call=4.0, cpu_ns_per_packet=1800),
    row("growth@100", "causewayd", kib_per_call=4.1, cpu_ns_per_packet=1700),
]


class Plots(unittest.TestCase):
    def test_are_well_formed(self):
        plots = plot.all_plots(ROWS)
        self.assertLessEqual({"cpu.svg", "calls.svg", "latency-rtp.svg", "growth-cpu.svg"},
                             set(plots))
        for svg in plots.values():
            self.assertTrue(xml.fromstring(svg).tag.endswith("svg"))

    def test_leave_out_what_is_invalid(self):
        self.assertNotIn("echo", plot.all_plots(ROWS)["cpu.svg"])

    def test_of_nothing_are_none(self):
        self.assertEqual(plot.all_plots([]), {})

    def test_a_higher_value_stands_higher(self):
        for is_log in (True, False):
            scale = plot.Scale([10, 5000], is_log)
            self.assertLess(scale.y(5000), scale.y(10))

    def test_words_are_escaped(self):
        self.assertIn("&lt;b&gt;", plot.bars("<b>", "ns", [("rtp", [("echo", 5, 4, 6)])]))


if __name__ == "__main__":
    unittest.main()
