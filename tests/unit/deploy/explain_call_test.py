#!/usr/bin/python3
"""explain_call.py says in words what a report says in fields."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "deploy"))
import explain_call  # noqa: E402

OPUS_TO_PCMU = ("legs/a -> legs/b: open(AES_CM_128_HMAC_SHA1_80) record(call) "
                "transcode(opus@8k->pcmu) send(rtp)")
PCMU_TO_OPUS = ("legs/b -> legs/a: record(call) transcode(pcmu->opus@8k) "
                "seal(AES_CM_128_HMAC_SHA1_80) send(srtp)")


class Chain(unittest.TestCase):
    def test_every_stage_of_the_main_job_has_its_words(self):
        self.assertEqual(explain_call.chain(OPUS_TO_PCMU), (
            "a", "b", "SRTP is opened (AES_CM_128_HMAC_SHA1_80), then it is recorded (call), then "
            "Opus at 8 kHz becomes G.711 (PCMU), then it is sent to b as plain RTP"))
        self.assertEqual(explain_call.chain(PCMU_TO_OPUS), (
            "b", "a", "it is recorded (call), then G.711 (PCMU) becomes Opus at 8 kHz, then SRTP is "
            "sealed (AES_CM_128_HMAC_SHA1_80), then it is sent to a as SRTP"))

    def test_what_passes_is_said_to_pass(self):
        self.assertIn("G.711 (PCMA) passes as it is",
                      explain_call.chain("legs/a -> legs/b: forward(pcma) send(rtp)")[2])

    def test_a_stage_that_it_does_not_know_is_shown_as_it_is(self):
        self.assertIn("polish(bright)",
                      explain_call.chain("legs/a -> legs/b: polish(bright) send(rtp)")[2])


class Report(unittest.TestCase):
    def test_a_report_is_told_leg_by_leg_with_the_delay_and_the_recording(self):
        text = dict(explain_call.explain({
            "connections": [{"plan": {"text": OPUS_TO_PCMU}}],
            "legs": [{"leg": "sessions/s/legs/a",
                      "received": {"packets": "650", "lost_packets": "3", "jitter": "0.0021s",
                                   "mos": 4.31},
                      "sent": {"packets": "640"},
                      "decoding": {"concealed_packets": "2", "fec_recovered_packets": "1"},
                      "drops": {"AUTH_FAILED": "7", "REPLAYED": "0"},
                      "added_delay": {"packets": "9", "p50": "0.000070s", "p99": "0.000420s"}}],
            "recordings": [{"uri": "file:///tmp/r/call.wav", "sample_rate": 48000,
                            "duration": "13.250s", "degraded_reason": "disk_full",
                            "channels": [{"leg": "sessions/s/legs/a"}, {"leg": "sessions/s/legs/b"}]}],
        }))
        leg = text["what each leg experienced"][0]
        for words in ("a: 650 packets came from it, 3 were lost", "2.1 ms of jitter", "MOS 4.3",
                      "640 packets went to it", "3 packets that were missing were filled in",
                      "7 AUTH_FAILED"):
            self.assertIn(words, leg)
        self.assertNotIn("REPLAYED", leg)
        self.assertEqual(text["delay that the relay added"],
                         ["half of the packets were on their way again within 0.07 ms of their "
                          "arrival, 99 of 100 within 0.42 ms"])
        self.assertEqual(text["recording"],
                         ["/tmp/r/call.wav (left is a, right is b, 48000 Hz, 13.2 s); "
                          "not all of it: the disk is full"])

    def test_the_delay_is_taken_from_the_report_that_has_it_and_the_rest_from_the_last(self):
        running = {"legs": [{"leg": "l/a", "received": {"packets": "1"}, "added_delay": {
            "packets": "9", "p50": "0.001s", "p99": "0.002s"}}]}
        final = {"legs": [{"leg": "l/a", "received": {"packets": "2"}}], "recordings": [
            {"uri": "file:///tmp/gone.wav", "channels": [{"leg": "l/a"}]}]}
        text = dict(explain_call.explain(running, final, moved_to="/kept.wav"))
        self.assertIn("within 1.00 ms", text["delay that the relay added"][0])
        self.assertIn("2 packets came", text["what each leg experienced"][0])
        self.assertEqual(text["recording"], ["/kept.wav (of a)"])

    def test_a_call_without_packets_is_no_error(self):
        text = dict(explain_call.explain({"legs": [{"leg": "sessions/s/legs/a"}]}))
        self.assertEqual(text["delay that the relay added"], ["no packet has passed"])
        self.assertNotIn("recording", text)


if __name__ == "__main__":
    unittest.main()
