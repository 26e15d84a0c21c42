"""SRTP against ffmpeg and against a peer on libsrtp, for every suite."""

import json
import os
import unittest

from tests.e2e.harness import RelayTest, free_udp_ports, inline, random_key, wait_for

SUITES = {  # key and salt octets
    "AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30,
    "AES_256_CM_HMAC_SHA1_80": 46, "AES_256_CM_HMAC_SHA1_32": 46,
    "AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44,
}
PCMU = ["-c:a", "pcm_mulaw"]


def payloads(count):
    return [bytes((i * 7 + j) % 256 for j in range(160)) for i in range(count)]


class EverySuite:
    """What holds whichever transform the daemon is told to use."""

    def bridge(self, suite, a_sends, relay_sends, port_a, port_b):
        return self.relay.call(
            "srtp/pcmu,remote=127.0.0.1:%d,suite=%s,receive=%s,send=%s"
            % (port_a, suite, inline(a_sends), inline(relay_sends)),
            "rtp/pcmu,remote=127.0.0.1:%d" % port_b)

    def test_a_libsrtp_peer_and_a_plain_one_understand_each_other_in_every_suite(self):
        for suite, octets in SUITES.items():
            with self.subTest(suite=suite):
                a_sends, relay_sends = random_key(octets), random_key(octets)
                port_a, port_b = free_udp_ports(2)
                session, to_a, to_b, answer = self.bridge(suite, a_sends, relay_sends, port_a, port_b)
                self.assertIn("open(%s) rekey(pcmu)" % suite,
                              answer["session"]["connections"][0]["plan"]["text"])
                said = payloads(50)
                plan = self.write_payloads("said", said)
                pace = {"send": plan, "interval_ms": 5, "start_file": self.start_file()}
                b = self.peer("b", port_b, to_b, **pace)
                a = self.peer("a", port_a, to_a, **pace, suite=suite,
                              send_key=a_sends.hex(), receive_key=relay_sends.hex())
                self.begin()
                self.assertEqual(self.peer_result("a", a), (50, 50, 0))
                self.assertEqual(self.peer_result("b", b), (50, 50, 0))
                for name in ("a", "b"):
                    heard = [octets[12:] for _, octets in self.packets(name + ".received")]
                    self.assertEqual(heard, said, "bit for bit")
                self.relay.run("session", "delete", session)
                os.remove(self.start_file())


class SuitesOfLibsrtp(EverySuite, RelayTest):
    relay_options = {"extra": "srtp:\n  transform: libsrtp\n"}

    def setUp(self):
        if "CAUSEWAYD" in os.environ:
            self.skipTest("the guarded daemon lets no worker allocate, and libsrtp does")
        super().setUp()

    def test_the_node_says_whose_transform_it_is(self):
        self.assertIn("libsrtp", json.dumps(self.relay.json("node")))


class Suites(EverySuite, RelayTest):
    def test_a_wrong_key_is_silence_counted_told_once_and_survived(self):
        suite = "AES_CM_128_HMAC_SHA1_80"
        right, relay_sends = random_key(30), random_key(30)
        port_a, port_b = free_udp_ports(2)
        events = self.start("events", self.events_command())
        wait_for("the event stream", lambda: "stream_opened" in self.text("events.log"))
        session, to_a, to_b, _ = self.bridge(suite, right, relay_sends, port_a, port_b)
        plan = self.write_payloads("said", payloads(50))
        keys = {"suite": suite, "receive_key": relay_sends.hex()}
        b = self.peer("b", port_b, to_b, linger_ms=60_000)
        wrong = self.peer("wrong", port_a, to_a, send=plan, interval_ms=5,
                          send_key=random_key(30).hex(), **keys)
        self.peer_result("wrong", wrong)
        drops = self.relay.report(session)["a"]["drops"]
        self.assertEqual(int(drops["auth_failed"]), 50)
        again = self.peer("again", port_a, to_a, send=plan, interval_ms=5, seq=2000,
                          send_key=right.hex(), **keys)
        self.peer_result("again", again)
        b.terminate()
        self.assertEqual(self.peer_result("b", b)[1], 50, "only what was sealed rightly")
        told = [line for line in self.text("events.log").splitlines() if "srtp_auth_failures" in line]
        self.assertEqual(len(told), 1, told)
        events.kill()

    def test_ffmpeg_speaks_srtp_with_a_plain_endpoint(self):
        suite = "AES_CM_128_HMAC_SHA1_80"
        a_sends, relay_sends = random_key(30), random_key(30)
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, _ = self.relay.call(
            "srtp/pcmu,remote=127.0.0.1:%d,accept=same-ip,receive=%s,send=%s"
            % (port_a, inline(a_sends), inline(relay_sends)),
            "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_b)
        woman = self.speech("woman.wav", 5, "woman")
        men = self.speech("men.wav", 5, "men")
        hears_a = self.hear("a", port_a, 0, "PCMU/8000",
                            "%s inline:%s" % (suite, inline(relay_sends)))
        hears_b = self.hear("b", port_b, 0, "PCMU/8000")
        speaks_a = self.speak("sa", woman, to_a, 0, 8000, PCMU, (suite, inline(a_sends)))
        speaks_b = self.speak("sb", men, to_b + "?pkt_size=172", 0, 8000, PCMU)
        self.assertEqual(speaks_a.wait(60), 0)
        self.assertEqual(speaks_b.wait(60), 0)
        self.stop_hearing(hears_a, hears_b)
        self.check_speech(woman, self.path("b.wav"), "--other", men)
        self.check_speech(men, self.path("a.wav"), "--other", woman)

    def test_keys_are_in_no_answer_but_the_one_that_made_them(self):
        port_a, port_b = free_udp_ports(2)
        canary = b"canary-key-material-30-octets!"
        session, _, _, answer = self.relay.call(
            "srtp/pcmu,remote=127.0.0.1:%d,receive=%s" % (port_a, inline(canary)),
            "rtp/pcmu,remote=127.0.0.1:%d" % port_b)
        made = answer["session"]["legs"][0]["security"]["sdes"]["send"]["keys"][0]["material"]
        self.assertTrue(made)
        shown = json.dumps(self.relay.json("session", "get", session))
        shown += json.dumps(self.relay.json("report", session))
        shown += self.relay.run("describe", session).stdout + self.text("causewayd.log")
        for secret in (inline(canary), made, canary.decode()):
            self.assertNotIn(secret, shown)

    def events_command(self):
        from tests.e2e.harness import binary
        return [binary("causeway"), "--server", self.relay.api, "events", "--json"]

    def text(self, name):
        with open(self.path(name)) as file:
            return file.read()


if __name__ == "__main__":
    unittest.main()
