// A small SIP user agent over UDP (RFC 3261): it calls, is called, offers anew in a running call, and
// hangs up. What it leaves out is said in README.md.
import {randomBytes} from "node:crypto";
import {createSocket} from "node:dgram";

const T1_MS = 500; // The first wait before something is sent again; each wait is twice the one before.
const GIVE_UP_MS = 64 * T1_MS;
const REASONS = {
  100: "Trying", 180: "Ringing", 200: "OK", 404: "Not Found", 405: "Method Not Allowed",
  480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here",
  487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 603: "Decline",
};
const METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS";

const token = () => randomBytes(8).toString("hex");

/** A request or a response; of a header that comes more than once, all are kept. */
export class Message {
  constructor(start, headers, body = "") {
    Object.assign(this, {start, headers, body});
    this.status = start.startsWith("SIP/2.0 ") ? Number(start.split(" ")[1]) : null;
    const [number, method] = this.get("CSeq").split(/\s+/);
    Object.assign(this, {number: Number(number), method: this.status ? method : start.split(" ")[0]});
  }

  static parse(octets) {
    const [, head, body] = /^(.*?)\r\n\r\n(.*)$/s.exec(octets.toString()) ?? [];
    if (head === undefined) throw new Error("not a SIP message");
    const [start, ...lines] = head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
    const short = {v: "Via", f: "From", t: "To", i: "Call-ID", m: "Contact", l: "Content-Length"};
    const headers = lines.map((line) => {
      const at = line.indexOf(":");
      const name = line.slice(0, at).trim();
      return [short[name.toLowerCase()] ?? name, line.slice(at + 1).trim()];
    });
    return new Message(start, headers, body);
  }

  get(name) {
    return this.all(name)[0] ?? "";
  }

  all(name) {
    return this.headers.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  /** What a request and its responses have in common; an ACK is of its INVITE. */
  get transaction() {
    const branch = /branch=([^;,\s]+)/.exec(this.get("Via"))?.[1] ?? "";
    return `${branch} ${this.method === "ACK" ? "INVITE" : this.method}`;
  }

  toString() {
    const lines = [...this.headers, ["Content-Length", Buffer.byteLength(this.body)]];
    return `${this.start}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${this.body}`;
  }
}

const tagOf = (value) => /;\s*tag=([^;\s]+)/.exec(value)?.[1] ?? "";
/** The URI in a From, To or Contact header, without its parameters. */
export const uriOf = (value) => /<?(sip:[^>;\s]+)/i.exec(value)?.[1] ?? "";

/** {host, port} of `sip:user@host:port`. */
function addressOf(uri) {
  const found = /^sip:(?:[^@]*@)?(\[[^\]]+\]|[^:;>]+)(?::(\d+))?/i.exec(uri);
  if (!found) throw new Error(`${uri} is not a SIP address`);
  return {host: found[1].replace(/[[\]]/g, ""), port: Number(found[2] ?? 5060)};
}

/** A call refused or ended by the other side. */
export class SipError extends Error {
  constructor(status, text) {
    super(text || REASONS[status] || `SIP ${status}`);
    this.status = status;
  }
}

/**
 * One call. `handlers`: ringing(), early(sdp, tag), offered(sdp) -> answer, and ended(reason), which is
 * called once, whoever has ended it.
 */
export class Dialog {
  handlers = {};
  isEnded = false;
  number = 0;

  constructor(agent, id, {local, remote, target}) {
    Object.assign(this, {agent, id, local, remote, target});
  }

  /** Sends a request; resolves with its final response. */
  request(method, {body = "", onProgress} = {}) {
    this.number += 1;
    const message = this.message(method, this.number, `SIP/2.0/UDP ${this.agent.address};branch=z9hG4bK${token()};rport`, body);
    if (method === "INVITE") this.invite = message;
    return this.agent.ask(message, addressOf(this.target), onProgress);
  }

  message(method, number, via, body = "") {
    const headers = [
      ["Via", via], ["Max-Forwards", 70], ["From", this.local], ["To", this.remote], ["Call-ID", this.id],
      ["CSeq", `${number} ${method}`], ["Contact", `<${uriOf(this.local)}>`], ["Allow", METHODS],
      ["User-Agent", "causeway-demo"]];
    if (body) headers.push(["Content-Type", "application/sdp"]);
    return new Message(`${method} ${this.target} SIP/2.0`, headers, body);
  }

