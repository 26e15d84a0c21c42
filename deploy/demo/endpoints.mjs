// The two kinds of endpoints that a call can have; see Call in calls.mjs.
import {randomUUID} from "node:crypto";

const PAGE_ANSWERS_MS = 10_000;

/** A browser's page: told things by server-sent events, and tells by requests. */
export class Page {
  profile = "webrtc";
  stream = null;
  waiting = new Map(); // What the page was asked, by an id of its own.

  constructor(number) {
    this.number = number;
    this.label = `Page ${number}`;
  }

  tell(kind, what = {}) {
    this.stream?.write(`data: ${JSON.stringify({kind, ...what})}\n\n`);
  }

  /** Asks the page for an answer; rings first where it is a new call. */
  ask(offer, {ring} = {}) {
    const id = randomUUID();
    return new Promise((resolve, reject) => {
      const timer = ring ? null : setTimeout(() => reject(new Error("the page does not answer")), PAGE_ANSWERS_MS);
      this.waiting.set(id, {resolve, reject, timer});
      if (ring) this.ringing = id;
      this.tell(ring ? "incoming" : "offer", {request: id, offer, ...ring});
    });
  }

  /** The page's answer to what it was asked, or why there is none. */
  answer(id, sdp, error) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    this.waiting.delete(id);
    clearTimeout(asked.timer);
    if (sdp) asked.resolve(sdp);
    else asked.reject(new Error(error || `${this.label} declined`));
  }

  end(reason, call) {
    if (this.ringing) this.answer(this.ringing, null, reason);
    this.ringing = null;
    this.tell("ended", {call, reason});
  }
}

/** A page that is called: it rings until somebody answers. */
export function calledPage(page, from, call) {
  return {
    profile: page.profile, label: page.label,
    tell: (...told) => page.tell(...told),
    end: (...ended) => page.end(...ended),
    async ask(offer) {
      if (call().answered) return page.ask(offer);
      const answer = await page.ask(offer, {ring: {call: call().id, from}});
      page.ringing = null;
      return answer;
    },
  };
}

/** A SIP phone that we call, or that calls us. */
export class Phone {
  // Behind a NAT or not: the relay learns where its media comes from.
  profile = "sip-phone";

  constructor(dialog, uri) {
    this.dialog = dialog;
    this.label = uri;
  }

  tell() {}

  ask(offer, {early} = {}) {
    this.dialog.handlers.early = early;
    return this.dialog.offer(offer);
  }

  end() {
    this.dialog.hangUp();
  }
}
