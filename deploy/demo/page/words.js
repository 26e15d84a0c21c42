// Events and plans in words.

const duration = (value) => value ? `${(Number(value.seconds) + value.nanos / 1e9).toFixed(1)} s` : "some time";
const address = (value) => value ? `${value.ip}:${value.port}` : "an unknown address";
const plain = (name, prefix) => String(name).replace(prefix, "").toLowerCase().replaceAll("_", " ");

const SENTENCES = {
  streamOpened: () => "The relay tells this page what happens from now on",
  eventsLost: ({count}) => `${count} events were lost`,
  sessionCreated: () => "The session was created",
  sessionOrphaned: () => "The lease ran out; the call goes on until it is silent",
  sessionClosed: ({reason}) => `The session was closed: ${plain(reason, "CLOSE_REASON_")}`,
  legCreated: () => "The leg was added",
  legActive: () => "Has addresses and keys: media can flow",
  firstPacket: ({source, payloadType}) => `First packet, from ${address(source)}, payload type ${payloadType}`,
  addressLearned: ({address: learned}) => learned?.rtp ? `The relay sends to ${address(learned.rtp)} from now on`
    : `The relay sends RTCP to ${address(learned?.rtcp)} from now on`,
  dtlsUp: ({suite}) => `DTLS handshake done, ${plain(suite, "SRTP_SUITE_").toUpperCase().replaceAll(" ", "_")}`,
  dtlsFailed: ({detail}) => `DTLS has failed: ${detail.replace(/\.$/, "")}`,
  dtlsClosed: () => "The endpoint has ended its DTLS association",
  iceStateChanged: ({state, remote}) => `ICE is ${plain(state, "ICE_STATE_")}${remote ? ` with ${address(remote)}` : ""}`,
  mediaTimeout: ({silence}) => `Nothing has come for ${duration(silence)}`,
  mediaResumed: ({silence}) => `Packets come again after ${duration(silence)}`,
  ssrcChanged: () => "The endpoint sends a new stream",
  srtpAuthFailures: () => "Packets do not verify",
  keyExpiring: () => "An SRTP key is nearly used up",
  dtmf: ({digit, duration: length}) => `Key ${digit} was pressed for ${duration(length)}`,
  legClosed: ({reason}) => `Closed: ${plain(reason, "CLOSE_REASON_")}`,
  planChanged: ({plan}) => `Planned anew: ${plan?.text ?? ""}`,
  recordingState: ({transition}) => `Recording ${plain(transition, "RECORDING_TRANSITION_")}`,
  qualityReport: ({figures: {received, roundTrip}}) => `Quality: ${[
    received?.mos && `MOS ${received.mos.toFixed(1)}`, received && `${received.lost} of ${received.packets} packets lost`,
    received?.jitter != null && `jitter ${received.jitter.toFixed(0)} ms`,
    roundTrip != null && `round trip ${roundTrip.toFixed(0)} ms`].filter(Boolean).join(", ")}`,
};
const BAD = ["eventsLost", "dtlsFailed", "mediaTimeout", "srtpAuthFailures", "sessionOrphaned", "keyExpiring"];

export const WITHOUT_MICROPHONE = "Browsers give their microphone to pages of https and of localhost only: open this page there.";
const OF_THE_MICROPHONE = {
  NotAllowedError: "The browser does not give the microphone away. Allow it in the browser's address bar and try again.",
  NotFoundError: "There is no microphone. Connect one and try again.",
  OverconstrainedError: "That microphone is gone. Choose another one and try again.",
  NotReadableError: "The microphone cannot be used: another program may have it.",
};

/** Why something did not work, as a sentence. */
export const inWords = (error) => navigator.mediaDevices
  ? OF_THE_MICROPHONE[error.name] ?? `That did not work: ${error.message}.` : WITHOUT_MICROPHONE;

export const sentenceOf = ({kind, what}) => SENTENCES[kind]?.(what) ?? kind;
export const isBad = ({kind, what}) => BAD.includes(kind) || /DEGRADED|FAILED/.test(what.transition ?? "");

/** The links of a plan's line, `legs/a -> legs/b: open(...) transcode(...) send(rtp)`; all of it where it
 * has another form, which is not part of the API. */
export function stepsOf(text) {
  const [, from, to, chain] = /^legs\/(\S+) -> legs\/(\S+): (.*)$/.exec(text) ?? [];
  if (!chain) return {steps: [text]};
  return {from, to, steps: chain.match(/[^\s(]+(\([^)]*\))?/g) ?? [chain]};
}