  /** Offers, first or anew; resolves with the answer of the other side. */
  async offer(sdp) {
    const response = await this.request("INVITE", {body: sdp, onProgress: (progress) => {
      this.learn(progress);
      if (progress.body) this.handlers.early?.(progress.body, tagOf(progress.get("To")));
      else if (progress.status >= 180) this.handlers.ringing?.();
    }});
    if (response.status < 300) this.learn(response);
    this.acknowledge(response);
    if (response.status >= 300) {
      throw new SipError(response.status, response.start.split(" ").slice(2).join(" "));
    }
    this.isAnswered = true;
    if (this.isEnded) void this.request("BYE").catch(() => {}); // Cancelled, and answered all the same.
    return response.body;
  }

  learn(response) {
    if (tagOf(response.get("To"))) this.remote = response.get("To");
    if (uriOf(response.get("Contact"))) this.target = uriOf(response.get("Contact"));
  }

  /** An ACK to a refusal is of the INVITE's transaction; one to a 2xx is its own. */
  acknowledge(response) {
    const via = response.status >= 300 ? this.invite.get("Via")
      : `SIP/2.0/UDP ${this.agent.address};branch=z9hG4bK${token()};rport`;
    const ack = this.message("ACK", response.number, via);
    if (response.status < 300) {
      this.agent.keep(this.agent.acknowledged, response.transaction, [ack, addressOf(this.target)]);
    }
    this.agent.send(ack, addressOf(this.target));
  }

  /** Answers a call to us. */
  accept(sdp) {
    this.isAnswered = true;
    this.agent.respond(this.incoming, 200, {dialog: this, body: sdp});
  }

  /** Ends the call, in whatever state it is. */
  hangUp(status = 603) {
    if (this.isEnded) return;
    if (this.isAnswered) void this.request("BYE").catch(() => {});
    else if (this.incoming) this.agent.respond(this.incoming, status, {dialog: this});
    else this.cancel();
    this.end("hung up");
  }

  cancel() {
    if (!this.invite) return;
    const kept = this.invite.headers.filter(([name]) => ["Via", "From", "To", "Call-ID"].includes(name));
    const cancel = new Message(this.invite.start.replace("INVITE", "CANCEL"),
      [...kept, ["CSeq", `${this.invite.number} CANCEL`], ["Max-Forwards", 70]]);
    void this.agent.ask(cancel, addressOf(this.target)).catch(() => {});
  }

  end(reason) {
    if (this.isEnded) return;
    this.isEnded = true;
    this.agent.dialogs.delete(this.id);
    this.handlers.ended?.(reason);
  }

  async take(request) {
    if (request.method === "BYE") {
      this.agent.respond(request, 200, {dialog: this});
      this.end("the phone hung up");
    } else if (request.method === "CANCEL") {
      this.agent.respond(request, 200, {dialog: this});
      if (this.isAnswered) return;
      this.agent.respond(this.incoming, 487, {dialog: this});
      this.end("the phone gave up");
    } else if (request.method === "INVITE") {
      this.agent.respond(request, 100, {dialog: this});
      try {
        const body = await this.handlers.offered(request.body);
        this.agent.respond(request, 200, {dialog: this, body});
      } catch {
        this.agent.respond(request, 488, {dialog: this});
      }
    } else {
      this.agent.respond(request, 405, {dialog: this});
    }
  }
}

/** The user agent on its port. `onCall(dialog, user, sdp)` is told of calls to `sip:user@address`. */
export class SipAgent {
  dialogs = new Map();
  asked = new Map(); // By transaction: what waits for its response.
  responded = new Map(); // By transaction: what was responded, for repeats.
  acknowledged = new Map(); // By transaction: the ACK, for a 2xx that comes again.
  unacknowledged = new Map(); // By Call-ID: the timer of a final response that waits for its ACK.

  static async listen(host, port, onCall) {
    const agent = new SipAgent();
    agent.socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    agent.socket.on("message", (octets, from) => agent.take(octets, {host: from.address, port: from.port}));
    await new Promise((resolve, reject) => {
      agent.socket.once("error", reject);
      agent.socket.bind(port, host, resolve);
    });
    agent.address = `${host.includes(":") ? `[${host}]` : host}:${agent.socket.address().port}`;
    agent.onCall = onCall;
    return agent;
  }

