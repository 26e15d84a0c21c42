"""A small SIP user agent over UDP on loopback: the application server's side of a test's calls.

It calls and is called (RFC 3261), acknowledges reliable provisional responses (RFC 3262) and knows
UPDATE (RFC 3311). A thread reads the socket, sends again what nobody has answered, and does what
needs no decision: 100, ACK, PRACK, and 200 to OPTIONS, BYE and CANCEL. What needs one waits in a
list for the test. There is no transport but UDP, no authentication, no forking and no route set.
"""

import random
import re
import selectors
import socket
import threading
import time

from tests.e2e.harness import wait_for

SEND_AGAIN = 0.5  # T1 of RFC 3261, in seconds; it is not doubled, since loopback loses nothing
REASONS = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK",
           481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated"}


def token():
    return "%016x" % random.getrandbits(64)


class Message:
    """A request or a response."""

    def __init__(self, start, headers, body=""):
        self.start, self.headers, self.body = start, headers, body
        words = start.split(" ", 2)
        self.status = int(words[1]) if words[0] == "SIP/2.0" else None
        self.method = self["CSeq"].split()[1] if self.status else words[0]

    @classmethod
    def parse(cls, octets):
        head, _, body = octets.decode().partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        pairs = [line.split(":", 1) for line in lines[1:]]
        return cls(lines[0], [(name.strip(), value.strip()) for name, value in pairs], body)

    def __getitem__(self, name):
        """The first value of a header, or nothing."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def __bytes__(self):
        headers = self.headers + [("Content-Length", str(len(self.body.encode())))]
        lines = [self.start] + ["%s: %s" % pair for pair in headers]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    @property
    def transaction(self):
        """What a request and its responses have in common (RFC 3261 17.1.3); an ACK is of its INVITE."""
        branch = re.search(r"branch=([^;,\s]+)", self["Via"]).group(1)
        return branch, "INVITE" if self.method == "ACK" else self.method

    @property
    def number(self):
        return int(self["CSeq"].split()[0])

    def tag(self, name):
        found = re.search(r";\s*tag=([^;\s]+)", self[name])
        return found.group(1) if found else ""

    def contact(self):
        """The URI of the Contact header."""
        return re.search(r"<?(sip:[^>;]+)", self["Contact"]).group(1)


class Sent:
    """A request of ours and its responses, or a final response of ours that waits for its ACK."""

    def __init__(self, message, address):
        self.message, self.address = message, address
        self.responses = []
        self.is_over = False
        self.again_at = time.monotonic() + SEND_AGAIN

    def response(self, status=None):
        """The response of this status, or the final one; nothing so far."""
        return next((r for r in self.responses
                     if (r.status >= 200 if status is None else r.status == status)), None)


class Call:
    """A dialog, and the call that it stands for."""

    def __init__(self, agent, call_id, remote, peer_uri):
        self.agent, self.id, self.peer_uri, self.target = agent, call_id, peer_uri, peer_uri
        host, port = re.search(r"@?([\d.]+):(\d+)$", peer_uri).groups()
        self.address = host, int(port)
        self.local, self.remote = "<%s>;tag=%s" % (agent.uri, token()), remote
        self.number = 0
        self.waiting, self.requests = [], []  # those for the test to answer; all of them
        self.invite = None
        self.is_ended = False

    # What we ask.

    def request(self, method, body="", more=(), via=None, number=None):
        """Sends a request within the dialog; returns it as Sent."""
        if number is None:
            self.number += 1
            number = self.number
        headers = [("Via", via or "SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (*self.agent.at, token())),
                   ("Max-Forwards", "70"), ("From", self.local), ("To", self.remote),
                   ("Call-ID", self.id), ("CSeq", "%d %s" % (number, method)),
                   ("Contact", "<%s>" % self.agent.uri),
                   ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE"), *more]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        sent = Sent(Message("%s %s SIP/2.0" % (method, self.target), headers, body), self.address)
        self.agent.send(sent)
        if method == "INVITE":
            self.invite = sent
        return sent

    def offer(self, sdp, method="INVITE"):
        """An offer in the running call, by re-INVITE or UPDATE; returns the answer's SDP."""
        sent = self.request(method, sdp)
        response = wait_for("a final response to " + method, sent.response)
        assert response.status == 200, response.start
        return response.body

    def progress(self, status):
        """The provisional response of this status, once it is there."""
        return wait_for("a %d" % status, lambda: self.invite.response(status))

    def answered(self):
        """The 200 to the INVITE, once it is there."""
        response = wait_for("an answer to the INVITE", self.invite.response)
        assert response.status == 200, response.start
        return response

    def cancel(self):
        """Takes the INVITE back: its own headers, another method (RFC 3261 9.1)."""
        invite = self.invite.message
        headers = [h for h in invite.headers if h[0] in ("Via", "From", "To", "Call-ID")]
        headers += [("CSeq", "%d CANCEL" % invite.number), ("Max-Forwards", "70")]
        start = invite.start.replace("INVITE", "CANCEL", 1)
        self.agent.send(Sent(Message(start, headers), self.address))

    def hang_up(self):
        sent = self.request("BYE")
        wait_for("an answer to the BYE", sent.response)
        self.is_ended = True

    # What we are asked.

    def asked(self, method):
        """The next request of this kind that the test has not answered, once it is there."""
        found = wait_for("a request " + method, lambda: next(
            (r for r in self.waiting if r.method == method), None))
        self.waiting.remove(found)
        return found

    def respond(self, request, status, body=""):
        """Answers a request."""
        self.agent.respond(request, status, body, self)


