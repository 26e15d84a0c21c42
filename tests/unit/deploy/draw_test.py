#!/usr/bin/env python3
"""deploy/docs/draw.py: lines are lines and words are words, and --check finds a picture that is out of date."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy/docs/draw.py"
sys.path.insert(0, str(SCRIPT.parent))
import draw  # noqa: E402

HEAD = "# title\n# what is seen\n"
BOXES = HEAD + """\
+-----+   +---+
| a|b |-->| c |
+-----+   +---+
 sip-trunk
"""
NAME = "{http://www.w3.org/2000/svg}"


class Draw(unittest.TestCase):
    def test_boxes_lines_heads_and_words(self):
        svg = draw.svg_of(BOXES)
        tree = xml.etree.ElementTree.fromstring(svg)
        self.assertEqual([each.text for each in tree.iter(NAME + "text")], ["a|b", "c", "sip-trunk"])
        self.assertEqual(svg.count('class="box"'), 2)
        self.assertEqual(svg.count('class="head"'), 1)
        self.assertEqual(tree.find(NAME + "title").text, "title")

    def test_a_line_reaches_the_box_that_it_leaves(self):
        path = re.search(r'class="line" d="([^"]*)"', draw.svg_of(BOXES)).group(1)
        x, y = draw.centre(6, 1)  # The right side of the first box.
        self.assertIn("M%.1f %.1fh" % (x, y), path)

    def test_a_box_in_a_box_has_another_ground(self):
        svg = draw.svg_of(HEAD + "+------+\n|+--+  |\n||x |  |\n|+--+  |\n+------+\n")
        self.assertEqual((svg.count('class="box"'), svg.count('class="inner"')), (1, 1))

    def test_both_schemes_have_their_colours(self):
        self.assertIn("prefers-color-scheme: dark", draw.svg_of(BOXES))

    def test_a_picture_without_a_description_is_refused(self):
        with self.assertRaises(ValueError):
            draw.svg_of("# title\n+--+\n+--+\n")


class Check(unittest.TestCase):
    def run_in(self, folder, *arguments):
        return subprocess.run([sys.executable, str(SCRIPT), "--folder", str(folder), *arguments],
                              stdout=subprocess.PIPE, text=True)

    def test_it_finds_what_is_out_of_date_missing_or_without_a_text(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "a.txt").write_text(BOXES)
            self.assertEqual(self.run_in(folder, "--check").returncode, 1)
            self.assertEqual(self.run_in(folder).returncode, 0)
            self.assertEqual(self.run_in(folder, "--check").returncode, 0)
            (folder / "a.txt").write_text(BOXES.replace("c", "d"))
            self.assertIn("images/a.svg", self.run_in(folder, "--check").stdout)
            self.run_in(folder)
            (folder / "b.svg").write_text("")
            self.assertIn("images/b.svg", self.run_in(folder, "--check").stdout)

    def test_the_pictures_of_the_documentation_are_what_their_texts_say(self):
        done = self.run_in(ROOT / "deploy/docs/images", "--check")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
