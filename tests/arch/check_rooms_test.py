#!/usr/bin/env python3
"""Shows that check_rooms.py can fail: every breach of tests/arch/fixture is found and no more, and
a graph that breaks its own rules is refused."""

import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import check_rooms  # noqa: E402


class CheckRooms(unittest.TestCase):
    def test_finds_every_planted_breach_and_no_more(self):
        run = subprocess.run([sys.executable, HERE / "check_rooms.py", "--root", HERE / "fixture"],
                             capture_output=True, text=True, check=False)
        found = [line for line in run.stdout.splitlines() if not line.startswith("note:")]
        self.assertEqual(found, (HERE / "fixture/expected.txt").read_text().splitlines())
        self.assertEqual(run.returncode, 1)

    def test_refuses_a_room_that_sees_its_own_row(self):
        with self.assertRaisesRegex(ValueError, "line 3: b may not see a"):
            check_rooms.Rooms("row x\nroom a\nroom b sees a")

    def test_refuses_a_room_that_sees_a_higher_row(self):
        with self.assertRaisesRegex(ValueError, "line 2: a may not see b"):
            check_rooms.Rooms("row x\nroom a sees b\nrow y\nroom b")

    def test_refuses_a_line_it_does_not_understand(self):
        with self.assertRaisesRegex(ValueError, "not understood"):
            check_rooms.Rooms("rwo x")

    def test_gives_a_file_to_the_innermost_room(self):
        rooms = check_rooms.Rooms("row x\nroom control\nrow y\nroom control/cli")
        self.assertEqual(rooms.room_of("control/cli/main.cc"), "control/cli")
        self.assertEqual(rooms.room_of("control/sdp/parse.cc"), "control")
        self.assertIsNone(rooms.room_of("controller/main.cc"))

    def test_does_not_read_comments_and_strings(self):
        code = check_rooms.without_comments('a(); // std::mutex\n/* x\ny */ f("std::mutex");\n')
        self.assertEqual(code, 'a(); \n\n f("");\n')


if __name__ == "__main__":
    unittest.main()
