"""deploy/quickstart.sh where something is missing, where it is stopped, and what it leaves behind: nothing.
Whether it works at all on a bare machine shows tests/bare_machine.sh."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from tests.e2e.harness import ROOT, binary

QUICKSTART = os.path.join(ROOT, "deploy/quickstart.sh")
WITH_BINARIES = ["--no-install", "--bin", os.path.dirname(binary("causewayd"))]
PATIENCE = 60


def processes_of(session):
    """Command lines of what runs in a session of processes."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as file:
                state, _, _, each = file.read().rpartition(")")[2].split()[:4]
            with open("/proc/%s/cmdline" % pid) as file:
                words = file.read().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(each) == session and state != "Z":
            found.append(words)
    return found


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="causeway-e2e-")
        self.addCleanup(shutil.rmtree, self.folder)

    def programs(self, without=(), **instead):
        """A PATH of this machine's programs but for some; `instead`: scripts in place of others."""
        folder = tempfile.mkdtemp(dir=self.folder)
        for source in "/usr/bin", "/usr/sbin":
            for name in os.listdir(source):
                if name not in without and name not in instead and not os.path.lexists(os.path.join(folder, name)):
                    os.symlink(os.path.join(source, name), os.path.join(folder, name))
        for name, script in instead.items():
            path = os.path.join(folder, name)
            with open(path, "w") as file:
                file.write("#!/bin/sh\n" + script + "\n")
            os.chmod(path, 0o755)
        return {**os.environ, "PATH": folder, "TMPDIR": self.folder}

    def fails(self, options, environment, root=ROOT):
        done = subprocess.run([os.path.join(root, "deploy/quickstart.sh"), *options], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=PATIENCE)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stdout

    def test_what_is_missing_is_said_at_once_and_how_to_get_it(self):
        for program, group in (("ffmpeg", "run"), ("chromium", "browser"), ("baresip", "demo"), ("npm", "demo")):
            said = self.fails([*WITH_BINARIES, "--check"], self.programs([program]))
            self.assertRegex(said, r"(?i)FAILED: %s is missing: ./deploy/install.sh %s\n" % (program, group))
        said = self.fails(["--no-install"], self.programs(["ninja"]))
        self.assertIn("ninja is missing: ./deploy/install.sh build", said)

    def test_a_cmake_that_is_too_old_is_said_before_the_build(self):
        old = self.programs(cmake='[ "$1" = --version ] && echo "cmake version 3.18.4"')
        self.assertIn("cmake is 3.18.4, and 3.25 is needed", self.fails(["--no-install"], old))

    def test_without_a_free_port_it_says_so(self):
        # What looks for one finds none.
        for arguments, words in ("- tcp ", "no TCP port of 127.0.0.1 is free"), ("- 2", "no UDP ports of 127.0.0.1"):
            none = self.programs(python3='case "$*" in "%s"*) exit;; esac; exec /usr/bin/python3 "$@"' % arguments)
            self.assertIn(words, self.fails(WITH_BINARIES, none))

    def test_without_npms_registry_it_says_so_and_is_not_taken_for_done(self):
        root = os.path.join(self.folder, "checkout")
        for part in "deploy", "control/clients", "proto", "tests/e2e/browser":
            shutil.copytree(os.path.join(ROOT, part), os.path.join(root, part))
        offline = self.programs(npm='mkdir -p node_modules; echo "npm ERR! network" >&2; exit 1')
        for _ in range(2):
            said = self.fails(["--check"], offline, root=root)
            self.assertIn("npm could not fetch its packages", said)
            self.assertIn("FAILED: not everything could be installed", said)

    def begin(self, *options):
        process = subprocess.Popen([QUICKSTART, *WITH_BINARIES, "--seconds", "5", *options], env=self.programs(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        return process

    @staticmethod
    def read_until(process, words):
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                return said
        raise AssertionError("it has ended without %r: %s" % (words, said))

    def assert_nothing_is_left(self, process):
        deadline = time.monotonic() + 5
        while processes_of(process.pid) and time.monotonic() < deadline:
            os.sched_yield()
        self.assertEqual(processes_of(process.pid), [])

    def test_ctrl_c_ends_what_is_served_and_all_that_belongs_to_it(self):
        process = self.begin("--serve")
        said = self.read_until(process, "Ctrl-C ends it")
        self.assertIn("done: both directions arrived as speech", said)
        os.killpg(process.pid, signal.SIGINT)  # As a terminal does.
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assert_nothing_is_left(process)
        self.assertEqual([each for each in os.listdir(self.folder) if each.startswith("causeway.")], [])

    def test_stopped_in_a_call_it_leaves_nothing_behind(self):
        for stop in (lambda process: os.killpg(process.pid, signal.SIGINT), lambda process: process.terminate()):
            process = self.begin()
            self.read_until(process, "reads a novel")
            stop(process)
            self.assertEqual(process.wait(PATIENCE), 130)
            self.assert_nothing_is_left(process)


if __name__ == "__main__":
    unittest.main()
