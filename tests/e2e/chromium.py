"""A headless Chromium that a program of Node drives; see tests/e2e/browser/chromium.mjs."""

import json
import os
import subprocess

from tests.e2e.harness import ROOT

TOOLS = os.path.join(ROOT, "out/tools/browser")


def what_is_missing():
    if not os.path.exists("/usr/bin/chromium"):
        return "Chromium is not installed"
    if not os.path.isdir(os.path.join(TOOLS, "node_modules/playwright-core")):
        return "playwright-core is not installed"
    return ""


class Refused(AssertionError):
    """The browser, or the page in it, has not done what it was told."""


class Driver:
    """`command`: the program; `folder`: where its log goes."""

    def __init__(self, folder, command):
        self.log = open(os.path.join(folder, "browser.log"), "a")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.version = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Refused("the browser's driver has ended: " + open(self.log.name).read())
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]

    def ask(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
