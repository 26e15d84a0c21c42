#!/usr/bin/python3
"""Bridges a browser's offer to a SIP trunk. Usage: bridge.py ADDRESS. The signalling is a JSON object a
line on stdin and stdout: {offer}, {trunk_offer}, {trunk_answer}, {answer}, {end}."""

import json
import sys
import threading

from causeway_client import Causeway, CausewayError


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main():
    with Causeway(sys.argv[1]) as causeway:
        try:
            bridge = causeway.relay.bridge_offer(offer_sdp=json.loads(input())["offer"], session={
                "lease": {"seconds": 3}, "labels": {"application": "bridge.py"}})
        except CausewayError as error:
            return tell(refused=[error.reason, error.field])
        session = bridge.session.name
        with causeway.lease(session, 3), causeway.watch(session) as events:
            threading.Thread(target=lambda: [tell(event=e.WhichOneof("kind")) for e in events]).start()
            tell(session=session, trunk_offer=bridge.offer_sdp)
            answer = causeway.relay.bridge_answer(
                name=session, answer_sdp=json.loads(input())["trunk_answer"])
            tell(answer=answer.answer_sdp, plans=[c.plan.text for c in answer.session.connections])
            input()  # Until the call is over.
            report = causeway.relay.delete_session(name=session).report
            tell(ended={leg.leg: leg.received.packets for leg in report.legs})


if __name__ == "__main__":
    main()
