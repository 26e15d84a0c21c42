// The page's side of the media: the microphone and one peer connection.
export const SILENCE = -60;
const SOUND = {echoCancellation: true, noiseSuppression: true, autoGainControl: true};

export class Microphone {
  stream = null;
  context = null;

  /** Opens the microphone of this id, or the default one. */
  async open(deviceId) {
    const stream = await navigator.mediaDevices.getUserMedia(
      {audio: {...SOUND, ...(deviceId ? {deviceId: {exact: deviceId}} : {})}});
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    this.context ??= new AudioContext();
    void this.context.resume();
    this.source?.disconnect();
    this.analyser = new AnalyserNode(this.context, {fftSize: 1024});
    this.source = new MediaStreamAudioSourceNode(this.context, {mediaStream: stream});
    this.source.connect(this.analyser);
    return this.track;
  }

  get track() {
    return this.stream?.getAudioTracks()[0];
  }

  /** How loud it is now, in decibels. */
  level() {
    if (!this.analyser || !this.track?.enabled) return SILENCE;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return decibels(Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length));
  }

  static async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((each) => each.kind === "audioinput" && each.label);
  }
}

/** A linear level in decibels: 0 is the loudest, and nothing is quieter than SILENCE. */
const decibels = (linear) => linear > 0 ? Math.max(SILENCE, 20 * Math.log10(linear)) : SILENCE;

export class PeerConnection {
  constructor(track, onTrack, onState) {
    this.connection = new RTCPeerConnection({bundlePolicy: "max-bundle"});
    this.sender = this.connection.addTrack(track, new MediaStream([track]));
    this.connection.ontrack = (event) => onTrack(new MediaStream([event.track]));
    this.connection.onconnectionstatechange = () => onState(this.connection.connectionState);
  }

  /** The relay has one address and makes no checks: it needs no candidates from here. */
  async offer() {
    await this.connection.setLocalDescription();
    return this.connection.localDescription.sdp;
  }

  /** `type`: `pranswer` while it rings: another may follow. */
  accept(sdp, type = "answer") {
    return this.connection.setRemoteDescription({type, sdp});
  }

  async answer(sdp) {
    await this.connection.setRemoteDescription({type: "offer", sdp});
    await this.connection.setLocalDescription();
    return this.connection.localDescription.sdp;
  }

  rollback() {
    return this.connection.setLocalDescription({type: "rollback"});
  }

  set isOnHold(isOnHold) {
    this.connection.getTransceivers()[0].direction = isOnHold ? "inactive" : "sendrecv";
  }

  /** Whether the other side takes nothing from here. */
  get isHeld() {
    const [audio] = this.connection.getTransceivers();
    return audio.direction === "sendrecv" && ["inactive", "recvonly"].includes(audio.currentDirection);
  }

  press(key) {
    this.sender.dtmf.insertDTMF(key, 160, 70);
  }

  /** Levels as they are now, in decibels: what is said here, and what is heard. */
  async levels() {
    const levels = {said: SILENCE, heard: SILENCE};
    for (const report of (await this.connection.getStats()).values()) {
      if (report.type === "media-source") levels.said = decibels(report.audioLevel ?? 0);
      if (report.type === "inbound-rtp" && report.kind === "audio") levels.heard = decibels(report.audioLevel ?? 0);
    }
    return levels;
  }

  close() {
    this.connection.close();
  }
}
