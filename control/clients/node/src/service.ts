import {randomUUID} from "node:crypto";
import {Client, ServiceDefinition} from "@grpc/grpc-js";
import {MethodDefinition} from "@grpc/proto-loader";
import {CausewayError} from "./errors";
import {protos} from "./protos";

export interface CallOptions {
  /** How long the call may take. Default: that of the client. */
  deadlineMs?: number;
}

/** The methods of a service that answer once, as functions that return promises. */
export type Methods<Definition> = {
  [Name in keyof Definition as Name extends string ? string extends Name ? never : Uncapitalize<Name> : never]:
    Definition[Name] extends MethodDefinition<infer Request, any, any, infer Answer>
      ? (request: Request, options?: CallOptions) => Promise<Answer> : never;
};

/**
 * The methods of a service over a channel. Requests that have a request_id get one, so that a repeat by
 * the channel changes nothing twice. Failures are CausewayErrors.
 */
export function service<Definition>(name: string, client: Client, deadlineMs: number): Methods<Definition> {
  const methods: Record<string, unknown> = {};
  for (const [key, method] of Object.entries(protos[name] as ServiceDefinition)) {
    if (method.responseStream) continue;
    methods[key[0].toLowerCase() + key.slice(1)] = (request: object, options: CallOptions = {}) =>
      new Promise((resolve, reject) => {
        const deadline = new Date(Date.now() + (options.deadlineMs ?? deadlineMs));
        client.makeUnaryRequest(
          method.path, method.requestSerialize, method.responseDeserialize,
          {requestId: randomUUID(), ...request}, {deadline},
          (error, answer) => error ? reject(new CausewayError(key, error)) : resolve(answer));
      });
  }
  return methods as Methods<Definition>;
}
