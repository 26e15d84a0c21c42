"""Transcoding: what comes out equals, bit for bit, what libopus, spandsp and libswresample make of the
packets at the relay's ingress in a program of their own; and human speech arrives as such."""

import itertools
import math
import struct
import subprocess
import unittest
import wave
from types import SimpleNamespace

from tests.e2e.harness import (Ingress, RelayTest, binary, free_udp_ports, inline, random_key,
                               read_wav, wait_for)

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
# Each second correlates by more than 0.8, none is missing.
EVERY_SECOND = ["--threshold", "0.8", "--share", "1", "--median", "0.8", "--max-missing", "0"]
# What the API is told of leg b, and the same for the offline chain.
SETTINGS = [
    ("pcmu", "opus", ",bitrate=12000", ["--bitrate", "12000"]),
    ("pcma", "opus", ",complexity=0", ["--complexity", "0"]),
    ("g722", "opus", ",bitrate=40000,complexity=10,ptime=60ms",
     ["--bitrate", "40000", "--complexity", "10", "--ptime", "60"]),
    ("l16", "opus", ",dtx=yes,ptime=40ms", ["--dtx", "--ptime", "40"]),
    ("pcmu", "opus", ",fec=yes,ptime=10ms", ["--fec", "--ptime", "10"]),
    ("opus", "pcmu", ",ptime=30ms", ["--ptime", "30"]),
    ("opus", "g722", ",ptime=10ms", ["--ptime", "10"]),
]


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

    def start_call(self, ports, a, b, suite, options=""):
        """A call from codec a to codec b, both legs under that suite (None: plain). Takes two of
        `ports`."""
        call = SimpleNamespace(a=a, b=b, suite=suite, name="%s-%s" % (a, b))
        call.port_a, call.port_b = ports.pop(), ports.pop()
        legs, call.keys = [], {}
        for leg, codec, port in (("a", a, call.port_a), ("b", b, call.port_b)):
            text = "%s/%s,remote=127.0.0.1:%d" % ("srtp" if suite else "rtp", CODECS[codec][0], port)
            call.keys[leg] = {}
            if suite:
                endpoint_sends, relay_sends = random_key(SUITES[suite]), random_key(SUITES[suite])
                text += ",suite=%s,receive=%s,send=%s" % (suite, inline(endpoint_sends),
                                                          inline(relay_sends))
                call.keys[leg] = {"suite": suite, "send_key": endpoint_sends.hex(),
                                  "receive_key": relay_sends.hex()}
            legs.append(text + (options if leg == "b" else ""))
        call.session, call.to_a, call.to_b, answer = self.relay.call(*legs)
        self.assertIn("transcode(", answer["session"]["connections"][0]["plan"]["text"])
        return call

    def run_calls(self, calls):
        """Everyone on a side speaks, everyone on b side listens, all at once. Packets of 20 ms come
        every 10 ms: what is early needs no concealment, however the machine stalls."""
        said = {a: self.write_payloads("said-" + a, self.speech_payloads(a))
                for a in {call.a for call in calls}}
        ingress = Ingress([int(call.to_a.rsplit(":", 1)[1]) for call in calls])
        try:
            hears = [self.peer("b-" + call.name, call.port_b, call.to_b, linger_ms=60_000,
                               **call.keys["b"]) for call in calls]
            speaks = [self.peer("a-" + call.name, call.port_a, call.to_a, send=said[call.a],
                                type=CODECS[call.a][2], ticks=CODECS[call.a][3], interval_ms=10,
                                linger_ms=0, **call.keys["a"])
                      for call in calls]
            for call, process in zip(calls, speaks):
                self.assertEqual(self.peer_result("a-" + call.name, process)[0], PACKETS)
            for call, process in zip(calls, hears):
                wait_for("all of %s" % call.name, lambda: self.decoded(call) == PACKETS)
                process.terminate()
            for call, process in zip(calls, hears):
                self.assertEqual(self.peer_result("b-" + call.name, process)[2], 0, "refused")
        finally:
            ingress.stop()
        for call in calls:
            call.ingress = self.open_capture(call, ingress)
            call.heard = [octets for _, octets in self.packets("b-%s.received" % call.name)]
            self.relay.run("session", "delete", call.session)

    def decoded(self, call):
        return int(self.relay.report(call.session)["a"].get("decoding", {}).get("packets", 0))

    def open_capture(self, call, ingress):
        """The capture at the relay's ingress as a trace in the clear; libsrtp opens it."""
        capture = self.path("%s.capture" % call.name)
        with open(capture, "w") as file:
            for ns, octets in ingress.packets[int(call.to_a.rsplit(":", 1)[1])]:
                file.write("%d %s\n" % (ns, octets.hex()))
        keys = call.keys["a"]
        options = ["--suite", call.suite, "--receive-key", keys["send_key"]] if keys else []
        opened = subprocess.run([binary("rtp_peer"), "--open", capture, *options],
                                stdout=subprocess.PIPE, text=True, check=True)
        trace = self.path("%s.trace" % call.name)
        with open(trace, "w") as file:
            file.write(opened.stdout)
        return trace

    def check_pair(self, call, *options):
        expected = offline(call.ingress, side("from", call.a) + side("to", call.b) + list(options))
        # What follows is the relay's own: it conceals where the sender has stopped.
        self.assertGreaterEqual(len(call.heard), len(expected))
        wrong = [i for i, (octets, payload) in enumerate(zip(call.heard, expected))
                 if octets[12:] != payload]
        self.assertEqual(wrong, [], "packets that differ")
        self.check_continuity(call.heard)
        return expected

    def check_continuity(self, heard):
        for before, after in zip(heard, heard[1:]):
            seq = [struct.unpack(">H", octets[2:4])[0] for octets in (before, after)]
            self.assertEqual((seq[0] + 1) % 65536, seq[1])
            self.assertEqual(before[8:12], after[8:12])

    def check_every_pair(self, suite):
        pairs = list(itertools.permutations(CODECS, 2))
        ports = free_udp_ports(2 * len(pairs))
        calls = [self.start_call(ports, a, b, suite) for a, b in pairs]
        self.run_calls(calls)
        for call in calls:
            with self.subTest(suite=suite, pair=call.name):
                self.assertEqual(len(self.check_pair(call)), PACKETS)

    def test_every_pair_equals_the_offline_chain(self):
        self.check_every_pair(None)

    def test_every_pair_in_every_suite_equals_the_offline_chain(self):
        for suite in SUITES:
            self.check_every_pair(suite)

    def test_the_comparison_sees_one_changed_octet(self):
        call = self.start_call(free_udp_ports(2), "pcmu", "pcma", "AEAD_AES_128_GCM")
        self.run_calls([call])
        self.check_pair(call)
        with open(call.ingress) as file:
            lines = file.read().splitlines()
        lines[50] = lines[50][:-2] + "%02x" % (int(lines[50][-2:], 16) ^ 0x40)
        with open(call.ingress, "w") as file:
            file.write("\n".join(lines) + "\n")
        with self.assertRaises(AssertionError):
            self.check_pair(call)

    def test_settings_of_a_leg_reach_its_encoder(self):
        """From the API to the encoder: the packets are those that libopus makes with them."""
        calls, ports = [], free_udp_ports(2 * len(SETTINGS))
        for a, b, asked, _ in SETTINGS:
            calls.append(self.start_call(ports, a, b, None, asked))
            calls[-1].name += "-%d" % len(calls)
        self.run_calls(calls)
        for call, (_, _, asked, encoder) in zip(calls, SETTINGS):
            with self.subTest(pair=call.name, asked=asked):
                expected = self.check_pair(call, *encoder)
                plain = offline(call.ingress, side("from", call.a) + side("to", call.b))
                self.assertNotEqual(expected, plain, "a setting that shows")

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
        self.check_speech(woman, self.path("b.wav"), "--other", men, *EVERY_SECOND)
        self.check_speech(men, self.path("a.wav"), "--other", woman, *EVERY_SECOND)

    def test_reports_say_how_loud_speech_and_silence_are(self):
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, _ = self.relay.call(
            "rtp/opus,remote=127.0.0.1:%d,accept=same-ip" % port_a,
            "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_b)
        woman = self.speech("woman.wav", 5, "woman")
        silence = self.path("silence.wav")
        with wave.open(silence, "wb") as out:
            out.setparams((1, 2, 8000, 0, "NONE", ""))
            out.writeframes(bytes(2 * 8000 * 5))
        speaks = self.speak("sa", woman, to_a, 111, 48000, ["-c:a", "libopus", "-b:a", "24k"])
        keeps_silent = self.speak("sb", silence, to_b + "?pkt_size=172", 0, 8000,
                                  ["-c:a", "pcm_mulaw"])
        self.assertEqual(speaks.wait(60), 0)
        self.assertEqual(keeps_silent.wait(60), 0)
        report = self.relay.report(session)

        def loudest(leg, way):
            return report[leg][way]["audio_level"]["loudest"]
        samples = read_wav(woman)[1][0].astype(float)
        block = len(samples) // 50
        powers = [(samples[i:i + block] ** 2).mean() for i in range(0, len(samples), block)]
        wanted = 10 * math.log10(max(powers) / 32767 ** 2)
        self.assertAlmostEqual(loudest("a", "received"), wanted, delta=4)
        self.assertAlmostEqual(loudest("b", "sent"), loudest("a", "received"), delta=2)
        self.assertLess(loudest("b", "received"), -80)
        self.assertLess(loudest("a", "sent"), -80)

    def test_ffmpeg_as_it_sends_by_itself_is_heard(self):
        """Without a word about packets: -re sends a block of the file at once and then nothing for 256
        ms, and G.711 as packets of 182 ms and of what is left."""
        port_a, port_b = free_udp_ports(2)
        _, to_a, to_b, _ = self.relay.call(
            "rtp/opus,remote=127.0.0.1:%d,accept=same-ip" % port_a,
            "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_b)
        woman = self.speech("woman.wav", 8, "woman")
        men = self.speech("men.wav", 8, "men")
        hears_a = self.hear("a", port_a, 111, "opus/48000/2")
        hears_b = self.hear("b", port_b, 0, "PCMU/8000")
        said = []
        for name, wav, codec, target in (
                ("sa", woman, ["-c:a", "libopus", "-payload_type", "111"], to_a),
                ("sb", men, ["-ar", "8000", "-c:a", "pcm_mulaw"], to_b)):
            said.append(self.start(name, ["ffmpeg", "-nostdin", "-loglevel", "warning", "-re", "-i",
                                          wav, *codec, "-f", "rtp", "rtp://" + target]))
        for process in said:
            self.assertEqual(process.wait(60), 0)
        self.stop_hearing(hears_a, hears_b)
        self.check_speech(woman, self.path("b.wav"), "--other", men, *EVERY_SECOND)
        self.check_speech(men, self.path("a.wav"), "--other", woman, *EVERY_SECOND)


if __name__ == "__main__":
    unittest.main()
