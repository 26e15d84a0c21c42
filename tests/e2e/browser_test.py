"""A browser's calls through the relay: Chromium with WebRTC on one side, a trunk of plain RTP, or
another page, on the other. Speech both ways, judged window by window.

Skipped, aloud, where there is no Chromium, Node or playwright-core (`deploy/install.sh browser`)."""

import base64
import json
import os
import re
import socket
import threading
import unittest
import wave

from tests.e2e.chromium import TOOLS, Driver, what_is_missing
from tests.e2e.harness import ROOT, NotHeard, RealTimeTest, free_udp_ports, wait_for

DRIVER = os.path.join(ROOT, "tests/e2e/browser/driver.mjs")
SECONDS = 15
# A browser's jitter buffer stretches time, and speech goes through two codecs. On a quiet machine 95 %
# of the seconds and more are recognised; what else runs beside the browser costs some.
AS_SPEECH = ["--median", "0.8", "--threshold", "0.6", "--share", "0.7", "--max-missing", "1"]
OWN_PORT = {}
SHARED_PORT = {"transport": {"kind": "TRANSPORT_KIND_SHARED_PORT"}}
# For what goes on as long as the speech.
PATIENCE = 3 * SECONDS


class Browser(Driver):
    """Pages of one headless Chromium; see tests/e2e/browser/driver.mjs."""

    def __init__(self, folder, prefix=()):
        super().__init__(folder, [*prefix, "node", DRIVER, folder, TOOLS])

    def call(self, page, function, *arguments):
        return self.ask({"page": page, "call": function, "with": arguments})


def trunk_answer(port, direction="sendrecv", codec="0 101"):
    """What a SIP trunk would answer in its 200."""
    return "\r\n".join([
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        "m=audio %d RTP/AVP %s" % (port, codec), "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000", "a=ptime:20", "a=" + direction, ""])


