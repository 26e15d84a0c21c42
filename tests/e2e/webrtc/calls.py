"""Calls between a WebRTC endpoint of this folder and a trunk of ffmpeg."""

import dataclasses
import re
import subprocess
import wave

from tests.e2e.harness import NotHeard, RealTimeTest, free_udp_ports, wait_for
from tests.e2e.webrtc import peers

PCMU = (0, "PCMU/8000", "pcm_mulaw")  # payload type, name in SDP, name in ffmpeg
PCMA = (8, "PCMA/8000", "pcm_alaw")


def trunk_sdp(port, codec):
    """What a SIP trunk would say in its INVITE, or its 200."""
    return "\r\n".join(["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
                        "m=audio %d RTP/AVP %d" % (port, codec[0]),
                        "a=rtpmap:%d %s" % codec[:2], ""])


def put_silence_before(path, seconds):
    with wave.open(path) as file:
        parameters, octets = file.getparams(), file.readframes(file.getnframes())
    with wave.open(path, "wb") as file:
        file.setparams(parameters)
        file.writeframes(bytes(seconds * parameters.framerate * parameters.sampwidth) + octets)


def port_in(sdp):
    return int(re.search(r"m=audio (\d+) ", sdp).group(1))


@dataclasses.dataclass
class Call:
    """With a trunk of ffmpeg, which hears on one port and speaks from another."""

    name: str
    peer: peers.Peer
    codec: tuple  # the trunk's
    peer_says: str  # WAV files
    trunk_says: str
    trunk: int  # the trunk's port
    hearing: subprocess.Popen
    relay_port: int = 0  # the relay's, for the trunk
    session: str = ""


class ApiTest(RealTimeTest):
    def say(self, name, wav, port, codec=PCMU):
        return self.speak(name, wav, "127.0.0.1:%d" % port, codec[0], 8000, ["-acodec", codec[2]])


