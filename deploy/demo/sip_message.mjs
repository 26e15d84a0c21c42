// SIP messages and addresses (RFC 3261 7, 19 and 25), as far as sip.mjs needs them.

/** A request or a response; of a header that comes more than once, all are kept. */
export class Message {
  constructor(start, headers, body = "") {
    Object.assign(this, {start, headers, body});
    this.status = start.startsWith("SIP/2.0 ") ? Number(start.split(" ")[1]) : null;
    const [number, method] = this.get("CSeq").split(/\s+/);
    Object.assign(this, {number: Number(number), method: this.status ? method : start.split(" ")[0]});
  }

  /** Throws where it is none, or lacks what every message has. */
  static parse(octets) {
    const end = octets.indexOf("\r\n\r\n");
    if (end < 0) throw new Error("not a SIP message");
    const [start, ...lines] = octets.toString("utf8", 0, end).replace(/\r\n[ \t]+/g, " ").split("\r\n");
    if (!/^(SIP\/2\.0 [1-6]\d\d( |$)|[A-Z]+ \S+ SIP\/2\.0$)/.test(start)) throw new Error("not a SIP message");
    const message = new Message(start, lines.map(headerOf));
    const {length} = message;
    if (length > octets.length - end - 4) throw new Error("the message is cut off");
    message.body = octets.toString("utf8", end + 4, length === null ? octets.length : end + 4 + length);
    if (!["Via", "From", "To", "Call-ID"].every((name) => message.get(name))) throw new Error("a header is missing");
    if (!/^\d{1,10}\s+[A-Z]+$/.test(message.get("CSeq"))) throw new Error("the CSeq is wrong");
    if (!message.status && message.get("CSeq").split(/\s+/)[1] !== message.method) throw new Error("the CSeq is wrong");
    return message;
  }

  get(name) {
    return this.all(name)[0] ?? "";
  }

  all(name) {
    return this.headers.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  /** The octets of its body, or null where it does not say. */
  get length() {
    const text = this.get("Content-Length");
    if (text === "") return null;
    if (!/^\d{1,9}$/.test(text)) throw new Error("the Content-Length is wrong");
    return Number(text);
  }

  /** What a request and its responses have in common; an ACK is of its INVITE. */
  get transaction() {
    const branch = /branch=([^;,\s]+)/.exec(this.get("Via"))?.[1] ?? "";
    return `${branch} ${this.method === "ACK" ? "INVITE" : this.method}`;
  }

  /** What the other side says beside the number of its status. */
  get phrase() {
    return this.start.split(" ").slice(2).join(" ");
  }

  toString() {
    const lines = [...this.headers, ["Content-Length", Buffer.byteLength(this.body)]];
    return `${this.start}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${this.body}`;
  }
}

const SHORT = {v: "Via", f: "From", t: "To", i: "Call-ID", m: "Contact", l: "Content-Length"};

function headerOf(line) {
  const at = line.indexOf(":");
  if (at < 1) throw new Error("a line is no header");
  const name = line.slice(0, at).trim();
  return [Object.hasOwn(SHORT, name.toLowerCase()) ? SHORT[name.toLowerCase()] : name, line.slice(at + 1).trim()];
}

export const tagOf = (value) => /;\s*tag=([^;\s]+)/.exec(value)?.[1] ?? "";
/** The URI in a From, To or Contact header, without its parameters. */
export const uriOf = (value) => /<?(sip:[^>;\s]+)/i.exec(value)?.[1] ?? "";
/** The URI in a Contact header with its parameters, as requests are sent to it. */
export const targetOf = (value) => /<(sip:[^>\s]+)>/i.exec(value)?.[1] ?? uriOf(value);

/** {host, port, transport} of `sip:user@host:port;transport=tcp`. Throws where it is none. */
export function addressOf(uri) {
  const found = /^sip:(?:[^@\s<>]*@)?(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?(;[^\s<>?]*)?$/i.exec(uri);
  const port = Number(found?.[2] ?? 5060);
  if (!found || port < 1 || port > 65535) throw new Error(`${uri} is not a SIP address`);
  const transport = /;transport=([^;]*)/i.exec(found[3] ?? "")?.[1].toLowerCase() ?? "udp";
  if (!["udp", "tcp"].includes(transport)) throw new Error(`${transport} is no transport of this demo: it has udp and tcp`);
  return {host: found[1].replace(/[[\]]/g, ""), port, transport};
}
