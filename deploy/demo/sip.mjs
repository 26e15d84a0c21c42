// A small SIP user agent (RFC 3261): it calls, is called, offers anew in a running call, and hangs up. What
// it leaves out is said in README.md.
import {randomBytes} from "node:crypto";
import {answerTo} from "./sip_digest.mjs";
import {Message, addressOf, tagOf, targetOf} from "./sip_message.mjs";
import {Transport} from "./sip_transport.mjs";

const T1_MS = 500; // The first wait before something is sent again; each wait is twice the one before.
const GIVE_UP_MS = 64 * T1_MS;
const MOST_TRANSACTIONS = 4096; // Of strangers' requests; more within GIVE_UP_MS are not looked at.
const REASONS = {
  100: "Trying", 180: "Ringing", 200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
  480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here",
  487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 603: "Decline",
};
/** Refusals as a caller would say them. */
const WORDS = {
  401: "a user name and a password are wanted there", 403: "it is forbidden there", 404: "nobody has that address",
  407: "a user name and a password are wanted there", 408: "nobody answers", 480: "nobody can be reached there now",
  486: "busy", 487: "the call was given up", 488: "the phone takes none of what is offered", 600: "busy",
  603: "declined", 606: "the phone takes none of what is offered",
};
const METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS";

const token = () => randomBytes(8).toString("hex");

