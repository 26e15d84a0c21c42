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
from tests.e2e import browser_test
from tests.e2e.harness import ROOT, RealTimeTest, terminate, wait_for
from tests.e2e.sip.phone import Phone


def what_is_missing():
    for program in ("npm", "baresip"):
        if not shutil.which(program):
            return program + " is not installed"
    if not os.path.isdir(os.path.join(ROOT, "out/clients/node/node_modules")):
        return "Node's packages are not installed"
    return browser_test.what_is_missing()


@unittest.skipIf(what_is_missing(), what_is_missing())
class Demo(RealTimeTest):
    @classmethod
    def setUpClass(cls):
        subprocess.run([os.path.join(ROOT, "control/clients/build.sh"), "node"], check=True)

    def setUp(self):
        super().setUp()
        self.server = subprocess.Popen(
            ["node", os.path.join(ROOT, "deploy/demo/server.mjs"), "--relay", self.relay.api,
             "--listen", "127.0.0.1:0", "--sip", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(terminate, self.server)
        self.url = self.server.stdout.readline().strip()
        self.check = Check(self.url, self.folder)

    def tearDown(self):
        terminate(self.server)
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

    @staticmethod
    def phone_said(phone, words):
        with open(phone.log.name) as log:
            return words in log.read()


if __name__ == "__main__":
    unittest.main()
