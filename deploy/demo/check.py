#!/usr/bin/python3
"""Drives the demo's page through a call with a SIP phone and one between two pages, as a person would,
and judges what was heard.

usage: /usr/bin/python3 -m deploy.demo.check --page URL [--images FOLDER]      (from the checkout's root)

The page speaks as a woman (Chromium's file as its microphone), the phone (baresip) as men. Speech is
judged at the phone, in the page and in both channels of the recording, by deploy/check_speech.py. With
--images it takes the screenshots that README.md shows. Ends with 0 only if all is as it should be.
"""

import argparse
import base64
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
import wave

from tests.e2e.browser_test import AS_SPEECH
from tests.e2e.chromium import TOOLS, Driver
from tests.e2e.harness import MEN, ROOT, WOMAN, NotHeard, wait_for
from tests.e2e.sip.phone import Phone

SECONDS = 12  # How much of what each side says is judged.
MORE = 8  # They go on for so long: a page that is photographed while it listens loses time.
LEAD = 4  # Silence before it, in which the call is set up.
PATIENCE = 60
TRIES = 3
LAPTOP, MOBILE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


class NotSo(AssertionError):
    """The page is not as it should be."""


def speech(path, sources, rate, seconds):
    """A WAV file of so much human speech, with silence before and after it."""
    inputs = sum((["-i", each] for each in sources), [])
    subprocess.run([
        "ffmpeg", "-nostdin", "-loglevel", "error", "-y", *inputs, "-filter_complex",
        "concat=n=%d:v=0:a=1,atrim=0:%d,adelay=%d:all=1,apad=pad_dur=60" % (
            len(sources), seconds, LEAD * 1000),
        "-ar", str(rate), "-ac", "1", path], check=True)
    return path


