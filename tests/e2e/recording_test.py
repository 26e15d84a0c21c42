"""Recordings: on the relay's clock to the millisecond, playable after a kill, and never the call's ruin."""

import calendar
import json
import os
import signal
import socket
import subprocess
import struct
import threading
import time
import unittest

from tests.e2e.harness import (RelayTest, binary, free_udp_ports, inline, random_key, read_wav,
                               wait_for)


def ulaw_click(is_click):
    """20 ms of PCMU: silence, or a click in its first millisecond."""
    return (b"\x80" * 8 if is_click else b"\xff" * 8) + b"\xff" * 152


class Clicker:
    """Sends PCMU in real time with a click at known moments of CLOCK_MONOTONIC; may lose and restart."""

    def __init__(self, port, target):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.clicks = []  # when the sound of each click was sent

    def run(self, start, seconds, click_every, lose=(), new_ssrc_at=None):
        """`start`: monotonic seconds; a packet carries the 20 ms that begin when it is sent."""
        self.be_punctual()
        seq, timestamp, ssrc = 100, 5000, 0x1111
        for i in range(int(seconds * 50)):
            due = start + i * 0.02
            delay = due - time.monotonic()
            if delay > 0:
                time.sleep(delay)  # the pace of a real sender, not a wait for something to happen
            if new_ssrc_at == i:
                seq, timestamp, ssrc = 40000, 777, 0x2222
            is_click = i % click_every == 0
            if not any(first <= i < last for first, last in lose):
                header = struct.pack(">BBHII", 0x80, 0, seq % 65536, timestamp % 2**32, ssrc)
                self.socket.sendto(header + ulaw_click(is_click), self.target)
                if is_click:
                    self.clicks.append(due)
            seq, timestamp = seq + 1, timestamp + 160
        self.socket.close()


    @staticmethod
    def be_punctual():
        """A telephone has a processor of its own. Where that is allowed, this thread goes before all
        others, or a busy machine's delays would be measured in the place of the relay's."""
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
        except (AttributeError, PermissionError):
            pass


def unix_seconds(text):
    """Of `2026-11-25T22:41:33.165067430Z`."""
    whole, _, part = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (part or "0"))


def click_positions(samples, rate):
    """Seconds at which a click begins: loud after 100 ms without anything loud."""
    found, last = [], None
    for i in (abs(samples.astype("int32")) > 8000).nonzero()[0]:
        if last is None or i - last > rate // 10:
            found.append(i / rate)
        last = i
    return found


