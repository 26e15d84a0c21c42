"""Legs as the generator wants them, whatever the subject."""

import base64
import dataclasses
import os
import typing

from tests.bench.suite import settings

TYPES = {"pattern": 0, "pcmu": 0, "g722": 9, "opus": 96}
KEY_OCTETS = {"AES_CM_128_HMAC_SHA1_80": 30, "AEAD_AES_128_GCM": 28}


def endpoint_port(call, side):
    """Of leg `side` (0, 1) of a call; RTCP is one higher."""
    return settings.FIRST_ENDPOINT_PORT + 4 * call + 2 * side


def make_crypto(suite, tag=1):
    """The value of an SDES attribute with a new key."""
    key = base64.b64encode(os.urandom(KEY_OCTETS[suite])).decode().rstrip("=")
    return "%d %s inline:%s" % (tag, suite, key)


@dataclasses.dataclass
class Leg:
    """One line of the generator's plan."""

    port: int
    remote: str
    payload: str
    hears: int
    rtcp: typing.Optional[str] = None
    send: typing.Optional[str] = None  # SDES values
    receive: typing.Optional[str] = None
    type: typing.Optional[int] = None

    def line(self, is_listened_to=False):
        fields = ["local=%s:%d" % (settings.GENERATOR_IP, self.port), "remote=" + self.remote,
                  "payload=" + self.payload, "hears=%d" % self.hears,
                  "type=%d" % (TYPES[self.payload] if self.type is None else self.type)]
        if self.rtcp:
            fields.append("rtcp=" + self.rtcp)
        for name in ("send", "receive"):
            if getattr(self, name):
                fields.append("%s=%s" % (name, getattr(self, name).replace(" ", ",")))
        if is_listened_to:
            fields.append("listen=1")
        return " ".join(fields)
