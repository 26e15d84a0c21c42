"""Calls of real SIP endpoints through the relay: baresip as the phone, with every way to agree on
keys; sipp as the carrier, with early media and hold; Chromium with a phone. The application server
between them is the test, with a SIP user agent of its own (tests/e2e/sip/agent.py).

Skipped, aloud, where there is no baresip or no sipp (packages baresip-core and sip-tester)."""

import base64
import os
import re
import shutil
import subprocess
import unittest
import wave

from tests.e2e import browser_test
from tests.e2e.harness import Ingress, NotHeard, RealTimeTest, free_udp_ports, wait_for
from tests.e2e.sip.agent import Agent
from tests.e2e.sip.carrier import Carrier, Ear, write_capture, write_wav
from tests.e2e.sip.phone import SOUND, Phone

SECONDS = 12
# On a quiet machine 95 % and more are recognised. A phone keeps real time, so what else runs costs some.
AS_SPEECH = ["--median", "0.75", "--threshold", "0.6", "--share", "0.8", "--max-missing", "2"]
# A browser's jitter buffer costs some seconds of speech where the machine is busy.
AS_BROWSER_SPEECH = browser_test.AS_SPEECH
# Payload type, rtpmap and ffmpeg's encoder of what trunks speak.
TRUNK = {"pcmu": (0, "PCMU/8000", "pcm_mulaw"), "pcma": (8, "PCMA/8000", "pcm_alaw")}


def what_is_missing():
    for package, program in (("baresip-core", "baresip"), ("sip-tester", "sipp")):
        if not shutil.which(program):
            return "%s is not installed (package %s)" % (program, package)
    return ""


def trunk_sdp(port, codec):
    """What a trunk would offer or answer."""
    number, name, _ = TRUNK[codec]
    return "\r\n".join([
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        "m=audio %d RTP/AVP %d 101" % (port, number), "a=rtpmap:%d %s" % (number, name),
        "a=rtpmap:101 telephone-event/8000", "a=ptime:20", "a=sendrecv", ""])


def port_of(sdp):
    return int(re.search(r"m=audio (\d+) ", sdp).group(1))


def direction_of(sdp):
    return re.search(r"a=(sendrecv|sendonly|recvonly|inactive)", sdp).group(1)


class SipTest(RealTimeTest):
    """What all calls here have in common: two speakers, and the application server's user agent."""

    def setUp(self):
        super().setUp()
        self.woman = self.speech("woman.wav", SECONDS, "woman")
        self.men = self.speech("men.wav", SECONDS, "men")
        self.agent = Agent(free_udp_ports(1)[0])
        self.addCleanup(self.agent.close)

    def phone(self, name, codec, keys="", speech=None, answers="auto", **more):
        """A phone that speaks as the woman, if nothing else is said."""
        phone = Phone(self.path(name), speech or self.woman, codec, keys, answers, **more)
        self.addCleanup(phone.stop)
        return phone

    def described(self, session):
        return self.relay.run("describe", session).stdout

    def packets_of(self, session, leg, way):
        """How many RTP packets a leg has `received` or `sent`."""
        return int(self.relay.report(session)[leg].get(way, {}).get("packets", 0))

    def watch(self, sdp):
        """Keeps what reaches the phone that `sdp` is of: baresip writes down what it hears only until
        it is first on hold."""
        port = port_of(sdp)
        self.ingress = Ingress([port])
        self.addCleanup(self.ingress.stop)
        self.at_phone = self.ingress.packets[port]


