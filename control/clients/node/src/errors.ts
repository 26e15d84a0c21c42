import {ServiceError, status} from "@grpc/grpc-js";
import {MessageTypeDefinition} from "@grpc/proto-loader";
import {Any__Output} from "./generated/google/protobuf/Any";
import {BadRequest__Output} from "./generated/google/rpc/BadRequest";
import {ErrorInfo__Output} from "./generated/google/rpc/ErrorInfo";
import {RetryInfo__Output} from "./generated/google/rpc/RetryInfo";
import {Status__Output} from "./generated/google/rpc/Status";
import {protos} from "./protos";
import {milliseconds} from "./time";

/** The relay has refused a request, or could not be reached. */
export class CausewayError extends Error {
  /** The name of the gRPC status, such as `INVALID_ARGUMENT`. */
  readonly status: string;
  /**
   * The stable word for programs, a value of causeway.v1.ErrorReason without its prefix, such as
   * `SDP_INVALID`. Empty where the error is not the relay's.
   */
  readonly reason: string = "";
  /** What the reason is about. */
  readonly metadata: Record<string, string> = {};
  /** What is wrong with each field, by its path from the request. */
  readonly fields: Record<string, string> = {};
  /** How long to wait at least before the next try. */
  readonly retryDelayMs?: number;

  constructor(readonly method: string, cause: ServiceError) {
    super("", {cause});
    this.name = "CausewayError";
    this.status = status[cause.code] ?? String(cause.code);
    for (const {type_url: typeUrl, value} of detailsOf(cause)) {
      if (typeUrl.endsWith("/google.rpc.ErrorInfo")) {
        const info = decode<ErrorInfo__Output>("google.rpc.ErrorInfo", value);
        this.reason = info.reason;
        this.metadata = info.metadata;
      } else if (typeUrl.endsWith("/google.rpc.BadRequest")) {
        const {fieldViolations} = decode<BadRequest__Output>("google.rpc.BadRequest", value);
        this.fields = Object.fromEntries(fieldViolations.map((each) => [each.field, each.description]));
      } else if (typeUrl.endsWith("/google.rpc.RetryInfo")) {
        const {retryDelay} = decode<RetryInfo__Output>("google.rpc.RetryInfo", value);
        this.retryDelayMs = milliseconds(retryDelay);
      }
    }
    const fields = Object.entries(this.fields).map(([path, what]) => `${path}: ${what}`);
    this.message = [method, this.reason || this.status, cause.details, ...fields].filter(Boolean).join(": ");
  }

  /** The path of the first wrong field; empty where none is. */
  get field(): string {
    return Object.keys(this.fields)[0] ?? "";
  }
}

function decode<Message>(type: string, octets: Buffer): Message {
  return (protos[type] as MessageTypeDefinition<object, object>).deserialize(octets) as Message;
}

function detailsOf(error: ServiceError): Any__Output[] {
  const [octets] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!octets) return [];
  return decode<Status__Output>("google.rpc.Status", octets as Buffer).details;
}
