// Digest authentication of requests (RFC 3261 22, with the algorithms of RFC 7616 by RFC 8760).
import {createHash, randomBytes} from "node:crypto";

const HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512-256"};

/** The parameters of `Digest realm="a", qop="auth,auth-int"` by name; null where it is no challenge by digest. */
export function challengeOf(value) {
  if (!/^Digest\s/i.test(value)) return null;
  const found = {algorithm: "MD5"};
  for (const [, name, quoted, plain] of value.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    found[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain;
  }
  return found;
}

const isKnown = ({algorithm, qop, realm, nonce}) => Object.hasOwn(HASHES, algorithm.toUpperCase()) && realm !== undefined &&
  nonce !== undefined && (qop === undefined || qop.split(/\s*,\s*/).includes("auth"));
const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;

/** The value of an Authorization header. */
export function credentialsFor(challenge, {user, password}, method, uri, cnonce = randomBytes(12).toString("hex")) {
  const hash = (...parts) => createHash(HASHES[challenge.algorithm.toUpperCase()]).update(parts.join(":")).digest("hex");
  const {realm, nonce, opaque, algorithm} = challenge;
  const secret = hash(user, realm, password), request = hash(method, uri), count = "00000001";
  const response = challenge.qop === undefined ? hash(secret, nonce, request)
    : hash(secret, nonce, count, cnonce, "auth", request);
  const parts = [`username=${quoted(user)}`, `realm=${quoted(realm)}`, `nonce=${quoted(nonce)}`, `uri=${quoted(uri)}`,
    `response="${response}"`, `algorithm=${algorithm}`];
  if (opaque !== undefined) parts.push(`opaque=${quoted(opaque)}`);
  if (challenge.qop !== undefined) parts.push("qop=auth", `nc=${count}`, `cnonce="${cnonce}"`);
  return `Digest ${parts.join(", ")}`;
}

/**
 * The header that answers a 401 or 407: the first challenge of a known algorithm, as RFC 8760 2.4 has it. Null
 * where there is none, or where it refuses what was answered already (`isSecond`) for another reason than age.
 */
export function answerTo(response, account, method, uri, isSecond) {
  const [asks, answers] = {401: ["WWW-Authenticate", "Authorization"], 407: ["Proxy-Authenticate", "Proxy-Authorization"]}[
    response.status] ?? [];
  if (!asks || !account) return null;
  const challenge = response.all(asks).map(challengeOf).find((each) => each && isKnown(each));
  if (!challenge || (isSecond && challenge.stale?.toLowerCase() !== "true")) return null;
  return [answers, credentialsFor(challenge, account, method, uri)];
}
