// The page: what its buttons do, and what it shows of the call.
import {Leg} from "./graphs.js";
import {Microphone, PeerConnection, SILENCE} from "./phone.js";
import {ask, listen} from "./server.js";
import {WITHOUT_MICROPHONE, inWords, isBad, sentenceOf, stepsOf} from "./words.js";

const $ = (id) => document.getElementById(id);
const MOST_EVENTS = 200;

const microphone = new Microphone();
let call = null; // {id, side, party, peer, answered, levels, legs}
let incoming = null; // What the server told of a call that rings here.

function say(text, isProblem = false) {
  $("status").textContent = text;
  $("status").classList.toggle("problem", isProblem);
}

const guarded = (action) => async (event) => {
  event?.preventDefault();
  try {
    await action(event);
  } catch (error) {
    say(inWords(error), true);
  }
};

/** Which of dial, incoming and talking is shown; the focus goes along. */
function show(part, focus) {
  for (const each of ["dial", "incoming", "talking"]) $(each).hidden = each !== part;
  $(focus ?? {dial: "to", incoming: "accept", talking: "hang-up"}[part]).focus({preventScroll: true});
}

function press(button, isOn) {
  $(button).setAttribute("aria-pressed", isOn);
}

// Who can be called.

let people = {phone: "", numbers: []};
function showPeople(more) {
  people = {...people, ...more};
  const choices = people.numbers.map((number) => [`Page ${number}`, String(number)]);
  if (people.phone) choices.unshift(["Demo phone", people.phone]);
  $("people").replaceChildren(...choices.map(([name, to]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      $("to").value = to;
      $("dial").requestSubmit();
    });
    return button;
  }));
  $("no-one").hidden = people.numbers.length > 0;
}

// The microphone.

async function listMicrophones() {
  const devices = await Microphone.list();
  if (!devices.length) return;
  const chosen = microphone.track?.getSettings().deviceId;
  $("microphone").replaceChildren(...devices.map(({deviceId, label}) =>
    new Option(label, deviceId, false, deviceId === chosen)));
}

async function openMicrophone() {
  if (!microphone.track || microphone.track.readyState === "ended") {
    await microphone.open($("microphone").value);
    await listMicrophones();
  }
  microphone.track.enabled = true;
  return microphone.track;
}

async function chooseMicrophone() {
  const isMuted = microphone.track && !microphone.track.enabled;
  const track = await microphone.open($("microphone").value);
  track.enabled = !isMuted;
  await call?.peer.sender.replaceTrack(track);
}

// Calls.

async function begin(party, answerTo) {
  const track = await openMicrophone();
  const peer = new PeerConnection(track, (stream) => { $("remote").srcObject = stream; }, (state) => {
    if (state === "failed") say("The connection to the relay was lost.", true);
  });
  call = {party, peer, legs: {}, levels: {}};
  for (const each of ["mute", "hold", "record"]) press(each, false);
  $("party").textContent = party;
  $("clock").textContent = "";
  showFacts();
  show("talking");
  if (answerTo) return peer.answer(answerTo);
  return peer.offer();
}

async function place() {
  const to = $("to").value.trim();
  say("Calling.");
  try {
    const offer = await begin(to === people.phone ? "Demo phone" : /^\d+$/.test(to) ? `Page ${to}` : to);
    const mine = call;
    mine.id = (await ask("call", {to, offer})).call;
  } catch (error) {
    finish();
    throw error;
  }
}

async function accept() {
  const {request, offer, from, call: id} = incoming;
  incoming = null;
  try {
    const answer = await begin(from, offer);
    call.id = id;
    await ask("answer", {request, answer});
  } catch (error) {
    await ask("answer", {request, error: "the page that was called has no microphone"});
    finish();
    throw error;
  }
}

async function decline() {
  const {request} = incoming;
  incoming = null;
  await ask("answer", {request, error: "declined"});
  show("dial");
  say("Declined.");
}

function finish() {
  call?.peer.close();
  call = null;
  $("remote").srcObject = null;
  $("keypad").hidden = true;
  $("keys").setAttribute("aria-expanded", "false");
  show("dial");
}

const isOn = (button) => $(button).getAttribute("aria-pressed") === "true";

function mute() {
  const isMuted = !isOn("mute");
  microphone.track.enabled = !isMuted;
  press("mute", isMuted);
  $("mute").querySelector("use").setAttribute("href", isMuted ? "#i-muted" : "#i-mic");
  say(isMuted ? "You are muted." : "You are heard again.");
}

