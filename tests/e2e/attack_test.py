"""Attacks on a call's media ports (cases 1 to 4 and 7 of the list in tests/attack/README.md): the call
is unaffected to the bit, the attacker is sent nothing, counters tell of it, nothing grows."""

import os
import random
import socket
import struct
import threading
import unittest

from tests.e2e.harness import RelayTest, free_udp_ports, inline, random_key

SUITE = "AES_CM_128_HMAC_SHA1_80"
PACKETS = 150
IS_SANITIZED = "CAUSEWAY_SANITIZED" in os.environ


def rtp(seq, timestamp, ssrc, payload, payload_type=0, first=0x80):
    return struct.pack(">BBHII", first, payload_type, seq % 65536, timestamp % 2**32,
                       ssrc % 2**32) + payload


class Attacker:
    """Sends from 127.0.0.2, or spoofed from where it is told, as fast as it can until it is stopped."""

    def __init__(self, packets, targets, source=("127.0.0.2", 0)):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(source)
        self.socket.settimeout(0.05)
        self.packets, self.targets = packets, targets
        self.sent, self.answers = 0, 0
        self.is_stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        numbers = random.Random(7)
        while not self.is_stopping.is_set():
            for packet in self.packets[:20]:
                try:
                    self.socket.sendto(packet, numbers.choice(self.targets))
                    self.sent += 1
                except OSError:
                    pass  # a closed port answers; that is no concern of an attacker's
            self.packets = self.packets[20:] + self.packets[:20]
            self.is_stopping.wait(0.005)

    def stop(self):
        self.is_stopping.set()
        self.thread.join()
        try:
            while True:
                self.socket.recv(2048)
                self.answers += 1
        except OSError:
            pass
        self.socket.close()