class Recording(RelayTest):
    def recorded_call(self, *more):
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, answer = self.relay.call(
            "rtp/pcmu,remote=127.0.0.1:%d" % port_a, "rtp/pcmu,remote=127.0.0.1:%d" % port_b,
            "--record", *more)
        uri = answer["session"]["recordings"][0]["uri"]
        return session, (port_a, to_a), (port_b, to_b), uri[len("file://"):]

    def state(self, session):
        return self.relay.json("record", "get", session + "/recordings/call")["recording"]

    def test_clicks_lie_within_a_millisecond_of_the_truth_in_both_channels(self):
        session, a, b, path = self.recorded_call()
        clicker_a, clicker_b = Clicker(*a), Clicker(*b)
        start = time.monotonic() + 0.2
        # B starts 3.217 s late, loses 400 ms, changes its SSRC.
        threads = [threading.Thread(target=clicker_a.run, args=(start, 9, 25)),
                   threading.Thread(target=clicker_b.run, args=(start + 3.217, 5.5, 25),
                                    kwargs={"lose": [(100, 120)], "new_ssrc_at": 180})]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.relay.run("record", "stop", session + "/recordings/call")
        wait_for("the recording to end",
                 lambda: self.state(session)["state"] == "RECORDING_STATE_STOPPED")
        rate, channels = read_wav(path)
        self.assertEqual(rate, 8000)
        heard_a, heard_b = (click_positions(c, rate) for c in channels)
        with open(path.replace(".wav", ".json")) as file:
            facts = file.read()
        self.assertEqual(len(heard_a), len(clicker_a.clicks), (heard_a, facts))
        self.assertEqual(len(heard_b), len(clicker_b.clicks), (heard_b, facts))
        # The file's zero is the call's; take it from A's median and hold everything to it.
        offsets = sorted(h - c for h, c in zip(heard_a, clicker_a.clicks))
        zero = offsets[len(offsets) // 2]
        errors = [h - c - zero for h, c in
                  zip(heard_a + heard_b, clicker_a.clicks + clicker_b.clicks)]
        self.assertLess(max(abs(e) for e in errors), 0.001,
                        ["%.2f ms" % (e * 1000) for e in errors])
        # And that zero is the moment which the API calls the recording's start.
        started = unix_seconds(self.state(session)["start_time"])
        self.assertAlmostEqual(started + zero, time.time() - time.monotonic(), delta=0.003)

    def test_a_killed_relay_leaves_a_playable_file(self):
        session, a, b, path = self.recorded_call()
        clicker = Clicker(*a)
        thread = threading.Thread(target=clicker.run, args=(time.monotonic(), 4, 25))
        thread.start()
        wait_for("three seconds of recording",
                 lambda: os.path.exists(path) and os.path.getsize(path) > 3 * 8000 * 4)
        self.relay.process.send_signal(signal.SIGKILL)
        self.relay.process.wait()
        thread.join()
        rate, channels = read_wav(path)
        self.assertGreater(len(channels[0]) / rate, 2.5)
        self.assertGreater(len(click_positions(channels[0], rate)), 4)
        probe = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", path],
                               stdout=subprocess.PIPE, text=True)
        self.assertEqual(probe.returncode, 0)

    def test_pause_leaves_silence_in_its_place(self):
        session, a, b, path = self.recorded_call()
        clicker = Clicker(*a)
        thread = threading.Thread(target=clicker.run, args=(time.monotonic(), 4, 10))
        thread.start()
        name = session + "/recordings/call"
        wait_for("a second of recording",
                 lambda: os.path.exists(path) and os.path.getsize(path) > 8000 * 4)
        self.relay.run("record", "pause", name)
        paused_at = time.monotonic()
        wait_for("a pause of 800 ms", lambda: time.monotonic() - paused_at > 0.8)
        self.relay.run("record", "resume", name)
        thread.join()
        self.relay.run("record", "stop", name)
        wait_for("the recording to end",
                 lambda: self.state(session)["state"] == "RECORDING_STATE_STOPPED")
        rate, channels = read_wav(path)
        heard = click_positions(channels[0], rate)
        longest = max(after - before for before, after in zip(heard, heard[1:]))
        self.assertGreater(longest, 0.7)
        self.assertLess(len(heard), len(clicker.clicks))
        refused = self.relay.run("record", "pause", name, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("RECORDING_STATE", refused.stderr)

    def test_the_main_job_has_each_speaker_in_a_channel_of_his_own(self):
        suite = "AES_CM_128_HMAC_SHA1_80"
        a_sends, relay_sends = random_key(30), random_key(30)
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, answer = self.relay.call(
            "srtp/opus,remote=127.0.0.1:%d,accept=same-ip,receive=%s,send=%s"
            % (port_a, inline(a_sends), inline(relay_sends)),
            "rtp/pcmu,remote=127.0.0.1:%d,accept=same-ip" % port_b, "--record")
        recording = answer["session"]["recordings"][0]
        self.assertEqual([each["leg"].rsplit("/", 1)[1] for each in recording["channels"]], ["a", "b"])
        woman, men = self.speech("woman.wav", 8, "woman"), self.speech("men.wav", 8, "men")
        speaks_a = self.speak("sa", woman, to_a, 111, 48000,
                              ["-c:a", "libopus", "-application", "voip"], (suite, inline(a_sends)))
        speaks_b = self.speak("sb", men, to_b + "?pkt_size=172", 0, 8000, ["-c:a", "pcm_mulaw"])
        self.assertEqual(speaks_a.wait(60), 0)
        self.assertEqual(speaks_b.wait(60), 0)
        self.relay.run("session", "delete", session)
        path = recording["uri"][len("file://"):]
        self.assertEqual(read_wav(path)[0], 48000)
        self.check_speech(woman, path, "--channel", "0", "--other", men)
        self.check_speech(men, path, "--channel", "1", "--other", woman)
        ended = self.state(session)
        self.assertEqual(ended["state"], "RECORDING_STATE_STOPPED", "also after its session has gone")
        self.assertEqual(int(ended["size_octets"]), os.path.getsize(path))

    def test_the_second_call_of_a_name_does_not_write_over_the_first(self):
        ends = ["rtp/pcmu,remote=127.0.0.1:%d" % port for port in free_udp_ports(2)]
        _, _, _, answer = self.relay.call(*ends, "--record", "--id", "twice")
        path = answer["session"]["recordings"][0]["uri"][len("file://"):]
        self.relay.run("session", "delete", "twice")
        with open(path, "rb") as file:
            before = file.read()
        again = self.relay.run("call", "--a", ends[0], "--b", ends[1], "--record", "--id", "twice",
                               check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("ID_TAKEN", again.stderr)
        self.assertIn("sessions/twice/recordings/call", again.stderr)
        self.assertEqual(self.relay.run("session", "get", "twice", check=False).returncode, 4)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_an_opus_leg_is_recorded_as_it_came(self):
        port_a, port_b = free_udp_ports(2)
        session, to_a, _, _ = self.relay.call(
            "rtp/opus,remote=127.0.0.1:%d,accept=same-ip" % port_a,
            "rtp/pcmu,remote=127.0.0.1:%d" % port_b)
        started = self.relay.json("record", "start", session, "--id", "leg-a", "--leg", "a", "--ogg")
        path = started["recording"]["uri"][len("file://"):]
        woman = self.speech("woman.wav", 4, "woman")
        speaks = self.speak("sa", woman, to_a, 111, 48000, ["-c:a", "libopus"])
        self.assertEqual(speaks.wait(60), 0)
        self.relay.run("record", "stop", session + "/recordings/leg-a")
        wait_for("the recording to end", lambda: self.relay.json(
            "record", "get", session + "/recordings/leg-a")["recording"]["state"]
                 == "RECORDING_STATE_STOPPED")
        heard = self.path("heard.wav")
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", path, "-ar", "16000",
                        "-ac", "1", heard], check=True)
        self.check_speech(woman, heard)


