import {setTimeout as pause} from "node:timers/promises";
import {Client, ClientReadableStream, ServiceDefinition, ServiceError} from "@grpc/grpc-js";
import {CausewayError} from "./errors";
import {Event__Output} from "./generated/causeway/v1/Event";
import {WatchEventsRequest} from "./generated/causeway/v1/WatchEventsRequest";
import {WatchEventsResponse__Output} from "./generated/causeway/v1/WatchEventsResponse";
import {protos} from "./protos";

export type Event = Event__Output;

export interface WatchOptions extends WatchEventsRequest {
  /** Ends the iteration when it is aborted. */
  signal?: AbortSignal;
}

const PAUSE_MS = 500;

/**
 * Events as they come; `event.kind` says which field has what happened. Where the stream breaks off, or
 * was read too slowly, it is opened again after the last event, so that none is missed or seen twice;
 * other errors are thrown.
 */
export async function* watch(client: Client, {signal, ...request}: WatchOptions): AsyncGenerator<Event> {
  const {WatchEvents} = protos["causeway.v1.EventService"] as ServiceDefinition;
  while (!signal?.aborted) {
    const stream: ClientReadableStream<WatchEventsResponse__Output> = client.makeServerStreamRequest(
      WatchEvents.path, WatchEvents.requestSerialize, WatchEvents.responseDeserialize as any, request);
    const cancel = () => stream.cancel();
    let pauseMs = PAUSE_MS;
    signal?.addEventListener("abort", cancel);
    try {
      for await (const {event} of stream as AsyncIterable<WatchEventsResponse__Output>) {
        if (!event) continue;
        request.resumeToken = event.resumeToken || request.resumeToken;
        yield event;
      }
    } catch (failure) {
      if (signal?.aborted) return;
      const error = new CausewayError("WatchEvents", failure as ServiceError);
      if (error.status !== "UNAVAILABLE" && error.reason !== "SLOW_READER") throw error;
      pauseMs = error.retryDelayMs ?? PAUSE_MS;
    } finally {
      signal?.removeEventListener("abort", cancel);
      stream.on("error", () => {}); // What cancel() says of itself reaches nobody else.
      stream.cancel();
    }
    await pause(pauseMs);
  }
}
