/**
 * Bridges a browser's offer to a SIP trunk. Usage: node bridge.js ADDRESS. The signalling is a JSON object
 * a line on stdin and stdout: {offer}, {trunk_offer}, {trunk_answer}, {answer}, {end}.
 */
import {createInterface} from "node:readline";
import {Causeway, CausewayError} from "../src";

const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value);
const tell = (what: object) => console.log(JSON.stringify(what));

async function main(causeway: Causeway) {
  const {session, offerSdp} = await causeway.relay.bridgeOffer({
    offerSdp: (await hear()).offer,
    session: {lease: {seconds: 3}, labels: {application: "bridge.ts"}},
  });
  const name = session!.name;
  const lease = causeway.lease(name, 3);
  const over = new AbortController();
  const watching = (async () => {
    for await (const event of causeway.watch({session: name, signal: over.signal})) tell({event: event.kind});
  })();
  tell({session: name, trunk_offer: offerSdp});
  const answer = await causeway.relay.bridgeAnswer({name, answerSdp: (await hear()).trunk_answer});
  tell({answer: answer.answerSdp, plans: answer.session!.connections.map((each) => each.plan!.text)});
  await lines.next(); // Until the call is over.
  lease.stop();
  const {report} = await causeway.relay.deleteSession({name});
  tell({ended: Object.fromEntries(report!.legs.map((leg) => [leg.leg, leg.received?.packets ?? 0]))});
  over.abort();
  await watching;
  process.exit();
}

main(new Causeway(process.argv[2])).catch((error) => {
  tell(error instanceof CausewayError ? {refused: [error.reason, error.field]} : {failed: String(error)});
  process.exit(1);
});
