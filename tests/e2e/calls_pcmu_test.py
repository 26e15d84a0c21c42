"""Plain G.711 between two ffmpeg endpoints, through sessions that `causeway` makes."""

import os
import shutil
import tempfile
import unittest

from tests.e2e.harness import Relay, RelayTest, free_udp_ports

PCMU = ["-c:a", "pcm_mulaw"]
SECONDS = 5


class PlainCalls(RelayTest):
    def test_speech_goes_both_ways_on_both_workers(self):
        woman = self.speech("woman.wav", SECONDS, "woman")
        men = self.speech("men.wav", SECONDS, "men")
        calls = []
        for number in range(2):  # the least loaded worker takes each: one on either
            port_a, port_b = free_udp_ports(2)
            session, to_a, to_b, answer = self.relay.call(
                "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_a,
                "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_b)
            plans = [c["plan"]["text"] for c in answer["session"]["connections"]]
            self.assertEqual(plans[0], "legs/a -> legs/b: forward(pcmu) send(rtp)")
            hears_a = self.hear("a%d" % number, port_a, 0, "PCMU/8000")
            hears_b = self.hear("b%d" % number, port_b, 0, "PCMU/8000")
            speaks_a = self.speak("sa%d" % number, woman, to_a + "?pkt_size=172", 0, 8000, PCMU)
            speaks_b = self.speak("sb%d" % number, men, to_b + "?pkt_size=172", 0, 8000, PCMU)
            calls.append((session, hears_a, hears_b, speaks_a, speaks_b))
        used = [w for w in self.relay.json("node")["node"]["workers"] if w.get("legs", 0) > 0]
        self.assertEqual(len(used), 2, "sessions on both workers")
        for number, (session, hears_a, hears_b, speaks_a, speaks_b) in enumerate(calls):
            self.assertEqual(speaks_a.wait(60), 0)
            self.assertEqual(speaks_b.wait(60), 0)
            self.stop_hearing(hears_a, hears_b)
            self.check_speech(woman, self.path("b%d.wav" % number), "--other", men)
            self.check_speech(men, self.path("a%d.wav" % number), "--other", woman)
            report = self.relay.report(session)
            self.assertGreater(int(report["a"]["received"]["packets"]), 40 * SECONDS)
            self.assertEqual(int(report["a"]["received"].get("lost_packets", 0)), 0)
            described = self.relay.run("describe", session).stdout
            self.assertIn("legs/a -> legs/b: forward(pcmu) send(rtp)", described)
            self.relay.run("session", "delete", session)

    def test_it_ends_cleanly_in_the_middle_of_a_call(self):
        port_a, port_b = free_udp_ports(2)
        self.relay.call("rtp/pcmu,remote=127.0.0.1:%d" % port_a,
                        "rtp/pcmu,remote=127.0.0.1:%d" % port_b)
        self.assertEqual(self.relay.stop(), 0)


class Guard(unittest.TestCase):
    """All these tests drive a daemon that ends with 97 if a worker thread allocates or locks."""

    @unittest.skipIf(os.environ.get("CAUSEWAYD") != "causewayd-guarded", "a daemon without the guard")
    def test_it_finds_one_allocation_on_a_worker_of_the_daemon(self):
        folder = tempfile.mkdtemp(prefix="causeway-e2e-")
        self.addCleanup(shutil.rmtree, folder)
        relay = Relay(folder, environment={"CAUSEWAY_PLANT_ALLOCATION": "1"})
        self.assertEqual(relay.stop(), 97)
        with open(os.path.join(folder, "causewayd.log")) as log:
            self.assertIn("alloc_guard: 2 allocations, 0 locks", log.read())


if __name__ == "__main__":
    unittest.main()
