#!/usr/bin/env node
// The demo's application server: a page to talk in, the signalling between pages and SIP phones, and the
// relay, driven through the Node client. See --help.
import {readFileSync} from "node:fs";
import {readFile} from "node:fs/promises";
import {createServer as createPlainServer} from "node:http";
import {createServer as createTlsServer} from "node:https";
import {networkInterfaces} from "node:os";
import {dirname, extname, join} from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";
import client from "../../out/clients/node/dist/src/index.js";
import {Call, LABELS, inWords} from "./calls.mjs";
import {Page, Phone, calledPage} from "./endpoints.mjs";
import {Recordings} from "./recordings.mjs";
import {SipAgent} from "./sip.mjs";
import {addressOf, uriOf} from "./sip_message.mjs";

const USAGE = `usage: node deploy/demo/server.mjs [options]

  --relay ADDRESS     causewayd's API (default 127.0.0.1:7700), without TLS
  --listen HOST:PORT  where the page is (default 127.0.0.1:7780; port 0: any)
  --sip HOST:PORT     where SIP phones call, over UDP or TCP (default 127.0.0.1:7760; port 0: any)
  --sip-accounts FILE a line for each SIP server that wants a password: sip:USER@HOST PASSWORD
  --phone URI         a phone that the page suggests, such as sip:phone@127.0.0.1:5070
  --no-answer SECONDS how long it rings (default 60)
  --cert, --key FILE  TLS for the page; browsers give their microphone to https and localhost only

Pages have numbers; a phone calls page 101 as sip:101@HOST:PORT.
`;
const GONE_AFTER_MS = 5000; // A page that has lost its stream may come back for so long.
const FORGOTTEN_AFTER_MS = 2000;
const BODY_OCTETS = 256 * 1024;
const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "page");
const TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"};
const HEADERS = {
  "cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'self'; img-src 'self' data:",
};

class Demo {
  pages = new Map(); // By the token that the page chose.
  calls = new Map();
  recordings = new Recordings();
  lastNumber = 100;
  closing = new AbortController();

  constructor(causeway, phone, ringMs) {
    Object.assign(this, {causeway, phone, ringMs});
  }

  // Pages that come and go.

  open(token, response) {
    const page = this.pages.get(token) ?? new Page(++this.lastNumber);
    clearTimeout(page.gone);
    page.stream?.end();
    page.stream = response;
    this.pages.set(token, page);
    page.tell("hello", {number: page.number, sip: this.sip.address, phone: this.phone});
    this.tellPeople();
    response.on("close", () => {
      if (page.stream !== response) return;
      page.stream = null;
      page.gone = setTimeout(() => this.leave(token, page), GONE_AFTER_MS);
    });
  }

  leave(token, page) {
    this.pages.delete(token);
    for (const call of this.callsOf(page)) call.end(`${page.label} was closed`);
    this.tellPeople();
  }

  tellPeople() {
    for (const page of this.pages.values()) {
      page.tell("people", {numbers: [...this.pages.values()].filter((each) => each !== page).map((each) => each.number)});
    }
  }

  callsOf(page) {
    return [...this.calls.values()].filter(
      (call) => !call.isEnded && Object.values(call.sides).some((side) => side.label === page.label));
  }

  pageOf(number) {
    return [...this.pages.values()].find((page) => String(page.number) === String(number));
  }

  // Calls.

  async place(page, to, offer) {
    if (this.callsOf(page).length) throw new Error("this page is in a call already");
    const target = to.trim();
    let call;
    if (/^\d+$/.test(target)) {
      const other = this.pageOf(target);
      if (!other || other === page) throw new Error(`there is no other page with number ${target}`);
      if (this.callsOf(other).length) throw new Error(`page ${target} is in a call already`);
      call = this.start(page, calledPage(other, page.label, () => call), offer);
      page.tell("ringing", {call: call.id});
    } else {
      const uri = /^sip:/i.test(target) ? target : `sip:${target}`;
      const dialog = this.sip.call(uri, page.number);
      call = this.start(page, new Phone(dialog, uri), offer);
      this.follow(dialog, call, "callee");
      dialog.handlers.ringing = () => page.tell("ringing", {call: call.id});
    }
    return {call: call.id};
  }

  /** A SIP phone calls a page. */
  called(dialog, user, offer) {
    const page = this.pageOf(user);
    if (!page || this.callsOf(page).length) return dialog.hangUp(page ? 486 : 404);
    const phone = new Phone(dialog, uriOf(dialog.remote));
    phone.tell = (kind, what) => kind === "answer" && what.type === "answer" && dialog.accept(what.sdp);
    this.sip.respond(dialog.incoming, 180, {dialog});
    let call;
    call = this.start(phone, calledPage(page, phone.label, () => call), offer);
    this.follow(dialog, call, "caller");
  }

  follow(dialog, call, side) {
    dialog.handlers.offered = (sdp) => call.offered(side, sdp);
    dialog.handlers.ended = (reason) => call.end(reason);
  }

  start(caller, callee, offer) {
    const call = new Call(this.causeway, caller, callee, this.recordings, this.ringMs);
    this.calls.set(call.id, call);
    // Its last events come after its end.
    call.finished = () => setTimeout(() => this.calls.delete(call.id), FORGOTTEN_AFTER_MS).unref();
    call.begin(offer).catch((error) => call.end(inWords(error)));
    return call;
  }

  callFor(page, id) {
    const call = this.calls.get(id);
    if (!call || !this.callsOf(page).includes(call)) throw new Error("that call is over");
    return call;
  }

