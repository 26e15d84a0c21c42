"""Events of the relay as an iterator."""

import time

import grpc

from causeway_client.errors import CausewayError

PAUSE = 0.5  # Seconds before the stream is opened again.


def pause_after(failure):
    """For how many seconds to wait before the stream is opened again; raises what will not pass."""
    error = CausewayError("WatchEvents", failure)
    if error.status != grpc.StatusCode.UNAVAILABLE and error.reason != "SLOW_READER":
        raise error from None
    return error.retry_delay or PAUSE


class Events:
    """Iterates over causeway.v1.Event. Where the stream breaks off, or was read too slowly, it is opened
    again after the last event, so that none is missed or seen twice; other errors are raised.
    `event.WhichOneof("kind")` says what happened. close(), from any thread, ends the iteration.
    """

    def __init__(self, service, session, kinds, labels, resume_token):
        self._service = service
        self._filter = dict(session=session, kinds=kinds, labels=labels)
        self.resume_token = resume_token
        self._is_closed = False
        self._stream = None
        self._open()

    def _open(self):
        self._stream = self._service.watch_events(resume_token=self.resume_token, **self._filter)

    def __iter__(self):
        return self

    def __next__(self):
        while not self._is_closed:
            try:
                event = next(self._stream).event
                self.resume_token = event.resume_token or self.resume_token
                return event
            except grpc.RpcError as failure:
                if self._is_closed:
                    break
                time.sleep(pause_after(failure))
                self._open()
        raise StopIteration

    def close(self):
        self._is_closed = True
        self._stream.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
