/**
 * A client of the Causeway relay.
 *
 *     const causeway = new Causeway("127.0.0.1:7700");
 *     const {session, offerSdp} = await causeway.relay.bridgeOffer({offerSdp: offer});
 *     const lease = causeway.lease(session.name);
 *     for await (const event of causeway.watch({session: session.name})) ...
 */
export {Causeway, ClientOptions} from "./client";
export {CausewayError} from "./errors";
export {Event, WatchOptions} from "./events";
export {Lease} from "./lease";
export {CallOptions, Methods} from "./service";
export {duration, milliseconds} from "./time";
