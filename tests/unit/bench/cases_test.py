#!/usr/bin/python3
"""The list of cases and how they are chosen."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.bench.suite import cases  # noqa: E402
from tests.bench.suite import results  # noqa: E402
from tests.bench.suite import specials  # noqa: E402
from tests.bench.suite import subjects  # noqa: E402


class Cases(unittest.TestCase):
    def test_have_names_of_their_own(self):
        names = [each.name for each in cases.all_cases()]
        self.assertEqual(len(names), len(set(names)))

    def test_are_chosen_by_name_by_beginning_or_all(self):
        self.assertEqual([each.name for each in cases.chosen(["rtp"], False)], ["rtp"])
        self.assertEqual({each.name for each in cases.chosen(["pcmu-opus-srtp*"], False)},
                         {"pcmu-opus-srtp", "pcmu-opus-srtp-same", "pcmu-opus-srtp+record"})
        self.assertEqual(cases.chosen([], False), cases.all_cases())
        self.assertLess(len(cases.chosen([], True)), len(cases.all_cases()))

    def test_an_unknown_name_is_refused(self):
        with self.assertRaises(ValueError):
            cases.chosen(["rtp", "rpt"], False)

    def test_name_subjects_and_kinds_that_exist(self):
        for each in cases.all_cases():
            for subject in each.subjects:
                self.assertIn(subject, set(subjects.RELAYS) | {"codec", "evp"})
            if isinstance(each, cases.Special):
                self.assertIn(each.kind, specials.KINDS)

    def test_each_bar_is_about_a_case_or_a_row_of_one(self):
        names = {each.name for each in cases.all_cases()}
        for case, *_ in results.BARS:
            of = case.partition("@")[0]
            self.assertTrue(of in names or of.split("-")[0] in ("memory", "instructions"), case)


if __name__ == "__main__":
    unittest.main()
