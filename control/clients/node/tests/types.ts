/** Not run: the compiler holds the client's types to those of the proto files. */
import {Causeway} from "../src";

export async function typed(causeway: Causeway): Promise<string> {
  const {session, offerSdp} = await causeway.relay.bridgeOffer({offerSdp: "v=0", session: {lease: {seconds: 3}}});
  const state: "SESSION_STATE_OPEN" | string = session!.state;
  // @ts-expect-error: there is no such field.
  await causeway.relay.bridgeOffer({offer: "v=0"});
  // @ts-expect-error: a number is no name.
  await causeway.recordings.getRecording({name: 1});
  // @ts-expect-error: there is no such method.
  await causeway.relay.bridge({});
  // @ts-expect-error: events are watched by watch().
  await causeway.node.watchEvents({});
  for await (const event of causeway.watch({kinds: ["dtmf"]})) return offerSdp + state + event.dtmf!.digit;
  // @ts-expect-error: there is no such field.
  return session!.nothing;
}
