"""The client: one channel and the services over it."""

import json

import grpc

import causeway_services
from causeway_client.events import Events
from causeway_client.lease import Lease

# What the relay refused or could not be asked is asked again, twice; request ids make that safe.
SERVICE_CONFIG = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE"]}}]})


class Causeway:
    """A relay at `address` (`host:port` or `unix:/path`). `credentials`: grpc.ssl_channel_credentials(...);
    without them the connection is plain, as `causewayd --insecure` has it. `deadline`: seconds that a
    call may take where it says nothing itself.

    Methods take the fields of their request by name, messages also as dictionaries, and raise
    CausewayError.
    """

    def __init__(self, address, credentials=None, deadline=5.0):
        options = [("grpc.service_config", SERVICE_CONFIG)]
        self.channel = (grpc.secure_channel(address, credentials, options) if credentials
                        else grpc.insecure_channel(address, options))
        self.relay = causeway_services.RelayService(self.channel, deadline)
        self.recordings = causeway_services.RecordingService(self.channel, deadline)
        self.events = causeway_services.EventService(self.channel, deadline)
        self.node = causeway_services.NodeService(self.channel, deadline)

    def watch(self, session="", kinds=(), labels=None, resume_token=""):
        """Events as they come: a context manager and an iterator; see Events."""
        return Events(self.events, session, kinds, labels or {}, resume_token)

    def lease(self, session, seconds=60):
        """Keeps a session alive until the block ends; see Lease."""
        return Lease(self.relay, session, seconds)

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
