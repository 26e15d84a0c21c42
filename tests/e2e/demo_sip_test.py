"""The SIP user agent of deploy/demo: over UDP and TCP, with digest authentication, called and calling,
with sipp and with a peer of this file that says what no phone would."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import unittest

from tests.e2e.harness import DEADLINE, ROOT, free_tcp_port, terminate, wait_for

AGENT = os.path.join(ROOT, "tests/e2e/sip/agent.mjs")
SDP = "v=0\r\n"
ACCOUNTS = {"127.0.0.1": {"user": "alice", "password": "open, sesame"}}
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256, "SHA-512-256": lambda text: hashlib.new("sha512_256", text)}


class Agent:
    """The agent in a Node of its own."""

    def __init__(self, test, accounts):
        self.process = subprocess.Popen(["node", AGENT, json.dumps(accounts)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.said = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        test.addCleanup(self.stop)
        self.host, port = self.heard("address").split(":")
        self.port = int(port)

    def read(self):
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def tell(self, action, **what):
        self.process.stdin.write(json.dumps({"do": action, **what}) + "\n")
        self.process.stdin.flush()

    def heard(self, key):
        """What it says next under this key; all before is forgotten."""
        def find():
            for at, what in enumerate(self.said):
                if key in what:
                    del self.said[:at + 1]
                    return [what[key]]
            if not self.reader.is_alive():
                raise AssertionError("the agent has ended")
        return wait_for("the agent's " + key, find)[0]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        finally:
            terminate(self.process)
            self.reader.join()
            self.process.stdout.close()


class Request:
    def __init__(self, text):
        head, self.body = text.split("\r\n\r\n", 1)
        self.start, *lines = head.split("\r\n")
        self.method = self.start.split(" ")[0]
        self.headers = [line.split(": ", 1) for line in lines]

    def get(self, name):
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")

    def answer(self, status, *more, body=""):
        to = self.get("To") + ("" if ";tag=" in self.get("To") or status == 100 else ";tag=peer")
        return "\r\n".join([
            "SIP/2.0 %d Something" % status, "Via: " + self.get("Via"), "From: " + self.get("From"), "To: " + to,
            "Call-ID: " + self.get("Call-ID"), "CSeq: " + self.get("CSeq"), *more,
            "Content-Length: %d" % len(body), "", body])


class Peer:
    """One end of SIP over UDP, or over TCP by a connection that the agent opens."""

    def __init__(self, test, transport):
        self.transport, self.rest, self.stream = transport, "", None
        self.socket = socket.socket(type=socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE)
        test.addCleanup(self.close)
        self.socket.bind(("127.0.0.1", 0))
        if transport == "tcp":
            self.socket.listen()
        self.uri = "sip:bob@127.0.0.1:%d%s" % (
            self.socket.getsockname()[1], ";transport=tcp" if transport == "tcp" else "")
        self.contact = "Contact: <%s>" % self.uri

    def text(self):
        if self.transport == "udp":
            octets, self.agent = self.socket.recvfrom(65536)
            return octets.decode()
        if not self.stream:
            self.stream, _ = self.socket.accept()
            self.stream.settimeout(DEADLINE)
        while True:
            head, ending, body = self.rest.partition("\r\n\r\n")
            length = int(re.search(r"Content-Length: (\d+)", head + "Content-Length: 0")[1])
            if ending and len(body) >= length:
                self.rest = body[length:]
                return head + ending + body[:length]
            octets = self.stream.recv(65536)
            if not octets:
                raise AssertionError("the agent has closed the connection")
            self.rest += octets.decode()

    def next(self, method):
        """Its next request of this method; repeats of others are passed over."""
        while True:
            request = Request(self.text())
            if request.method == method:
                return request

    def say(self, text):
        if self.transport == "udp":
            self.socket.sendto(text.encode(), self.agent)
        else:
            self.stream.sendall(text.encode())

    def close(self):
        if self.stream:
            self.stream.close()
        self.socket.close()


def digest(request, password, header):
    """What the response of these credentials has to be, by RFC 7616 3.4.1 and RFC 2069."""
    found = dict(re.findall(r'(\w+)="?([^",]+)"?', request.get(header)))
    hashed = lambda *parts: HASHES[found["algorithm"]](":".join(parts).encode()).hexdigest()
    secret = hashed(found["username"], found["realm"], password)
    asked = hashed(request.method, found["uri"])
    middle = [found["nonce"]] + ([found["nc"], found["cnonce"], found["qop"]] if "qop" in found else [])
    return found, hashed(secret, *middle, asked)


@unittest.skipUnless(shutil.which("node"), "node is not installed (deploy/install.sh demo)")
class SipAgent(unittest.TestCase):
    def agent(self, accounts=None):
        return Agent(self, accounts or {})

    def ask(self, agent, text):
        """Sends a datagram; the start line of what comes back."""
        with socket.socket(type=socket.SOCK_DGRAM) as each:
            each.settimeout(DEADLINE)
            each.sendto(text.encode(), (agent.host, agent.port))
            return each.recv(65536).decode().split("\r\n")[0]

    @staticmethod
    def request(method="OPTIONS", user="answers", branch="z9hG4bKa", **more):
        headers = {"Via": "SIP/2.0/UDP 127.0.0.1:9;branch=" + branch, "From": "<sip:x@127.0.0.1>;tag=x",
                   "To": "<sip:%s@127.0.0.1>" % user, "Call-ID": "call-" + branch, "CSeq": "1 " + method,
                   "Content-Length": "0", **{name.replace("_", "-"): value for name, value in more.items()}}
        return "%s sip:%s@127.0.0.1 SIP/2.0\r\n%s\r\n" % (method, user, "".join(
            "%s: %s\r\n" % each for each in headers.items() if each[1] is not None))

    def test_digests_are_those_of_rfc_7616(self):
        program = """
            import {challengeOf, credentialsFor} from "%s/deploy/demo/sip_digest.mjs";
            for (const algorithm of ["MD5", "SHA-256"]) console.log(credentialsFor(challengeOf(
              `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, ` +
              `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"`),
              {user: "Mufasa", password: "Circle of Life"}, "GET", "/dir/index.html",
              "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"));""" % ROOT
        said = subprocess.run(["node", "--input-type=module", "-e", program], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        self.assertEqual(re.findall(r'response="(\w+)"', said), [
            "8ca523f5e9506fed4657c9700eebdbec",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"])

    def call_with_challenges(self, transport, status, challenges):
        agent, peer = self.agent(ACCOUNTS), Peer(self, transport)
        agent.tell("call", uri=peer.uri)
        first = peer.next("INVITE")
        asks, answers = (("WWW-Authenticate", "Authorization") if status == 401
                         else ("Proxy-Authenticate", "Proxy-Authorization"))
        self.assertEqual(first.get(answers), "")
        peer.say(first.answer(status, *("%s: %s" % (asks, each) for each in challenges)))
        acknowledged = peer.next("ACK")
        self.assertEqual(acknowledged.get("Via"), first.get("Via"))
        self.assertIn(";tag=peer", acknowledged.get("To"))
        second = peer.next("INVITE")
        self.assertEqual(second.get("CSeq"), "2 INVITE")
        self.assertNotEqual(second.get("Via"), first.get("Via"))
        self.assertEqual(second.get("Call-ID"), first.get("Call-ID"))
        return agent, peer, second, answers

    def test_it_answers_the_first_challenge_that_it_knows(self):
        for transport, status, challenges, wanted in (
                ("udp", 407, ['Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'], "MD5"),
                ("tcp", 401, ['Digest realm="a \\"b\\"", nonce="n,1", algorithm=NEW-1, qop="auth"',
                              'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth-int,auth", opaque="o"',
                              'Digest realm="r", nonce="n"'], "SHA-256"),
                ("udp", 401, ['Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"'], "SHA-512-256"),
                ("udp", 401, ['Basic realm="r"', 'Digest realm="r",nonce="n"'], "MD5")):
            with self.subTest(wanted=wanted, transport=transport, status=status):
                agent, peer, second, answers = self.call_with_challenges(transport, status, challenges)
                found, response = digest(second, ACCOUNTS["127.0.0.1"]["password"], answers)
                self.assertEqual((found["algorithm"], found["response"]), (wanted, response))
                self.assertEqual(found["uri"], peer.uri)
                peer.say(second.answer(180))
                agent.heard("ringing")
                peer.say(second.answer(200, peer.contact, body=SDP))
                self.assertEqual(agent.heard("answered"), SDP)
                self.assertEqual(peer.next("ACK").get("CSeq"), "2 ACK")
                agent.tell("hangUp")
                peer.say(peer.next("BYE").answer(200))
                self.assertEqual(agent.heard("ended"), "hung up")

    def test_a_wrong_password_is_tried_once_and_a_stale_nonce_again(self):
        challenge = 'Digest realm="r", nonce="%s", algorithm=SHA-256, qop="auth"'
        agent, peer, second, _ = self.call_with_challenges("udp", 401, [challenge % "old"])
        peer.say(second.answer(401, "WWW-Authenticate: " + challenge % "new" + ", stale=true"))
        third = peer.next("INVITE")
        while third.get("CSeq") != "3 INVITE":
            third = peer.next("INVITE")
        self.assertIn('nonce="new"', third.get("Authorization"))
        peer.say(third.answer(401, "WWW-Authenticate: " + challenge % "again"))
        self.assertEqual(agent.heard("refused"), "a user name and a password are wanted there (SIP 401)")

    def test_who_has_no_account_is_told_none(self):
        agent, peer = self.agent({"carrier.example": ACCOUNTS["127.0.0.1"]}), Peer(self, "udp")
        agent.tell("call", uri=peer.uri)
        invite = peer.next("INVITE")
        peer.say(invite.answer(401, 'WWW-Authenticate: Digest realm="carrier.example", nonce="n"'))
        self.assertEqual(agent.heard("refused"), "a user name and a password are wanted there (SIP 401)")

    def test_refusals_are_told_in_words(self):
        agent = self.agent()
        for status, words in ((486, "busy"), (404, "nobody has that address"), (480, "nobody can be reached there now"),
                              (488, "the phone takes none of what is offered"), (603, "declined"), (503, "Something")):
            peer = Peer(self, "udp")
            agent.tell("call", uri=peer.uri)
            peer.say(peer.next("INVITE").answer(status))
            self.assertEqual(agent.heard("refused"), "%s (SIP %d)" % (words, status))
            peer.next("ACK")
        agent.tell("call", uri="sip:bob@127.0.0.1:%d;transport=tcp" % free_tcp_port())
        self.assertEqual(agent.heard("refused"), "nobody listens at that address (SIP 503)")

    def test_a_call_that_rings_is_cancelled_after_a_provisional_response(self):
        for transport in "udp", "tcp":
            agent, peer = self.agent(), Peer(self, transport)
            agent.tell("call", uri=peer.uri)
            invite = peer.next("INVITE")
            agent.tell("hangUp")
            self.assertEqual(agent.heard("ended"), "hung up")
            peer.say(invite.answer(180, "Contact: <sip:elsewhere@127.0.0.1:9>"))
            cancel = peer.next("CANCEL")
            self.assertEqual(cancel.get("Via"), invite.get("Via"))
            self.assertEqual(cancel.start.replace("CANCEL", "INVITE"), invite.start)
            peer.say(cancel.answer(200))
            peer.say(invite.answer(487))
            acknowledged = peer.next("ACK")
            self.assertEqual(acknowledged.get("Via"), invite.get("Via"))
            self.assertEqual(acknowledged.start.replace("ACK", "INVITE"), invite.start)
            self.assertEqual(agent.heard("refused"), "the call was given up (SIP 487)")

    def test_a_lost_connection_ends_what_waits_for_an_answer(self):
        agent, peer = self.agent(), Peer(self, "tcp")
        agent.tell("call", uri=peer.uri)
        peer.say(peer.next("INVITE").answer(180))
        agent.heard("ringing")
        peer.stream.close()
        self.assertEqual(agent.heard("refused"), "the connection was closed (SIP 503)")

    @unittest.skipUnless(shutil.which("sipp"), "sipp is not installed (deploy/install.sh peers)")
    def test_sipp_calls_it_and_is_called(self):
        for transport in "u1", "t1":
            agent = self.agent()
            done = subprocess.run(
                ["sipp", "-sn", "uac", "-t", transport, "-m", "1", "-s", "answers", "-i", "127.0.0.1", "-nostdin",
                 "-timeout", "20", "%s:%d" % (agent.host, agent.port)], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(agent.heard("ended"), "the phone hung up")
            port = free_tcp_port()
            with subprocess.Popen(
                    ["sipp", "-sn", "uas", "-t", transport, "-m", "1", "-i", "127.0.0.1", "-p", str(port), "-nostdin",
                     "-timeout", "20"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as phone:
                if transport == "t1":
                    wait_for("sipp to listen", lambda: self.listens(port))
                agent.tell("call", uri="sip:s@127.0.0.1:%d%s" % (port, ";transport=tcp" if transport == "t1" else ""))
                agent.heard("answered")
                agent.tell("hangUp")
                self.assertEqual(phone.wait(DEADLINE), 0)

    @staticmethod
    def listens(port):
        """By the kernel's table: a connection to try it would be a call for sipp."""
        with open("/proc/net/tcp") as table:
            return ":%04X 00000000:0000 0A" % port in table.read()

    def test_nothing_that_is_no_sip_has_an_effect(self):
        agent = self.agent()
        address = agent.host, agent.port
        whole = self.request(branch="z9hG4bKw")
        no_sip = [
            b"", b"\r\n\r\n", os.urandom(1400), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", whole[:60].encode(),
            b"SIP/2.0 abc Nonsense\r\n\r\n", b"SIP/2.0 999 Nonsense\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n",
            b"INVITE\r\n\r\n", b"INVITE sip:a SIP/2.0\r\n:\r\n\r\n"]
        for name in "Via", "From", "To", "Call-ID", "CSeq":
            no_sip.append(self.request("INVITE", **{name.replace("-", "_"): None}).encode())
        for length in "9999", "-1", "1e3", "x":
            no_sip.append(self.request("INVITE", Content_Length=length).encode())
        no_sip += [self.request("INVITE", CSeq=wrong).encode() for wrong in ("INVITE", "x INVITE", "1 BYE")]
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.setblocking(False)
            for octets in no_sip:
                stranger.sendto(octets, address)
            self.assertEqual(self.ask(agent, whole), "SIP/2.0 200 OK")
            with self.assertRaises(BlockingIOError):
                stranger.recv(2048)
        for octets in (b"x" * 70_000, b"INVITE sip:a SIP/2.0\r\nContent-Length: 70000\r\n\r\n",
                       b"INVITE sip:a SIP/2.0\r\nVia: x\r\n\r\n"):
            with socket.create_connection(address) as stream:
                stream.settimeout(DEADLINE)
                try:
                    stream.sendall(octets)
                    self.assertEqual(stream.recv(1), b"")
                except ConnectionError:
                    pass  # It was closed while octets were on their way.
        for uri in ("sip:a@b\r\nX: y", "sip:a@b c", "sip:", "sip:a@b:99999", "sip:a@b;transport=tls", "http://a"):
            agent.tell("call", uri=uri)
            self.assertRegex(agent.heard("error"), "is not a SIP address|is no transport")
        for wrong in ({"Contact": None}, {"Contact": "<sip:>"}, {"Contact": "<sip:a@b:0>"}):
            branch = "z9hG4bKc%d" % len(str(wrong))
            self.assertEqual(self.ask(agent, self.request("INVITE", branch=branch, **wrong)), "SIP/2.0 400 Bad Request")
        agent.tell("count")
        self.assertEqual(agent.heard("dialogs"), 0)

    def test_a_stream_is_cut_into_messages_wherever_it_is_cut_in_segments(self):
        agent = self.agent()
        messages = "\r\n\r\n".join(self.request(branch="z9hG4bK%d" % each) for each in range(3)).encode()
        with socket.create_connection((agent.host, agent.port)) as stream:
            stream.settimeout(DEADLINE)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(messages)):
                stream.send(messages[at:at + 1])
            heard = b""
            while heard.count(b"SIP/2.0 200 OK") < 3:
                heard += stream.recv(65536)

    def test_strangers_who_know_a_call_id_cannot_end_the_call(self):
        agent = self.agent()
        invite = self.request("INVITE", "rings", "z9hG4bKr", Contact="<sip:x@127.0.0.1:9>")
        with socket.socket(type=socket.SOCK_DGRAM) as phone:
            phone.settimeout(DEADLINE)
            phone.sendto(invite.encode(), (agent.host, agent.port))
            ringing = phone.recv(2048).decode()
            while "180 Ringing" not in ringing:
                ringing = phone.recv(2048).decode()
            tag = re.search(r"To: .*;tag=(\w+)", ringing)[1]
            known = {"Call_ID": "call-z9hG4bKr"}
            for method, more in (("BYE", {"To": "<sip:r@127.0.0.1>;tag=guessed"}), ("CANCEL", {}),
                                 ("BYE", {"To": "<sip:r@127.0.0.1>;tag=" + tag, "From": "<sip:x@127.0.0.1>;tag=other"})):
                stranger = self.request(method, "rings", "z9hG4bKs%d" % len(str(more)), **known, **more)
                self.assertEqual(self.ask(agent, stranger), "SIP/2.0 481 Call/Transaction Does Not Exist")
            again = self.request("INVITE", "rings", "z9hG4bKt", **known, Contact="<sip:x@127.0.0.1:9>")
            self.assertEqual(self.ask(agent, again), "SIP/2.0 482 Loop Detected")
            agent.tell("count")
            self.assertEqual(agent.heard("dialogs"), 1)
            phone.sendto(self.request("CANCEL", "rings", "z9hG4bKr").encode(), (agent.host, agent.port))
            self.assertEqual(agent.heard("ended"), "the phone gave up")

    def test_an_offer_that_crosses_ours_is_glare(self):
        agent, peer = self.agent(), Peer(self, "udp")
        agent.tell("call", uri=peer.uri)
        invite = peer.next("INVITE")
        peer.say(invite.answer(200, peer.contact, body=SDP))
        agent.heard("answered")
        peer.next("ACK")
        agent.tell("again")
        peer.next("INVITE")
        peer.say(self.request("INVITE", "101", "z9hG4bKg", Call_ID=invite.get("Call-ID"), To=invite.get("From"),
                              From=invite.get("To") + ";tag=peer", Contact="<%s>" % peer.uri))
        answer = peer.text()
        while "z9hG4bKg" not in answer:
            answer = peer.text()
        self.assertIn("SIP/2.0 491 ", answer)


if __name__ == "__main__":
    unittest.main()
