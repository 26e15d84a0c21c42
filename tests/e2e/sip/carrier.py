"""A carrier: sipp with the scenario beside this file. It plays captures of speech as early media and
in the call (by a raw socket, which needs CAP_NET_RAW); an Ear hears what reaches it."""

import os
import shutil
import socket
import struct
import subprocess
import threading
import unittest

from tests.e2e.harness import RelayTest, free_udp_ports, wait_for

SCENARIO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "carrier.xml")
PACKET = 160  # 20 ms of G.711


class Ear:
    """Hears G.711 on a port of its own: every packet as (SSRC, sequence number, payload)."""

    def __init__(self):
        self.port, = free_udp_ports(1)
        self.packets = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.settimeout(0.05)
        self.is_over = False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while not self.is_over:
            try:
                octets = self.socket.recv(2048)
            except socket.timeout:
                continue
            number, ssrc = struct.unpack(">2xH4xI", octets[:12])
            self.packets.append((ssrc, number, octets[12:]))

    def stop(self):
        self.is_over = True
        self.thread.join()
        self.socket.close()


def write_wav(payloads, law, path):
    """A WAV file of G.711 (`law`: mulaw, alaw), packet after packet."""
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-f", law, "-ar", "8000", "-ac", "1",
                    "-i", "-", path], input=b"".join(payloads), check=True)


def write_capture(wav, path, seconds):
    """A capture of what `wav` says as PCMU, filled up with silence: Ethernet, IPv4, UDP, RTP. sipp
    replaces addresses and ports."""
    sound = subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", wav, "-af", "apad=whole_dur=%d" % seconds,
         "-t", str(seconds), "-ar", "8000", "-ac", "1", "-f", "mulaw", "-"],
        stdout=subprocess.PIPE, check=True).stdout
    ssrc = int.from_bytes(os.urandom(4), "big")
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(len(sound) // PACKET):
            payload = sound[i * PACKET:(i + 1) * PACKET]
            rtp = struct.pack(">BBHII", 0x80, 0, i & 0xFFFF, i * PACKET, ssrc) + payload
            udp = struct.pack(">HHHH", 6000, 6000, 8 + len(rtp), 0) + rtp
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), i & 0xFFFF, 0, 64, 17, 0,
                             bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1])) + udp
            frame = bytes(12) + b"\x08\x00" + ip
            seconds_of, micros = divmod(i * 20_000, 1_000_000)
            file.write(struct.pack("<IIII", seconds_of, micros, len(frame), len(frame)) + frame)


class Carrier:
    """sipp in `folder`, which holds early.pcap and talk.pcap by now."""

    def __init__(self, folder):
        try:
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
        except PermissionError:
            raise unittest.SkipTest("sipp plays captures by a raw socket, which needs CAP_NET_RAW")
        self.port, self.media = free_udp_ports(2)
        self.uri = "sip:carrier@127.0.0.1:%d" % self.port
        self.ear = Ear()
        # sipp looks for captures beside its scenario.
        shutil.copy(SCENARIO, folder)
        self.log = open(os.path.join(folder, "sipp.log"), "w")
        self.process = subprocess.Popen(
            ["sipp", "-sf", "carrier.xml", "-i", "127.0.0.1", "-p", str(self.port), "-mi", "127.0.0.1",
             "-mp", str(self.media), "-key", "ear", str(self.ear.port), "-m", "1", "-nostdin",
             "-trace_err", "-error_file", os.path.join(folder, "sipp.errors")],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for("sipp to listen", lambda: RelayTest.is_bound(self.port))

    def result(self):
        """Its exit code, 0 if the whole scenario was played, once it has ended."""
        return self.process.wait(20)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.ear.stop()
        self.log.close()
