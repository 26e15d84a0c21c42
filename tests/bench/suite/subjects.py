"""What is measured: relays that are started, told to make calls, and ended; and bare limits."""

import json
import os
import signal
import socket
import subprocess
import time

from tests.bench.suite import legs
from tests.bench.suite import ng
from tests.bench.suite import settings as places


def wait_for(what, predicate, deadline=15.0):
    end = time.monotonic() + deadline
    while not predicate():
        if time.monotonic() > end:
            raise RuntimeError("waited %.0f s for %s" % (deadline, what))
        time.sleep(0.02)


def remove_files(folder):
    """Removes the files below a folder; the folders stay, since relays make theirs once."""
    for parent, _, files in os.walk(folder):
        for each in files:
            os.unlink(os.path.join(parent, each))


class Process:
    """A process of ours on the subject's processor, with a log, that is ended with us."""

    def __init__(self, settings, name, command, stdout=None):
        self.log_path = os.path.join(settings.work, name + ".log")
        self.log = open(self.log_path, "wb")
        # taskset only where the log can show it: the child is bound before it starts.
        self.command = ["taskset", "-c", str(settings.subject_core), *command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=stdout or self.log, stderr=self.log)

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        if self.process.poll() is not None:
            with open(self.log_path, errors="replace") as log:
                raise RuntimeError("%s ended: %s" % (self.command[3], log.read()[-2000:]))
        return True

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


class Subject:
    """One that passes packets. Life: start(), then make() and drop() as often as wanted, stop()."""

    name = ""
    prefix = ()  # before the subject's command line: valgrind
    patience = 15.0  # seconds until it has to answer

    def __init__(self, settings):
        self.settings = settings
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        raise NotImplementedError

    def make(self, case, calls):
        """Makes `calls` calls of a case and returns the two Legs of each, one after the other."""
        raise NotImplementedError

    def drop(self):
        """Ends the calls that were made."""
        raise NotImplementedError

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def command_line(self):
        return " ".join(self.process.command)

    def version(self):
        return ""


class Rtpengine(Subject):
    """Debian's rtpengine in user space, without its kernel module: --table=-1."""

    name = "rtpengine"
    NG_PORT = 22222

    def start(self):
        self.recordings = os.path.join(self.settings.work, "rtpengine")
        os.makedirs(self.recordings, exist_ok=True)
        self.process = Process(self.settings, "rtpengine", [
            *self.prefix, "rtpengine", "--config-file=none", "--table=-1", "--foreground", "--log-stderr",
            "--log-level=4", "--num-threads=1", "--interface=" + places.RTPENGINE_IP,
            "--listen-ng=%s:%d" % (places.RTPENGINE_IP, self.NG_PORT),
            "--port-min=%d" % places.MEDIA_PORTS[0], "--port-max=%d" % places.MEDIA_PORTS[1],
            "--recording-method=pcap", "--recording-format=eth",
            "--recording-dir=" + self.recordings])
        self.calls = []
        self.made = 0
        self.client = ng.Client(places.RTPENGINE_IP, self.NG_PORT)
        self.client.socket.settimeout(0.5)
        wait_for("rtpengine to answer", self._answers, self.patience)
        self.client.socket.settimeout(self.patience)

    def _answers(self):
        self.process.check()
        try:
            return self.client.ask({"command": "ping"})["result"] == "pong"
        except OSError:
            return False

    def make(self, case, calls):
        return [leg for call in range(calls) for leg in self._make_one(case, call)]

    def _make_one(self, case, call):
        self.made += 1
        call_id = "bench-%d" % self.made
        ports = [legs.endpoint_port(call, side) for side in (0, 1)]
        offered = ng.read_sdp(self.client.ask(ng.offer(call_id, case, ports[0]))["sdp"])
        theirs = offered["crypto"].get(case.b.suite) if case.b.suite else None
        ours = legs.make_crypto(case.b.suite, int(theirs.split()[0])) if theirs else None
        answered = ng.read_sdp(
            self.client.ask(ng.answer(call_id, case, ports[1], ours, offered["name"]))["sdp"])
        self.calls.append(call_id)

        def leg(side, found, payload, **more):
            return legs.Leg(ports[side], "%s:%d" % (found["ip"], found["port"]), payload,
                            hears=2 * call + 1 - side,
                            rtcp="%s:%d" % (found["ip"], found.get("rtcp", found["port"] + 1)),
                            **more)
        # What it answers leg a is where a sends to; what it offers leg b is where b sends to.
        return (leg(0, answered, case.a.payload),
                leg(1, offered, case.b.payload, send=ours, receive=theirs))

    def drop(self):
        for call_id in self.calls:
            self.client.ask(ng.delete(call_id))
        self.calls = []
        remove_files(self.recordings)

    def stop(self):
        super().stop()
        self.client.close()

    def version(self):
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "rtpengine-daemon"],
                              stdout=subprocess.PIPE, text=True)
        return done.stdout


