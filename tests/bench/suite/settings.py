"""Where things are, and who runs on which processor."""

import dataclasses
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# Loopback addresses that nobody else on the machine is likely to use.
GENERATOR_IP = "127.0.99.2"
CAUSEWAYD_IP = "127.0.99.1"
RTPENGINE_IP = "127.0.99.3"
ECHO_IP = "127.0.99.4"
# Of all endpoints that make handshakes.
HANDSHAKES_IP = "127.0.99.5"
HANDSHAKES_PORT = 9999
# Below the system's own range for outgoing ports, which both relays want to be left alone.
MEDIA_PORTS = (12000, 31999)
FIRST_ENDPOINT_PORT = 10000

SPEECH = "/usr/share/pocketsphinx/test/data/librivox"


@dataclasses.dataclass
class Settings:
    """Of one run of the bench."""

    bin: str
    work: str  # a folder for logs and recordings, in memory where the system has one
    generator_core: int = 0
    subject_core: int = 1
    seconds: float = 3.0
    warm_up: float = 1.0
    repeats: int = 5
    has_perf: bool = True
    # Of the generator: later than this at sending, and the run is invalid.
    max_lateness_us: float = 1000

    def binary(self, name):
        return os.path.join(self.bin, name)
