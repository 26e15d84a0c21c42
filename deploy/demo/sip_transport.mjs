// What carries SIP messages: UDP, and TCP on the same port (RFC 3261 18).
import {createSocket} from "node:dgram";
import {connect, createServer} from "node:net";
import {Message} from "./sip_message.mjs";

const MOST_OCTETS = 64 * 1024;
const MOST_CONNECTIONS = 256;

/** Cuts a TCP stream into messages; throws what no message begins with. Returns what is left over. */
function cut(octets, take) {
  for (;;) {
    while (octets.length > 1 && octets[0] === 13 && octets[1] === 10) octets = octets.subarray(2); // Keepalives.
    const end = octets.indexOf("\r\n\r\n");
    if (end < 0 && octets.length <= MOST_OCTETS) return octets;
    if (end < 0) throw new Error("the message is too long");
    const length = /^(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*$/im.exec(octets.toString("latin1", 0, end))?.[1];
    const all = end + 4 + Number(length ?? NaN);
    if (!(all <= MOST_OCTETS)) throw new Error("the message is too long, or does not say how long it is");
    if (octets.length < all) return octets;
    take(octets.subarray(0, all));
    octets = octets.subarray(all);
  }
}

export class Transport {
  connections = new Map(); // TCP, by the other side's address; whoever has opened them.

  /** `port`: of both UDP and TCP; 0: any that both have free. `onMessage(message, from)` and `onLost(to, why)`: a
   *  connection that did not come about, or broke. */
  static async listen(host, port, onMessage, onLost) {
    for (let tries = port === 0 ? 10 : 1; ; --tries) {
      const transport = new Transport();
      Object.assign(transport, {onMessage, onLost});
      try {
        return await transport.open(host, port);
      } catch (error) {
        transport.udp.close();
        if (error.code !== "EADDRINUSE" || tries === 1) throw error;
      }
    }
  }

  async open(host, port) {
    this.udp = createSocket(host.includes(":") ? "udp6" : "udp4");
    this.udp.on("message", (octets, from) => this.take(octets, {host: from.address, port: from.port, transport: "udp"}));
    await new Promise((resolve, reject) => this.udp.once("error", reject).bind(port, host, resolve));
    const bound = this.udp.address().port;
    this.tcp = createServer((socket) => this.follow(socket));
    this.tcp.maxConnections = MOST_CONNECTIONS;
    await new Promise((resolve, reject) => this.tcp.once("error", reject).listen(bound, host, resolve));
    this.udp.removeAllListeners("error").on("error", () => {}); // Of a send: the repeats' end tells.
    this.address = `${host.includes(":") ? `[${host}]` : host}:${bound}`;
    return this;
  }

  take(octets, from) {
    let message;
    try {
      message = Message.parse(octets);
    } catch {
      return; // Keepalives and strangers.
    }
    message.from = from;
    this.onMessage(message);
  }

  follow(socket, to = {host: socket.remoteAddress, port: socket.remotePort, transport: "tcp"}) {
    const key = `${to.host} ${to.port}`;
    let rest = Buffer.alloc(0), why = "the connection was closed";
    this.connections.set(key, socket);
    socket.on("data", (octets) => {
      try {
        rest = cut(Buffer.concat([rest, octets]), (message) => this.take(message, to));
      } catch (error) {
        socket.destroy(error);
      }
    });
    socket.on("error", (error) => { why = error.code === "ECONNREFUSED" ? "nobody listens at that address" : error.message; });
    socket.on("close", () => {
      if (this.connections.get(key) === socket) this.connections.delete(key);
      this.onLost(to, why);
    });
    return socket;
  }

  send(message, to) {
    if (to.transport === "udp") return this.udp.send(String(message), to.port, to.host, () => {});
    const open = this.connections.get(`${to.host} ${to.port}`);
    (open ?? this.follow(connect(to.port, to.host), to)).write(String(message));
  }

  close() {
    this.tcp.close();
    for (const socket of this.connections.values()) socket.destroy();
    return new Promise((resolve) => this.udp.close(resolve));
  }
}
