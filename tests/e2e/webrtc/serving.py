"""What the endpoints of this folder share: they are driven by a JSON object a line on stdin,

    {"call": "offer", "with": []}  ->  {"value": ...} or {"error": "..."}

as tests/e2e/browser/driver.mjs is; they speak a file's sound, and keep what they hear."""

import json
import sys
import wave

import numpy

BLOCK_SECONDS = 0.02


def serve(endpoint):
    """Calls what it is asked to of `endpoint`, until stdin ends."""
    try:
        for line in sys.stdin:
            print(json.dumps(answer_to(json.loads(line), endpoint)), flush=True)
    finally:
        endpoint.close()


def answer_to(request, endpoint):
    try:
        return {"value": getattr(endpoint, request["call"])(*request.get("with", []))}
    except Exception as error:  # said to the test, which fails with it
        return {"error": "%s: %s" % (type(error).__name__, error)}


class Voice:
    """A file's sound, 20 ms at a time; silence until begin() and after its end."""

    def __init__(self, path):
        with wave.open(path) as file:
            self.rate = file.getframerate()
            self.samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        self.at = len(self.samples)
        self.is_muted = False

    def begin(self):
        self.at = 0

    def block(self):
        block = numpy.zeros(int(self.rate * BLOCK_SECONDS), dtype="<i2")
        if not self.is_muted:
            spoken = self.samples[self.at:self.at + len(block)]
            block[:len(spoken)] = spoken
        self.at += len(block)
        return block


class Hearing:
    """What came, as mono samples of 16 bits."""

    def __init__(self):
        self.blocks = []
        self.rate = 0

    def add(self, samples, rate):
        self.blocks.append(samples)
        self.rate = rate

    def seconds(self):
        return sum(len(block) for block in self.blocks) / self.rate if self.rate else 0

    def save(self, path):
        with wave.open(path, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate or 8000)
            file.writeframes(b"".join(block.astype("<i2").tobytes() for block in self.blocks))


class Speaker:
    """What is asked of every endpoint that has its sound from a `voice` and a `hearing`; open() makes
    the voice."""

    def __init__(self):
        self.hearing = Hearing()

    def begin(self):
        self.voice.begin()

    def mute(self, is_muted):
        self.voice.is_muted = is_muted

    def seconds_heard(self):
        return self.hearing.seconds()

    def recording(self, path):
        self.hearing.save(path)