class PhoneCall:
    """A call of a phone, which speaks as the woman, with a trunk of plain RTP (ffmpeg), which speaks
    as the men."""

    def __init__(self, test, name, codec, keys, profile, trunk_codec, **more):
        self.test, self.name, self.profile, self.trunk_codec = test, name, profile, trunk_codec
        self.phone = test.phone("phone-" + name, codec, keys, **more)
        self.codec = codec
        number, rtpmap, self.encoder = TRUNK[trunk_codec]
        self.number = number
        self.trunk, = free_udp_ports(1)
        self.hearing = test.hear("trunk-" + name, self.trunk, number, rtpmap)
        # ffmpeg hears on one port and speaks from another.
        self.leg = {"name": "legs/trunk", "profile": "sip-trunk", "acceptFrom": {"sameIp": {}}}

    def phone_calls(self):
        """By BridgeOffer and BridgeAnswer."""
        test = self.test
        self.phone.dial("sip:trunk@127.0.0.1:%d" % test.agent.at[1])
        self.call, invite = test.agent.called()
        bridge = test.rpc("BridgeOffer", offerSdp=invite.body, fromLeg="legs/phone",
                          fromProfile=self.profile, toLeg="legs/trunk",
                          session={"legs": [self.leg]})
        self.session = bridge["session"]["name"]
        answer = test.rpc("BridgeAnswer", name=self.session, fromLeg="legs/trunk",
                          toLeg="legs/phone", answerSdp=trunk_sdp(self.trunk, self.trunk_codec))
        self.relay_port = port_of(bridge["offer_sdp"])
        self.sdp_of_phone, self.sdp_for_phone = invite.body, answer["answer_sdp"]
        self.call.respond(invite, 200, self.sdp_for_phone)
        return self

    def trunk_calls(self, rewrite_offer=str, rewrite_answer=str):
        """Leg by leg: CreateAnswer for the trunk, CreateOffer and SetAnswer for the phone."""
        test = self.test
        legs = [self.leg, {"name": "legs/phone", "profile": self.profile}]
        ways = [{"fromLeg": a["name"], "toLeg": b["name"]} for a, b in (legs, reversed(legs))]
        made = test.rpc("CreateSession", session={"legs": legs, "connections": ways})
        self.session = made["session"]["name"]
        answer = test.rpc("CreateAnswer", name=self.session + "/legs/trunk",
                          offerSdp=trunk_sdp(self.trunk, self.trunk_codec))
        self.relay_port = port_of(answer["answer_sdp"])
        offer = test.rpc("CreateOffer", name=self.session + "/legs/phone")
        self.sdp_for_phone = rewrite_offer(offer["offer_sdp"])
        self.call = test.agent.invite(self.phone.uri, self.sdp_for_phone)
        self.sdp_of_phone = rewrite_answer(self.call.answered().body)
        test.rpc("SetAnswer", name=self.session + "/legs/phone", answerSdp=self.sdp_of_phone)
        return self

    def begin(self):
        """The trunk speaks once the leg of the phone has its keys."""
        wait_for("the phone's leg to be active", lambda: "legs/phone: active" in
                 self.test.described(self.session))
        self.talking = self.test.speak(
            "talking-" + self.name, self.test.men, "127.0.0.1:%d" % self.relay_port, self.number,
            8000, ["-acodec", self.encoder])

    def end(self):
        """Both have spoken for SECONDS, then the agent ends the call."""
        self.talking.wait(60)
        raw = self.test.path("trunk-%s.raw" % self.name)
        wait_for("the trunk to have heard it all",
                 lambda: os.path.getsize(raw) > (SECONDS + 1) * 32000)
        rate, channels = SOUND[self.codec]
        wait_for("the phone to have heard it all",
                 lambda: self.phone.octets_heard() > SECONDS * rate * channels * 2)
        self.described = self.test.described(self.session)
        self.report = self.test.relay.report(self.session)["phone"]
        self.call.hang_up()
        self.test.stop_hearing(self.hearing)

    def check_trunk_heard(self):
        self.test.check_speech(self.test.woman, self.test.path("trunk-%s.wav" % self.name),
                               *AS_SPEECH, "--other", self.test.men)

    def check_phone_heard(self):
        self.test.check_speech(self.test.men, self.phone.heard(), *AS_SPEECH, "--other",
                               self.test.woman)


def converse(*calls):
    """Speech both ways in calls that go on at the same time."""
    for call in calls:
        call.begin()
    for call in calls:
        call.end()
    for call in calls:
        call.check_phone_heard()


