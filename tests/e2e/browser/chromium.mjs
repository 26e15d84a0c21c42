// One headless Chromium that a program in another language drives: it says a JSON object a line and is answered
// with one a line, {"value": ...} or {"error": "..."}. The first line is the browser's version.
import {createRequire} from "node:module";
import {join} from "node:path";
import {createInterface} from "node:readline";

/** `tools`: where playwright-core is installed. */
export function launch(tools, more = []) {
  const {chromium} = createRequire(join(tools, "package.json"))("playwright-core");
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
      "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns", ...more,
    ],
  });
}

/** Answers with what `act` makes of each line, until there are no more; then ends the browser. */
export async function serve(browser, act) {
  console.log(JSON.stringify({value: browser.version()}));
  for await (const line of createInterface({input: process.stdin})) {
    try {
      console.log(JSON.stringify({value: await act(JSON.parse(line)) ?? null}));
    } catch (error) {
      console.log(JSON.stringify({error: String(error)}));
    }
  }
  await browser.close();
}
