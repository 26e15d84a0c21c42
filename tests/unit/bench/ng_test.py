#!/usr/bin/python3
"""What the bench asks rtpengine for, and how it reads the answer."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]))

from tests.bench.suite import cases  # noqa: E402
from tests.bench.suite import ng  # noqa: E402

ANSWER = ("v=0\r\nc=IN IP4 127.0.0.3\r\nm=audio 12000 RTP/SAVP 96\r\na=rtcp:12001\r\n"
          "a=crypto:2 AEAD_AES_128_GCM inline:abc\r\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:x\r\n")


def case(name):
    return cases.chosen([name], False)[0]


class Sdp(unittest.TestCase):
    def test_reads_where_to_send_and_with_which_keys(self):
        found = ng.read_sdp(ANSWER)
        self.assertEqual((found["ip"], found["port"], found["rtcp"], found["type"]),
                         ("127.0.0.3", 12000, 12001, 96))
        self.assertEqual(found["crypto"]["AES_CM_128_HMAC_SHA1_80"],
                         "7 AES_CM_128_HMAC_SHA1_80 inline:x")

    def test_reads_what_it_writes(self):
        found = ng.read_sdp(ng.sdp("127.0.0.2", 10000, "g722", "1 AEAD_AES_128_GCM inline:k"))
        self.assertEqual((found["port"], found["rtcp"], found["type"]), (10000, 10001, 9))
        self.assertIn("AEAD_AES_128_GCM", found["crypto"])


class Requests(unittest.TestCase):
    def test_leaves_one_suite_to_choose_from(self):
        request = ng.offer("c", case("srtp-gcm"), 10000)
        self.assertEqual(request["transport-protocol"], "RTP/SAVP")
        left = set(ng.SUITES) - {each[3:] for each in request["SDES"]}
        self.assertEqual(left, {"AEAD_AES_128_GCM"})

    def test_asks_for_transcoding_only_where_codecs_differ(self):
        self.assertNotIn("codec", ng.offer("c", case("rtp"), 10000))
        self.assertEqual(ng.offer("c", case("pcmu-g722"), 10000)["codec"],
                         {"mask": ["PCMU"], "transcode": ["G722"]})

    def test_says_the_settings_of_opus_only_where_they_are_to_be_the_same(self):
        def name(of):
            return ng.offer("c", case(of), 10000)["codec"]["transcode"][0]
        self.assertEqual(name("pcmu-opus"), "opus/48000/2")
        self.assertIn("/48000/1/24000/", name("pcmu-opus-same"))
        self.assertIn("compression_level=5", name("pcmu-opus-same"))

    def test_answers_with_the_codec_as_it_was_offered(self):
        offered = ng.read_sdp("m=audio 1 RTP/AVP 96\r\na=rtpmap:96 opus/48000\r\n")
        answer = ng.answer("c", case("pcmu-opus-same"), 10002, None, offered["name"])
        self.assertIn("a=rtpmap:96 opus/48000\r\n", answer["sdp"])

    def test_records_only_where_asked(self):
        self.assertEqual(ng.offer("c", case("rtp+record"), 1)["record call"], "on")
        self.assertNotIn("record call", ng.offer("c", case("rtp"), 1))


if __name__ == "__main__":
    unittest.main()
