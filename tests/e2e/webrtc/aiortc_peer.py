"""A WebRTC endpoint made of aiortc, driven as serving.py says."""

import asyncio
import fractions
import threading

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from serving import BLOCK_SECONDS, Speaker, Voice, serve


class Microphone(MediaStreamTrack):
    kind = "audio"

    def __init__(self, voice):
        super().__init__()
        self.voice = voice
        self.sent = 0
        self.started = None

    async def recv(self):
        loop = asyncio.get_running_loop()
        if self.started is None:
            self.started = loop.time()
        await asyncio.sleep(max(0.0, self.started + self.sent * BLOCK_SECONDS - loop.time()))
        block = self.voice.block()
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.voice.rate
        frame.pts = self.sent * len(block)
        frame.time_base = fractions.Fraction(1, self.voice.rate)
        self.sent += 1
        return frame


class Endpoint(Speaker):
    """aiortc lives in a thread of its own, and what is asked of it is done there."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.connection = self.there(self.connect())

    def there(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def connect(self):
        return RTCPeerConnection()

    def open(self, path, codecs=(), is_server=False):
        """`codecs`: the only ones to have. `is_server`: in DTLS, where it answers and has the
        choice."""
        self.voice = Voice(path)
        self.is_server = is_server
        self.there(self.add_track(codecs))

    async def add_track(self, codecs):
        self.connection.addTrack(Microphone(self.voice))
        self.connection.on("track", lambda track: asyncio.ensure_future(self.hear(track)))
        if codecs:
            self.connection.getTransceivers()[0].setCodecPreferences(
                [each for each in RTCRtpSender.getCapabilities("audio").codecs
                 if each.mimeType.split("/")[1] in codecs])

    async def hear(self, track):
        while True:
            try:
                frame = await track.recv()
            except Exception:  # the track has ended: aiortc's only sign
                return
            channels = len(frame.layout.channels)
            self.hearing.add(frame.to_ndarray().reshape(-1, channels)[:, 0], frame.sample_rate)

    def offer(self):
        return self.there(self.make_offer())

    async def make_offer(self):
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    def answer(self, sdp):
        return self.there(self.make_answer(sdp))

    async def make_answer(self, sdp):
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        if self.is_server:
            # Left alone, an answerer of aiortc is the client wherever it may choose.
            self.connection.getSenders()[0].transport._set_role("server")
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    def accept(self, sdp):
        self.there(self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer")))

    def state(self):
        return self.connection.connectionState

    def stats(self):
        """Packets of its own accounts, and which side of DTLS it was."""
        reports = self.there(self.connection.getStats())
        inbound = [each for each in reports.values() if each.type == "inbound-rtp"][0]
        return {"received": inbound.packetsReceived, "lost": inbound.packetsLost,
                "dtls": self.connection.getSenders()[0].transport._role}

    def close(self):
        self.there(self.connection.close())


serve(Endpoint())