class LossyWire:
    """In the place of the relay's port for a page: passes all but each fifth picture packet from the
    relay, by the payload type of the pictures."""

    def __init__(self, relay, picture):
        self.relay, self.picture = relay, picture
        self.lost, self.pictures = 0, 0
        self.page = None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((relay[0], 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.is_over = False
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def carry(self):
        while not self.is_over:
            try:
                packet, source = self.socket.recvfrom(65535)
            except socket.timeout:
                continue
            if source != self.relay:
                self.page = source
                self.socket.sendto(packet, self.relay)
                continue
            if 128 <= packet[0] < 192 and packet[1] & 0x7f == self.picture:
                self.pictures += 1
                if self.pictures % 5 == 0:
                    self.lost += 1
                    continue
            if self.page:
                self.socket.sendto(packet, self.page)

    def stop(self):
        self.is_over = True
        self.thread.join()
        self.socket.close()


@unittest.skipIf(what_is_missing(), what_is_missing())
class BrowserCalls(RealTimeTest):
    def prepare(self):
        self.shared_port, = free_udp_ports(1)  # the second worker has the next one
        self.relay_options = {"extra": "    shared_port: %d\n" % self.shared_port}

    def setUp(self):
        super().setUp()
        self.browser = Browser(self.folder)
        self.addCleanup(self.browser.stop)

    def bridge_to_trunk(self, codecs=(), port=OWN_PORT):
        """A page `a` in a call with a trunk of PCMU; `codecs`: the only ones that the relay may have
        with the page; `port`: where it reaches the relay. Returns (session, the relay's port for the trunk)."""
        self.woman = self.speech("woman.wav", SECONDS, "woman")
        self.men = self.speech("men.wav", SECONDS, "men")
        self.trunk, = free_udp_ports(1)
        self.browser.call("a", "open", "/woman.wav")
        bridge = self.rpc("BridgeOffer", offerSdp=self.browser.call("a", "offer"), session={
            # ffmpeg hears on one port and speaks from another.
            "legs": [{"name": "legs/callee", "acceptFrom": {"sameIp": {}}},
                     {"name": "legs/caller", "codecPolicy": {"allow": list(codecs)}, **port}]})
        session = bridge["session"]["name"]
        self.assertIn("RTP/AVP", bridge["offer_sdp"])
        relay_port = int(re.search(r"m=audio (\d+) ", bridge["offer_sdp"]).group(1))
        self.hearing = self.hear("trunk", self.trunk, 0, "PCMU/8000")
        answer = self.rpc("BridgeAnswer", name=session, answerSdp=trunk_answer(self.trunk))
        self.answer = answer["answer_sdp"]
        self.browser.call("a", "accept", self.answer)
        self.wait_connected("a")
        return session, relay_port

    def restart_ice(self, session):
        """Of the page `a`; waits until it is connected again."""
        before = re.search(r"a=ice-ufrag:(\S+)", self.answer).group(1)
        answer = self.rpc("CreateAnswer", name=session + "/legs/caller",
                          offerSdp=self.browser.call("a", "offer", {"iceRestart": True}))
        self.assertNotIn(before, answer["answer_sdp"])
        self.browser.call("a", "accept", answer["answer_sdp"])
        self.wait_connected("a")

    def wait_connected(self, page):
        wait_for("page %s to be connected" % page,
                 lambda: self.browser.call(page, "state")["connection"] == "connected")

    def bridge_pages(self, port=OWN_PORT):
        """Pages `a` and `b`, which are open, in a call with each other; `port`: where they reach the
        relay. Returns (session, the offer for `b`, the answer for `a`)."""
        bridge = self.rpc("BridgeOffer", offerSdp=self.browser.call("a", "offer"),
                          toProfile="webrtc", session={"legs": [
                              {"name": "legs/caller", **port}, {"name": "legs/callee", **port}]})
        session = bridge["session"]["name"]
        answer = self.rpc("BridgeAnswer", name=session, answerSdp=self.browser.call(
            "b", "answer", bridge["offer_sdp"]))["answer_sdp"]
        self.browser.call("a", "accept", answer)
        for page in ("a", "b"):
            self.wait_connected(page)
        return session, bridge["offer_sdp"], answer

    def heard_by(self, page):
        """What a page has heard so far, as a WAV file."""
        samples = base64.b64decode(self.browser.call(page, "recording"))
        path = self.path("page-%s.wav" % page)
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48000)
            file.writeframes(samples)
        return path

    def converse(self, relay_port):
        """Both sides speak for SECONDS."""
        self.browser.call("a", "begin")
        talking = self.speak("talking", self.men, "127.0.0.1:%d" % relay_port, 0, 8000,
                             ["-acodec", "pcm_mulaw"])
        talking.wait(60)
        # The last of it is on its way through the browser's jitter buffer.
        wait_for("the page to have heard it all", lambda: len(
            self.browser.call("a", "recording")) * 3 // 4 > (SECONDS + 1) * 96000, PATIENCE)

    def test_speech_crosses_both_ways_between_opus_in_a_browser_and_a_trunk(self):
        session, relay_port = self.bridge_to_trunk(["opus"])
        self.assertEqual(len(re.findall("a=candidate:", self.answer)), 1)
        self.assertIn("a=ice-lite", self.answer)
        self.converse(relay_port)
        self.stop_hearing(self.hearing)
        self.check_speech(self.woman, self.path("trunk.wav"), *AS_SPEECH, "--other", self.men)
        self.check_speech(self.men, self.heard_by("a"), *AS_SPEECH, "--other", self.woman)
        stats = self.browser.call("a", "stats")
        self.assertEqual(stats["dtls"], "connected")
        self.assertEqual(stats["remote_candidates"], 1)
        self.assertEqual(stats["lost"], 0)
        self.assertGreater(stats["received"], SECONDS * 45)
        text = self.relay.run("describe", session).stdout
        self.assertIn("as its one ICE candidate", text)
        self.assertIn("legs/caller -> legs/callee: open(", text)
        self.assertIn("transcode(opus@8k->pcmu)", text)
        report = self.relay.report(session)
        self.assertEqual(int(report["caller"]["received"].get("lost_packets", 0)), 0)

    def test_nothing_is_transcoded_where_both_have_a_codec(self):
        session, relay_port = self.bridge_to_trunk()
        self.converse(relay_port)
        self.stop_hearing(self.hearing)
        self.check_speech(self.woman, self.path("trunk.wav"), *AS_SPEECH)
        self.check_speech(self.men, self.heard_by("a"), *AS_SPEECH)
        self.assertIn("rekey(pcmu)", self.relay.run("describe", session).stdout)

    def test_a_muted_page_is_not_heard(self):
        _, relay_port = self.bridge_to_trunk(["opus"])
        self.browser.call("a", "mute", True)
        self.converse(relay_port)
        self.stop_hearing(self.hearing)
        with self.assertRaises(NotHeard):
            self.check_speech(self.woman, self.path("trunk.wav"), *AS_SPEECH)

    def test_hold_resume_and_an_ice_restart_leave_the_call_whole(self):
        session, relay_port = self.bridge_to_trunk()
        caller = session + "/legs/caller"
        held = []
        for direction in ("inactive", "sendrecv"):
            self.browser.call("a", "direct", direction)
            answer = self.rpc("CreateAnswer", name=caller, offerSdp=self.browser.call("a", "offer"))
            self.browser.call("a", "accept", answer["answer_sdp"])
            held.append(answer["leg"]["direction"])
        self.assertEqual(held, ["DIRECTION_INACTIVE", "DIRECTION_SENDRECV"])
        self.restart_ice(session)
        self.converse(relay_port)
        self.stop_hearing(self.hearing)
        self.check_speech(self.woman, self.path("trunk.wav"), *AS_SPEECH)
        self.check_speech(self.men, self.heard_by("a"), *AS_SPEECH)

    def pages_speak(self, port=OWN_PORT):
        """Two pages in a call with each other. Returns (session, the relay's offer, its answer)."""
        woman = self.speech("woman.wav", SECONDS, "woman")
        men = self.speech("men.wav", SECONDS, "men")
        self.browser.call("a", "open", "/woman.wav")
        self.browser.call("b", "open", "/men.wav")
        session, offer, answer = self.bridge_pages(port)
        for page in ("a", "b"):
            self.browser.call(page, "begin")
        for page in ("a", "b"):
            wait_for("the page to have heard it all", lambda p=page: len(
                self.browser.call(p, "recording")) * 3 // 4 > (SECONDS + 2) * 96000, PATIENCE)
        self.check_speech(woman, self.heard_by("b"), *AS_SPEECH, "--other", men)
        self.check_speech(men, self.heard_by("a"), *AS_SPEECH, "--other", woman)
        return session, offer, answer

    def test_two_pages_speak_with_each_other(self):
        session, _, _ = self.pages_speak()
        self.assertIn("rekey(opus,", self.relay.run("describe", session).stdout)

    def test_two_pages_on_one_shared_port_are_told_apart(self):
        session, offer, answer = self.pages_speak(SHARED_PORT)
        ports = [re.search(r"a=candidate:.* (\d+) typ host", each).group(1) for each in (offer, answer)]
        self.assertEqual(ports[0], ports[1])
        self.assertIn(int(ports[0]), (self.shared_port, self.shared_port + 1))
        text = self.relay.run("describe", session).stdout
        self.assertIn("rekey(opus,", text)
        self.assertEqual(text.count("the port that all legs of its worker share"), 2)
        node = self.relay.json("node")["node"]
        self.assertEqual(node["networks"][0]["sharing_legs"], 2)
        for worker in node["workers"]:
            self.assertEqual(int(worker.get("misrouted_checks", 0)), 0)
            self.assertEqual(int(worker.get("unknown_checks", 0)), 0)

    def test_a_page_on_the_shared_port_speaks_with_a_trunk_through_an_ice_restart(self):
        session, relay_port = self.bridge_to_trunk(port=SHARED_PORT)
        self.restart_ice(session)
        self.converse(relay_port)
        self.stop_hearing(self.hearing)
        self.check_speech(self.woman, self.path("trunk.wav"), *AS_SPEECH)
        self.check_speech(self.men, self.heard_by("a"), *AS_SPEECH)
        report = self.relay.report(session)
        self.assertEqual(int(report["caller"]["received"].get("lost_packets", 0)), 0)
        self.relay.run("rpc", "RelayService.DeleteSession", json.dumps({"name": session}))
        node = self.relay.json("node")["node"]
        self.assertEqual(node["networks"][0].get("sharing_legs", 0), 0)

    def test_two_pages_see_each_other(self):
        self.speech("woman.wav", 5, "woman")
        self.browser.call("a", "open", "/woman.wav", "red")
        self.browser.call("b", "open", "/woman.wav", "blue")
        session, _, answer = self.bridge_pages()
        self.assertEqual(len(re.findall("a=candidate:", answer)), 1)
        for page, index, others in (("a", 2, (0, 1)), ("b", 0, (1, 2))):
            wait_for("the other page's picture", lambda p=page: (
                self.browser.call(p, "stats").get("frames", 0) > 45), PATIENCE)
            colour = self.browser.call(page, "seen")
            self.assertGreater(colour[index], 150, colour)
            for other in others:
                self.assertLess(colour[other], 100, colour)
            self.assertEqual(self.browser.call(page, "stats")["pictures_lost"], 0)
        self.assertIn("vp8", self.relay.run("describe", session).stdout)

    def negotiate(self, session, offerer, answerer):
        """An offer of the page `offerer` in mid-call. Returns (its offer, the relay's)."""
        legs = {"a": "legs/caller", "b": "legs/callee"}
        ways = {"fromLeg": legs[offerer], "toLeg": legs[answerer]}
        offer = self.browser.call(offerer, "offer")
        bridge = self.rpc("BridgeOffer", name=session, offerSdp=offer, **ways)
        answer = self.rpc("BridgeAnswer", name=session, fromLeg=legs[answerer], toLeg=legs[offerer],
                          answerSdp=self.browser.call(answerer, "answer", bridge["offer_sdp"]))
        self.browser.call(offerer, "accept", answer["answer_sdp"])
        return offer, bridge["offer_sdp"]

    def wait_seen(self, page, mid, index):
        """Until more frames of this section have come, in the colour of that index."""
        def frames():
            return self.browser.call(page, "stats").get("frames_of", {}).get(mid, 0)
        before = frames()
        wait_for("more pictures of %s at %s" % (mid, page), lambda: frames() > before + 15, PATIENCE)

        def is_seen():
            colour = self.browser.call(page, "seen", mid)
            return colour and colour[index] > 150 and sum(colour) - colour[index] < 150
        wait_for("the colour %d of %s at %s" % (index, mid, page), is_seen, PATIENCE)

    def test_a_screen_is_shared_beside_the_camera_and_taken_away_in_mid_call(self):
        self.speech("woman.wav", 5, "woman")
        self.browser.call("a", "open", "/woman.wav", "red")
        self.browser.call("b", "open", "/woman.wav", "blue")
        session, _, _ = self.bridge_pages()
        camera, = self.browser.call("b", "screens")
        self.wait_seen("b", camera, 0)
        lines = []
        for colour, index in (("lime", 1), ("blue", 2)):
            self.browser.call("a", "share", colour)
            offers = self.negotiate(session, "a", "b")
            lines.append([len(re.findall("m=video", offer)) for offer in offers])
            # One payload type for both, so that nothing else tells them apart.
            types = re.findall(r"m=video \d+ \S+ (\d+)", offers[0])
            self.assertEqual(len(set(types)), 1)
            shown = self.browser.call("b", "screens")
            self.assertEqual(len(shown), 2)
            screen, = set(shown) - {camera}
            self.wait_seen("b", screen, index)
            self.wait_seen("b", camera, 0)
            leg = next(each for each in self.rpc("GetSession", name=session)["session"]["legs"]
                       if each["name"].endswith("/callee"))
            self.assertEqual([each["mid"] for each in leg["video_sections"]], [camera, screen])
            self.browser.call("a", "stopSharing")
            self.negotiate(session, "a", "b")
            self.assertEqual(self.browser.call("b", "screens"), [camera])
            self.wait_seen("b", camera, 0)
        # The second took the lines of the first.
        self.assertEqual(lines, [[2, 2], [2, 2]])
        # The other page shares too, under the offer of its own.
        self.browser.call("b", "share", "lime")
        self.negotiate(session, "b", "a")
        mids = self.browser.call("a", "screens")
        self.assertEqual(len(mids), 2)
        self.wait_seen("a", mids[0], 2)
        self.wait_seen("a", mids[1], 1)
        # All the while the sound went on, and nothing of it was lost on either hop.
        for page, other in (("a", "b"), ("b", "a")):
            sent = self.browser.call(other, "stats")["sent"]
            self.assertGreater(sent, 50 * 5)
            wait_for("the sound that was sent", lambda p=page, n=sent: (
                self.browser.call(p, "stats")["received"] >= n), PATIENCE)
            self.assertEqual(self.browser.call(page, "stats")["lost"], 0)
        report = self.relay.report(session)
        for leg in ("caller", "callee"):
            self.assertEqual(int(report[leg]["received"].get("lost_packets", 0)), 0)

    def test_lost_pictures_are_sent_again_by_the_relay(self):
        self.speech("woman.wav", 5, "woman")
        self.browser.call("a", "open", "/woman.wav", "red")
        self.browser.call("b", "open", "/woman.wav", "blue")
        bridge = self.rpc("BridgeOffer", offerSdp=self.browser.call("a", "offer"),
                          toProfile="webrtc")
        session = bridge["session"]["name"]
        candidate = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) ", bridge["offer_sdp"])
        relay = (candidate.group(1), int(candidate.group(2)))
        picture = int(re.search(r"m=video \d+ \S+ (\d+)", bridge["offer_sdp"]).group(1))
        wire = LossyWire(relay, picture)
        self.addCleanup(wire.stop)
        offer = bridge["offer_sdp"].replace(
            candidate.group(0), candidate.group(0).replace(" %d " % relay[1], " %d " % wire.port))
        answer = self.rpc("BridgeAnswer", name=session,
                          answerSdp=self.browser.call("b", "answer", offer))
        self.assertIn("apt=%d" % picture, offer)
        self.browser.call("a", "accept", answer["answer_sdp"])
        for page in ("a", "b"):
            self.wait_connected(page)
        wait_for("pictures to be lost and to come again", lambda: wire.lost > 20 and (
            self.browser.call("b", "stats").get("pictures_sent_again", 0) > 20), PATIENCE)
        stats = self.browser.call("b", "stats")
        self.assertGreater(stats["frames"], 45)
        self.assertGreater(stats["pictures_asked_for"], 5)
        # What the relay still has the sender is not asked for.
        self.assertEqual(self.browser.call("a", "stats")["pictures_asked_of_us"], 0)


if __name__ == "__main__":
    unittest.main()
