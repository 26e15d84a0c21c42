// Drives pages of one headless Chromium for a test. Reads a JSON object a line, each a function of
// page.html to be called in a page of its own, and answers with one a line:
//
//   {"page": "a", "call": "offer", "with": [{}]}  ->  {"value": ...} or {"error": "..."}
//
// Files that pages ask for are served from the folder that is the first argument, on loopback.
import {createServer} from "node:http";
import {readFile} from "node:fs/promises";
import {createRequire} from "node:module";
import {dirname, join, normalize} from "node:path";
import {createInterface} from "node:readline";
import {fileURLToPath} from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
const {chromium} = createRequire(join(process.argv[3], "package.json"))("playwright-core");

const server = createServer(async (request, response) => {
  const path = normalize(decodeURIComponent(request.url));
  try {
    const octets = await readFile(path === "/" ? join(here, "page.html") : join(folder, path));
    response.writeHead(200, {"content-type": path === "/" ? "text/html" : "audio/wav"});
    response.end(octets);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
  ],
});

const pages = new Map();
async function pageNamed(name) {
  if (!pages.has(name)) {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${server.address().port}/`);
    pages.set(name, page);
  }
  return pages.get(name);
}

console.log(JSON.stringify({value: browser.version()}));
for await (const line of createInterface({input: process.stdin})) {
  const {page, call, with: values = []} = JSON.parse(line);
  try {
    const value = await (await pageNamed(page)).evaluate(
        ([name, given]) => globalThis[name](...given), [call, values]);
    console.log(JSON.stringify({value: value ?? null}));
  } catch (error) {
    console.log(JSON.stringify({error: String(error)}));
  }
}
await browser.close();
server.close();
