"""Bridges a browser's offer to a SIP trunk, by asyncio. Usage: bridge_async.py ADDRESS. The signalling is
a JSON object a line on stdin and stdout: {offer}, {trunk_offer}, {trunk_answer}, {answer}, {end}."""

import asyncio
import json
import sys

from causeway_client import CausewayError
from causeway_client.aio import Causeway


def tell(**what):
    print(json.dumps(what), flush=True)


async def hear(key):
    return json.loads(await asyncio.to_thread(input))[key]


async def main():
    async with Causeway(sys.argv[1]) as causeway:
        try:
            bridge = await causeway.relay.bridge_offer(offer_sdp=await hear("offer"), session={"lease": {"seconds": 3}})
        except CausewayError as error:
            return tell(refused=[error.reason, error.field])
        session = bridge.session.name
        async with causeway.lease(session, 3), causeway.watch(session) as events:
            async def watch():
                async for event in events:
                    tell(event=event.WhichOneof("kind"))
            watching = asyncio.create_task(watch())  # noqa: F841 (a task that nobody holds may vanish)
            tell(session=session, trunk_offer=bridge.offer_sdp)
            tell(answer=(await causeway.relay.bridge_answer(
                name=session, answer_sdp=await hear("trunk_answer"))).answer_sdp)
            await hear("end")
            tell(ended=[leg.leg for leg in (await causeway.relay.delete_session(name=session)).report.legs])


asyncio.run(main())
