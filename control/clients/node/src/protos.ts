import {join} from "node:path";
import {PackageDefinition, loadSync} from "@grpc/proto-loader";

const FILES = ["relay", "event", "recording", "node"].map((each) => `causeway/v1/${each}_service.proto`);

/**
 * The API, read from the proto files in this package. What the options say of values, the types of
 * src/generated say too (package.json): field names in camel case, enums by name, 64-bit integers as
 * numbers, defaults filled in, absent messages as null.
 */
export const protos: PackageDefinition = loadSync(
  [...FILES, "google/rpc/status.proto", "google/rpc/error_details.proto"],
  {
    // Beside src/ here, beside dist/src/ where it is compiled.
    includeDirs: [join(__dirname, "../../proto")],
    longs: Number, enums: String, defaults: true, oneofs: true,
  });
