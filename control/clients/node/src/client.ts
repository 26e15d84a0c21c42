import {ChannelCredentials, Client, credentials} from "@grpc/grpc-js";
import {Event, WatchOptions, watch} from "./events";
import {NodeServiceDefinition} from "./generated/causeway/v1/NodeService";
import {RecordingServiceDefinition} from "./generated/causeway/v1/RecordingService";
import {RelayServiceDefinition} from "./generated/causeway/v1/RelayService";
import {Lease} from "./lease";
import {Methods, service} from "./service";

export interface ClientOptions {
  /** From `credentials.createSsl(...)` of @grpc/grpc-js. Without them the connection is plain. */
  credentials?: ChannelCredentials;
  /** How long a call may take where it says nothing itself. Default: 5000. */
  deadlineMs?: number;
}

/** What the relay could not be asked is asked again, twice; request ids make that safe. */
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [],
  methodConfig: [{
    name: [{}],
    retryPolicy: {
      maxAttempts: 3, initialBackoff: "0.1s", maxBackoff: "1s", backoffMultiplier: 3,
      retryableStatusCodes: ["UNAVAILABLE"],
    },
  }],
});

/** A relay at `host:port` or `unix:/path`. */
export class Causeway {
  readonly relay: Methods<RelayServiceDefinition>;
  readonly recordings: Methods<RecordingServiceDefinition>;
  readonly node: Methods<NodeServiceDefinition>;
  private readonly client: Client;

  constructor(address: string, options: ClientOptions = {}) {
    this.client = new Client(address, options.credentials ?? credentials.createInsecure(), {
      "grpc.service_config": SERVICE_CONFIG,
    });
    const methods = <Definition>(name: string) =>
      service<Definition>(`causeway.v1.${name}`, this.client, options.deadlineMs ?? 5000);
    this.relay = methods("RelayService");
    this.recordings = methods("RecordingService");
    this.node = methods("NodeService");
  }

  /** Events as they come, for `for await`. */
  watch(options: WatchOptions = {}): AsyncGenerator<Event> {
    return watch(this.client, options);
  }

  /** Keeps a session alive until the lease is stopped. */
  lease(session: string, seconds = 60): Lease {
    return new Lease(this.relay, session, seconds);
  }

  close(): void {
    this.client.close();
  }
}
