// Drives pages of one headless Chromium for a test. Reads a JSON object a line, each a function of
// page.html to be called in a page of its own, and answers with one a line:
//
//   {"page": "a", "call": "offer", "with": [{}]}  ->  {"value": ...} or {"error": "..."}
//
// Files that pages ask for are served from the folder that is the first argument, on loopback.
import {createServer} from "node:http";
import {readFile} from "node:fs/promises";
import {dirname, join, normalize} from "node:path";
import {fileURLToPath} from "node:url";
import {launch, serve} from "./chromium.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];

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

const browser = await launch(process.argv[3]);
const pages = new Map();
async function pageNamed(name) {
  if (!pages.has(name)) {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${server.address().port}/`);
    pages.set(name, page);
  }
  return pages.get(name);
}

await serve(browser, async ({page, call, with: values = []}) => (await pageNamed(page)).evaluate(
    ([name, given]) => globalThis[name](...given), [call, values]));
server.close();