  /** What a page may ask for. */
  actions = {
    call: (page, {to, offer}) => this.place(page, to, offer),
    answer: (page, {request, answer, error}) => page.answer(request, answer, error),
    offer: async (page, {call, offer}) => {
      const found = this.callFor(page, call);
      const side = found.sides.caller.label === page.label ? "caller" : "callee";
      return {answer: await found.offered(side, offer)};
    },
    record: (page, {call}) => this.callFor(page, call).record(),
    stopRecording: (page, {call}) => this.callFor(page, call).stopRecording(),
    hangUp: (page, {call}) => this.callFor(page, call).end(`${page.label} hung up`),
  };

  /** Gives each call its events, for as long as the server runs. */
  async watch() {
    for await (const event of this.causeway.watch({labels: LABELS, signal: this.closing.signal})) {
      this.calls.get(event.session.split("/").pop())?.take(event);
    }
  }

  async close() {
    this.closing.abort();
    for (const call of [...this.calls.values()]) call.end("the demo was shut down");
    await this.sip.close();
    this.causeway.close();
  }
}

// HTTP.

async function bodyOf(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > BODY_OCTETS) throw new Error("the request is too long");
  }
  return JSON.parse(text);
}

async function act(demo, name, request, response) {
  let status = 200, answer;
  try {
    // A page from elsewhere cannot send this type without asking first.
    if (request.headers["content-type"] !== "application/json") throw new Error("not JSON");
    const {token, ...body} = await bodyOf(request);
    const page = demo.pages.get(token);
    if (!page || !Object.hasOwn(demo.actions, name)) throw new Error("unknown page or action");
    answer = await demo.actions[name](page, body);
  } catch (error) {
    [status, answer] = [400, {error: inWords(error)}];
  }
  response.writeHead(status, {...HEADERS, "content-type": "application/json"}).end(JSON.stringify(answer ?? {}));
}

async function sendFile(path, response) {
  try {
    const name = path === "/" ? "index.html" : /^\/([\w-]+\.(?:css|js|svg))$/.exec(path)[1];
    const octets = await readFile(join(FOLDER, name));
    response.writeHead(200, {...HEADERS, "content-type": TYPES[extname(name)]}).end(octets);
  } catch {
    response.writeHead(404).end();
  }
}

function handle(demo, request, response) {
  const {pathname, searchParams} = new URL(request.url, "http://page");
  const [, action] = /^\/api\/(\w+)$/.exec(pathname) ?? [];
  const [, recording] = /^\/recordings\/([\w-]+)\.wav$/.exec(pathname) ?? [];
  if (request.method === "POST" && action) return act(demo, action, request, response);
  if (request.method !== "GET") return response.writeHead(405).end();
  if (recording) return demo.recordings.serve(recording, request, response);
  if (pathname !== "/live") return sendFile(pathname, response);
  response.writeHead(200, {...HEADERS, "content-type": "text/event-stream"});
  demo.open(searchParams.get("token") ?? "", response);
}

/** [host, port] of `HOST:PORT`. */
function split(address) {
  const at = address.lastIndexOf(":");
  return [address.slice(0, at).replace(/[[\]]/g, ""), Number(address.slice(at + 1))];
}

/** How a browser reaches what listens on this address. */
function nameOf(host) {
  if (["127.0.0.1", "::1"].includes(host)) return "localhost";
  const outside = Object.values(networkInterfaces()).flat().find((each) => !each.internal && each.family === "IPv4");
  const reached = ["0.0.0.0", "::"].includes(host) ? outside?.address ?? "localhost" : host;
  return reached.includes(":") ? `[${reached}]` : reached;
}

/** {user, password} by host, from lines such as `sip:alice@carrier.example secret`. */
function accountsOf(path) {
  const lines = path ? readFileSync(path, "utf8").split("\n").filter((line) => line.trim() && !line.startsWith("#")) : [];
  return new Map(lines.map((line, at) => {
    const [, uri, user, password] = /^(sip:([^@\s:;]+)@\S+)\s+(\S+)\s*$/i.exec(line) ?? [];
    if (!uri) throw new Error(`${path}: account ${at + 1} is not \`sip:USER@HOST PASSWORD\``);
    return [addressOf(uri).host, {user, password}];
  }));
}

async function main() {
  const text = {type: "string"};
  const {values} = parseArgs({options: {
    relay: {...text, default: "127.0.0.1:7700"}, listen: {...text, default: "127.0.0.1:7780"},
    sip: {...text, default: "127.0.0.1:7760"}, phone: {...text, default: ""},
    "sip-accounts": text, "no-answer": {...text, default: "60"}, cert: text, key: text, help: {type: "boolean", short: "h"},
  }});
  if (values.help) return process.stdout.write(USAGE);
  if (!values.cert !== !values.key) throw new Error("--cert and --key are given together or not at all");
  const ringMs = Number(values["no-answer"]) * 1000;
  if (!(ringMs > 0)) throw new Error("--no-answer is a number of seconds");
  const demo = new Demo(new client.Causeway(values.relay), values.phone, ringMs);
  await demo.causeway.node.getNode({}); // Says at once where there is no relay.
  demo.sip = await SipAgent.listen(...split(values.sip), demo.called.bind(demo), accountsOf(values["sip-accounts"]));
  demo.watch().catch((error) => fail(`no more events: ${error.message}`));
  const server = values.cert
    ? createTlsServer({cert: readFileSync(values.cert), key: readFileSync(values.key)})
    : createPlainServer();
  server.on("request", (request, response) => handle(demo, request, response));
  const [host, port] = split(values.listen);
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  console.log(`${values.cert ? "https" : "http"}://${nameOf(host)}:${server.address().port}/`);
  const stop = async () => {
    await demo.close();
    process.exit();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
}

function fail(why) {
  console.error(`server.mjs: ${why}`);
  process.exit(1);
}

main().catch((error) => fail(inWords(error)));
