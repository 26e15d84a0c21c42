#!/usr/bin/python3
"""How figures follow from what the generator and perf print."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.bench.suite import measure  # noqa: E402

LATENCY = {"count": 1000, "p50": 20.5, "p99": 60, "p999": 90, "max": 100}


def printed(**more):
    return {"sent": 1000, "received": 990, "bad": 0, "rebased": 0, "rtcp_sent": 2,
            "rtcp_received": 2, "window_s": 2.0, "own_cpu_share": 0.2, "latency_us": LATENCY,
            "lateness_us": LATENCY, "speech": [], "threads_ns": 5_000_000,
            "core_busy_ns": 6_000_000, "core_steal_ns": 0, "invalid": "", **more}


class Rows(unittest.TestCase):
    def test_processor_time_is_shared_out_among_the_packets_sent(self):
        row = measure.row_of(printed(), 5, 2.5)
        self.assertEqual((row["n"], row["cpu_ns_per_packet"], row["core_ns_per_packet"]),
                         (5, 5000, 6000))
        self.assertEqual(row["calls_per_core"], 2000)  # 100 packets a second each
        self.assertEqual((row["lost_share"], row["syscalls_per_packet"]), (0.01, 2.5))

    def test_the_worst_of_the_legs_that_are_listened_to_counts(self):
        def heard(correlation, delay):
            return {"windows": 3, "median_correlation": correlation, "delay_ms": delay,
                    "octets": 10 * delay, "opus": "NB mono"}
        row = measure.row_of(printed(speech=[heard(0.9, 7), heard(0.8, 9), heard(0.95, 8),
                                             heard(0.85, 11)]), 2, None)
        self.assertEqual((row["kbit_s_to_b"], row["opus_to_b"]), (40, "NB mono"))
        self.assertEqual((row["speech_correlation"], row["delay_ms_b_to_a"],
                          row["delay_ms_a_to_b"]), (0.8, 7.5, 10))

    def test_a_run_without_a_packet_is_lost_altogether(self):
        row = measure.row_of(printed(sent=0, received=0, threads_ns=0), 1, None)
        self.assertEqual((row["lost_share"], row["calls_per_core"]), (1, None))

    def test_an_invalid_run_stays_invalid(self):
        self.assertEqual(measure.row_of(printed(invalid="late"), 1, None)["invalid"], "late")


    def test_a_processor_that_others_used_makes_it_invalid(self):
        row = measure.row_of(printed(core_busy_ns=800_000_000), 1, None)
        self.assertIn("others", row["invalid"])
        self.assertIn("others", measure.row_of(printed(core_steal_ns=400_000_000), 1,
                                               None)["invalid"])


class Perf(unittest.TestCase):
    def test_reads_the_count_of_an_event(self):
        text = "2031,,raw_syscalls:sys_enter,23675561,100.00,,\n"
        self.assertEqual(measure.read_perf(text, "raw_syscalls:sys_enter"), 2031)

    def test_an_event_that_is_not_supported_is_no_count(self):
        text = "<not supported>,,instructions:u,0,100.00,,\n"
        self.assertIsNone(measure.read_perf(text, "instructions:u"))
        self.assertIsNone(measure.read_perf("", "instructions:u"))


if __name__ == "__main__":
    unittest.main()
