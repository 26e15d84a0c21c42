"""The demo of deploy/demo in Chromium: calls of its page with a SIP phone, both ways round, and with
another page; speech, hold, keys, recording. What a person does, deploy/demo/check.py does.

Skipped, aloud, where there is no Chromium, playwright-core, baresip or Node's client
(`deploy/install.sh browser demo`)."""

import json
import os
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request

from deploy.demo.check import LAPTOP, Browser, Check
from tests.e2e import chromium
from tests.e2e.demo_sip_test import Peer
from tests.e2e.harness import ROOT, RealTimeTest, terminate, wait_for
from tests.e2e.sip.phone import Phone


SMALL = {"width": 360, "height": 740}


def what_is_missing():
    for program in ("npm", "baresip"):
        if not shutil.which(program):
            return program + " is not installed"
    if not os.path.isdir(os.path.join(ROOT, "out/clients/node/node_modules")):
        return "Node's packages are not installed"
    return chromium.what_is_missing()


@unittest.skipIf(what_is_missing(), what_is_missing())
class Demo(RealTimeTest):
    @classmethod
    def setUpClass(cls):
        subprocess.run([os.path.join(ROOT, "control/clients/build.sh"), "node"], check=True)

    def setUp(self):
        super().setUp()
        self.serve()

    def serve(self, *more):
        self.server = subprocess.Popen(
            ["node", os.path.join(ROOT, "deploy/demo/server.mjs"), "--relay", self.relay.api,
             "--listen", "127.0.0.1:0", "--sip", "127.0.0.1:0", *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(terminate, self.server)
        self.url = self.server.stdout.readline().strip()
        self.check = Check(self.url, self.folder)

    def tearDown(self):
        terminate(self.server)
        if self.relay.process.poll() is None:
            self.assertEqual(self.relay.json("session", "list").get("sessions", []), [])
        super().tearDown()

    def test_a_page_and_a_phone_hear_each_other_and_the_recording_has_both(self):
        self.check.with_phone()

    def test_a_page_and_another_page_hear_each_other(self):
        self.check.with_another_page()

    def test_a_phone_calls_a_page_holds_and_hangs_up(self):
        phone = Phone(self.path("phone"), self.check.men, "pcma")
        self.addCleanup(phone.stop)
        with Browser(self.folder, self.check.woman) as browser:
            page, number = self.check.ready(browser, "a", LAPTOP, "light")
            address = page("text", "#sip").split()[-1]
            phone.dial(address)
            self.check.expect(page, r"sip:phone@\S+ is calling")
            self.assertEqual(page("focused"), "accept")
            page("press", "Enter")
            self.check.expect(page, "You are talking with sip:phone@")
            self.check.expect(page, r"opus@8k->pcma", "#chain")
            self.check.expect(page, r"The relay sends to 127\.0\.0\.1:\d+ from now on", "#events")
            page("hear", 1)
            phone.command("hold")
            self.check.expect(page, "has put you on hold")
            phone.command("resume")
            self.check.expect(page, "The call goes on")
            phone.command("hangup")
            self.check.expect(page, "the phone hung up")
            phone.dial(address.replace(number, "999"))
            wait_for("the phone to be told that nobody is there", lambda: self.phone_said(phone, "404"))
            self.check.finished(page)

    def test_a_phone_is_called_by_tcp(self):
        phone = Phone(self.path("phone"), self.check.men, "pcma")
        self.addCleanup(phone.stop)
        with Browser(self.folder, self.check.woman) as browser:
            page, _ = self.check.ready(browser, "a", LAPTOP, "light")
            page("fill", "Whom to call", phone.uri + ";transport=tcp")
            page("press", "Enter")
            self.check.expect(page, "You are talking with")
            page("click", "Hold")
            self.check.expect(page, "On hold")
            page("click", "Hang up")
            self.check.expect(page, "The call has ended")
            wait_for("the phone to be told", lambda: self.phone_said(phone, "session closed"))
            self.assertTrue(self.phone_said(phone, "SIP/2.0/TCP"))
            self.assertFalse(self.phone_said(phone, "SIP/2.0/UDP"))
            self.check.finished(page)

    def test_calls_that_cannot_be_are_refused_in_words(self):
        with Browser(self.folder, self.check.woman) as browser:
            a, _ = self.check.ready(browser, "a", LAPTOP, "light")
            b, other = self.check.ready(browser, "b", LAPTOP, "light")
            for target, words in (("999", "there is no other page with number 999"),
                                  ("sip:", "is not a SIP address")):
                a("fill", "Whom to call", target)
                a("press", "Enter")
                self.check.expect(a, words)
            a("click", "Page " + other)
            self.check.expect(b, "is calling")
            b("click", "Decline")
            self.check.expect(a, "The call has ended: declined")
            for page in a, b:
                self.check.expect(page, "Whom to call", "#dial")

    def test_the_server_does_nothing_for_strangers(self):
        body = json.dumps({"token": "guessed", "to": "101", "offer": "v=0"}).encode()
        for kind in ("application/json", "text/plain"):
            request = urllib.request.Request(self.url + "api/call", body, {"content-type": kind})
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            self.assertEqual(refused.exception.code, 400)
            refused.exception.close()
        for path in ("../server.mjs", "recordings/none.wav", "nothing.js"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(self.url + path)
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()

    def call_between_pages(self, browser, viewport, scheme):
        """Pages a and b, talking."""
        a, number = self.check.ready(browser, "a", viewport, scheme)
        b, other = self.check.ready(browser, "b", viewport, scheme)
        b("click", "Page " + number)
        self.check.expect(a, "Page %s is calling" % other)
        a("click", "Answer")
        for page in a, b:
            self.check.expect(page, "You are talking with")
        return a, b

    def test_nothing_stands_in_the_way_of_a_screen_reader_or_a_small_window(self):
        with Browser(self.folder, self.check.woman) as browser:
            for viewport, scheme in ((LAPTOP, "light"), (SMALL, "dark")):
                def judge(page, when):
                    self.assertEqual(page("barriers"), [], when)
                    self.assertLessEqual(page("overflow"), 0, when)
                a, number = self.check.ready(browser, "a", viewport, scheme)
                judge(a, "before a call")
                b, other = self.check.ready(browser, "b", viewport, scheme)
                b("click", "Page " + number)
                self.check.expect(a, "Page %s is calling" % other)
                judge(a, "while it rings")
                a("click", "Answer")
                self.check.expect(a, "You are talking with")
                a("click", "Keypad")
                a("click", "Record")
                self.check.expect(a, "being recorded")
                self.check.expect(a, "packets in", "#legs")
                self.check.expect(a, r"->|rekey", "#chain")
                judge(a, "in a call")
                a("click", "Record")
                self.check.expect(a, "recording is finished")
                a("click", "Hang up")
                self.check.expect(a, "The call has ended")
                judge(a, "after a call")
                for page in a, b:
                    page("close")

    def test_all_of_a_call_can_be_done_from_the_keyboard(self):
        with Browser(self.folder, self.check.woman) as browser:
            b, number = self.check.ready(browser, "b", LAPTOP, "light")
            a, _ = self.check.ready(browser, "a", LAPTOP, "light")
            seen = []
            while "to" not in seen and len(seen) < 10:
                a("press", "Tab")
                seen.append(a("focused"))
            self.assertEqual(seen[-1], "to", seen)
            for key in number:
                a("press", key)
            a("press", "Enter")
            self.check.expect(b, "is calling")
            b("press", "Enter")
            self.check.expect(a, "You are talking with")
            order = []
            while "mute" not in order and len(order) < 40:
                a("press", "Shift+Tab")
                order.append(a("focused"))
            self.assertEqual(order, ["keys", "record", "hold", "mute"])
            a("press", "Space")
            self.check.expect(a, "You are muted")
            b("press", "Enter")  # On Hang up, where the focus is.
            self.check.expect(a, "The call has ended: Page %s hung up" % number)

    def test_a_microphone_that_cannot_be_had_is_told_in_words_and_calls_nobody(self):
        with Browser(self.folder, self.check.woman) as browser:
            a, number = self.check.ready(browser, "a", LAPTOP, "light")
            b, _ = self.check.ready(browser, "b", LAPTOP, "light")
            for why, words in (("NotAllowedError", "Allow it"), ("NotFoundError", "There is no microphone"),
                               ("NotReadableError", "another program")):
                b("withoutMicrophone", why)
                b("click", "Page " + number)
                self.check.expect(b, words)
            self.check.expect(a, "Ready")
            a("click", "Page %d" % (int(number) + 1))
            self.check.expect(b, "is calling")
            b("click", "Answer")
            self.check.expect(b, "another program")
            self.check.expect(a, "The call has ended: the page that was called has no microphone")

    def test_a_phone_that_is_busy_or_answers_nothing_is_told_in_words(self):
        terminate(self.server)
        self.serve("--no-answer", "2")
        with Browser(self.folder, self.check.woman) as browser:
            page, _ = self.check.ready(browser, "a", LAPTOP, "light")
            for status, words in (486, "busy"), (487, "the call was given up"), (180, "nobody answers"):
                peer = Peer(self, "udp")
                page("fill", "Whom to call", peer.uri)
                page("press", "Enter")
                invite = peer.next("INVITE")
                peer.say(invite.answer(status))
                self.check.expect(page, "The call has ended: " + words)
                if status == 180:
                    peer.say(peer.next("CANCEL").answer(200))
                    peer.say(invite.answer(487))
                peer.next("ACK")

    def test_a_relay_or_server_that_goes_away_is_told_in_words(self):
        with Browser(self.folder, self.check.woman) as browser:
            a, b = self.call_between_pages(browser, LAPTOP, "light")
            self.relay.process.kill()
            self.check.expect(a, "the relay cannot be reached")
            a("click", "Hang up")
            self.check.expect(b, "The call has ended")
            a("fill", "Whom to call", "sip:x@127.0.0.1:9")
            a("press", "Enter")
            self.check.expect(a, "The call has ended: the relay cannot be reached")
            terminate(self.server)
            self.check.expect(a, "The server of this page cannot be reached")

    def test_the_page_works_over_https(self):
        terminate(self.server)
        key, certificate = self.path("key.pem"), self.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=127.0.0.1"],
                       check=True, stderr=subprocess.DEVNULL)
        self.serve("--cert", certificate, "--key", key)
        self.assertTrue(self.url.startswith("https://"), self.url)
        # By its number, which browsers take for secure by TLS only.
        self.check = Check(self.url.replace("localhost", "127.0.0.1"), self.folder)
        with Browser(self.folder, self.check.woman) as browser:
            a, b = self.call_between_pages(browser, LAPTOP, "light")
            b("click", "Hang up")
            self.check.expect(a, "The call has ended")
            self.check.finished(a)

    def test_options_that_make_no_sense_are_refused(self):
        for options, words in ((["--cert", "x"], "given together"), (["--no-answer", "soon"], "number of seconds"),
                               (["--sip-accounts", __file__], "is not `sip:USER@HOST PASSWORD`"),
                               (["--relay", "127.0.0.1:9"], "the relay cannot be reached")):
            done = subprocess.run(
                ["node", os.path.join(ROOT, "deploy/demo/server.mjs"), "--relay", self.relay.api, "--listen", "127.0.0.1:0",
                 "--sip", "127.0.0.1:0", *options], stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)

    @staticmethod
    def phone_said(phone, words):
        with open(phone.log.name) as log:
            return words in log.read()


if __name__ == "__main__":
    unittest.main()