@unittest.skipIf(what_is_missing(), what_is_missing())
class PhoneAndTrunk(SipTest):
    def test_plain_phones_call_and_are_called_and_a_muted_one_is_not_heard(self):
        calls = PhoneCall(self, "calls", "g722", "", "sip-phone", "pcmu").phone_calls()
        muted = PhoneCall(self, "muted", "pcmu", "", "sip-phone", "pcmu").trunk_calls()
        muted.phone.command("mute")
        converse(calls, muted)
        calls.check_trunk_heard()
        self.assertIn("transcode(g722@8k->pcmu)", calls.described)
        self.assertIn("m=audio %d RTP/AVP 9 101" % port_of(calls.sdp_for_phone),
                      calls.sdp_for_phone)
        self.assertTrue(calls.report["is_remote_learned"])
        self.assertNotIn("transcode", muted.described)
        with self.assertRaises(NotHeard):
            muted.check_trunk_heard()

    def test_sdes_is_offered_by_the_relay_and_by_a_phone_with_feedback(self):
        called = PhoneCall(self, "called", "opus", "srtp-mand", "sip-srtp", "pcmu").trunk_calls()
        calls = PhoneCall(self, "calls", "pcma", "srtp-mandf", "sip-srtp", "pcma").phone_calls()
        converse(called, calls)
        for call in (called, calls):
            call.check_trunk_heard()
            self.assertEqual(call.report["srtp"].get("auth_failures", 0), 0)
        self.assertIn("RTP/SAVP ", called.sdp_for_phone)
        self.assertIn("open(AES_CM_128_HMAC_SHA1_80) transcode(opus@8k->pcmu)", called.described)
        self.assertIn("RTP/SAVPF ", calls.sdp_for_phone)
        self.assertIn("rekey(pcma)", calls.described)

    def test_sdes_is_optional_on_either_side(self):
        both = PhoneCall(self, "both", "pcmu", "srtp", "sip-osrtp", "pcma").phone_calls()
        phone_only = PhoneCall(self, "plain", "pcma", "", "sip-osrtp", "pcmu").trunk_calls()
        converse(both, phone_only)
        for call in (both, phone_only):
            call.check_trunk_heard()
            self.assertIn("RTP/AVP ", call.sdp_for_phone)
        self.assertIn("a=crypto:1 AES_CM_128_HMAC_SHA1_80", both.sdp_for_phone)
        self.assertIn("open(AES_CM_128_HMAC_SHA1_80)", both.described)
        self.assertNotIn("a=crypto", phone_only.sdp_of_phone)
        self.assertNotIn("seal", phone_only.described)

    def test_dtls_begins_at_the_phone_whoever_calls(self):
        calls = PhoneCall(self, "calls", "g722", "dtls_srtp", "sip-dtls", "pcmu").phone_calls()
        called = PhoneCall(self, "called", "opus", "dtls_srtp", "sip-dtls", "pcma").trunk_calls()
        converse(calls, called)
        for call in (calls, called):
            call.check_trunk_heard()
            self.assertRegex(call.described, "keys from DTLS: A")
            self.assertIn("a=rtcp-mux", call.sdp_of_phone)
            # Its reports come under the keys of the one association, over the one port.
            self.assertGreater(int(call.report["received"].get("rtcp_packets", 0)), 0)
        self.assertIn("a=setup:passive", calls.sdp_for_phone)
        self.assertIn("a=setup:active", called.sdp_of_phone)

    def test_dtls_begins_at_the_relay_where_the_phone_is_passive(self):
        # baresip 1.0 takes a=setup:active for what it is, waits for the hello, and yet answers
        # active: the application server puts that right.
        call = PhoneCall(self, "passive", "pcma", "dtls_srtp", "sip-dtls", "pcmu").trunk_calls(
            lambda sdp: sdp.replace("setup:actpass", "setup:active"),
            lambda sdp: sdp.replace("setup:active", "setup:passive"))
        converse(call)
        call.check_trunk_heard()
        self.assertIn("transcode(pcma->pcmu)", call.described)

    def test_dtls_without_rtcp_mux_has_an_association_for_each_port(self):
        calls = PhoneCall(self, "calls", "pcma", "dtls_srtp", "sip-dtls", "pcmu",
                          has_mux=False).phone_calls()
        called = PhoneCall(self, "called", "pcmu", "dtls_srtp", "sip-dtls", "pcma",
                           has_mux=False).trunk_calls()
        converse(calls, called)
        for call in (calls, called):
            call.check_trunk_heard()
            self.assertNotIn("a=rtcp-mux", call.sdp_of_phone)
            srtp = call.report["srtp"]
            self.assertEqual(srtp["rtcp_suite"], srtp["receive_suite"])
            self.assertEqual(srtp.get("auth_failures", 0), 0)
            # The phone's reports were opened, and answer ours: it has opened those.
            self.assertGreater(int(call.report["received"].get("rtcp_packets", 0)), 0)
            self.assertGreater(int(call.report["round_trip"]["samples"]), 0)

    def test_an_offer_whose_call_is_cancelled_is_rolled_back(self):
        phone = self.phone("ringing", "pcma", answers="manual")
        made = self.rpc("CreateSession", session={"legs": [
            {"name": "legs/phone", "profile": "sip-phone"}]})
        leg = made["session"]["name"] + "/legs/phone"
        call = self.agent.invite(phone.uri, self.rpc("CreateOffer", name=leg)["offer_sdp"])
        call.progress(180)
        call.cancel()
        self.assertEqual(wait_for("a final response", call.invite.response).status, 487)
        with self.assertRaisesRegex(AssertionError, "LEG_NOT_READY"):
            self.rpc("CreateOffer", name=leg)
        self.rpc("RollbackOffer", name=leg)
        self.assertIn("m=audio", self.rpc("CreateOffer", name=leg)["offer_sdp"])

    def test_hold_of_a_transcoded_leg_leaves_no_gap(self):
        call = PhoneCall(self, "held", "pcma", "", "sip-phone", "pcmu").phone_calls()
        ingress = Ingress([call.trunk])
        self.addCleanup(ingress.stop)
        packets = ingress.packets[call.trunk]
        for direction in ("DIRECTION_INACTIVE", "DIRECTION_SENDRECV"):
            before, spoken = len(packets), self.packets_of(call.session, "phone", "received")
            wait_for("half a second of the phone", lambda: self.packets_of(
                call.session, "phone", "received") >= spoken + 25)
            self.rpc("UpdateLeg", leg={"name": call.session + "/legs/trunk",
                                       "direction": direction}, updateMask="direction")
        wait_for("packets after the hold", lambda: len(packets) > before + 25)
        call.call.hang_up()
        numbers = [int.from_bytes(octets[2:4], "big") for _, octets in packets]
        self.assertEqual({(b - a) & 0xFFFF for a, b in zip(numbers, numbers[1:])}, {1})