  /** A new call to `uri`, from `user`; its offer() begins it. */
  call(uri, user) {
    addressOf(uri); // Throws where it is none.
    const dialog = new Dialog(this, `${token()}@causeway-demo`, {
      local: `<sip:${user}@${this.address}>;tag=${token()}`, remote: `<${uri}>`, target: uri});
    this.dialogs.set(dialog.id, dialog);
    return dialog;
  }

  close() {
    for (const dialog of [...this.dialogs.values()]) dialog.hangUp();
    // What was said last is on its way before the socket goes.
    return new Promise((resolve) => setTimeout(() => this.socket.close(resolve), 50));
  }

  /** For as long as the other side may repeat itself. */
  keep(map, key, value) {
    map.set(key, value);
    setTimeout(() => map.delete(key), GIVE_UP_MS).unref();
  }

  send(message, {host, port}) {
    this.socket.send(String(message), port, host, () => {});
  }

  /** Sends again and again, at growing intervals; returns what ends that. */
  sendUntil(message, to, onGivenUp) {
    let wait = T1_MS;
    const begin = Date.now();
    let timer;
    const again = () => {
      this.send(message, to);
      if (Date.now() - begin > GIVE_UP_MS) return onGivenUp?.();
      timer = setTimeout(again, wait);
      timer.unref();
      wait = Math.min(wait * 2, 4000);
    };
    again();
    return () => clearTimeout(timer);
  }

  ask(message, to, onProgress) {
    return new Promise((resolve, reject) => {
      const stop = this.sendUntil(message, to, () => {
        this.asked.delete(message.transaction);
        reject(new SipError(408, "nobody answers at that address"));
      });
      this.asked.set(message.transaction, {stop, resolve, onProgress});
    });
  }

  respond(request, status, {dialog, body = ""} = {}) {
    const kept = request.headers.filter(([name]) => ["via", "from", "call-id", "cseq"].includes(name.toLowerCase()));
    const to = dialog && status > 100 ? dialog.local : request.get("To");
    const headers = [...kept, ["To", to], ["Allow", METHODS]];
    if (dialog) headers.push(["Contact", `<${uriOf(dialog.local)}>`]);
    if (body) headers.push(["Content-Type", "application/sdp"]);
    const response = new Message(`SIP/2.0 ${status} ${REASONS[status]}`, headers, body);
    this.keep(this.responded, request.transaction, response);
    if (request.method === "INVITE" && status >= 200) {
      this.unacknowledged.get(request.get("Call-ID"))?.();
      this.unacknowledged.set(request.get("Call-ID"), this.sendUntil(response, request.from));
    } else {
      this.send(response, request.from);
    }
  }

  take(octets, from) {
    let message;
    try {
      message = Message.parse(octets);
    } catch {
      return; // Keepalives and strangers.
    }
    message.from = from;
    if (message.status) this.takeResponse(message);
    else this.takeRequest(message);
  }

  takeResponse(response) {
    const asked = this.asked.get(response.transaction);
    if (!asked) {
      const again = this.acknowledged.get(response.transaction);
      if (again && response.status >= 200) this.send(...again);
      return;
    }
    asked.stop();
    if (response.status < 200) {
      if (response.status > 100) asked.onProgress?.(response);
      return;
    }
    this.asked.delete(response.transaction);
    asked.resolve(response);
  }

  takeRequest(request) {
    const dialog = this.dialogs.get(request.get("Call-ID"));
    if (request.method === "ACK") {
      this.unacknowledged.get(request.get("Call-ID"))?.();
      this.unacknowledged.delete(request.get("Call-ID"));
    } else if (this.responded.has(request.transaction)) {
      this.send(this.responded.get(request.transaction), request.from);
    } else if (request.method === "OPTIONS") {
      this.respond(request, 200, {dialog});
    } else if (dialog) {
      void dialog.take(request);
    } else if (request.method === "INVITE" && !tagOf(request.get("To"))) {
      this.takeCall(request);
    } else {
      this.respond(request, 481);
    }
  }

  takeCall(invite) {
    const uri = uriOf(invite.start.split(" ")[1]);
    const user = /^sip:([^@]*)@/i.exec(uri)?.[1] ?? "";
    const dialog = new Dialog(this, invite.get("Call-ID"), {
      local: `<sip:${user}@${this.address}>;tag=${token()}`, remote: invite.get("From"),
      target: uriOf(invite.get("Contact"))});
    dialog.incoming = invite;
    this.dialogs.set(dialog.id, dialog);
    this.respond(invite, 100, {dialog});
    this.onCall(dialog, user, invite.body);
  }
}
