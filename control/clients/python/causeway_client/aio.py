"""The client for asyncio, over grpc.aio: the same parts, with `await` and `async`.

    async with Causeway("127.0.0.1:7700") as causeway:
        bridge = await causeway.relay.bridge_offer(offer_sdp=offer)
        async with causeway.lease(bridge.session.name), causeway.watch(bridge.session.name) as events:
            async for event in events: ...

All of it belongs to the event loop in which it is made.
"""

import asyncio

import grpc
import grpc.aio

from causeway_client.client import SERVICE_CONFIG
from causeway_client.errors import CausewayError
from causeway_client.events import pause_after
from causeway_client.service import Service as BlockingService
from causeway_client.service import request_of


class Service(BlockingService):
    """What the generated services have in common."""

    async def _call(self, name, request_type, answer_type, fields, timeout):
        request = request_of(request_type, fields)
        method = self._method("unary_unary", name, request_type, answer_type)
        try:
            return await method(request, timeout=self._deadline if timeout is None else timeout)
        except grpc.RpcError as error:
            raise CausewayError(name, error) from None


class Causeway:
    """As causeway_client.Causeway. Methods return awaitables, and raise CausewayError when awaited."""

    def __init__(self, address, credentials=None, deadline=5.0):
        import causeway_services_aio as services  # It imports Service from here.
        options = [("grpc.service_config", SERVICE_CONFIG)]
        self.channel = (grpc.aio.secure_channel(address, credentials, options) if credentials
                        else grpc.aio.insecure_channel(address, options))
        self.relay = services.RelayService(self.channel, deadline)
        self.recordings = services.RecordingService(self.channel, deadline)
        self.events = services.EventService(self.channel, deadline)
        self.node = services.NodeService(self.channel, deadline)

    def watch(self, session="", kinds=(), labels=None, resume_token=""):
        """Events as they come: an asynchronous context manager and iterator; see Events."""
        return Events(self.events, session, kinds, labels or {}, resume_token)

    def lease(self, session, seconds=60):
        """Keeps a session alive until the block ends; see Lease."""
        return Lease(self.relay, session, seconds)

    async def close(self):
        await self.channel.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()


class Events:
    """As causeway_client.Events, for `async for`. close() ends the iteration."""

    def __init__(self, service, session, kinds, labels, resume_token):
        self._service = service
        self._filter = dict(session=session, kinds=kinds, labels=labels)
        self.resume_token = resume_token
        self._is_closed = False
        self._open()

    def _open(self):
        self._stream = self._service.watch_events(resume_token=self.resume_token, **self._filter)
        self._iterator = self._stream.__aiter__()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._is_closed:
            try:
                event = (await self._iterator.__anext__()).event
                self.resume_token = event.resume_token or self.resume_token
                return event
            except asyncio.CancelledError:
                if not self._is_closed:
                    raise  # It is the task that is cancelled, not the stream.
            except grpc.RpcError as failure:
                if not self._is_closed:
                    await asyncio.sleep(pause_after(failure))
                    self._open()
        raise StopAsyncIteration

    def close(self):
        self._is_closed = True
        self._stream.cancel()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


class Lease:
    """As causeway_client.Lease, by a task of the running loop."""

    def __init__(self, relay, session, seconds=60):
        self._relay, self.session, self.seconds = relay, session, seconds
        self.error = None
        self._task = asyncio.ensure_future(self._run())

    async def _run(self):
        while True:
            try:
                await self._relay.renew_session(name=self.session, lease={"seconds": self.seconds})
                self.error = None
            except CausewayError as error:
                self.error = error
                if error.reason == "SESSION_NOT_FOUND":
                    return
            await asyncio.sleep(self.seconds / 3)

    async def close(self):
        self._task.cancel()
        await asyncio.wait([self._task])

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()