@unittest.skipIf(what_is_missing(), what_is_missing())
class PhoneAndCarrier(SipTest):
    """A phone calls a carrier, which speaks as the men: one call through all that carriers do."""

    def setUp(self):
        super().setUp()
        self.announcement = self.speech("announcement.wav", 4, "men")
        write_capture(self.announcement, self.path("early.pcap"), 4)
        write_capture(self.men, self.path("talk.pcap"), 60)
        self.carrier = Carrier(self.folder)
        self.addCleanup(self.carrier.stop)
        self.handset = self.phone("phone", "pcma")

    def bridge(self, way, **request):
        ends = {"fromLeg": "legs/caller", "toLeg": "legs/callee"}
        if way == "BridgeAnswer":
            ends = {"fromLeg": "legs/callee", "toLeg": "legs/caller"}
        return self.rpc(way, **ends, **request)

    def phone_calls(self):
        """The phone's INVITE goes to the carrier, which answers with early media."""
        self.handset.dial("sip:carrier@127.0.0.1:%d" % self.agent.at[1])
        self.caller, self.invite = self.agent.called()
        self.watch(self.invite.body)
        bridge = self.bridge("BridgeOffer", offerSdp=self.invite.body, fromProfile="sip-phone",
                             toProfile="sip-trunk", session={"legs": [
                                 {"name": "legs/callee", "acceptFrom": {"sameIp": {}}}]})
        self.session = bridge["session"]["name"]
        self.callee = self.agent.invite(self.carrier.uri, bridge["offer_sdp"])
        progress = self.callee.progress(183)
        answer = self.bridge("BridgeAnswer", name=self.session, answerSdp=progress.body,
                             provisional=True, branch=progress.tag("To"))
        self.answer = answer["answer_sdp"]
        self.caller.respond(self.invite, 183, self.answer)

    def next_step(self):
        """Lets the carrier go on in its scenario."""
        sent = self.callee.request("INFO")
        self.assertEqual(wait_for("a 200 to the INFO", sent.response).status, 200)

    def carrier_answers(self):
        self.next_step()
        answered = self.callee.answered()
        answer = self.bridge("BridgeAnswer", name=self.session, answerSdp=answered.body,
                             branch=answered.tag("To"))
        # The phone has had its answer with the early media.
        self.caller.respond(self.invite, 200, answer.get("answer_sdp") or self.answer)

    def carrier_offers(self, method):
        """The carrier's next offer, answered by the relay; returns the direction of the answer."""
        self.next_step()
        request = self.callee.asked(method)
        answer = self.rpc("CreateAnswer", name=self.session + "/legs/callee",
                          offerSdp=request.body)
        self.callee.respond(request, 200, answer["answer_sdp"])
        return direction_of(answer["answer_sdp"])

    def phone_offers(self, command, method):
        """The phone's next offer, passed on by `method`; returns the directions of the phone's offer
        and of its answer."""
        self.handset.command(command)
        request = self.caller.asked("INVITE")
        bridge = self.bridge("BridgeOffer", name=self.session, offerSdp=request.body)
        answer = self.callee.offer(bridge["offer_sdp"], method)
        done = self.bridge("BridgeAnswer", name=self.session, answerSdp=answer)
        self.caller.respond(request, 200, done["answer_sdp"])
        return direction_of(request.body), direction_of(done["answer_sdp"])

    def handled(self):
        """How many packets the relay has taken or held back: at most three every 20 ms."""
        report = self.relay.report(self.session)
        return sum(int(leg["received"]["packets"]) + int(leg.get("drops", {}).get("paused", 0))
                   for leg in report.values())

    def half_a_second(self):
        """By the clock of the endpoints, of which one always sends."""
        before = self.handled()
        wait_for("packets of half a second", lambda: self.handled() >= before + 3 * 25)

    def who_hears(self):
        """(whether the carrier hears the phone, whether the relay takes what the carrier says,
        whether anything reaches the phone)."""
        def counts():
            return (len(self.carrier.ear.packets),
                    self.packets_of(self.session, "callee", "received"),
                    len(self.at_phone))
        self.half_a_second()  # what was on its way is there by then
        before = counts()
        self.half_a_second()
        return tuple(b > a for a, b in zip(before, counts()))

    def heard_so_far(self):
        """What the phone has heard, while its recording goes on."""
        path = self.path("so-far.wav")
        with open(self.handset.heard(), "rb") as file, wave.open(path, "wb") as copy:
            copy.setnchannels(1)
            copy.setsampwidth(2)
            copy.setframerate(8000)
            copy.writeframes(file.read()[44:])
        return path

    def test_early_media_hold_and_resume(self):
        self.phone_calls()
        early = 3.7 * 16000  # the phone keeps the last frames in its jitter buffer
        wait_for("early media to be heard", lambda: self.handset.octets_heard() > early)
        self.check_speech(self.announcement, self.heard_so_far(), *AS_SPEECH)
        self.carrier_answers()
        wait_for("the carrier to have heard it all",
                 lambda: len(self.carrier.ear.packets) > (SECONDS + 1) * 50)
        wait_for("the phone to have heard it all", lambda: self.handset.octets_heard() >
                 early + (SECONDS + 1) * 16000)
        write_wav((p for _, _, p in self.carrier.ear.packets), "mulaw", self.path("carrier.wav"))
        self.check_speech(self.woman, self.path("carrier.wav"), *AS_SPEECH, "--other", self.men)
        self.check_speech(self.men, self.heard_so_far(), *AS_SPEECH, "--other", self.woman)
        self.check_holds_of_the_carrier()
        self.check_hold_of_the_phone()
        self.check_one_stream()
        self.handset.command("hangup")
        wait_for("the phone to hang up", lambda: self.caller.is_ended)
        self.callee.hang_up()
        self.assertEqual(self.carrier.result(), 0)

    def check_holds_of_the_carrier(self):
        for method, direction, hears, said in (
                ("UPDATE", "recvonly", (False, True, True), "receives only"),
                # The phone, which knows nothing of it, is sent the noise of a silent line.
                ("INVITE", "inactive", (False, False, True), "on hold both ways"),
                ("INVITE", "recvonly", (False, True, True), "receives only"),  # c=0.0.0.0
                ("INVITE", "sendrecv", (True, True, True), "")):
            self.assertEqual(self.carrier_offers(method), direction)
            self.assertEqual(self.who_hears(), hears, direction)
            self.assertIn(said, self.described(self.session))
        self.assertNotRegex(self.described(self.session), "receives only|on hold")
        self.assertGreater(int(self.relay.report(self.session)["callee"]["drops"]["paused"]), 40)

    def check_hold_of_the_phone(self):
        self.assertEqual(self.phone_offers("hold", "INVITE"), ("sendonly", "recvonly"))
        # baresip sends nothing meanwhile: the carrier is sent the noise of a silent line.
        self.assertEqual(self.who_hears(), (True, False, False))
        self.assertEqual(self.phone_offers("resume", "UPDATE"), ("sendrecv", "sendrecv"))
        self.assertEqual(self.who_hears(), (True, True, True))

    def check_one_stream(self):
        """The carrier has seen one source whose numbers only grow, whatever was on hold."""
        packets = self.carrier.ear.packets
        self.assertEqual(len({ssrc for ssrc, _, _ in packets}), 1)
        steps = [(b[1] - a[1]) & 0xFFFF for a, b in zip(packets, packets[1:])]
        self.assertTrue(all(0 < step < 0x8000 for step in steps), steps)