class Agent:
    """The user agent on its port; close() ends it."""

    def __init__(self, port):
        self.at = "127.0.0.1", port
        self.uri = "sip:causeway@127.0.0.1:%d" % port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(self.at)
        self.socket.setblocking(False)
        self.lock = threading.RLock()
        self.calls, self.incoming, self.errors = {}, [], []
        self.sent, self.done = {}, {}  # by transaction: what we sent; what we have responded
        self.wake, self.waker = socket.socketpair()
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        self.is_over = True
        self.waker.send(b".")
        self.thread.join()
        for each in (self.socket, self.wake, self.waker):
            each.close()
        assert not self.errors, self.errors

    def invite(self, uri, sdp, more=(("Supported", "100rel"),)):
        """Calls; returns the call at once."""
        call = Call(self, token(), "<%s>" % uri, uri)
        with self.lock:
            self.calls[call.id] = call
        call.request("INVITE", sdp, more)
        return call

    def called(self):
        """(call, INVITE) of the next call to us, once it is there."""
        call = wait_for("a call to the agent", lambda: self.incoming and self.incoming.pop(0))
        return call, call.asked("INVITE")

    # The wire.

    def send(self, sent):
        with self.lock:
            if sent.message.method != "ACK":
                self.sent[sent.message.transaction] = sent
            self.socket.sendto(bytes(sent.message), sent.address)

    def respond(self, request, status, body="", call=None):
        to = request["To"]
        if call and status > 100:
            to = call.local
        headers = [h for h in request.headers if h[0] in ("Via", "From", "Call-ID", "CSeq")]
        headers += [("To", to), ("Contact", "<%s>" % self.uri)]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        message = Message("SIP/2.0 %d %s" % (status, REASONS[status]), headers, body)
        sent = Sent(message, request.address)
        with self.lock:
            self.done[request.transaction] = message
            # Final responses to INVITE are sent again until the ACK is there.
            if request.method == "INVITE" and status >= 200:
                self.sent[("response", call.id)] = sent
            self.socket.sendto(bytes(message), sent.address)

    def run(self):
        selector = selectors.DefaultSelector()
        for each in (self.socket, self.wake):
            selector.register(each, selectors.EVENT_READ)
        while not self.is_over:
            ready = selector.select(SEND_AGAIN / 5)
            with self.lock:
                self.send_again()
                if any(key.fileobj is self.socket for key, _ in ready):
                    octets, address = self.socket.recvfrom(65535)
                    self.take(octets, address)
        selector.close()

    def send_again(self):
        now = time.monotonic()
        for sent in self.sent.values():
            if not sent.is_over and now > sent.again_at:
                sent.again_at = now + SEND_AGAIN
                self.socket.sendto(bytes(sent.message), sent.address)

    def take(self, octets, address):
        try:
            message = Message.parse(octets)
            message.address = address
            if message.status:
                self.take_response(message)
            else:
                self.take_request(message)
        except Exception as error:  # told by close(), in the test's thread
            self.errors.append("%r at %r" % (error, octets))

    def take_response(self, response):
        sent = self.sent.get(response.transaction)
        call = self.calls.get(response["Call-ID"])
        if not sent or not call:
            return
        sent.is_over = True
        is_new = all(response.start != r.start or response["RSeq"] != r["RSeq"]
                     for r in sent.responses)
        if response.status > 100 and response.tag("To"):
            call.remote = response["To"]
        if response["Contact"] and response.status < 300:
            call.target = response.contact()
        if response.method == "INVITE" and response.status >= 200:
            via = sent.message["Via"] if response.status >= 300 else None
            call.request("ACK", via=via, number=response.number)
        if not is_new:
            return
        if "100rel" in response["Require"] and 100 < response.status < 200:
            call.request("PRACK", more=[("RAck", "%s %s" % (response["RSeq"], response["CSeq"]))])
        sent.responses.append(response)

    def take_request(self, request):
        call = self.calls.get(request["Call-ID"])
        if request.method == "ACK":
            self.sent.pop(("response", request["Call-ID"]), None)
        elif request.transaction in self.done:
            self.socket.sendto(bytes(self.done[request.transaction]), request.address)
        elif request.method == "OPTIONS":
            self.respond(request, 200, call=call)
        elif request.method == "INVITE" and not request.tag("To"):
            self.take_call(request)
        elif call is None:
            self.respond(request, 481)
        else:
            self.take_within(call, request)

    def take_call(self, invite):
        call = Call(self, invite["Call-ID"], invite["From"], invite.contact())
        self.calls[call.id] = call
        self.respond(invite, 100)
        call.waiting.append(invite)
        call.requests.append(invite)
        self.incoming.append(call)

    def take_within(self, call, request):
        call.requests.append(request)
        if request.method == "INVITE":
            self.respond(request, 100, call=call)
        if request.method in ("INVITE", "UPDATE"):
            call.waiting.append(request)
            return
        self.respond(request, 200, call=call)
        if request.method == "BYE":
            call.is_ended = True
        if request.method == "CANCEL":
            invite = next(r for r in call.requests if r.method == "INVITE")
            self.respond(invite, 487, call=call)