@unittest.skipUnless(os.geteuid() == 0, "a small tmpfs can be mounted by root only")
class FullDisk(RelayTest):
    def prepare(self):
        self.disk = self.path("recordings")
        os.makedirs(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.disk], check=True)

    def tearDown(self):
        self.relay.stop()
        subprocess.run(["umount", "-l", self.disk], check=True)
        super().tearDown()

    def test_a_full_disk_degrades_the_recording_and_not_the_call(self):
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, _ = self.relay.call("rtp/pcmu,remote=127.0.0.1:%d" % port_a,
                                                 "rtp/pcmu,remote=127.0.0.1:%d" % port_b, "--record")
        events = self.start("events", [binary("causeway"), "--server", self.relay.api, "events",
                                       "--kind", "recording_state", "--json"])
        wait_for("the stream", lambda: self.logged("stream_opened"))
        payloads = self.write_payloads("said", [ulaw_click(i % 25 == 0) for i in range(400)])
        hears = self.peer("b", port_b, to_b, linger_ms=8500)
        speaks = self.peer("a", port_a, to_a, send=payloads)
        self.assertEqual(self.peer_result("a", speaks)[0], 400)
        self.assertEqual(self.peer_result("b", hears)[1], 400, "every packet of the call arrived")

        # 64 KiB are full within 2 s of sound; the call went on for six more.
        wait_for("recording_state DEGRADED", lambda: self.logged("TRANSITION_DEGRADED"))
        recording = self.relay.json("record", "get", session + "/recordings/call")["recording"]
        self.assertEqual(recording["degraded_reason"], "disk_full", json.dumps(recording))
        path = recording["uri"][len("file://"):]
        rate, channels = read_wav(path)
        self.assertGreater(len(channels[0]), rate, "what was written before is playable")
        # There is room again: what waited in memory is written, and all of the call is there.
        subprocess.run(["mount", "-o", "remount,size=4m", self.disk], check=True)
        wait_for("recording_state RECOVERED", lambda: self.logged("TRANSITION_RECOVERED"))
        self.relay.run("record", "stop", session + "/recordings/call")
        events.kill()
        self.assertEqual(len(click_positions(read_wav(path)[1][0], rate)), 400 // 25)

    def logged(self, word):
        with open(self.path("events.log")) as log:
            return word in log.read()


if __name__ == "__main__":
    unittest.main()
