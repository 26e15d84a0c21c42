"""Firefox's calls through the relay, as tests/e2e/browser_test.py has them of Chromium. Where it
begins DTLS, which it does when it answers, its ClientHello spans datagrams.

Skipped, aloud, where Firefox or PulseAudio is not installed (`deploy/install.sh firefox`), or no
network namespace may be made: with loopback alone it gathers no candidate."""

import os
import re
import unittest

from tests.e2e.harness import wait_for
from tests.e2e.webrtc import peers
from tests.e2e.webrtc.calls import PCMU, PeerCalls


def setUpModule():
    peers.enter_network()


@unittest.skipUnless(all(map(os.path.exists, ("/usr/bin/firefox-esr", "/usr/bin/pulseaudio"))),
                     "Firefox or PulseAudio is not installed")
class Firefox(PeerCalls):
    program = "firefox_peer.py"
    seconds, lead_in, tail = 20, 3, 2
    # While it finds its size, its jitter buffer stretches the beginning.
    as_speech = ["--median", "0.8", "--threshold", "0.6", "--share", "0.85", "--max-missing", "0"]

    def test_it_offers_opus(self):
        call = self.call("opus", PCMU)
        self.peer_offers(call, codecPolicy={"allow": ["opus"]})
        self.converse(call)
        self.check(call, "transcode(opus@8k->pcmu)", "->opus")
        stats = call.peer.call("stats")
        self.assertEqual(stats["dtls"], "connected")
        self.assertEqual(stats["remote_candidates"], 1)

    def test_it_answers_and_nothing_is_transcoded(self):
        call = self.call("pcmu", PCMU, is_woman_at_trunk=True)
        self.trunk_offers(call)
        self.converse(call)
        self.check(call, "legs/trunk -> legs/peer: rekey(pcmu)", "pass(pcmu)")

    def test_it_is_not_heard_while_it_is_muted(self):
        self.check_a_muted_peer()

    def offers_anew(self, call, options=None):
        """Returns the relay's answer."""
        answer = self.rpc("CreateAnswer", name=call.session + "/legs/peer",
                          offerSdp=call.peer.call("offer", options))
        call.peer.call("accept", answer["answer_sdp"])
        return answer

    def test_hold_resume_and_an_ice_restart_leave_the_call_whole(self):
        call = self.call("held", PCMU)
        self.peer_offers(call)
        wait_for("Firefox to be connected", lambda: call.peer.call("state") == "connected")
        held = []
        for direction in ("inactive", "sendrecv"):
            call.peer.call("direct", direction)
            answer = self.offers_anew(call)
            held.append(answer["leg"]["direction"])
        self.assertEqual(held, ["DIRECTION_INACTIVE", "DIRECTION_SENDRECV"])
        before = re.search(r"a=ice-ufrag:(\S+)", answer["answer_sdp"]).group(1)
        restarted = self.offers_anew(call, {"iceRestart": True})["answer_sdp"]
        self.assertNotIn(before, restarted)
        self.converse(call)
        self.check(call)


if __name__ == "__main__":
    unittest.main()
