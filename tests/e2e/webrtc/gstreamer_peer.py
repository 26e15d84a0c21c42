"""A WebRTC endpoint made of GStreamer's webrtcbin, with Opus; driven as serving.py says."""

import threading
import time

import gi
import numpy

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

from serving import BLOCK_SECONDS, Speaker, Voice, serve  # noqa: E402

PATIENCE = 20
RATE = 48000
# It takes of an offer only the payload type that it sends: the one that browsers and the relay use.
# Nothing is taken until it is connected; what the microphone has heard by then is lost, as in life.
SENDING = """
  webrtcbin name=webrtc bundle-policy=max-bundle
  appsrc name=microphone is-live=true format=time
    caps=audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=%d !
  queue leaky=downstream max-size-buffers=10 max-size-time=0 max-size-bytes=0 !
  audioconvert ! audioresample ! opusenc ! rtpopuspay pt=111 !
  application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,payload=111 ! webrtc."""
RECEIVING = """
  queue ! rtpopusdepay ! opusdec ! audioconvert ! audioresample !
  audio/x-raw,format=S16LE,channels=1,rate=%d !
  appsink name=ear sync=false emit-signals=true""" % RATE


def wait_until(what, predicate):
    end = time.monotonic() + PATIENCE
    while not predicate():
        if time.monotonic() > end:
            raise TimeoutError("waited for " + what)
        time.sleep(0.01)


class Endpoint(Speaker):
    def __init__(self):
        super().__init__()
        Gst.init(None)
        self.is_over = False
        self.pipeline = None

    def open(self, path):
        self.voice = Voice(path)
        self.pipeline = Gst.parse_launch(SENDING % self.voice.rate)
        self.webrtc = self.pipeline.get_by_name("webrtc")
        self.webrtc.connect("pad-added", self.on_pad)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.speaking = threading.Thread(target=self.speak)
        self.speaking.start()
        # Before it knows what it is given, webrtcbin makes descriptions without a codec.
        pad = self.webrtc.get_static_pad("sink_0")
        wait_until("the microphone's format", pad.get_current_caps)

    def speak(self):
        microphone = self.pipeline.get_by_name("microphone")
        wait_until("the clock", lambda: (
            self.pipeline.get_current_running_time() != Gst.CLOCK_TIME_NONE))
        begin, due = self.pipeline.get_current_running_time(), time.monotonic()
        sent = 0
        while not self.is_over:
            buffer = Gst.Buffer.new_wrapped(self.voice.block().tobytes())
            buffer.pts = begin + int(sent * BLOCK_SECONDS * Gst.SECOND)
            microphone.emit("push-buffer", buffer)
            sent += 1
            time.sleep(max(0.0, due + sent * BLOCK_SECONDS - time.monotonic()))

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        ear = Gst.parse_bin_from_description(RECEIVING, True)
        ear.get_by_name("ear").connect("new-sample", self.on_sample)
        self.pipeline.add(ear)
        pad.link(ear.get_static_pad("sink"))
        ear.sync_state_with_parent()

    def on_sample(self, ear):
        buffer = ear.emit("pull-sample").get_buffer()
        self.hearing.add(
            numpy.frombuffer(buffer.extract_dup(0, buffer.get_size()), dtype="<i2"), RATE)
        return Gst.FlowReturn.OK

    # Descriptions.

    def ask(self, signal, *arguments):
        """What webrtcbin replies to a signal, once it has."""
        promise = Gst.Promise.new()
        self.webrtc.emit(signal, *arguments, promise)
        if promise.wait() != Gst.PromiseResult.REPLIED:
            raise RuntimeError(signal + " was not answered")
        reply = promise.get_reply()
        if reply is not None and reply.has_field("error"):
            raise RuntimeError("%s: %s" % (signal, reply.get_value("error")))
        return reply

    def set_remote(self, kind, sdp):
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        self.ask("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, message))

    def make(self, kind):
        """Makes an `offer` or `answer` and sets it; returns its text with the candidates."""
        # A description lives as long as the reply that it is in.
        reply = self.ask("create-" + kind, None)
        self.ask("set-local-description", reply.get_value(kind))
        wait_until("the candidates", lambda: (self.webrtc.get_property("ice-gathering-state") ==
                                              GstWebRTC.WebRTCICEGatheringState.COMPLETE))
        description = self.webrtc.get_property("local-description")
        return description.sdp.as_text()

    def offer(self):
        return self.make("offer")

    def answer(self, sdp):
        self.set_remote(GstWebRTC.WebRTCSDPType.OFFER, sdp)
        return self.make("answer")

    def accept(self, sdp):
        self.set_remote(GstWebRTC.WebRTCSDPType.ANSWER, sdp)

    # The call.

    def state(self):
        return self.webrtc.get_property("connection-state").value_nick

    def stats(self):
        """Packets of its own accounts."""
        reply = self.ask("get-stats", None)
        for at in range(reply.n_fields()):
            value = reply.get_value(reply.nth_field_name(at))
            if isinstance(value, Gst.Structure) and value.get_name() == "inbound-rtp":
                source = value.get_value("gst-rtpsource-stats")
                return {"received": source.get_value("packets-received"),
                        "lost": source.get_value("packets-lost")}
        raise RuntimeError("nothing was received")

    def close(self):
        self.is_over = True
        if self.pipeline:
            self.speaking.join()
            self.pipeline.set_state(Gst.State.NULL)


serve(Endpoint())
