"""How a test has WebRTC endpoints: programs of this folder, in a network namespace of their own,
since they take no candidate of loopback."""

import json
import os
import subprocess
import unittest

from tests.e2e import own_network
from tests.e2e.harness import ROOT, wait_for_end

# What a relay's configuration has besides loopback, to be met by the endpoints.
NETWORK = "  - name: veth\n    bind: %s\n    ports: 21000-21999\n" % own_network.OURS

space = None


def enter_network():
    """For setUpModule: a network for the module's tests, and a namespace for its endpoints."""
    global space
    try:
        own_network.enter()
    except OSError as error:
        raise unittest.SkipTest("no network namespace: %s" % error)
    space = own_network.Space()
    unittest.addModuleCleanup(space.remove)
    space.add_veth()


class Peer:
    """An endpoint."""

    def __init__(self, folder, name, program):
        self.log = open(os.path.join(folder, name + ".log"), "w")
        self.process = subprocess.Popen(
            [*space.prefix(), "/usr/bin/python3",
             os.path.join(ROOT, "tests/e2e/webrtc", program)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def call(self, function, *arguments):
        self.process.stdin.write(json.dumps({"call": function, "with": arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            with open(self.log.name) as log:
                raise AssertionError("the endpoint has ended: " + log.read())
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def stop(self):
        self.process.stdin.close()
        wait_for_end(self.process)
        self.process.stdout.close()
        self.log.close()
