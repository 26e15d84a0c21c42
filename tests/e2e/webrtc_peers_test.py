"""WebRTC endpoints other than browsers, and a STUN client: aiortc and GStreamer's webrtcbin with a
trunk, a second Causeway as a lite peer, turnutils_stunclient. Speech both ways, judged window by
window.

The tests run in a network namespace of their own (tests/e2e/own_network.py). Skipped, aloud, where it
may not be made (it needs root), or the endpoints are not installed (`deploy/install.sh peers`)."""

import os
import subprocess
import unittest

from tests.e2e.harness import Relay, free_udp_ports, wait_for
from tests.e2e.webrtc import peers
from tests.e2e.webrtc.calls import PCMA, PCMU, ApiTest, PeerCalls


def what_is_missing(module):
    if os.geteuid() != 0:
        return "network namespaces need root"
    if subprocess.run(["/usr/bin/python3", "-c", module], stderr=subprocess.DEVNULL).returncode:
        return "not installed: " + module
    return ""


NO_AIORTC = what_is_missing("import aiortc")
NO_GSTREAMER = what_is_missing(
    "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst; "
    "Gst.init(None); assert Gst.ElementFactory.find('webrtcbin') and "
    "Gst.ElementFactory.find('nicesink')")


def setUpModule():
    peers.enter_network()


@unittest.skipIf(NO_AIORTC, NO_AIORTC)
class Aiortc(PeerCalls):
    program = "aiortc_peer.py"

    def test_it_offers_and_either_side_begins_dtls(self):
        begins = self.call("begins", PCMU, ["opus"])
        waits = self.call("waits", PCMA, is_woman_at_trunk=True)
        self.peer_offers(begins, lambda sdp: sdp.replace("a=setup:actpass", "a=setup:active"))
        self.peer_offers(waits)  # left the choice, the relay begins
        self.converse(begins, waits)
        self.check(begins, "transcode(opus@8k->pcmu)", "->opus")
        self.check(waits, "rekey(pcma)", "pass(pcma)")
        self.assertEqual(begins.peer.call("stats")["dtls"], "client")
        self.assertEqual(waits.peer.call("stats")["dtls"], "server")

    def test_it_answers_and_either_side_begins_dtls(self):
        begins = self.call("begins", PCMU)
        waits = self.call("waits", PCMU, ["opus"], True, is_woman_at_trunk=True)
        self.legs_are_negotiated(begins, codecPolicy={"allow": ["PCMU"]})
        self.trunk_offers(waits)
        self.converse(begins, waits)
        self.check(begins, "legs/trunk -> legs/peer: rekey(pcmu)", "rekey(pcmu) send(rtp)")
        self.check(waits, "transcode(opus@8k->pcmu)", "->opus")
        self.assertEqual(begins.peer.call("stats")["dtls"], "client")
        self.assertEqual(waits.peer.call("stats")["dtls"], "server")

    def test_it_is_not_heard_while_it_is_muted(self):
        self.check_a_muted_peer()


@unittest.skipIf(NO_GSTREAMER, NO_GSTREAMER)
class Gstreamer(PeerCalls):
    program = "gstreamer_peer.py"

    def test_it_offers_and_it_answers(self):
        offers = self.call("offers", PCMU)
        answers = self.call("answers", PCMU, is_woman_at_trunk=True)
        self.peer_offers(offers)
        self.trunk_offers(answers)
        self.converse(offers, answers)
        for call in (offers, answers):
            self.check(call, "transcode(opus@8k->pcmu)", "->opus")


@unittest.skipIf(os.geteuid() != 0, "network namespaces need root")
class LitePeer(ApiTest):
    """A second relay, which is lite; the first one makes the checks."""

    def setUp(self):
        super().setUp()
        folder = self.path("second")
        os.mkdir(folder)
        self.second = Relay(folder, ports="22000-22999")
        self.addCleanup(self.second.stop)

    def session(self, relay, profile, trunk):
        """(name, the relay's port for the trunk) of a call between plain PCMU and `profile`."""
        made = self.rpc("CreateSession", relay, session={
            "legs": [{"name": "legs/web", "profile": profile, "codecPolicy": {"allow": ["opus"]}},
                     {"name": "legs/trunk", "codecs": [{"payloadType": 0}],
                      "remote": {"rtp": {"ip": "127.0.0.1", "port": trunk}},
                      "acceptFrom": {"sameIp": {}}}],
            "connections": [{"fromLeg": "legs/web", "toLeg": "legs/trunk"},
                            {"fromLeg": "legs/trunk", "toLeg": "legs/web"}]})
        legs = {leg["name"].rsplit("/", 1)[1]: leg for leg in made["session"]["legs"]}
        return made["session"]["name"], legs["trunk"]["local"]["rtp"]["port"]

    def negotiate(self, first, second):
        offer = self.rpc("CreateOffer", name=first + "/legs/web")["offer_sdp"]
        self.assertNotIn("ice-lite", offer)
        answer = self.rpc("CreateAnswer", self.second, name=second + "/legs/web",
                          offerSdp=offer)["answer_sdp"]
        self.assertIn("a=ice-lite", answer)
        self.rpc("SetAnswer", name=first + "/legs/web", answerSdp=answer)
        for relay, session in ((self.relay, first), (self.second, second)):
            wait_for("the leg to be active", lambda r=relay, s=session: self.rpc(
                "GetLeg", r, name=s + "/legs/web")["leg"]["state"] == "LEG_STATE_ACTIVE")

    def test_two_relays_carry_a_call_between_two_trunks(self):
        woman = self.speech("woman.wav", PeerCalls.seconds, "woman")
        men = self.speech("men.wav", PeerCalls.seconds, "men")
        ports = free_udp_ports(2)
        first, first_port = self.session(self.relay, "sip-webrtc", ports[0])
        second, second_port = self.session(self.second, "webrtc", ports[1])
        self.negotiate(first, second)
        hearing = [self.hear("heard%d" % i, port, *PCMU[:2]) for i, port in enumerate(ports)]
        talking = [self.say("woman", woman, first_port), self.say("men", men, second_port)]
        for each in talking:
            each.wait(60)
        self.stop_hearing(*hearing)
        self.check_speech(woman, self.path("heard1.wav"), *PeerCalls.as_speech, "--other", men)
        self.check_speech(men, self.path("heard0.wav"), *PeerCalls.as_speech, "--other", woman)


@unittest.skipIf(os.geteuid() != 0, "network namespaces need root")
@unittest.skipUnless(os.path.exists("/usr/bin/turnutils_stunclient"),
                     "turnutils_stunclient (coturn) is not installed")
class StunClient(ApiTest):
    relay_options = {"extra": "ice:\n  answer_plain_binding: true\n"}

    def test_it_is_told_its_address(self):
        made = self.rpc("CreateSession", session={
            "legs": [{"name": "legs/web", "profile": "webrtc"}]})
        port = made["session"]["legs"][0]["local"]["rtp"]["port"]
        # Without an answer the client waits for ever.
        done = subprocess.run(["turnutils_stunclient", "-p", str(port), "127.0.0.1"], timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertRegex(done.stdout, r"UDP reflexive addr: 127\.0\.0\.1:\d+")


if __name__ == "__main__":
    unittest.main()
