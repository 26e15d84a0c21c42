"""What the end-to-end tests share: a causewayd of their own, the CLI, real endpoints.

A test waits for what it expects, with a deadline; it never sleeps for a fixed time. Everything that
is started is ended with the test, by its pid.
"""

import base64
import functools
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import struct
import tempfile
import threading
import time
import unittest
import wave

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CAUSEWAY_BIN", os.path.join(ROOT, "out/build/dev/bin"))
WOMAN = "/usr/share/asterisk/sounds/en_US_f_Allison/demo-congrats.wav"
MEN = "/usr/share/pocketsphinx/test/data/librivox"
DEADLINE = 20.0


def binary(name):
    return os.path.join(BIN, name)


class NotHeard(AssertionError):
    """What was heard is not what was sent."""


def wait_for(what, predicate, deadline=DEADLINE):
    """Polls until predicate() is true and returns its value; fails with `what` after the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %.0f s for %s" % (deadline, what))
        time.sleep(0.02)


def wait_for_end(process, seconds=10):
    """Waits for a process that was asked to end, and ends it where it does not."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def terminate(process):
    """SIGTERM, where it still runs."""
    if process.poll() is None:
        process.terminate()
        wait_for_end(process)


def free_udp_ports(count):
    """Even ports whose odd neighbours are free too, outside of the relay's and the ephemeral range."""
    found, held = [], []
    candidates = list(range(12000, 19998, 2))
    random.shuffle(candidates)
    for port in candidates:
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        held += pair
        try:
            for offset, each in enumerate(pair):
                each.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            break
    for each in held:
        each.close()
    return found


def free_tcp_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def random_key(octets):
    return os.urandom(octets)


def inline(key):
    return base64.b64encode(key).decode()


def read_wav(path):
    """(rate, channels as lists of samples)."""
    import numpy
    with wave.open(path) as file:
        data = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return file.getframerate(), data.reshape(-1, file.getnchannels()).T


class Ingress:
    """What reaches UDP ports of this machine, octet for octet, as the kernel hands it to their sockets:
    a packet socket on loopback, so that no word of a sender is taken for it. Needs CAP_NET_RAW: who has
    not (tests/run.sh as an ordinary user) has the test skipped, aloud."""

    HOST = 0  # PACKET_HOST: the receiving side of loopback, where each packet is seen twice
    IPV4 = 0x0800
    FORCED_BUFFER = 33  # SO_RCVBUFFORCE

    def __init__(self, ports):
        self.packets = {port: [] for port in ports}
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(self.IPV4))
        except PermissionError:
            raise unittest.SkipTest("a capture at the relay's ingress needs CAP_NET_RAW")
        self.socket.setsockopt(socket.SOL_SOCKET, self.FORCED_BUFFER, 32 << 20)
        self.socket.bind(("lo", self.IPV4))
        self.socket.settimeout(0.05)
        self.is_over = False
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while not self.is_over:
            try:
                datagram, (_, _, kind, _, _) = self.socket.recvfrom(65535)
            except socket.timeout:
                continue
            header = 4 * (datagram[0] & 15)
            if kind != self.HOST or datagram[9] != socket.IPPROTO_UDP:
                continue
            port, octets = struct.unpack(">HH", datagram[header + 2:header + 6])
            if port in self.packets:
                self.packets[port].append(
                    (time.monotonic_ns(), datagram[header + 8:header + octets]))

    def stop(self):
        self.is_over = True
        self.thread.join()
        self.socket.close()


