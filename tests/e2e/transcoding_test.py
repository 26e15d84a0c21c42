"""Transcoding: what comes out equals, bit for bit, what libopus, spandsp and libswresample make of the
packets at the relay's ingress in a program of their own; and human speech arrives as such."""

import itertools
import subprocess
import struct
import unittest

from tests.e2e.harness import (RelayTest, binary, free_udp_ports, inline, random_key, read_wav)

# text on the command line, name and rate in offline_chain, payload type, ticks of 20 ms
CODECS = {
    "pcmu": ("pcmu", ["pcmu"], 0, 160), "pcma": ("pcma", ["pcma"], 8, 160),
    "g722": ("g722", ["g722"], 9, 160), "opus": ("opus", ["opus"], 111, 960),
    "l16": ("l16:97:16000", ["l16", "16000"], 97, 320),
}
SUITES = {"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30,
          "AES_256_CM_HMAC_SHA1_80": 46, "AES_256_CM_HMAC_SHA1_32": 46,
          "AEAD_AES_128_GCM": 28, "AEAD_AES_256_GCM": 44}
PACKETS = 100


def side(which, codec):
    name = CODECS[codec][1]
    options = ["--%s" % which, name[0]]
    return options + (["--%s-rate" % which, name[1]] if len(name) > 1 else [])


def offline(trace, arguments):
    """The payloads of the chain, one per packet."""
    done = subprocess.run([binary("offline_chain"), *arguments, trace], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [bytes.fromhex(line) for line in done.stdout.split()]


class Transcoding(RelayTest):
    def speech_payloads(self, codec):
        """20 ms packets of a woman's voice in that codec, made by the offline program."""
        rate, channels = read_wav(self.speech("voice.wav", PACKETS / 50 + 4, "woman"))
        samples = channels[0][2 * rate:]  # past the pause at the beginning
        trace = self.path("voice.trace")
        with open(trace, "w") as file:
            for i in range(PACKETS):
                frame = samples[i * 320:(i + 1) * 320].astype(">i2").tobytes()
                header = struct.pack(">BBHII", 0x80, 97, i, i * 320, 1)
                file.write("%d %s\n" % (i * 20_000_000, (header + frame).hex()))
        if codec == "l16":
            return [samples[i * 320:(i + 1) * 320].astype(">i2").tobytes() for i in range(PACKETS)]
        return offline(trace, ["--from", "l16", "--from-rate", "16000", *side("to", codec)])

    def run_pair(self, a, b, said, suite=None):
        """Sends `said` (codec a) to leg a; returns what leg b's endpoint heard and should have."""
        port_a, port_b = free_udp_ports(2)
        security, keys, peer_keys = "rtp", "", {}
        if suite:
            a_sends, relay_sends = random_key(SUITES[suite]), random_key(SUITES[suite])
            security = "srtp"
            keys = ",suite=%s,receive=%s,send=%s" % (suite, inline(a_sends), inline(relay_sends))
            peer_keys = {"suite": suite, "send_key": a_sends.hex(), "receive_key": relay_sends.hex()}
        session, to_a, to_b, answer = self.relay.call(
            "%s/%s,remote=127.0.0.1:%d%s" % (security, CODECS[a][0], port_a, keys),
            "rtp/%s,remote=127.0.0.1:%d" % (CODECS[b][0], port_b))
        plan = answer["session"]["connections"][0]["plan"]["text"]
        self.assertIn("transcode(", plan)
        hears = self.peer("b", port_b, to_b, linger_ms=20 * PACKETS + 700)
        speaks = self.peer("a", port_a, to_a, send=self.write_payloads("said", said),
                           type=CODECS[a][2], ticks=CODECS[a][3], linger_ms=100, **peer_keys)
        self.peer_result("a", speaks)
        self.peer_result("b", hears)
        report = self.relay.report(session)["a"]
        self.relay.run("session", "delete", session)
        heard = [octets for _, octets in self.packets("b.received")]
        expected = offline(self.path("a.sent"), side("from", a) + side("to", b))
        return heard, expected, report

    def check_pair(self, a, b, suite=None):
        said = self.speech_payloads(a)
        for attempt in range(3):
            heard, expected, report = self.run_pair(a, b, said, suite)
            # A machine that stalls for longer than the deadline makes the relay conceal, rightly;
            # only a run in which it had nothing to conceal can be compared to the octet.
            decoding = report.get("decoding", {})
            if int(decoding.get("concealed_packets", 0)) == 0:
                break
        count = min(len(expected), len(heard))
        self.assertGreaterEqual(count, PACKETS - 1)
        self.assertEqual([octets[12:] for octets in heard[:count]], expected[:count])
        self.check_continuity(heard)

    def check_continuity(self, heard):
        for before, after in zip(heard, heard[1:]):
            seq = [struct.unpack(">H", octets[2:4])[0] for octets in (before, after)]
            self.assertEqual((seq[0] + 1) % 65536, seq[1])
            self.assertEqual(before[8:12], after[8:12])

    def test_every_pair_equals_the_offline_chain(self):
        for a, b in itertools.permutations(CODECS, 2):
            with self.subTest(pair="%s -> %s" % (a, b)):
                self.check_pair(a, b)

    def test_every_suite_equals_the_offline_chain(self):
        for suite in SUITES:
            with self.subTest(suite=suite):
                self.check_pair("opus", "pcmu", suite)

    def test_speech_between_opus_over_srtp_and_pcmu(self):
        suite = "AES_CM_128_HMAC_SHA1_80"
        a_sends, relay_sends = random_key(30), random_key(30)
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, answer = self.relay.call(
            "srtp/opus,remote=127.0.0.1:%d,accept=same-ip,receive=%s,send=%s"
            % (port_a, inline(a_sends), inline(relay_sends)),
            "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_b)
        self.assertIn("transcode(opus@8k->pcmu)", answer["session"]["connections"][0]["plan"]["text"])
        woman = self.speech("woman.wav", 10, "woman")
        men = self.speech("men.wav", 10, "men")
        hears_a = self.hear("a", port_a, 111, "opus/48000/2",
                            "%s inline:%s" % (suite, inline(relay_sends)))
        hears_b = self.hear("b", port_b, 0, "PCMU/8000")
        speaks_a = self.speak("sa", woman, to_a, 111, 48000,
                              ["-c:a", "libopus", "-b:a", "24k", "-application", "voip"], (suite, inline(a_sends)))
        speaks_b = self.speak("sb", men, to_b + "?pkt_size=172", 0, 8000,
                              ["-c:a", "pcm_mulaw"])
        self.assertEqual(speaks_a.wait(60), 0)
        self.assertEqual(speaks_b.wait(60), 0)
        self.stop_hearing(hears_a, hears_b)
        self.check_speech(woman, self.path("b.wav"), "--other", men)
        self.check_speech(men, self.path("a.wav"), "--other", woman)


if __name__ == "__main__":
    unittest.main()
