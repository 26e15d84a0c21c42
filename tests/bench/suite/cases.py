"""What is measured, as data."""

import dataclasses
import typing

CM = "AES_CM_128_HMAC_SHA1_80"
GCM = "AEAD_AES_128_GCM"

# Both subjects encode Opus like this where a case says so.
SAME_OPUS = {"bitrate": 24000, "complexity": 5}


@dataclasses.dataclass(frozen=True)
class Side:
    """One leg: what it speaks (pattern: G.711 whose payload carries the instant it was sent at)
    and under which SRTP suite."""

    payload: str
    suite: typing.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Media:
    """Calls that speak, from leg a to leg b and back, and what that costs.

    `calls` is how many at once: few enough that no subject is near its limit. With `is_at_half` it
    is only where the search begins for half of what each subject itself can carry: on a processor
    that sleeps between packets a packet costs more, which would flatter the slower subject."""

    name: str
    a: Side
    b: Side
    calls: int
    is_at_half: bool = False
    is_recorded: bool = False
    opus: typing.Optional[dict] = None  # None: each subject at its defaults
    subjects: tuple = ("causewayd", "rtpengine")
    is_quick: bool = False


PLAIN = Side("pattern")
PCMU = Side("pcmu")
OPUS = Side("opus")


def _with_recording(case, calls=None):
    return dataclasses.replace(case, name=case.name + "+record", is_recorded=True, is_quick=False,
                               calls=calls or case.calls,
                               subjects=("causewayd", "rtpengine"))


def media_cases():
    forwarded = [
        Media("rtp", PLAIN, PLAIN, 200, subjects=("causewayd", "rtpengine", "echo"),
              is_quick=True),
        Media("srtp-cm", PLAIN, Side("pattern", CM), 200,
              subjects=("causewayd", "rtpengine", "evp"), is_quick=True),
        Media("srtp-gcm", PLAIN, Side("pattern", GCM), 200,
              subjects=("causewayd", "rtpengine", "evp")),
    ]
    codec = ("causewayd", "rtpengine", "codec")
    transcoded = [
        Media("pcmu-opus", PCMU, OPUS, 20, subjects=codec, is_quick=True),
        Media("pcmu-opus-same", PCMU, OPUS, 20, opus=SAME_OPUS, subjects=codec, is_quick=True),
        Media("pcmu-opus-srtp", PCMU, Side("opus", CM), 20),
        Media("pcmu-opus-srtp-same", PCMU, Side("opus", CM), 20, opus=SAME_OPUS),
        Media("pcmu-g722", PCMU, Side("g722"), 60, subjects=codec, is_quick=True),
    ]
    transcoded = [dataclasses.replace(each, is_at_half=True) for each in transcoded]
    recorded = [_with_recording(each) for each in forwarded]
    recorded += [_with_recording(each) for each in transcoded if "same" not in each.name]
    return forwarded + transcoded + recorded


@dataclasses.dataclass(frozen=True)
class Special:
    """A measurement with a course of its own; `kind` names it in specials.py."""

    name: str
    kind: str
    subjects: tuple = ("causewayd", "rtpengine")
    is_quick: bool = False


def special_cases():
    return [
        Special("setup", "setup", is_quick=True),
        Special("setup-bridge", "setup_sdp", subjects=("causewayd",)),
        Special("setup-answer", "setup_sdp", subjects=("causewayd",)),
        Special("handshakes", "handshakes", subjects=("causewayd",)),
        Special("memory", "memory", is_quick=True),
        Special("growth", "growth"),
        Special("latency-rtp", "latency", subjects=("causewayd", "rtpengine", "echo")),
        Special("latency-srtp-cm", "latency"),
        Special("latency-pcmu-opus", "latency"),
        Special("instructions", "instructions"),
        Special("opus-settings", "opus_settings"),
    ]


def all_cases():
    return media_cases() + special_cases()


def chosen(names, is_quick):
    """The cases of these names or name beginnings (`pcmu-opus*`); all, or the quick ones, where no
    name is given. Raises ValueError for a name that no case has."""
    cases = all_cases()
    if not names:
        return [each for each in cases if each.is_quick or not is_quick]
    wanted = []
    for name in names:
        found = [each for each in cases if each.name == name or
                 name.endswith("*") and each.name.startswith(name[:-1])]
        if not found:
            raise ValueError("no case %s; there are: %s" % (name, " ".join(c.name for c in cases)))
        wanted += [each for each in found if each not in wanted]
    return wanted