class Causewayd(Subject):
    """The daemon of this checkout, one worker."""

    name = "causewayd"
    ENCODING = {"pattern": "PCMU", "pcmu": "PCMU", "g722": "G722", "opus": "opus"}

    def start(self):
        self.recordings = os.path.join(self.settings.work, "causeway")
        with socket.socket() as each:
            each.bind((places.CAUSEWAYD_IP, 0))
            self.api = "%s:%d" % each.getsockname()
        # A file, so that no configuration of this machine's is read.
        config = os.path.join(self.settings.work, "causewayd.yaml")
        with open(config, "w") as file:
            file.write("insecure: true\n")
        self.process = Process(self.settings, "causewayd", [
            *self.prefix, self.settings.binary("causewayd"), "--config", config,
            "--listen", self.api, "--workers", "1", "--log-level", "warn",
            "--recordings", self.recordings, "--port-quarantine", "0s",
            "--network", "name=bench,bind=%s,ports=%d-%d" % (places.CAUSEWAYD_IP,
                                                           *places.MEDIA_PORTS)])
        wait_for("causewayd to listen", self._listens, self.patience)
        self.client = subprocess.Popen(
            ["taskset", "-c", str(self.settings.generator_core),
             self.settings.binary("bench_setup"), "hold", self.api],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.sessions = []
        self.made = 0

    def _listens(self):
        self.process.check()
        ip, port = self.api.split(":")
        with socket.socket() as each:
            return each.connect_ex((ip, int(port))) == 0

    def _ask(self, line):
        self.client.stdin.write(line + "\n")
        answer = self.client.stdout.readline().rstrip("\n")
        verdict, _, rest = answer.partition(" ")
        if verdict != "ok":
            raise RuntimeError("causewayd refused %s: %s" % (line[:300], rest))
        return rest

    def make(self, case, calls):
        return [leg for call in range(calls) for leg in self._make_one(case, call)]

    def request(self, case, call, session_id, cryptos):
        """A CreateSessionRequest as proto JSON; `cryptos`: what the endpoint and the relay send
        leg b with, if it is secure."""
        wanted = [self._leg("legs/a", legs.endpoint_port(call, 0), case.a, None, None),
                  self._leg("legs/b", legs.endpoint_port(call, 1), case.b, cryptos, case.opus)]
        stages = [{"record": {"recording": "recordings/rec"}}] if case.is_recorded else []
        session = {"lease": "3600s", "legs": wanted, "connections": [
            {"fromLeg": "legs/a", "toLeg": "legs/b", "stages": stages},
            {"fromLeg": "legs/b", "toLeg": "legs/a", "stages": stages}]}
        if case.is_recorded:
            session["recordings"] = [{"name": "recordings/rec"}]
        return json.dumps({"sessionId": session_id, "session": session})

    def _leg(self, name, port, side, cryptos, opus):
        def address(offset):
            return {"ip": places.GENERATOR_IP, "port": port + offset}
        codec = {"payloadType": legs.TYPES[side.payload],
                 "encodingName": self.ENCODING[side.payload]}
        if opus and side.payload == "opus":
            codec["opus"] = opus
        leg = {"name": name, "remote": {"rtp": address(0), "rtcp": address(1)}, "codecs": [codec]}
        if cryptos:
            leg["security"] = {"sdes": {"receive": {"crypto": cryptos[0]},
                                        "send": {"crypto": cryptos[1]}}}
        return leg

    LEGS_PER_SESSION = 16

    def make_dtls_legs(self, count, fingerprint):
        """At least `count` legs, each (address, fingerprint), that wait for a handshake of the
        endpoint at HANDSHAKES_IP whose certificate has this fingerprint: without ICE, so that a
        cookie is asked for."""
        remote = {"ip": places.HANDSHAKES_IP, "port": places.HANDSHAKES_PORT}
        legs_wanted = [{
            "name": "legs/%d" % i, "transport": {"kind": "TRANSPORT_KIND_RTCP_MUX"},
            "remote": {"rtp": remote}, "codecs": [{"encodingName": "PCMU"}],
            "security": {"dtls": {"setup": "DTLS_SETUP_PASSIVE", "remoteFingerprints": [
                {"hashFunction": "sha-256", "value": fingerprint}]}},
        } for i in range(self.LEGS_PER_SESSION)]
        made = []
        while len(made) < count:
            self.made += 1
            session = json.loads(self._ask("create " + json.dumps({
                "sessionId": "bench-%d" % self.made,
                "session": {"lease": "3600s", "legs": legs_wanted}})))["session"]
            self.sessions.append(session["name"])
            made += [("%s:%d" % (leg["local"]["rtp"]["ip"], leg["local"]["rtp"]["port"]),
                      leg["security"]["dtls"]["localFingerprint"]["value"])
                     for leg in session["legs"]]
        return made

    def _make_one(self, case, call):
        self.made += 1
        cryptos = [legs.make_crypto(case.b.suite) for _ in range(2)] if case.b.suite else None
        text = self.request(case, call, "bench-%d" % self.made, cryptos)
        session = json.loads(self._ask("create " + text))["session"]
        self.sessions.append(session["name"])
        made = {each["name"].rsplit("/", 1)[1]: each["local"] for each in session["legs"]}

        def leg(side, name, payload, **more):
            def address(kind):
                return "%s:%d" % (made[name][kind]["ip"], made[name][kind]["port"])
            return legs.Leg(legs.endpoint_port(call, side), address("rtp"), payload,
                            hears=2 * call + 1 - side, rtcp=address("rtcp"), **more)
        keys = {"send": cryptos[0], "receive": cryptos[1]} if cryptos else {}
        return leg(0, "a", case.a.payload), leg(1, "b", case.b.payload, **keys)

    def drop(self):
        for name in self.sessions:
            self._ask("delete " + name)
        self.sessions = []
        remove_files(self.recordings)

    def stop(self):
        if self.process and self.process.process.poll() is None and hasattr(self, "client"):
            self.client.stdin.close()
            self.client.wait(10)
        super().stop()

    def version(self):
        done = subprocess.run(["git", "-C", places.ROOT, "describe", "--always", "--dirty"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return done.stdout.strip()


class Echo(Subject):
    """bench_echo: the system calls of a relay and nothing between them. Each leg hears itself."""

    name = "echo"

    def start(self):
        """Started by make(): it has to know how many ports there are."""

    def make(self, case, calls):
        self.process = Process(self.settings, "echo", [
            self.settings.binary("bench_echo"), "--bind", places.ECHO_IP,
            "--port", str(places.MEDIA_PORTS[0]), "--ports", str(2 * calls)])

        def is_ready():
            with open(self.process.log_path) as log:
                return self.process.check() and "ready" in log.read()
        wait_for("bench_echo", is_ready)
        return [legs.Leg(legs.endpoint_port(i // 2, i % 2),
                         "%s:%d" % (places.ECHO_IP, places.MEDIA_PORTS[0] + i), case.a.payload, i)
                for i in range(2 * calls)]

    def drop(self):
        self.stop()

    def command_line(self):
        return "bench_echo --bind %s --ports N" % places.ECHO_IP


RELAYS = {each.name: each for each in (Causewayd, Rtpengine, Echo)}
