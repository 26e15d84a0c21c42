// Drives pages of one headless Chromium as a person would, for check.py. Reads a JSON object a line and
// answers with one a line, {"value": ...} or {"error": "..."}:
//
//   {"page": "a", "do": "open", "with": ["http://localhost:7780/", {"width": 1280, "height": 900}, "dark"]}
//   {"page": "a", "do": "click", "with": ["Call"]}        a button, by its accessible name
//
// usage: drive.mjs FOLDER_OF_PLAYWRIGHT MICROPHONE.wav
import {readFileSync} from "node:fs";
import {join} from "node:path";
import {launch, serve} from "../../tests/e2e/browser/chromium.mjs";

const [tools, microphone] = process.argv.slice(2);

const browser = await launch(tools, [
  "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
  `--use-file-for-fake-audio-capture=${microphone}%noloop`,
]);

// Before the page's own scripts: nothing between the file and the wire alters it, and what is heard is kept.
function listenIn() {
  const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = ({audio}) => open(
    {audio: {...audio, echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  globalThis.heard = [];
  // On the thread of sound: the page's own has other things to do, such as to be photographed.
  const processor = `registerProcessor("tap", class extends AudioWorkletProcessor {
    samples = [];
    process([[channel]]) {
      this.samples.push(...(channel ?? []));
      if (this.samples.length >= 4800) this.port.postMessage(this.samples.splice(0, 4800));
      return true;
    }
  })`;
  async function listen(track) {
    const context = new AudioContext({sampleRate: 48000});
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([processor], {type: "text/javascript"})));
    const tap = new AudioWorkletNode(context, "tap");
    tap.port.onmessage = ({data}) => heard.push(data);
    context.createMediaStreamSource(new MediaStream([track])).connect(tap).connect(context.destination);
  }
  const Native = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...options) {
      super(...options);
      this.addEventListener("track", ({receiver, track}) => {
        receiver.jitterBufferTarget = 400; // A buffer with room enough stretches nothing on a busy machine.
        void listen(track);
      });
    }
  };
}

// What was heard, as 16-bit samples in base64.
function samplesHeard() {
  const octets = new Uint8Array(Int16Array.from(
    heard.flatMap((block) => [...block]), (each) => Math.max(-1, Math.min(1, each)) * 32767).buffer);
  let text = "";
  for (let at = 0; at < octets.length; at += 32768) text += String.fromCharCode(...octets.subarray(at, at + 32768));
  return btoa(text);
}

const pages = new Map();
const actions = {
  async open(name, url, viewport, colorScheme) {
    const context = await browser.newContext(
      {viewport, colorScheme, deviceScaleFactor: viewport.width < 600 ? 2 : 1, permissions: ["microphone"],
       bypassCSP: true, ignoreHTTPSErrors: url.startsWith("https")});
    const page = await context.newPage();
    page.problems = [];
    page.on("pageerror", (error) => page.problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
    await page.addInitScript(listenIn);
    await page.goto(url);
    pages.set(name, page);
  },
  click: (name, button) => pages.get(name).getByRole("button", {name: button, exact: true}).click({timeout: 5000}),
  fill: (name, label, value) => pages.get(name).getByLabel(label).fill(value, {timeout: 5000}),
  choose: (name, label, index) => pages.get(name).getByLabel(label, {exact: true}).selectOption({index}, {timeout: 5000}),
  press: (name, key) => pages.get(name).keyboard.press(key),
  text: (name, selector) => pages.get(name).locator(selector).innerText({timeout: 5000}),
  focused: (name) => pages.get(name).evaluate(() => document.activeElement.id),
  heard: (name) => pages.get(name).evaluate(samplesHeard),
  // Asked seldom: a page that is busy with questions hears badly.
  hear: (name, seconds) => pages.get(name).waitForFunction(
      (wanted) => heard.length > wanted * 10, seconds, {polling: 500, timeout: 60_000}).then(() => null),
  play: (name) => pages.get(name).evaluate(async () => {
    const player = document.querySelector("#recordings audio");
    await player.play();
    while (player.currentTime < 0.5) await new Promise((done) => setTimeout(done, 50));
    player.pause();
    return {duration: player.duration, url: player.currentSrc};
  }),
  async screenshot(name, path, fullPage) {
    await pages.get(name).mouse.move(0, 0); // Nothing is hovered over.
    await pages.get(name).screenshot({path, fullPage});
  },
  problems: (name) => pages.get(name).problems,
  close: (name) => pages.get(name).context().close(),
  // From now on its microphone fails with an exception of this name.
  withoutMicrophone: (name, why) => pages.get(name).evaluate((why) => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", why); };
  }, why),
  // What a screen reader or a weak eye would stumble on, by axe-core: the rule, and where.
  async barriers(name) {
    const page = pages.get(name);
    await page.evaluate(readFileSync(join(tools, "node_modules/axe-core/axe.min.js"), "utf8"));
    return page.evaluate(async () => (await globalThis.axe.run()).violations.flatMap(
      ({id, nodes}) => nodes.map(({target, failureSummary}) => `${id}: ${target}: ${failureSummary}`)));
  },
  // By how much the page is wider than its window.
  overflow: (name) => pages.get(name).evaluate(() => document.documentElement.scrollWidth - innerWidth),
};

await serve(browser, ({page, do: action, with: values = []}) => actions[action](page, ...values));
