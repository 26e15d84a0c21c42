"""A SIP phone: baresip without a display, on loopback. It says what a WAV file says and writes down
what it hears."""

import glob
import json
import os
import socket
import subprocess

from tests.e2e.harness import free_tcp_port, free_udp_ports, terminate, wait_for

MODULES = "/usr/lib/baresip/modules"
# What aufile wants of its file: the rate and the channels of the codec.
SOUND = {"pcmu": (8000, 1), "pcma": (8000, 1), "g722": (16000, 1), "opus": (48000, 2)}
# The phone hangs up where its file ends, so silence follows the speech.
SILENCE_AFTER = 90

CONFIG = """poll_method epoll
net_interface 127.0.0.1
sip_listen 127.0.0.1:{sip}
rtp_ports {rtp}-{rtp_end}
rtcp_mux {mux}
jitter_buffer_delay 2-4
audio_source aufile,{wav}
audio_player aubridge,nobody
audio_alert aubridge,nobody
module_path {modules}
module g711.so
module g722.so
module opus.so
module sndfile.so
module aufile.so
module aubridge.so
module srtp.so
module dtls_srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
"""
# A camera that shows a picture of its own making, and a module that writes down what is seen.
CAMERA = """video_source fakevideo,nil
video_size 320x240
video_fps 15
module vp8.so
module fakevideo.so
module snapshot.so
"""


def free_sip_port():
    """baresip takes UDP and TCP of its port, and TCP of the next one for TLS."""
    for port in free_udp_ports(20):
        try:
            for offset in (0, 1):
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port + offset))
            return port
        except OSError:
            continue
    raise AssertionError("no free port for SIP")


class Phone:
    """One baresip. `keys`: how it encrypts (`mediaenc`): nothing, `srtp` (optional), `srtp-mand`,
    `srtp-mandf` (with feedback), `dtls_srtp`, whose rtcp-mux may be refused. `answers`: `auto`, at once, or `manual`, never. With a
    camera it has VP8."""

    def __init__(self, folder, speech, codec, keys="", answers="auto", has_camera=False,
                 has_mux=True):
        self.folder = folder
        os.mkdir(folder)
        self.port, self.control = free_sip_port(), free_tcp_port()
        # baresip tries others of the range where a port is taken.
        rtp, = free_udp_ports(1)
        self.uri = "sip:phone@127.0.0.1:%d" % self.port
        rate, channels = SOUND[codec]
        wav = os.path.join(folder, "speech.wav")
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", speech, "-af",
                        "apad=pad_dur=%d" % SILENCE_AFTER, "-ar", str(rate), "-ac", str(channels),
                        wav], check=True)
        config = CONFIG.format(
            sip=self.port, rtp=rtp - 100, rtp_end=rtp, wav=wav, modules=MODULES,
            control=self.control, folder=folder, 
            mux="yes" if keys == "dtls_srtp" and has_mux else "no")
        self.write("config", config + (CAMERA if has_camera else ""))
        codecs = {"opus": "opus/48000/2", "g722": "g722/16000"}.get(codec, codec)
        self.write("accounts", "<%s>;regint=0;answermode=%s;audio_codecs=%s%s%s\n" % (
            self.uri, answers, codecs, ";video_codecs=vp8" if has_camera else "",
            ";mediaenc=" + keys if keys else ""))
        self.write("contacts", "")
        self.log = open(os.path.join(folder, "baresip.log"), "w")
        self.process = subprocess.Popen(
            ["baresip", "-4", "-v", "-s", "-f", folder], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, cwd=folder)
        self.commands = wait_for("baresip to be ready", self.connect)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def connect(self):
        if self.process.poll() is not None:
            with open(self.log.name) as log:
                raise AssertionError("baresip ended: " + log.read())
        try:
            return socket.create_connection(("127.0.0.1", self.control))
        except ConnectionRefusedError:
            return None

    def command(self, name, parameters=""):
        """A command of baresip's menu; a netstring of JSON carries it."""
        text = json.dumps({"command": name, "params": parameters})
        self.commands.sendall(b"%d:%s," % (len(text), text.encode()))

    def dial(self, uri):
        self.command("dial", uri)

    def heard(self):
        """The WAV file of what it has heard since its sound last began; "" before any. Its header
        is right once the call has ended."""
        return max(glob.glob(os.path.join(self.folder, "dump-*-dec.wav")), default="")

    def octets_heard(self):
        path = self.heard()
        return os.path.getsize(path) if path else 0

    def stop(self):
        terminate(self.process)
        self.commands.close()
        self.log.close()
