#!/usr/bin/python3
"""Bencode must be what the other side writes and reads, and refuse what it is not."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.bench.suite import bencode  # noqa: E402


class Bencode(unittest.TestCase):
    def test_writes_each_kind_of_value(self):
        self.assertEqual(bencode.encode(-42), b"i-42e")
        self.assertEqual(bencode.encode("ping"), b"4:ping")
        self.assertEqual(bencode.encode([1, "a"]), b"li1e1:ae")

    def test_sorts_the_keys_of_a_dictionary(self):
        self.assertEqual(bencode.encode({"to": 1, "from": 2}), b"d4:fromi2e2:toi1ee")

    def test_counts_octets_not_characters(self):
        self.assertEqual(bencode.encode("\u00e9"), b"2:\xc3\xa9")

    def test_reads_back_what_it_wrote(self):
        value = {"command": "offer", "SDES": ["no-NULL", "pad"], "delay": 0, "deep": {"x": [[]]},
                 "sdp": "v=0\r\n"}
        self.assertEqual(bencode.decode(bencode.encode(value)), value)

    def test_refuses_what_is_no_bencode(self):
        for octets in (b"", b"i12", b"5:abc", b"d1:a", b"x", b"i1ei2e", b"1", b"l"):
            with self.assertRaises(ValueError, msg=octets):
                bencode.decode(octets)

    def test_refuses_to_write_what_it_has_no_form_for(self):
        for value in (True, 1.5, None):
            with self.assertRaises(TypeError):
                bencode.encode(value)


if __name__ == "__main__":
    unittest.main()