async function hold() {
  const isOnHold = !isOn("hold");
  call.peer.isOnHold = isOnHold;
  try {
    await call.peer.accept((await ask("offer", {call: call.id, offer: await call.peer.offer()})).answer);
  } catch (error) {
    await call.peer.rollback();
    call.peer.isOnHold = !isOnHold;
    throw error;
  }
  press("hold", isOnHold);
  say(isOnHold ? "On hold: nobody hears anything." : "The call goes on.");
}

function pressKey(key) {
  call.peer.press(key);
  $("pressed").textContent = ($("pressed").textContent.match(/^[\d*# ]+$/) ? $("pressed").textContent + " " : "") + key;
}

function openKeypad() {
  const isOpen = $("keypad").hidden;
  $("keypad").hidden = !isOpen;
  $("keys").setAttribute("aria-expanded", isOpen);
  $("pressed").textContent = "none yet";
  if (isOpen) $("keypad").querySelector("button").focus();
}

// What is known of the call.

function showFacts() {
  $("legs").replaceChildren();
  $("chain").replaceChildren();
  $("words").hidden = $("legend").hidden = true;
  $("events").replaceChildren();
  $("no-events").hidden = false;
}

const nameOf = (leg) => !call?.side || leg !== call.side ? call?.party ?? leg : "This page";

/** One link of a chain: what it does, and in brackets with what. */
function link(words, className = "") {
  const item = document.createElement("li"), inner = document.createElement("span"), name = document.createElement("b");
  const at = words.indexOf("(");
  name.textContent = at < 0 || className ? words : words.slice(0, at);
  inner.append(name, words.slice(name.textContent.length));
  inner.className = className || (name.textContent === "record" ? "record" : "");
  item.append(inner);
  return item;
}

function showPlan({text, plans, side}) {
  if (!call) return;
  call.side = side;
  $("chain").replaceChildren(...plans.map((plan) => {
    const {from, to, steps} = stepsOf(plan.text);
    const way = document.createElement("div");
    way.className = "way";
    const list = document.createElement("ol");
    list.setAttribute("aria-label", `From ${nameOf(from)} to ${nameOf(to)}`);
    list.append(link(nameOf(from), "end"), ...steps.map((step) => link(step)), link(nameOf(to), "end"));
    const why = document.createElement("p");
    why.textContent = plan.why ? `Why: ${plan.why}.` : "Forwarded as it is.";
    way.append(list, why);
    return way;
  }));
  $("described").textContent = text;
  $("words").hidden = false;
}

function showReport({legs, side}) {
  if (!call) return;
  $("legend").hidden = false;
  for (const report of legs) {
    if (!call.legs[report.leg]) {
      call.legs[report.leg] = new Leg(`${nameOf(report.leg)} and the relay`);
      $("legs").append(call.legs[report.leg].article);
    }
    const {said, heard} = call.levels;
    call.legs[report.leg].show(report, report.leg === side ? {said, heard} : {said: heard, heard: said});
  }
  call.levels = {};
}

function showEvent({event}) {
  const item = document.createElement("li");
  // Of what comes each second, the last stays: the log is for what happens once.
  if (event.kind === "qualityReport") {
    item.dataset.quality = event.leg;
    $("events").querySelector(`[data-quality="${event.leg}"]`)?.remove();
  }
  const time = document.createElement("time"), about = document.createElement("b"), what = document.createElement("span");
  time.dateTime = new Date(event.time).toISOString();
  time.textContent = new Date(event.time).toLocaleTimeString("en-GB");
  about.textContent = event.leg || "call";
  what.textContent = sentenceOf(event);
  what.className = isBad(event) ? "bad" : "";
  item.append(time, about, what);
  $("events").prepend(item);
  while ($("events").childElementCount > MOST_EVENTS) $("events").lastElementChild.remove();
  $("no-events").hidden = true;
  if (call && isBad(event)) say(`${sentenceOf(event)}.`, true);
}

function showRecording({isOn: isRecording, file}) {
  press("record", isRecording);
  say(isRecording ? "The call is being recorded." : "The recording is finished.");
  if (!file) return;
  const item = document.createElement("li"), words = document.createElement("p"), player = document.createElement("audio");
  const link = Object.assign(document.createElement("a"), {href: file.url, download: "call.wav", textContent: "Download"});
  words.append(`${new Date().toLocaleTimeString("en-GB")}, ${file.seconds.toFixed(0)} s. Left: ${file.channels[0]}. Right: ${file.channels[1] ?? "nobody"}. ${
    file.lostPackets ? `${file.lostPackets} packets are missing.` : "Nothing is missing."} `, link);
  Object.assign(player, {controls: true, preload: "metadata", src: file.url});
  player.setAttribute("aria-label", `Recording of ${file.seconds.toFixed(0)} seconds`);
  item.append(player, words);
  $("recordings").prepend(item);
  $("no-recordings").hidden = true;
}

const handlers = {
  hello({number, sip, phone}) {
    $("you").textContent = `You are page ${number}`;
    $("you").classList.remove("off");
    $("sip").textContent = `A SIP phone calls you as sip:${number}@${sip}`;
    document.title = `Page ${number}: Causeway`;
    showPeople({phone});
    if (!navigator.mediaDevices) say(WITHOUT_MICROPHONE, true);
    else if (!call && !incoming) say("Ready: choose whom to call.");
  },
  people: showPeople,
  incoming(what) {
    incoming = what;
    $("incoming-from").textContent = what.from;
    show("incoming");
    say(`${what.from} is calling.`);
  },
  ringing() {
    if (call && !call.answered) say("It rings.");
  },
  async answer({sdp, type}) {
    if (call) await call.peer.accept(sdp, type);
  },
  async offer({request, offer}) {
    try {
      await ask("answer", {request, answer: await call.peer.answer(offer)});
      say(call.peer.isHeld ? "The other side has put you on hold." : "The call goes on.");
    } catch (error) {
      await ask("answer", {request, error: error.message});
    }
  },
  answered({time, side, call: id}) {
    if (!call) return;
    Object.assign(call, {answered: time, side, id});
    say(`You are talking with ${call.party}.`);
  },
  plan: showPlan,
  report: showReport,
  event: showEvent,
  recording: showRecording,
  problem: ({text}) => say(text, true),
  ended({reason}) {
    if (!call && !incoming) return; // It is known here, and why.
    incoming = null;
    finish();
    say(`The call has ended: ${reason}.`);
  },
};

// Wiring.

$("keypad").firstElementChild.append(..."123456789*0#".split("").map((key) => {
  const button = document.createElement("button");
  button.textContent = key;
  if ("*#".includes(key)) button.setAttribute("aria-label", key === "*" ? "Star" : "Hash");
  button.addEventListener("click", guarded(() => pressKey(key)));
  return button;
}));
document.addEventListener("keydown", (event) => {
  if (!$("keypad").hidden && /^[\d*#]$/.test(event.key) && !event.ctrlKey && !event.metaKey) guarded(() => pressKey(event.key))();
});
$("dial").addEventListener("submit", guarded(place));
$("accept").addEventListener("click", guarded(accept));
$("decline").addEventListener("click", guarded(decline));
$("mute").addEventListener("click", guarded(mute));
$("hold").addEventListener("click", guarded(hold));
$("record").addEventListener("click", guarded(() => ask(isOn("record") ? "stopRecording" : "record", {call: call.id})));
$("keys").addEventListener("click", openKeypad);
$("hang-up").addEventListener("click", guarded(async () => {
  if (call.id) await ask("hangUp", {call: call.id});
  else finish();
}));
$("microphone").addEventListener("change", guarded(chooseMicrophone));
$("microphone").addEventListener("pointerdown", guarded(async () => { if (!microphone.track) await openMicrophone(); }));
$("microphone").addEventListener("keydown", guarded(async () => { if (!microphone.track) await openMicrophone(); }));

setInterval(() => {
  const level = 1 - microphone.level() / SILENCE;
  $("meter").firstElementChild.style.transform = `scaleX(${level})`;
  $("meter").setAttribute("aria-valuenow", Math.round(level * 100));
}, 100);
setInterval(async () => {
  if (!call) return;
  if (call.answered) {
    const seconds = Math.max(0, Math.round((Date.now() - call.answered) / 1000));
    $("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
  const {said, heard} = await call.peer.levels();
  if (call) call.levels = {said: Math.max(said, call.levels.said ?? SILENCE), heard: Math.max(heard, call.levels.heard ?? SILENCE)};
}, 200);

if (navigator.mediaDevices) void listMicrophones();
listen(handlers, () => {
  $("you").textContent = "not connected";
  $("you").classList.add("off");
  say("The server of this page cannot be reached. The page tries again by itself.", true);
});
