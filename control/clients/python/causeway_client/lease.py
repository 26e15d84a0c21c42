"""The lease of a session, kept alive."""

import threading

from causeway_client.errors import CausewayError


class Lease:
    """Renews a session's lease of `seconds` at each third of it, from a thread, until close() or the
    end of its block. It does not end the session. `error` is what the last renewal failed with, or None;
    a session that is gone ends the renewals."""

    def __init__(self, relay, session, seconds=60):
        self._relay, self.session, self.seconds = relay, session, seconds
        self.error = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._is_over.is_set():
            try:
                self._relay.renew_session(name=self.session, lease={"seconds": self.seconds})
                self.error = None
            except CausewayError as error:
                self.error = error
                if error.reason == "SESSION_NOT_FOUND":
                    return
            self._is_over.wait(self.seconds / 3)

    def close(self):
        self._is_over.set()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
