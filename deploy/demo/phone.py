#!/usr/bin/python3
"""A SIP phone for the demo: baresip, which answers every call at once and says what a WAV file says.

usage: /usr/bin/python3 -m deploy.demo.phone FOLDER SPEECH.wav      (from the checkout's root)

Prints its SIP address and runs until it is ended. FOLDER is made, for its configuration and log.
"""

import signal
import sys

from tests.e2e.sip.phone import Phone


def main():
    folder, speech = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    phone = Phone(folder, speech, "g722")
    try:
        print(phone.uri, flush=True)
        phone.process.wait()
    finally:
        phone.stop()


if __name__ == "__main__":
    main()
