"""A WebRTC endpoint made of Firefox: tests/e2e/browser/page.html, driven as serving.py says.

It plays into PulseAudio's null sink: without any device its AudioContext never starts.

Firefox is spoken to by Marionette, its own remote control: a TCP connection on loopback on which
each message is its length in decimal, a colon, and JSON. A command is [0, id, name, parameters], the
answer [1, id, error, result]."""

import base64
import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wave

from serving import serve

FIREFOX = "/usr/bin/firefox-esr"
HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(os.path.dirname(HERE), "browser/page.html")
RATE = 48000
PATIENCE = 30
PREFERENCES = {
    "marionette.port": 0,  # any; said in the profile
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.autoplay.block-webaudio": False,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}
# A function of the page is awaited; what it throws is an answer too.
CALL = """
  const [name, given, done] = arguments;
  Promise.resolve().then(() => window[name](...given)).then(
    (value) => done({value: value ?? null}), (error) => done({error: String(error)}));"""


class Files(http.server.SimpleHTTPRequestHandler):
    """The page at /, and what is in the folder beside it."""

    def translate_path(self, path):
        return PAGE if path == "/" else super().translate_path(path)

    def log_message(self, *_):
        pass


def serve_files(folder):
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Files, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Marionette:
    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), 2 * PATIENCE)
        self.stream = self.connection.makefile("rb")
        self.sent = 0
        self.read()  # who it is

    def read(self):
        digits = b""
        while (octet := self.stream.read(1)) != b":":
            if not octet:
                raise EOFError("Firefox has ended")
            digits += octet
        return json.loads(self.stream.read(int(digits)))

    def command(self, name, **parameters):
        self.sent += 1
        text = json.dumps([0, self.sent, name, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self.read()
        if error:
            raise RuntimeError("%s: %s" % (name, error["message"]))
        return result


def wait_for_text(path, process):
    """What is in a file, once there is anything; "" in what is no file."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if os.path.isfile(path):
            with open(path) as file:
                if text := file.read():
                    return text
        elif os.path.exists(path):
            return ""
        time.sleep(0.05)
    raise RuntimeError("%s is not there" % path)


class Endpoint:
    def __init__(self):
        self.processes = []
        self.files = None

    def start(self, command, **environment):
        self.processes.append(subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr,
            env={**os.environ, **environment}))
        return self.processes[-1]

    def start_firefox(self, folder):
        profile = tempfile.mkdtemp(prefix="firefox-", dir=folder)
        with open(os.path.join(profile, "user.js"), "w") as file:
            for name, value in PREFERENCES.items():
                file.write("user_pref(%s, %s);\n" % (json.dumps(name), json.dumps(value)))
        sound = os.path.join(profile, "sound")
        pulse = self.start(
            ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1",
             "-L", "module-null-sink rate=%d channels=2" % RATE,
             "-L", "module-native-protocol-unix auth-anonymous=1 socket=" + sound],
            HOME=profile, XDG_RUNTIME_DIR=profile)
        wait_for_text(sound, pulse)
        firefox = self.start(
            [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", profile],
            HOME=profile, PULSE_SERVER="unix:" + sound, MOZ_CRASHREPORTER_DISABLE="1")
        return int(wait_for_text(os.path.join(profile, "MarionetteActivePort"), firefox))

    def open(self, path):
        self.files = serve_files(os.path.dirname(path))
        self.marionette = Marionette(self.start_firefox(os.path.dirname(path)))
        self.marionette.command("WebDriver:NewSession")
        self.marionette.command("WebDriver:SetTimeouts", script=PATIENCE * 1000)
        self.marionette.command("WebDriver:Navigate",
                                url="http://localhost:%d/" % self.files.server_address[1])
        self.page("open", "/" + os.path.basename(path))

    def page(self, name, *arguments):
        answer = self.marionette.command("WebDriver:ExecuteAsyncScript", script=CALL,
                                         args=[name, arguments], newSandbox=False)["value"]
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def offer(self, options=None):
        return self.page("offer", options or {})

    def answer(self, sdp):
        return self.page("answer", sdp)

    def accept(self, sdp):
        self.page("accept", sdp)

    def state(self):
        return self.page("state")["connection"]

    def begin(self):
        self.page("begin")

    def mute(self, is_muted):
        self.page("mute", is_muted)

    def direct(self, direction):
        # The track comes anew, with another tap, and Firefox calls one on that is disconnected.
        self.page("eval", "call.tap.onaudioprocess = null")
        self.page("direct", direction)

    def stats(self):
        return self.page("stats")

    def seconds_heard(self):
        return self.page("eval", "(call.heard ?? []).map((each) => each.length)"
                         ".reduce((sum, each) => sum + each, 0)") / RATE

    def recording(self, path):
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(base64.b64decode(self.page("recording")))

    def close(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        if self.files:
            self.files.shutdown()


serve(Endpoint())
