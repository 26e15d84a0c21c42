#!/usr/bin/env python3
"""Shows that generate_reference.py --check can fail: a comment that changed, a reason that the table
lacks, a reason whose comment names no status."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "deploy/docs/generate_reference.py"


class GenerateReference(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(ROOT / "proto", self.root / "proto")
        shutil.copytree(ROOT / "deploy/docs", self.root / "deploy/docs")

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, "--root", self.root, *arguments],
                              capture_output=True, text=True, check=False)

    def replace(self, path, old, new):
        text = (self.root / path).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def test_passes_right_after_generating(self):
        self.assertEqual(self.run_script().returncode, 0)
        self.assertEqual(self.run_script("--check").returncode, 0)

    def test_finds_a_comment_that_changed(self):
        self.replace("proto/causeway/v1/leg.proto", "// What a leg is doing.", "// What it does.")
        run = self.run_script("--check")
        self.assertEqual(run.returncode, 1)
        self.assertIn("reference.md is not current", run.stdout)

    def test_finds_a_reason_that_the_table_lacks(self):
        self.replace("proto/README.md", "ID_TAKEN", "ID_GONE")
        run = self.run_script("--check")
        self.assertEqual(run.returncode, 1)
        self.assertIn("ID_TAKEN is absent", run.stdout)
        self.assertIn("ID_GONE is ALREADY_EXISTS, and absent", run.stdout)

    def test_refuses_a_reason_without_a_status(self):
        self.replace("proto/causeway/v1/common.proto", "// ALREADY_EXISTS: the id", "// The id")
        self.assertIn("does not begin with a status", self.run_script("--check").stderr)

    def test_the_page_has_every_field_of_a_message(self):
        page = (self.root / "deploy/docs/reference.md").read_text(encoding="utf-8")
        leg = page.split("### Leg\n")[1].split("\n### ")[0]
        for field in ("name", "remote", "accept_from", "security", "codecs", "local", "media"):
            self.assertIn(f"`{field}`", leg)


if __name__ == "__main__":
    unittest.main()
