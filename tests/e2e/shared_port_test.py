"""Legs on a worker's shared port, with endpoints that are a socket and a few octets of STUN: whose a
datagram is, and what becomes of checks that went astray."""

import binascii
import hashlib
import hmac
import json
import os
import socket
import struct
import unittest

from tests.e2e.harness import Relay, RelayTest, free_udp_ports, wait_for

COOKIE = 0x2112A442
SILENCE = 0.3


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)


def check(fragment, password):
    """A check of a controlling agent that nominates (RFC 8445 7.1)."""
    body = (attribute(0x0006, (fragment + ":them").encode()) + attribute(0x0024, b"\0\0\0\1") +
            attribute(0x802A, bytes(8)) + attribute(0x0025, b""))
    transaction = os.urandom(12)

    def head(octets):
        return struct.pack(">HHI", 0x0001, octets, COOKIE) + transaction
    signed = head(len(body) + 24) + body
    body += attribute(0x0008, hmac.new(password.encode(), signed, hashlib.sha1).digest())
    signed = head(len(body) + 8) + body
    return signed + attribute(0x8028, struct.pack(">I", binascii.crc32(signed) ^ 0x5354554E))


def rtp(seq):
    return struct.pack(">BBHII", 0x80, 0, seq, seq * 160, 77) + bytes([0x55]) * 160


class Endpoint:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    def hears(self, patience=5.0):
        """The next datagram; nothing where none comes."""
        self.socket.settimeout(patience)
        try:
            return self.socket.recv(2048)
        except socket.timeout:
            return None


class SharedPort(RelayTest):
    def prepare(self):
        self.port, = free_udp_ports(1)
        self.relay_options = {"workers": 1, "extra": "    shared_port: %d\n" % self.port}

    def setUp(self):
        super().setUp()
        leg = {"transport": {"kind": "TRANSPORT_KIND_SHARED_PORT", "ice": {}},
               "codecs": [{"payloadType": 0}]}
        made = json.loads(self.relay.run("rpc", "RelayService.CreateSession", json.dumps({"session": {
            "legs": [{"name": "legs/a", **leg}, {"name": "legs/b", **leg}],
            "connections": [{"fromLeg": "legs/a", "toLeg": "legs/b"},
                            {"fromLeg": "legs/b", "toLeg": "legs/a"}]}})).stdout)
        self.session = made["session"]["name"]
        self.ice = [each["transport"]["ice"] for each in made["session"]["legs"]]
        self.ends = [Endpoint(), Endpoint()]
        for end in self.ends:
            self.addCleanup(end.socket.close)

    def send(self, end, octets):
        end.socket.sendto(octets, ("127.0.0.1", self.port))

    def connect(self, end, ice):
        self.send(end, check(ice["local_ufrag"], ice["local_password"]))
        self.assertEqual(end.hears()[:2], b"\x01\x01")

    def worker(self):
        return self.relay.json("node")["node"]["workers"][0]

    def test_media_goes_to_whom_ice_has_proved(self):
        for end, ice in zip(self.ends, self.ice):
            self.connect(end, ice)
        for seq in range(5):
            for here, there in (self.ends, reversed(self.ends)):
                self.send(here, rtp(seq))
                self.assertEqual(there.hears()[12:], bytes([0x55]) * 160)
        # A third address takes leg a over, by a check; what it says before that reaches nobody.
        third = Endpoint()
        self.addCleanup(third.socket.close)
        self.send(third, rtp(5))
        self.assertIsNone(self.ends[1].hears(SILENCE))
        self.connect(third, self.ice[0])
        self.send(third, rtp(6))
        self.assertEqual(self.ends[1].hears()[12:], bytes([0x55]) * 160)
        self.send(self.ends[1], rtp(5))
        self.assertEqual(third.hears()[12:], bytes([0x55]) * 160)

    def test_a_check_that_went_astray_gets_no_answer_and_is_counted(self):
        self.connect(self.ends[0], self.ice[0])
        ours, password = self.ice[0]["local_ufrag"], self.ice[0]["local_password"]
        stranger = self.ends[1]
        for fragment in ("AAAAA" + ours[5:], ours[:5] + "AAAAAAAA", "x"):
            self.send(stranger, check(fragment, password))
        self.assertIsNone(stranger.hears(SILENCE))
        wait_for("the checks to be counted",
                 lambda: int(self.worker().get("misrouted_checks", 0)) == 2 and
                 int(self.worker().get("unknown_checks", 0)) == 1)
        # Nor does the fragment of a leg that has been closed.
        self.relay.run("rpc", "RelayService.DeleteSession", json.dumps({"name": self.session}))
        self.send(self.ends[0], check(ours, password))
        self.assertIsNone(self.ends[0].hears(SILENCE))
        wait_for("it to be counted", lambda: int(self.worker().get("unknown_checks", 0)) == 2)

    def test_a_second_daemon_on_the_same_shared_port_does_not_start(self):
        os.mkdir(self.path("second"))
        with self.assertRaises(AssertionError) as said:
            Relay(self.path("second"), **self.relay_options)
        self.assertIn("The shared port cannot be opened: Address already in use", str(said.exception))


if __name__ == "__main__":
    unittest.main()
