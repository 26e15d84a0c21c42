#!/usr/bin/python3
"""The schema of results.json, the table, and what is said about the bars."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.bench.suite import results  # noqa: E402


def rows(case="rtp", ours=(1000, 1100), theirs=(4000, 4200), invalid=""):
    made = []
    for repeat, (a, b) in enumerate(zip(ours, theirs)):
        for subject, ns in (("causewayd", a), ("rtpengine", b)):
            made.append(results.row(case, subject, repeat, {
                "n": 200, "cpu_ns_per_packet": ns, "calls_per_core": 1e7 / ns,
                "invalid": invalid if subject == "rtpengine" and repeat == 0 else ""}))
    return made


def document(of):
    return {"commit": "c", "machine": {}, "settings": {}, "rows": of}


class Schema(unittest.TestCase):
    def test_a_row_has_every_column(self):
        results.check(document(rows()))
        self.assertEqual(set(results.COLUMNS) - set(rows()[0]), set())

    def test_a_missing_column_or_part_is_refused(self):
        broken = rows()
        del broken[1]["p99"]
        with self.assertRaises(ValueError):
            results.check(document(broken))
        with self.assertRaises(ValueError):
            results.check({"rows": []})

    def test_a_figure_that_is_no_number_is_refused(self):
        broken = rows()
        broken[0]["p50"] = "12"
        with self.assertRaises(ValueError):
            results.check(document(broken))

    def test_a_row_may_name_a_case_of_its_own(self):
        self.assertEqual(results.row("memory", "x", 0, {"case": "memory-idle"})["case"],
                         "memory-idle")


class Comparison(unittest.TestCase):
    def test_pairs_are_of_one_repeat_and_both_valid(self):
        self.assertEqual(results.pairs(rows(), "rtp", "cpu_ns_per_packet", "causewayd",
                                       "rtpengine"), [(1000, 4000), (1100, 4200)])
        self.assertEqual(results.pairs(rows(invalid="late"), "rtp", "cpu_ns_per_packet",
                                       "causewayd", "rtpengine"), [(1100, 4200)])

    def test_a_bar_is_met_only_by_the_whole_interval(self):
        self.assertEqual(results.judge(0.5, 0.4, 0.59, "<=", 0.6), "met")
        self.assertEqual(results.judge(0.5, 0.4, 0.61, "<=", 0.6), "open")
        self.assertEqual(results.judge(0.7, 0.65, 0.8, "<=", 0.6), "missed")
        self.assertEqual(results.judge(5.5, 5.1, 6, ">=", 5), "met")
        self.assertEqual(results.judge(5.5, 4.9, 6, ">=", 5), "open")
        self.assertEqual(results.judge(4, 3, 4.5, ">=", 5), "missed")

    def test_few_pairs_make_no_claim(self):
        found = [each for each in results.compare(rows()) if each["case"] == "rtp"]
        self.assertEqual([(each["pairs"], each["is_claim"]) for each in found], [(2, False)])
        many = results.compare(rows(ours=[1000] * 15, theirs=[4000] * 15))
        self.assertTrue(many[0]["is_claim"])
        self.assertEqual(many[0]["verdict"], "met")

    def test_a_figure_without_another_is_judged_as_it_is(self):
        of = [results.row("setup@1000/s", "causewayd", i, {"p99": 2000 + i}) for i in range(3)]
        found = results.compare(of)
        self.assertEqual([(each["against"], each["ratio"], each["verdict"]) for each in found],
                         [("-", 2001, "met")])

    def test_says_nothing_about_what_was_not_measured(self):
        self.assertEqual(results.compare([]), [])


class Table(unittest.TestCase):
    def test_shows_medians_and_how_many_runs_were_valid(self):
        text = results.table(rows(ours=(1000, 1100, 1200), theirs=(1, 2, 3), invalid="late"))
        self.assertIn("1100", text)
        self.assertIn("2 of 3", text)

    def test_leaves_out_columns_without_a_figure(self):
        self.assertNotIn("KiB/call", results.table(rows()))


if __name__ == "__main__":
    unittest.main()