@unittest.skipIf(what_is_missing() or browser_test.what_is_missing(),
                 what_is_missing() or browser_test.what_is_missing())
class PageAndPhone(SipTest):
    """A page of Chromium, which speaks as the woman, calls a phone, which speaks as the men."""

    def setUp(self):
        super().setUp()
        self.browser = browser_test.Browser(self.folder)
        self.addCleanup(self.browser.stop)
        # Over and over, so that it does not matter when the page begins to hear.
        self.said = self.path("over.wav")
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-stream_loop", "4", "-i",
                        self.men, "-c", "copy", self.said], check=True)

    def page_calls(self, colour="", **phone):
        """`colour`: of the page's picture, where it has one."""
        self.handset = self.phone("phone", "pcma", speech=self.said, **phone)
        self.browser.call("a", "open", "/woman.wav", colour)
        bridge = self.rpc("BridgeOffer", offerSdp=self.browser.call("a", "offer"),
                          toProfile="sip-phone", session={"legs": [
                              {"name": "legs/caller", "codecPolicy": {"allow": ["opus", "VP8"]}}]})
        self.session = bridge["session"]["name"]
        self.call = self.agent.invite(self.handset.uri, bridge["offer_sdp"])
        answer = self.rpc("BridgeAnswer", name=self.session,
                          answerSdp=self.call.answered().body)
        self.watch(self.call.answered().body)
        self.browser.call("a", "accept", answer["answer_sdp"])
        wait_for("the page to be connected", lambda: self.browser.call(
            "a", "state")["connection"] == "connected")

    def turn(self, direction):
        """The application changes what it wants of the phone, by re-INVITE; returns the directions of
        its offer and of the phone's answer."""
        leg = self.session + "/legs/callee"
        self.rpc("UpdateLeg", leg={"name": leg, "direction": direction}, updateMask="direction")
        offer = self.rpc("CreateOffer", name=leg)
        answer = self.call.offer(offer["offer_sdp"])
        self.rpc("SetAnswer", name=leg, answerSdp=answer)
        return direction_of(offer["offer_sdp"]), direction_of(answer)

    def page_has_sent(self, packets):
        before = self.packets_of(self.session, "caller", "received")
        wait_for("the page to have sent", lambda: self.packets_of(
            self.session, "caller", "received") >= before + packets)

    def counts(self):
        return len(self.at_phone), self.packets_of(self.session, "callee", "received")

    def page_heard(self):
        """The last SECONDS of what the page has heard: before them its jitter buffer found its size."""
        wait_for("the page to have heard it all", lambda: len(
            self.browser.call("a", "recording")) * 3 // 4 > (SECONDS + 3) * 96000,
            browser_test.PATIENCE)
        path = self.path("page.wav")
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48000)
            file.writeframes(base64.b64decode(
                self.browser.call("a", "recording"))[-SECONDS * 96000:])
        return path

    def test_speech_crosses_both_ways_after_hold_and_resume(self):
        self.page_calls()
        wait_for("media both ways", lambda: all(self.counts()))
        self.assertEqual(self.turn("DIRECTION_INACTIVE"), ("inactive", "inactive"))
        self.assertIn("on hold both ways", self.described(self.session))
        self.page_has_sent(10)  # what was on its way is there by then
        held = self.counts()
        self.page_has_sent(25)
        self.assertEqual(self.counts(), held)
        self.assertEqual(self.turn("DIRECTION_SENDRECV"), ("sendrecv", "sendrecv"))
        self.browser.call("a", "forget")
        self.browser.call("a", "begin")
        heard = self.page_heard()
        captured = self.path("at-phone.wav")
        wait_for("the phone to have heard it all",
                 lambda: len(self.at_phone) > held[0] + (SECONDS + 1) * 50)
        write_wav((octets[12:] for _, octets in self.at_phone[held[0]:]), "alaw", captured)
        self.call.hang_up()
        self.check_speech(self.woman, captured, *AS_BROWSER_SPEECH, "--other", self.men)
        # Second by second, what the page has heard is what the phone has said somewhere.
        self.check_speech(heard, self.said, *AS_BROWSER_SPEECH)
        text = self.described(self.session)
        self.assertIn("as its one ICE candidate", text)
        self.assertIn("transcode(opus@8k->pcma)", text)

    def colour_seen_by_phone(self):
        """The mean of the picture that the phone shows, as [red, green, blue]."""
        path = self.path("seen.png")
        self.handset.command("snapshot_recv", path)

        def octets():
            if not os.path.exists(path):
                return b""
            with open(path, "rb") as file:
                return file.read()
        wait_for("a picture of what the phone shows", lambda: b"IEND" in octets()[-8:])
        done = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-vf",
                               "scale=1:1:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                              stdout=subprocess.PIPE, check=True)
        return list(done.stdout)

    def test_page_and_phone_see_each_other(self):
        self.page_calls("blue", has_camera=True)
        wait_for("the phone's picture", lambda: (
            self.browser.call("a", "stats").get("frames", 0) > 30), browser_test.PATIENCE)
        self.assertEqual(self.browser.call("a", "stats")["pictures_lost"], 0)
        red, green, blue = self.colour_seen_by_phone()
        self.assertGreater(blue, 150)
        self.assertLess(max(red, green), 100)
        text = self.described(self.session)
        self.assertIn("legs/callee-video -> legs/caller: rekey(vp8)", text)
        self.assertIn("legs/caller -> legs/callee-video: open", text)
        leg = self.rpc("GetLeg", name=self.session + "/legs/callee")["leg"]
        self.assertEqual(leg["media"][1]["leg"], self.session + "/legs/callee-video")


if __name__ == "__main__":
    unittest.main()