class Browser(Driver):
    """One Chromium; see drive.mjs."""

    def __init__(self, folder, microphone):
        super().__init__(folder, ["node", os.path.join(ROOT, "deploy/demo/drive.mjs"), TOOLS, microphone])

    def page(self, name):
        """A function for each action: page("click", "Call")."""
        return lambda action, *values: self.ask({"page": name, "do": action, "with": values})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Check:
    def __init__(self, url, folder, images=None):
        self.url, self.folder, self.images = url, folder, images
        men = sorted(os.path.join(MEN, each) for each in os.listdir(MEN) if each.endswith(".wav"))
        self.woman = speech(self.path("woman.wav"), [WOMAN], 48000, SECONDS + MORE)
        self.men = speech(self.path("men.wav"), men, 16000, SECONDS + MORE)
        self.woman_judged = speech(self.path("woman-judged.wav"), [WOMAN], 48000, SECONDS)
        self.men_judged = speech(self.path("men-judged.wav"), men, 16000, SECONDS)

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def step(text):
        print("  " + text, flush=True)

    def picture(self, page, name, is_whole=False):
        if self.images:
            os.makedirs(self.images, exist_ok=True)
            page("screenshot", os.path.join(self.images, name + ".png"), is_whole)

    def expect(self, page, pattern, selector="#status"):
        """Waits until an element's text has this; says what it has where it never does."""
        last = [""]

        def has():
            last[0] = page("text", selector)
            return re.search(pattern, last[0], re.S)
        try:
            return wait_for(pattern, has, PATIENCE)
        except AssertionError:
            raise NotSo("%s never said %r, but %r" % (selector, pattern, last[0])) from None

    def compare(self, name, sent, heard, *more):
        done = subprocess.run(
            ["/usr/bin/python3", os.path.join(ROOT, "deploy/check_speech.py"), sent, heard, "--name",
             name, *AS_SPEECH, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(done.stdout.strip(), flush=True)
        if done.returncode:
            raise NotHeard(done.stdout)

    def heard_by(self, page, name):
        path = self.path(name)
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(48000)
            file.writeframes(base64.b64decode(page("heard")))
        return path

    def ready(self, browser, name, viewport, scheme):
        page = browser.page(name)
        page("open", self.url, viewport, scheme)
        number = self.expect(page, r"You are page (\d+)", "#you").group(1)
        return page, number

    def finished(self, page):
        problems = page("problems")
        if problems:
            raise NotSo("the page had errors: %s" % problems)

    def with_phone(self):
        """Dial, record, play, keys, another microphone, hold, resume, mute, hang up."""
        phone = Phone(tempfile.mkdtemp(dir=self.folder) + "/phone", self.men, "g722")
        try:
            with Browser(self.folder, self.woman) as browser:
                page, _ = self.ready(browser, "a", LAPTOP, "light")
                self.step("the page calls the phone")
                page("fill", "Whom to call", phone.uri)
                page("press", "Enter")
                self.expect(page, "You are talking with " + phone.uri)
                if page("focused") != "hang-up":
                    raise NotSo("the focus is on %r in a call" % page("focused"))
                page("click", "Record")
                self.expect(page, "being recorded")
                self.step("they speak, and are recorded, for %d seconds" % (SECONDS + LEAD + 2))
                page("hear", LEAD + SECONDS + 2)
                self.picture(page, "demo-call")
                self.expect(page, r"open\(.*opus@16k->g722@16k.*send\(rtp\)", "#chain")
                page("click", "Record")
                self.expect(page, "recording is finished")
                recording = page("play")
                heard = self.heard_by(page, "page-heard.wav")
                self.step("keys, another microphone, hold, mute")
                page("click", "Keypad")
                for key in "1", "#":
                    page("press", key)
                    self.expect(page, "Key %s was pressed" % key, "#events")
                page("choose", "Microphone", 1)
                page("click", "Hold")
                self.expect(page, "On hold")
                page("click", "Hold")
                self.expect(page, "The call goes on")
                page("click", "Mute")
                self.expect(page, "You are muted")
                self.picture(page, "demo-call-whole", True)
                page("click", "Hang up")
                self.expect(page, "The call has ended")
                self.finished(page)
                with urllib.request.urlopen(recording["url"]) as file, \
                        open(self.path("recording.wav"), "wb") as copy:
                    copy.write(file.read())
        finally:
            phone.stop()
        self.compare("page -> phone", self.woman_judged, phone.heard(), "--other", self.men_judged)
        self.compare("phone -> page", self.men_judged, heard, "--other", self.woman_judged)
        for channel, name, sent, other in ((0, "left (page)", self.woman_judged, self.men_judged),
                                           (1, "right (phone)", self.men_judged, self.woman_judged)):
            self.compare("recording, " + name, sent, self.path("recording.wav"), "--channel",
                         str(channel), "--other", other)

    def with_another_page(self):
        """A laptop and a phone call each other; both speak as the woman."""
        with Browser(self.folder, self.woman) as browser:
            self.step("a page calls another page")
            a, number = self.ready(browser, "a", LAPTOP, "dark")
            b, other = self.ready(browser, "b", MOBILE, "dark")
            b("click", "Page " + number)
            self.expect(a, "Page %s is calling" % other)
            a("click", "Answer")
            for page in a, b:
                self.expect(page, "You are talking with")
            self.step("they speak for %d seconds" % (SECONDS + LEAD + 2))
            for page in a, b:
                page("hear", LEAD + SECONDS + 2)
            self.picture(a, "demo-call-dark")
            self.picture(b, "demo-mobile-dark")
            self.expect(b, r"rekey\(opus", "#chain")
            b("click", "Hang up")
            for page, name in (a, "a"), (b, "b"):
                self.expect(page, "The call has ended")
                self.finished(page)
                self.compare("to page " + name, self.woman_judged, self.heard_by(page, "page-%s.wav" % name))


def made_again(call):
    """Browsers and phones keep real time: where the machine stops for them, speech is lost that the relay
    has carried. So a call in which it was not recognised is made again, aloud; whatever else fails, fails."""
    for left in reversed(range(TRIES)):
        try:
            return call()
        except NotHeard:
            if left == 0:
                raise
            print("not recognised: the call is made again", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", required=True, help="the demo's address")
    parser.add_argument("--images", help="where screenshots go")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that phones and browsers end too.
    with tempfile.TemporaryDirectory(prefix="causeway-demo-") as folder:
        check = Check(options.page, folder, options.images)
        try:
            made_again(check.with_phone)
            made_again(check.with_another_page)
        except AssertionError as error:
            sys.exit("check.py: " + str(error).strip())


if __name__ == "__main__":
    main()
