// Calls between two endpoints, each a page or a SIP phone, through the relay.
import {randomUUID} from "node:crypto";
import {figuresOf} from "./figures.mjs";

/** What the page can show of an event: the fields of its kind, and what it is about. */
function eventForPage(event) {
  const milliseconds = event.time ? Number(event.time.seconds) * 1000 + event.time.nanos / 1e6 : Date.now();
  const {report, session, leg, ...what} = event[event.kind] ?? {};
  if (event.kind === "qualityReport") what.figures = figuresOf(report);
  return {kind: event.kind, time: milliseconds, leg: event.leg.split("/").pop(), what};
}

/** Why something failed, as a person would say it. */
export const inWords = ({message, status}) => ({
  UNAVAILABLE: "the relay cannot be reached", DEADLINE_EXCEEDED: "the relay does not answer"}[status] ?? message);

/** What the sessions of this server are known by. */
export const LABELS = {application: "causeway-demo"};
const OPUS = {codecPolicy: {allow: ["opus", "telephone-event"]}};
const REPLANNED = ["legActive", "dtlsUp", "planChanged", "addressLearned", "firstPacket", "recordingState"];

/**
 * One call. An endpoint has `profile`, `label`, ask(offer) -> answer, tell(kind, what) and end(reason).
 * `legs/caller` is who began; `legs/callee` the other.
 */
export class Call {
  id = randomUUID();
  session = `sessions/${this.id}`;
  recording = null;
  recordingsMade = 0;
  suites = {}; // By leg: what its DTLS handshake chose.

  /** `ringMs`: how long it may ring. */
  constructor(causeway, caller, callee, recordings, ringMs) {
    Object.assign(this, {causeway, sides: {caller, callee}, recordings});
    this.ringing = setTimeout(() => this.end("nobody answers"), ringMs);
  }

  other(side) {
    return side === "caller" ? "callee" : "caller";
  }

  tell(kind, what = {}) {
    for (const side of Object.keys(this.sides)) this.sides[side].tell(kind, {call: this.id, side, ...what});
  }

  /** The caller's offer in, its answer out, once the callee has answered. */
  async begin(offer) {
    const {caller, callee} = this.sides;
    const bridge = await this.causeway.relay.bridgeOffer({
      sessionId: this.id, offerSdp: offer, fromProfile: caller.profile, toProfile: callee.profile,
      session: {
        labels: {...LABELS, caller: caller.label, callee: callee.label},
        // Pages speak Opus, whatever the phone has: what it does not have is transcoded.
        legs: ["caller", "callee"].filter((side) => this.sides[side].profile === "webrtc")
          .map((side) => ({name: `legs/${side}`, ...OPUS})),
      },
    });
    if (this.isEnded) return this.delete();
    this.lease = this.causeway.lease(this.session);
    const early = (sdp, branch) => this.takeAnswer(sdp, {provisional: true, branch}).catch(() => {});
    await this.takeAnswer(await callee.ask(bridge.offerSdp, {early}));
    if (this.isEnded) return;
    clearTimeout(this.ringing);
    this.answered = Date.now();
    this.tell("answered", {time: this.answered});
    await this.describe();
    this.poll = setInterval(() => void this.report(), 1000);
  }

  async takeAnswer(sdp, more = {}) {
    const {answerSdp} = await this.causeway.relay.bridgeAnswer({name: this.session, answerSdp: sdp, ...more});
    const type = more.provisional ? "pranswer" : "answer";
    if (answerSdp) this.sides.caller.tell("answer", {call: this.id, type, sdp: answerSdp});
  }

  /** An offer of one side in the running call (hold, resume): the other is offered what it lets flow. */
  async offered(side, offer) {
    const name = this.session, from = `legs/${side}`, to = `legs/${this.other(side)}`;
    const bridge = await this.causeway.relay.bridgeOffer({name, fromLeg: from, toLeg: to, offerSdp: offer});
    try {
      const answer = await this.sides[this.other(side)].ask(bridge.offerSdp, {});
      const {answerSdp} = await this.causeway.relay.bridgeAnswer(
        {name, fromLeg: to, toLeg: from, answerSdp: answer});
      await this.describe();
      return answerSdp;
    } catch (error) {
      await this.causeway.relay.rollbackOffer({name: `${name}/${to}`}).catch(() => {});
      throw error;
    }
  }

  /** An event of this call's session. */
  take(event) {
    const shown = eventForPage(event);
    if (event.kind === "dtlsUp") this.suites[shown.leg] = event.dtlsUp.suite.replace("SRTP_SUITE_", "");
    this.tell("event", {event: shown});
    if (REPLANNED.includes(event.kind)) void this.describe();
    if (event.kind === "sessionClosed") this.end("the relay closed the call");
  }

  /** Tells the pages the plans and the session in words. */
  async describe() {
    if (this.isEnded) return;
    const {text, plans} = await this.causeway.relay.describeSession({name: this.session}).catch(() => ({}));
    if (plans) this.tell("plan", {text, plans: plans.map(({plan}) => ({text: plan.text, why: plan.why}))});
  }

  async report() {
    const {report, error} = await this.causeway.relay.getSessionReport({name: this.session}).catch((error) => ({error}));
    if (this.isEnded) return;
    if (error?.reason === "SESSION_NOT_FOUND") return this.end("the relay was started anew and has lost the call");
    if (error && !this.isCutOff) this.tell("problem", {text: `Nothing is known of the call at present: ${inWords(error)}.`});
    this.isCutOff = Boolean(error);
    if (report) this.tell("report", {legs: report.legs.map((leg) => {
      const figures = figuresOf(leg);
      return {...figures, suite: figures.suite || this.suites[figures.leg] || ""};
    })});
  }

  async record() {
    if (this.recording) return;
    const {recording} = await this.causeway.recordings.startRecording(
      {parent: this.session, recordingId: `rec${++this.recordingsMade}`});
    this.recording = recording;
    this.tell("recording", {isOn: true});
  }

  async stopRecording() {
    if (!this.recording) return;
    const {name} = this.recording;
    this.recording = null;
    const {recording} = await this.causeway.recordings.stopRecording({name});
    this.tell("recording", {isOn: false, file: this.recordings.add(recording, this)});
  }

  end(reason) {
    if (this.isEnded) return;
    this.isEnded = true;
    clearInterval(this.poll);
    clearTimeout(this.ringing);
    void this.finish(reason);
  }

  async finish(reason) {
    try {
      await this.stopRecording();
    } catch (error) {
      this.tell("problem", {text: `the recording could not be completed: ${inWords(error)}.`});
    }
    for (const side of Object.values(this.sides)) side.end(reason, this.id);
    await this.delete();
    this.finished?.();
  }

  async delete() {
    this.lease?.stop();
    await this.causeway.relay.deleteSession({name: this.session}).catch(() => {});
  }
}