class PeerCalls(ApiTest):
    """Calls of endpoints that are programs of tests/e2e/webrtc, with a trunk."""

    relay_options = {"extra": peers.NETWORK}
    program = ""
    seconds = 12
    # Seconds of silence before the speech, while jitter buffers find their size, and after it.
    lead_in, tail = 0, 0.5
    as_speech = ["--median", "0.8", "--threshold", "0.6", "--share", "0.85", "--max-missing", "1"]

    def setUp(self):
        super().setUp()
        self.peers = []
        self.woman = self.speech("woman.wav", self.seconds, "woman")
        self.men = self.speech("men.wav", self.seconds, "men")
        for path in (self.woman, self.men):
            put_silence_before(path, self.lead_in)

    def tearDown(self):
        for peer in self.peers:  # they write into the folder
            peer.stop()
        super().tearDown()

    def call(self, name, codec, *preferences, is_woman_at_trunk=False):
        peer = peers.Peer(self.folder, name + "-peer", self.program)
        self.peers.append(peer)
        voices = [self.woman, self.men]
        if is_woman_at_trunk:
            voices.reverse()
        peer.call("open", voices[0], *preferences)
        trunk, = free_udp_ports(1)
        hearing = self.hear(name + "-trunk", trunk, *codec[:2])
        return Call(name, peer, codec, *voices, trunk, hearing)

    @staticmethod
    def legs(**peer):
        return [{"name": "legs/peer", "network": "veth", "profile": "webrtc", **peer},
                {"name": "legs/trunk", "profile": "sip-trunk", "acceptFrom": {"sameIp": {}}}]

    def peer_offers(self, call, as_carried=lambda sdp: sdp, **peer_leg):
        """The common bridge. `as_carried`: what the application makes of the endpoint's offer."""
        offer = as_carried(call.peer.call("offer"))
        bridge = self.rpc("BridgeOffer", offerSdp=offer, fromLeg="legs/peer", toLeg="legs/trunk",
                          session={"legs": self.legs(**peer_leg)})
        call.relay_port = port_in(bridge["offer_sdp"])
        call.session = bridge["session"]["name"]
        answer = self.rpc("BridgeAnswer", name=call.session, fromLeg="legs/trunk",
                          toLeg="legs/peer", answerSdp=trunk_sdp(call.trunk, call.codec))
        self.assertEqual(len(re.findall("a=candidate:", answer["answer_sdp"])), 1)
        call.peer.call("accept", answer["answer_sdp"])

    def trunk_offers(self, call):
        """The common bridge, the other way."""
        bridge = self.rpc("BridgeOffer", offerSdp=trunk_sdp(call.trunk, call.codec),
                          fromLeg="legs/trunk", fromProfile="sip-trunk", toLeg="legs/peer",
                          toProfile="webrtc", session={"legs": self.legs()})
        call.session = bridge["session"]["name"]
        answer = self.rpc("BridgeAnswer", name=call.session, fromLeg="legs/peer",
                          toLeg="legs/trunk",
                          answerSdp=call.peer.call("answer", bridge["offer_sdp"]))
        call.relay_port = port_in(answer["answer_sdp"])

    def legs_are_negotiated(self, call, **peer_leg):
        """The same leg by leg."""
        made = self.rpc("CreateSession", session={
            "legs": self.legs(**peer_leg),
            "connections": [{"fromLeg": "legs/peer", "toLeg": "legs/trunk"},
                            {"fromLeg": "legs/trunk", "toLeg": "legs/peer"}]})
        call.session = made["session"]["name"]
        answer = self.rpc("CreateAnswer", name=call.session + "/legs/trunk",
                          offerSdp=trunk_sdp(call.trunk, call.codec))
        call.relay_port = port_in(answer["answer_sdp"])
        offer = self.rpc("CreateOffer", name=call.session + "/legs/peer")["offer_sdp"]
        self.rpc("SetAnswer", name=call.session + "/legs/peer",
                 answerSdp=call.peer.call("answer", offer))

    def converse(self, *calls):
        """All speak at the same time; returns when all have been heard."""
        for call in calls:
            wait_for("the endpoint to be connected",
                     lambda c=call: c.peer.call("state") == "connected")
        talking, until = [], {}
        for call in calls:
            until[call.name] = (call.peer.call("seconds_heard") + self.lead_in + self.seconds +
                                self.tail)
            call.peer.call("begin")
            talking.append(self.say(call.name + "-talking", call.trunk_says, call.relay_port,
                                    call.codec))
        for each in talking:
            each.wait(60)
        for call in calls:
            wait_for("all of the speech", lambda c=call: (
                c.peer.call("seconds_heard") > until[c.name]))
            call.peer.call("recording", self.path(call.name + "-peer.wav"))
        self.stop_hearing(*(call.hearing for call in calls))

    def check_peer_heard(self, call):
        self.check_speech(call.trunk_says, self.path(call.name + "-peer.wav"), *self.as_speech,
                          "--other", call.peer_says)

    def check_trunk_heard(self, call):
        self.check_speech(call.peer_says, self.path(call.name + "-trunk.wav"), *self.as_speech,
                          "--other", call.trunk_says)

    def check_a_muted_peer(self):
        """It hears and is not heard."""
        call = self.call("muted", PCMU)
        self.peer_offers(call)
        call.peer.call("mute", True)
        self.converse(call)
        self.check_peer_heard(call)
        with self.assertRaises(NotHeard):
            self.check_trunk_heard(call)

    def check(self, call, *plans):
        """Each has heard the other, nothing was lost, and the plans are these."""
        self.check_peer_heard(call)
        self.check_trunk_heard(call)
        report = self.relay.report(call.session)["peer"]
        self.assertEqual(int(report["received"].get("lost_packets", 0)), 0)
        stats = call.peer.call("stats")
        self.assertLessEqual(stats["lost"], 0)  # GStreamer counts -1 from the outset
        self.assertGreater(stats["received"], self.seconds * 45)
        text = self.relay.run("describe", call.session).stdout
        for plan in plans:
            self.assertIn(plan, text)