class Attacks(RelayTest):
    relay_options = {"ports": "20000-20199"}

    def victim_call(self, attack):
        """A call of SRTP on one side and plain RTP on the other while `attack(to_a, to_b)` runs."""
        a_sends, relay_sends = random_key(30), random_key(30)
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, _ = self.relay.call(
            "srtp/pcmu,remote=127.0.0.1:%d,receive=%s,send=%s"
            % (port_a, inline(a_sends), inline(relay_sends)),
            "rtp/pcmu,remote=127.0.0.1:%d" % port_b)
        said = [bytes((i + j) % 256 for j in range(160)) for i in range(PACKETS)]
        pace = {"send": self.write_payloads("said", said), "interval_ms": 10,
                "start_file": self.start_file()}
        attackers = attack(self.address(to_a), self.address(to_b))
        b = self.peer("b", port_b, to_b, **pace)
        a = self.peer("a", port_a, to_a, **pace, suite=SUITE, send_key=a_sends.hex(),
                      receive_key=relay_sends.hex())
        self.begin()
        results = self.peer_result("a", a), self.peer_result("b", b)
        for attacker in attackers:
            attacker.stop()
            self.assertGreater(attacker.sent, 100)
            self.assertEqual(attacker.answers, 0, "an attacker is sent nothing")
        report = self.relay.report(session)
        for (sent, received, refused), leg, name in zip(results, ("b", "a"), ("a", "b")):
            self.assertEqual((sent, refused), (PACKETS, 0))
            self.check_heard(name, said, received)
            # Whatever reached the relay was passed on: loss is the flooded kernel's, not ours.
            self.assertEqual(report[leg]["received"]["packets"], report[name]["sent"]["packets"])
        return report

    def check_heard(self, name, said, received):
        """Only what was said, in its order, to the bit, and nearly all of it."""
        heard = [octets[12:] for _, octets in self.packets(name + ".received")]
        self.assertEqual(len(heard), received)
        rest = iter(said)
        self.assertTrue(all(any(packet == each for each in rest) for packet in heard))
        self.assertGreater(received, PACKETS * 8 // 10)

    @staticmethod
    def address(text):
        host, port = text.rsplit(":", 1)
        return host, int(port)

    def test_case_1_spray_over_the_whole_port_range(self):
        everywhere = [("127.0.0.1", port) for port in range(20000, 20200)]
        report = self.victim_call(lambda a, b: [
            Attacker([rtp(1, 160, 9, bytes(160))] * 20, everywhere + [a, b])])
        self.assertGreater(int(report["a"]["drops"]["unexpected_source"]), 0)

    def test_case_2_the_victims_ssrc_and_sequence_from_elsewhere(self):
        guesses = [rtp(1000 + i, 4000 + 160 * i, 0x1234abcd, b"\x55" * 160) for i in range(150)]
        report = self.victim_call(lambda a, b: [Attacker(guesses, [a, b])])
        self.assertGreater(int(report["b"]["drops"]["unexpected_source"]), 0)

    def test_case_3_jumps_and_a_storm_of_ssrcs(self):
        numbers = random.Random(3)
        storm = [rtp(numbers.getrandbits(16), numbers.getrandbits(32), numbers.getrandbits(32),
                     bytes(160)) for _ in range(500)]
        before = self.resident_kib()
        self.victim_call(lambda a, b: [Attacker(storm, [a, b])])
        # What AddressSanitizer keeps of freed memory is no state of ours.
        if not IS_SANITIZED:
            self.assertLess(self.resident_kib() - before, 8192, "no state for strangers")

    def test_case_4_forged_srtp_from_an_accepted_address(self):
        # From the endpoint's own IP, under its SSRC: what a spoofed source looks like to the relay.
        # Cases 5 and 6 need the endpoint's packets and its pace: media_attack_test.cc.
        a_sends, relay_sends = random_key(30), random_key(30)
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, _ = self.relay.call(
            "srtp/pcmu,remote=127.0.0.1:%d,accept=same-ip,receive=%s,send=%s"
            % (port_a, inline(a_sends), inline(relay_sends)),
            "rtp/pcmu,remote=127.0.0.1:%d" % port_b)
        target = self.address(to_a)
        forged = [rtp(seq, 160 * seq, 0x1234abcd, os.urandom(170)) for seq in range(0, 65536, 131)]
        attacker = Attacker(forged, [target], ("127.0.0.1", 0))
        said = [bytes((i + j) % 256 for j in range(160)) for i in range(PACKETS)]
        pace = {"send": self.write_payloads("said", said), "interval_ms": 10,
                "start_file": self.start_file()}
        b = self.peer("b", port_b, to_b, linger_ms=60_000)
        a = self.peer("a", port_a, to_a, **pace, suite=SUITE, send_key=a_sends.hex(),
                      receive_key=relay_sends.hex())
        self.begin()
        self.peer_result("a", a)
        b.terminate()
        received = self.peer_result("b", b)[1]
        attacker.stop()
        self.assertEqual(attacker.answers, 0, "an attacker is sent nothing")
        self.check_heard("b", said, received)
        self.assertGreater(int(self.relay.report(session)["a"]["drops"]["auth_failed"]), 100)

    def test_case_7_truncated_and_lying_packets_of_every_length(self):
        bad = [os.urandom(n) for n in range(0, 41)]
        bad += [rtp(1, 1, 1, bytes(n), first=0x80)[:n] for n in range(0, 41)]
        bad += [rtp(1, 1, 1, b"", first=0x8f), rtp(1, 1, 1, b"\xbe\xde\xff\xff", first=0x90),
                rtp(1, 1, 1, b"\xff" * 4, first=0xa0), b"\x80\xc8\xff\xff" + bytes(24),
                b"\x81\xc9\x00\x07" + bytes(4)]
        self.victim_call(lambda a, b: [
            Attacker(bad, [a, b, (b[0], b[1] + 1), (a[0], a[1] + 1)])])

    def resident_kib(self):
        with open("/proc/%d/status" % self.relay.process.pid) as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


if __name__ == "__main__":
    unittest.main()