class Relay:
    """A causewayd of one test."""

    def __init__(self, folder, ports="20000-20999", extra="", workers=2, environment=None):
        self.folder = folder
        self.api = "127.0.0.1:%d" % free_tcp_port()
        self.recordings = os.path.join(folder, "recordings")
        config = os.path.join(folder, "causewayd.yaml")
        with open(config, "w") as file:
            file.write(
                "listen: %s\ninsecure: true\nworkers: %d\nport_quarantine: 1s\n"
                "quality_report_interval: 1s\nrecordings: %s\nnetworks:\n"
                "  - name: loopback\n    bind: 127.0.0.1\n    ports: %s\n%s"
                % (self.api, workers, self.recordings, ports, extra))
        self.log = open(os.path.join(folder, "causewayd.log"), "w")
        self.process = subprocess.Popen(
            [binary(os.environ.get("CAUSEWAYD", "causewayd")), "--config", config],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, **(environment or {})})
        wait_for("causewayd to answer", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log.name) as log:
                raise AssertionError("causewayd ended: " + log.read())
        return self.run("node", check=False).returncode == 0

    def run(self, *arguments, check=True, timeout=30):
        done = subprocess.run([binary("causeway"), "--server", self.api, *arguments],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError("causeway %s: %s" % (" ".join(arguments), done.stderr))
        return done

    def json(self, *arguments):
        return json.loads(self.run("--json", *arguments).stdout)

    def call(self, a, b, *more):
        """A call in one line; returns (session name, address to send to as a, as b, answer)."""
        answer = self.json("call", "--a", a, "--b", b, *more)
        legs = {leg["name"].rsplit("/", 1)[1]: leg for leg in answer["session"]["legs"]}

        def address(leg):
            rtp = leg["local"]["rtp"]
            return "%s:%d" % (rtp["ip"], rtp["port"])
        return answer["session"]["name"], address(legs["a"]), address(legs["b"]), answer

    def report(self, session):
        answer = self.json("report", session)
        return {leg["leg"].rsplit("/", 1)[1]: leg for leg in answer["report"]["legs"]}

    def stop(self):
        """SIGTERM; returns the exit code."""
        terminate(self.process)
        self.log.close()
        return self.process.returncode


class RelayTest(unittest.TestCase):
    """A test with a relay, a folder and processes that end with it."""

    relay_options = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="causeway-e2e-")
        self.processes = []
        self.prepare()
        self.relay = Relay(self.folder, **self.relay_options)

    def prepare(self):
        """What has to be there before the relay starts."""

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        code = self.relay.stop()
        if code not in (0, -signal.SIGKILL):
            with open(os.path.join(self.folder, "causewayd.log")) as log:
                self.fail("causewayd ended with %s: %s" % (code, log.read()[-3000:]))
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, command):
        with open(self.path(name + ".log"), "w") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    # Endpoints of ffmpeg: one process hears, one speaks.

    def speech(self, name, seconds, who):
        """A WAV file of that much human speech, 16 kHz mono, and a second of silence, because ffmpeg
        hurries with the last packet of all; `who` is woman or men."""
        path = self.path(name)
        if who == "woman":
            inputs, count = ["-i", WOMAN], 1
        else:
            files = sorted(os.path.join(MEN, f) for f in os.listdir(MEN) if f.endswith(".wav"))
            inputs, count = sum((["-i", f] for f in files), []), len(files)
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *inputs,
                        "-filter_complex",
                        "concat=n=%d:v=0:a=1,atrim=0:%g,apad=pad_dur=1" % (count, seconds),
                        "-ar", "16000", "-ac", "1", path], check=True)
        return path

    def hear(self, name, port, payload_type, rtpmap, crypto=None):
        """Starts to listen; the file is complete after stop_hearing()."""
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0",
                 "m=audio %d RTP/%s %d" % (port, "SAVP" if crypto else "AVP", payload_type),
                 "a=rtpmap:%d %s" % (payload_type, rtpmap)]
        if crypto:
            lines.append("a=crypto:1 " + crypto)
        with open(self.path(name + ".sdp"), "w") as file:
            file.write("\n".join(lines) + "\n")
        process = self.start(name, [
            "ffmpeg", "-nostdin", "-loglevel", "warning", "-y", "-analyzeduration", "0",
            "-probesize", "32", "-protocol_whitelist", "file,udp,rtp,srtp", "-i", self.path(name + ".sdp"), "-ar", "16000", "-ac", "1",
            "-flush_packets", "1", "-f", "s16le", self.path(name + ".raw")])
        process.hears = name
        wait_for("the port of " + name, lambda: self.is_bound(port))
        return process

    @staticmethod
    def is_bound(port):
        pattern = ":%04X " % port
        for table in ("/proc/net/udp", "/proc/net/udp6"):
            with open(table) as file:
                if pattern in file.read().upper():
                    return True
        return False

    def stop_hearing(self, *processes):
        """Ends listeners and makes NAME.wav of what each wrote. ffmpeg, asked to end while it waits for
        a packet, waits on, and asked twice gives its file up: raw samples need no ending."""
        for process in processes:
            process.kill()
            process.wait()
            with open(self.path(process.hears + ".raw"), "rb") as raw, \
                    wave.open(self.path(process.hears + ".wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(16000)
                file.writeframes(raw.read())

    def speak(self, name, wav, target, payload_type, rate, codec, crypto=None):
        """Starts to send a WAV file in real time, a packet at a time as a telephone does (ffmpeg's own
        -re sends 128 ms at once). `codec`: ffmpeg's options."""
        srtp = []
        scheme = "rtp"
        if crypto:
            suite, key = crypto
            srtp = ["-srtp_out_suite", suite, "-srtp_out_params", key]
            scheme = "srtp"
        return self.start(name, [
            "ffmpeg", "-nostdin", "-loglevel", "warning", "-i", wav, "-af",
            "aresample=%d,asetnsamples=n=%d:p=0,arealtime" % (rate, rate // 50), "-ac", "1", *codec,
            "-payload_type", str(payload_type), "-f", "rtp", *srtp, "%s://%s" % (scheme, target)])

    def check_speech(self, sent, heard, *more):
        """Fails unless `heard` is `sent`, window by window (deploy/check_speech.py)."""
        done = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "deploy/check_speech.py"), sent,
                               heard, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode:
            raise NotHeard(done.stdout)

    # Endpoints of the tests' own.

    def write_payloads(self, name, payloads):
        with open(self.path(name), "w") as file:
            file.writelines(p.hex() + "\n" for p in payloads)
        return self.path(name)

    def peer(self, name, port, remote, **options):
        """Starts rtp_peer; an option `send_key=x` is `--send-key x`."""
        command = [binary("rtp_peer"), "--port", str(port), "--remote", remote,
                   "--sent-log", self.path(name + ".sent"),
                   "--received-log", self.path(name + ".received")]
        for key, value in options.items():
            for each in value if isinstance(value, list) else [value]:
                command += ["--" + key.replace("_", "-"), str(each)]
        process = self.start(name, command)
        wait_for("the port of " + name, lambda: self.is_bound(port))
        return process

    def start_file(self):
        """What peers are told to wait for, so that they begin together: see begin()."""
        return self.path("start")

    def begin(self):
        """Lets the peers begin that wait for the start file: all of them have their ports by now."""
        with open(self.path("start.new"), "w") as file:
            file.write("%d\n" % (time.monotonic_ns() + 50_000_000))
        os.rename(self.path("start.new"), self.path("start"))

    def peer_result(self, name, process):
        """(sent, received, refused) once the peer has ended."""
        process.wait(60)
        with open(self.path(name + ".log")) as log:
            text = log.read()
        counts = re.search(r"sent (\d+) received (\d+) refused (\d+)", text)
        self.assertIsNotNone(counts, text)
        return tuple(int(n) for n in counts.groups())

    def packets(self, name):
        """What a log of rtp_peer holds: [(ns, octets of the RTP packet)]."""
        with open(self.path(name)) as file:
            return [(int(line.split()[0]), bytes.fromhex(line.split()[1])) for line in file]


class RealTimeTest(RelayTest):
    """Calls of endpoints that keep real time (browsers, phones): where the machine stops for them,
    their jitter buffers stretch or leave out speech, and that says nothing about the relay. So a call
    in which speech was not recognised is made again, aloud, TRIES times in all. Whatever else fails
    (a lost packet, a plan, a state) fails at once, and so does who is never heard."""

    TRIES = 3

    def setUp(self):
        super().setUp()
        self.descriptions = []

    def tearDown(self):
        try:
            self.check_descriptions()
        finally:
            super().tearDown()

    def rpc(self, method, relay=None, **request):
        """A method of RelayService, of the test's relay or another."""
        self.descriptions += [value for key, value in request.items() if key.endswith("Sdp")]
        return json.loads((relay or self.relay).run(
            "rpc", "RelayService." + method, json.dumps(request)).stdout)

    def check_descriptions(self):
        """What the endpoints have offered and answered: read, written and read again it is the same."""
        if not self.descriptions:
            return
        folder = self.path("descriptions")
        os.mkdir(folder)
        descriptions, self.descriptions = self.descriptions, []
        for number, text in enumerate(descriptions):
            with open(os.path.join(folder, str(number)), "w", newline="") as file:
                file.write(text)
        done = subprocess.run([binary("replay_fuzz_sdp"), folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name, test in list(vars(cls).items()):
            if name.startswith("test_"):
                setattr(cls, name, cls.made_again(test))

    @classmethod
    def made_again(cls, test):
        @functools.wraps(test)
        def tries(self):
            for left in reversed(range(cls.TRIES)):
                try:
                    return test(self)
                except NotHeard as failure:
                    if left == 0:
                        raise
                    print("%s is made again: %s" % (self.id(), str(failure).strip()), flush=True)
                    self.tearDown()
                    self.doCleanups()
                    self.setUp()
        return tries
