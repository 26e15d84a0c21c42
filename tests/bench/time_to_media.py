#!/usr/bin/python3
"""How long a browser's call takes until it is heard, with the relay's one candidate and with full ICE.

usage: time_to_media.py [--calls N] [--markdown]     (as root: it makes network namespaces)

A page of Chromium stands at the far end of a wire with a round trip and a loss. It calls

  relay      a trunk through causewayd: BridgeOffer, BridgeAnswer, one candidate, which is the relay's
  direct     another page, full ICE with STUN and TURN servers (coturn), which it reaches directly
  turn       the same where only the TURN server is reachable, as behind a strict NAT

the latter two with candidates trickled, and with descriptions that wait for all of them. Measured is
the time from the beginning of the offer to the first RTP packet at the other side; for the relay also
what its API took, over one open gRPC connection, from the browser's offer to its answer. Descriptions
cross in no time in all of them: a signalling path adds the same to each that does not trickle, and more
to one that does."""

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from tests.e2e import own_network  # noqa: E402
from tests.e2e.browser_test import Browser, trunk_answer  # noqa: E402
from tests.e2e.harness import Relay, RelayTest, free_udp_ports, wait_for  # noqa: E402

NETWORKS = [(trip, loss) for trip in (0, 60, 150) for loss in (0, 2)]
PATIENCE = 30.0


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Api:
    """The relay's API over one connection, with the messages that protoc makes of our proto."""

    def __init__(self, address, folder):
        import grpc
        protos = [os.path.join(where, name) for where, _, names in os.walk(os.path.join(ROOT, "proto"))
                  for name in names if name.endswith(".proto")]
        subprocess.run(["protoc", "-I", os.path.join(ROOT, "proto"), "--python_out", folder, *protos],
                       check=True)
        sys.path.insert(0, folder)
        from causeway.v1 import relay_service_pb2
        self.messages = relay_service_pb2
        self.channel = grpc.insecure_channel(address)

    def call(self, method, **fields):
        request = getattr(self.messages, method + "Request")
        answer = getattr(self.messages, method + "Response")
        stub = self.channel.unary_unary("/causeway.v1.RelayService/" + method,
                                        request_serializer=request.SerializeToString,
                                        response_deserializer=answer.FromString)
        return stub(request(**fields), timeout=10)


