"""A client of the Causeway relay.

    with Causeway("127.0.0.1:7700") as causeway:
        bridge = causeway.relay.bridge_offer(offer_sdp=offer)
        with causeway.lease(bridge.session.name), causeway.watch(bridge.session.name) as events:
            for event in events: ...
"""

# For asyncio, the same with `await` and `async`: causeway_client.aio.
from causeway_client.client import Causeway
from causeway_client.errors import CausewayError
from causeway_client.events import Events
from causeway_client.lease import Lease

__all__ = ["Causeway", "CausewayError", "Events", "Lease"]
