"""rtpengine's ng protocol: bencode over UDP, and the little SDP that it needs."""

import itertools
import os
import socket

from tests.bench.suite import bencode
from tests.bench.suite import settings

SUITES = ("AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_256_CM_HMAC_SHA1_80",
          "AES_256_CM_HMAC_SHA1_32", "AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32",
          "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "F8_128_HMAC_SHA1_80",
          "F8_128_HMAC_SHA1_32", "NULL_HMAC_SHA1_80", "NULL_HMAC_SHA1_32")

RTPMAP = {"pattern": (0, "PCMU/8000"), "pcmu": (0, "PCMU/8000"), "g722": (9, "G722/8000"),
          "opus": (96, "opus/48000/2")}


class Client:
    """Asks one request at a time."""

    def __init__(self, ip, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((ip, port))
        self.socket.settimeout(5)
        # The relay answers a cookie that it has seen before from its memory.
        self.cookies = itertools.count(int.from_bytes(os.urandom(5), "big"))

    def ask(self, request):
        """The answer as a dict. Raises OSError where none comes or it is not ok."""
        cookie = b"%d" % next(self.cookies)
        self.socket.send(cookie + b" " + bencode.encode(request))
        while True:
            answer = self.socket.recv(65536)
            head, _, body = answer.partition(b" ")
            if head == cookie:
                break
        answer = bencode.decode(body)
        if answer.get("result") not in ("ok", "pong"):
            raise OSError("rtpengine refused %s: %s" % (request["command"], answer))
        return answer

    def close(self):
        self.socket.close()


def sdp(ip, port, payload, crypto=None, name=None):
    """An offer or answer of one audio stream; `crypto`: the value of its a=crypto; `name`: of the
    codec, where it is not the usual one."""
    number, usual = RTPMAP[payload]
    name = name or usual
    lines = ["v=0", "o=- 1 1 IN IP4 " + ip, "s=-", "c=IN IP4 " + ip, "t=0 0",
             "m=audio %d RTP/%s %d" % (port, "SAVP" if crypto else "AVP", number),
             "a=rtpmap:%d %s" % (number, name), "a=rtcp:%d" % (port + 1), "a=ptime:20"]
    if crypto:
        lines.append("a=crypto:" + crypto)
    return "".join(line + "\r\n" for line in lines)


def read_sdp(text):
    """{ip, port, rtcp, type, name, crypto: {suite: value}} of an SDP with one stream and codec."""
    found = {"crypto": {}}
    for line in text.splitlines():
        if line.startswith("c=IN IP4 "):
            found["ip"] = line.split()[2]
        elif line.startswith("m=audio "):
            words = line.split()
            found["port"], found["type"] = int(words[1]), int(words[3])
        elif line.startswith("a=rtpmap:"):
            found["name"] = line.split()[1]
        elif line.startswith("a=rtcp:"):
            found["rtcp"] = int(line[7:].split()[0])
        elif line.startswith("a=crypto:"):
            value = line[9:]
            found["crypto"][value.split()[1]] = value
    return found


def opus_name(opus):
    """The codec as rtpengine wants it named: with its own defaults, or at Causeway's settings, which
    are mono, VOIP, and no more bandwidth than G.711 has (the options are libavcodec's)."""
    if opus is None:
        return "opus/48000/2"
    return ("opus/48000/1/%(bitrate)d///compression_level=%(complexity)d;application=voip;"
            "cutoff=4000" % opus)


def offer(call_id, case, port):
    """The request with which leg a, at `port`, calls leg b."""
    request = {"command": "offer", "call-id": call_id, "from-tag": "a", "ICE": "remove",
               "sdp": sdp(settings.GENERATOR_IP, port, case.a.payload),
               "rtcp-mux": ["demux"], "DTLS": "off",
               "transport-protocol": "RTP/SAVP" if case.b.suite else "RTP/AVP"}
    if case.b.suite:
        request["SDES"] = ["no-" + suite for suite in SUITES if suite != case.b.suite]
    if case.a.payload != case.b.payload:
        name = opus_name(case.opus) if case.b.payload == "opus" else "G722"
        request["codec"] = {"mask": ["PCMU"], "transcode": [name]}
    if case.is_recorded:
        request["record call"] = "on"
    return request


def answer(call_id, case, port, crypto, name=None):
    """The request with which leg b, at `port`, takes the call. `name`: of the codec, as it was
    offered; rtpengine encodes by what is answered, and mono Opus (opus/48000) is only that."""
    return {"command": "answer", "call-id": call_id, "from-tag": "a", "to-tag": "b",
            "sdp": sdp(settings.GENERATOR_IP, port, case.b.payload, crypto, name),
            "rtcp-mux": ["demux"], "ICE": "remove", "DTLS": "off"}


def delete(call_id):
    return {"command": "delete", "call-id": call_id, "from-tag": "a", "delete delay": 0}