/** A call refused by the other side, or one that could not be made. */
export class SipError extends Error {
  constructor(status, phrase) {
    super(WORDS[status] ? `${WORDS[status]} (SIP ${status})` : `${phrase || "refused"} (SIP ${status})`);
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
  isAsking = false; // An INVITE of ours has no final response yet.
  number = 0;

  /** `user`: who we are in it. `account`: {user, password} for who asks for them; none where nobody may. */
  constructor(agent, id, {user, local, remote, target, account}) {
    Object.assign(this, {agent, id, user, local, remote, target, account});
  }

  /** Sends a request, and again with credentials where they are wanted; resolves with its final response. */
  async request(method, {body = "", onProgress} = {}) {
    let credentials = null;
    for (let isSecond = false;; isSecond = true) {
      const to = addressOf(this.target);
      const message = this.message(method, ++this.number, this.via(to), {body, credentials});
      if (method === "INVITE") this.invite = {message, to};
      const response = await this.agent.ask(message, to, onProgress);
      credentials = this.isEnded && method === "INVITE" ? null
        : answerTo(response, this.account, method, this.target, isSecond);
      if (!credentials) return response;
      if (method === "INVITE") this.acknowledge(response);
    }
  }

  via({transport}) {
    return `SIP/2.0/${transport.toUpperCase()} ${this.agent.address};branch=z9hG4bK${token()};rport`;
  }

  get contact() {
    const {transport} = addressOf(this.target);
    return `<sip:${this.user}@${this.agent.address}${transport === "udp" ? "" : `;transport=${transport}`}>`;
  }

  message(method, number, via, {body = "", credentials, target = this.target} = {}) {
    const headers = [
      ["Via", via], ["Max-Forwards", 70], ["From", this.local], ["To", this.remote], ["Call-ID", this.id],
      ["CSeq", `${number} ${method}`], ["Contact", this.contact], ["Allow", METHODS],
      ["User-Agent", "causeway-demo"]];
    if (credentials) headers.push(credentials);
    if (body) headers.push(["Content-Type", "application/sdp"]);
    return new Message(`${method} ${target} SIP/2.0`, headers, body);
  }

  /** Offers, first or anew; resolves with the answer of the other side. */
  async offer(sdp) {
    this.isAsking = true;
    try {
      const response = await this.request("INVITE", {body: sdp, onProgress: (progress) => this.takeProgress(progress)});
      if (response.status < 300) this.learn(response);
      this.acknowledge(response);
      if (response.status >= 300) throw new SipError(response.status, response.phrase);
      this.isAnswered = true;
      if (this.isEnded) void this.request("BYE").catch(() => {}); // Cancelled, and answered all the same.
      return response.body;
    } finally {
      this.isAsking = false;
    }
  }

  takeProgress(progress) {
    this.isGoingOn = true;
    if (this.isEnded) return this.cancel();
    if (progress.status === 100) return;
    this.learn(progress);
    if (progress.body) this.handlers.early?.(progress.body, tagOf(progress.get("To")));
    else this.handlers.ringing?.();
  }

  /** Where its requests go from now on; a Contact that cannot be one changes nothing. */
  learn(response) {
    if (tagOf(response.get("To"))) this.remote = response.get("To");
    const target = targetOf(response.get("Contact"));
    try {
      addressOf(target);
      this.target = target;
    } catch {
      // As before.
    }
  }

  /** An ACK to a refusal is of the INVITE's transaction; one to a 2xx is its own. */
  acknowledge(response) {
    const {message, to} = this.invite;
    if (response.status >= 300) {
      const ack = this.message("ACK", response.number, message.get("Via"), {target: message.start.split(" ")[1]});
      ack.headers = ack.headers.map(([name, value]) => [name, name === "To" ? response.get("To") : value]);
      return this.agent.send(ack, to);
    }
    const now = addressOf(this.target), ack = this.message("ACK", response.number, this.via(now));
    this.agent.keep(this.agent.acknowledged, response.transaction, [ack, now]);
    this.agent.send(ack, now);
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
    else if (this.isGoingOn) this.cancel();
    this.end("hung up");
  }

  /** Once a provisional response has come (RFC 3261 9.1). */
  cancel() {
    if (this.isCancelled) return;
    this.isCancelled = true;
    const {message, to} = this.invite;
    const kept = message.headers.filter(([name]) => ["Via", "From", "To", "Call-ID"].includes(name));
    const cancel = new Message(message.start.replace("INVITE", "CANCEL"),
      [...kept, ["CSeq", `${message.number} CANCEL`], ["Max-Forwards", 70]]);
    void this.agent.ask(cancel, to).catch(() => {});
  }

  end(reason) {
    if (this.isEnded) return;
    this.isEnded = true;
    this.agent.dialogs.delete(this.id);
    this.handlers.ended?.(reason);
  }

  /** Whether a request is of this dialog and not only of its Call-ID. */
  has(request) {
    if (request.method === "CANCEL") return request.transaction.split(" ")[0] === this.incoming?.transaction.split(" ")[0];
    return tagOf(request.get("To")) === tagOf(this.local) && tagOf(request.get("From")) === tagOf(this.remote);
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
    } else if (request.method === "INVITE" && this.isAsking) {
      this.agent.respond(request, 491, {dialog: this});
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

  /** `accounts`: {user, password} by the host that may ask for them. */
  static async listen(host, port, onCall, accounts = new Map()) {
    const agent = new SipAgent();
    agent.transport = await Transport.listen(host, port, (message) => agent.take(message), (to, why) => agent.lose(to, why));
    return Object.assign(agent, {address: agent.transport.address, onCall, accounts});
  }

  /** A new call to `uri`, from `user`; its offer() begins it. */
  call(uri, user) {
    const account = this.accounts.get(addressOf(uri).host); // Throws where it is no address.
    const from = account ? `${account.user}@${addressOf(uri).host}` : `${user}@${this.address}`;
    const dialog = new Dialog(this, `${token()}@causeway-demo`, {
      user, local: `<sip:${from}>;tag=${token()}`, remote: `<${uri}>`, target: uri, account});
    this.dialogs.set(dialog.id, dialog);
    return dialog;
  }

  close() {
    for (const dialog of [...this.dialogs.values()]) dialog.hangUp();
    // What was said last is on its way before the socket goes.
    return new Promise((resolve) => setTimeout(() => resolve(this.transport.close()), 50));
  }

  /** For as long as the other side may repeat itself. */
  keep(map, key, value) {
    map.set(key, value);
    setTimeout(() => map.delete(key), GIVE_UP_MS).unref();
  }

  send(message, to) {
    this.transport.send(message, to);
  }

  /** Sends again and again, at growing intervals, and once where `isOnce`; returns what ends that. */
  sendUntil(message, to, onGivenUp, isOnce = false) {
    let wait = T1_MS;
    const begin = Date.now();
    let timer;
    const again = () => {
      if (Date.now() - begin > GIVE_UP_MS) return onGivenUp();
      if (!isOnce || wait === T1_MS) this.send(message, to);
      timer = setTimeout(again, wait);
      timer.unref();
      wait = Math.min(wait * 2, 4000);
    };
    again();
    return () => clearTimeout(timer);
  }

  ask(message, to, onProgress) {
    return new Promise((resolve, reject) => {
      const fail = (why) => {
        this.asked.delete(message.transaction);
        reject(why);
      };
      const stop = this.sendUntil(message, to, () => fail(new SipError(408)), to.transport !== "udp");
      this.asked.set(message.transaction, {stop, resolve, fail, to, onProgress});
    });
  }

  /** The connection to an address is lost: what waits for a response from it gets none. */
  lose(to, why) {
    for (const asked of [...this.asked.values()]) {
      if (asked.to.transport !== to.transport || asked.to.host !== to.host || asked.to.port !== to.port) continue;
      asked.stop();
      asked.fail(new SipError(503, why));
    }
  }

  respond(request, status, {dialog, body = ""} = {}) {
    const kept = request.headers.filter(([name]) => ["via", "from", "call-id", "cseq"].includes(name.toLowerCase()));
    let to = request.get("To");
    if (status > 100 && !tagOf(to)) to += `;tag=${dialog ? tagOf(dialog.local) : token()}`;
    const headers = [...kept, ["To", to], ["Allow", METHODS]];
    if (dialog) headers.push(["Contact", dialog.contact]);
    if (body) headers.push(["Content-Type", "application/sdp"]);
    const response = new Message(`SIP/2.0 ${status} ${REASONS[status]}`, headers, body);
    this.keep(this.responded, request.transaction, response);
    if (request.method === "INVITE" && status >= 200) {
      this.unacknowledged.get(request.get("Call-ID"))?.();
      this.unacknowledged.set(request.get("Call-ID"), this.sendUntil(response, request.from, () => {
        this.unacknowledged.delete(request.get("Call-ID"));
        if (status < 300) dialog?.hangUp(); // RFC 3261 13.3.1.4
      }));
    } else {
      this.send(response, request.from);
    }
  }

  take(message) {
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
    if (response.status < 200) return asked.onProgress?.(response);
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
    } else if (this.responded.size >= MOST_TRANSACTIONS) {
      return; // Whoever means it says it again.
    } else if (request.method === "OPTIONS") {
      this.respond(request, 200);
    } else if (dialog) {
      if (dialog.has(request)) void dialog.take(request);
      else this.respond(request, request.method === "INVITE" && !tagOf(request.get("To")) ? 482 : 481);
    } else if (request.method === "INVITE" && !tagOf(request.get("To"))) {
      this.takeCall(request);
    } else {
      this.respond(request, 481);
    }
  }

  takeCall(invite) {
    const user = /^sip:([^@]*)@/i.exec(invite.start.split(" ")[1])?.[1] ?? "";
    const target = targetOf(invite.get("Contact"));
    try {
      addressOf(target);
    } catch {
      return this.respond(invite, 400);
    }
    const dialog = new Dialog(this, invite.get("Call-ID"), {
      user, local: `${invite.get("To")};tag=${token()}`, remote: invite.get("From"), target});
    dialog.incoming = invite;
    this.dialogs.set(dialog.id, dialog);
    this.respond(invite, 100, {dialog});
    this.onCall(dialog, user, invite.body);
  }
}
