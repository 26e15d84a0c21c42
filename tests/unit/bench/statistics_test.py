#!/usr/bin/python3
"""The arithmetic of the bench's results."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.bench.suite import statistics  # noqa: E402


class Statistics(unittest.TestCase):
    def test_median_of_odd_even_and_nothing(self):
        self.assertEqual(statistics.median([3, 1, 2]), 2)
        self.assertEqual(statistics.median([4, 1, 2, 3]), 2.5)
        self.assertIsNone(statistics.median([]))

    def test_percentile_is_a_value_that_was_seen(self):
        self.assertEqual(statistics.percentile(range(1, 101), 99), 99)
        self.assertEqual(statistics.percentile([7], 50), 7)
        self.assertIsNone(statistics.percentile([], 50))

    def test_spread(self):
        self.assertEqual(statistics.spread([2, 9, 4]), (2, 9))
        self.assertEqual(statistics.spread([]), (None, None))


class Bootstrap(unittest.TestCase):
    def test_same_pairs_same_interval(self):
        pairs = [(10 + i % 3, 20 + i % 5) for i in range(15)]
        self.assertEqual(statistics.bootstrap_ratio(pairs), statistics.bootstrap_ratio(pairs))

    def test_equal_ratios_leave_no_doubt(self):
        self.assertEqual(statistics.bootstrap_ratio([(1, 2)] * 15), (0.5, 0.5, 0.5))

    def test_the_interval_holds_the_ratio_and_grows_with_the_noise(self):
        calm = [(100 + i, 200) for i in range(15)]
        wild = [(100 + 40 * (i % 4), 200) for i in range(15)]
        (ratio, low, high), (_, wild_low, wild_high) = map(statistics.bootstrap_ratio, (calm, wild))
        self.assertLessEqual(low, ratio)
        self.assertLessEqual(ratio, high)
        self.assertGreater(wild_high - wild_low, high - low)

    def test_a_disturbance_that_hits_both_of_a_pair_is_no_noise(self):
        pairs = [(10 * load, 20 * load) for load in (1, 5, 2, 9, 1)]
        self.assertEqual(statistics.bootstrap_ratio(pairs), (0.5, 0.5, 0.5))

    def test_nothing_to_compare_is_no_ratio(self):
        self.assertIsNone(statistics.bootstrap_ratio([]))
        self.assertIsNone(statistics.bootstrap_ratio([(1, 0)]))


if __name__ == "__main__":
    unittest.main()