class Bench:
    def __init__(self, folder, stack):
        self.folder = folder
        self.space = own_network.Space()
        stack.callback(self.space.remove)
        self.wire = own_network.Wire(self.space)
        stack.callback(self.wire.stop)
        own_network.ip("route", "add", "default", "via", own_network.THEIRS)
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i",
                        "sine=frequency=440:duration=8", "-ar", "16000",
                        os.path.join(folder, "tone.wav")], check=True)
        self.far = Browser(folder, self.space.prefix())
        stack.callback(self.far.stop)
        self.near = Browser(folder)
        stack.callback(self.near.stop)
        self.relay = Relay(folder, extra="  - name: wire\n    bind: %s\n    ports: 21000-21999\n"
                           % own_network.OURS)
        stack.callback(self.relay.stop)
        self.api = Api(self.relay.api, folder)
        self.start_turn(stack)

    def start_turn(self, stack):
        server = subprocess.Popen(
            ["turnserver", "-n", "-L", own_network.OURS, "-E", own_network.OURS, "--lt-cred-mech",
             "-u", "u:p", "-r", "bench", "--no-tls", "--no-dtls", "--no-cli", "--min-port", "42000",
             "--max-port", "42900", "--log-file", "/dev/null", "--pidfile",
             os.path.join(self.folder, "turn.pid")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.kill)
        wait_for("coturn to listen", lambda: RelayTest.is_bound(3478))

    def servers(self, policy):
        return {"iceTransportPolicy": policy, "iceServers": [
            {"urls": "stun:%s:3478" % own_network.OURS},
            {"urls": "turn:%s:3478" % own_network.OURS, "username": "u", "credential": "p"}]}

    def ready_page(self, browser, policy=None):
        """A page in which a connection stands ready and speaks. One page serves all calls: a new one would
        take longer than the call."""
        page = "page"
        browser.call(page, "open", "/tone.wav", None, self.servers(policy) if policy else {})
        browser.call(page, "begin")
        return page

    def through_the_relay(self):
        """(seconds until the trunk hears, seconds of the API)."""
        page = self.ready_page(self.far)
        port, = free_udp_ports(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trunk:
            trunk.bind(("127.0.0.1", port))
            trunk.settimeout(PATIENCE)
            began = time.monotonic()
            offer = self.far.call(page, "describe")
            asked = time.monotonic()
            session = self.api.messages.causeway_dot_v1_dot_session__pb2.Session()
            leg = session.legs.add(name="legs/caller", network="wire")
            leg.codec_policy.allow.append("PCMU")
            bridge = self.api.call("BridgeOffer", offer_sdp=offer, session=session)
            answer = self.api.call("BridgeAnswer", name=bridge.session.name,
                                   answer_sdp=trunk_answer(port))
            took = time.monotonic() - asked
            self.far.call(page, "accept", answer.answer_sdp)
            trunk.recv(2048)
            heard = time.monotonic() - began
        self.api.call("DeleteSession", name=bridge.session.name)
        self.far.call(page, "close")
        return heard, took

    def with_full_ice(self, policy, is_trickled):
        far, near = self.ready_page(self.far, policy), self.ready_page(self.near, "all")
        began = time.monotonic()
        if is_trickled:
            offer = self.far.call(far, "describe")
            answer = self.near.call(near, "describe", offer)
        else:
            offer = self.far.call(far, "offer")
            answer = self.near.call(near, "answer", offer)
        self.far.call(far, "accept", answer)
        while not self.near.call(near, "stats").get("received"):
            if time.monotonic() - began > PATIENCE:
                raise AssertionError("no call came about")
            if is_trickled:
                for giver, its, taker, others in ((self.far, far, self.near, near),
                                                  (self.near, near, self.far, far)):
                    candidates = giver.call(its, "newCandidates")
                    if candidates:
                        taker.call(others, "addCandidates", candidates)
        heard = time.monotonic() - began
        self.far.call(far, "close")
        self.near.call(near, "close")
        return heard


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
    parser.add_argument("--calls", type=int, default=10)
    options = parser.parse_args()
    own_network.enter()
    folder = tempfile.mkdtemp(prefix="causeway-time-")
    api_times = []
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, True)
        bench = Bench(folder, stack)
        ways = [("relay", None), ("direct, trickled", ("all", True)), ("direct", ("all", False)),
                ("turn, trickled", ("relay", True)), ("turn", ("relay", False))]
        print("| round trip | loss | " + " | ".join(name for name, _ in ways) + " |")
        print("|---|---|" + "---|" * len(ways), flush=True)
        for trip, loss in NETWORKS:
            cells = []
            for _, ice in ways:
                times = []
                for _ in range(options.calls):
                    bench.wire.set(trip / 1000, loss / 100)
                    if ice:
                        times.append(bench.with_full_ice(*ice))
                    else:
                        heard, took = bench.through_the_relay()
                        times.append(heard)
                        api_times.append(took)
                    bench.wire.set(0, 0)
                cells.append("%.0f / %.0f" % tuple(1000 * percentile(times, share)
                                                   for share in (0.5, 0.95)))
            print("| %d ms | %d %% | %s |" % (trip, loss, " | ".join(cells)), flush=True)
    print("\nms from the beginning of the offer to the first packet at the other side, p50 / p95 of %d "
          "calls.\nThe relay's API, from the browser's offer to its answer (two requests): p50 %.1f ms, "
          "p99 %.1f ms of %d calls." % (options.calls, 1000 * percentile(api_times, 0.5),
                                        1000 * percentile(api_times, 0.99), len(api_times)))


if __name__ == "__main__":
    main()
