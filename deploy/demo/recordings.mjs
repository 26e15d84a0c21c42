// The finished recordings of this server's calls, to be played in a page.
import {createReadStream} from "node:fs";
import {stat} from "node:fs/promises";
import {randomUUID} from "node:crypto";
import {fileURLToPath} from "node:url";

export class Recordings {
  files = new Map();

  /** What the page needs to play a recording. */
  add(recording, call) {
    const id = randomUUID();
    this.files.set(id, fileURLToPath(recording.uri));
    return {
      url: `/recordings/${id}.wav`,
      seconds: Number(recording.duration?.seconds ?? 0) + (recording.duration?.nanos ?? 0) / 1e9,
      octets: recording.sizeOctets,
      channels: recording.channels.map(({leg}) => call.sides[leg.split("/").pop()]?.label ?? leg),
      lostPackets: recording.lostPackets,
    };
  }

  /** Sends a recording, or the part of it that was asked for, so that a player may seek. */
  async serve(id, request, response) {
    const path = this.files.get(id);
    if (!path) return response.writeHead(404).end();
    const {size} = await stat(path);
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const start = Number(first ?? 0), end = Math.min(Number(last || size - 1), size - 1);
    if (start > end) return response.writeHead(416, {"content-range": `bytes */${size}`}).end();
    response.writeHead(first === undefined ? 200 : 206, {
      "content-type": "audio/wav", "accept-ranges": "bytes", "content-length": end - start + 1,
      ...(first === undefined ? {} : {"content-range": `bytes ${start}-${end}/${size}`}),
    });
    createReadStream(path, {start, end}).on("error", () => response.destroy()).pipe(response);
  }
}
