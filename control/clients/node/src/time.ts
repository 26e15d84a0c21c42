import {Duration, Duration__Output} from "./generated/google/protobuf/Duration";

/** A google.protobuf.Duration of that many milliseconds. */
export function duration(milliseconds: number): Duration {
  const seconds = Math.trunc(milliseconds / 1000);
  return {seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6)};
}

/** A google.protobuf.Duration in milliseconds; undefined where it is absent. */
export function milliseconds(duration: Duration__Output | null | undefined): number | undefined {
  return duration ? Number(duration.seconds) * 1000 + duration.nanos / 1e6 : undefined;
}
