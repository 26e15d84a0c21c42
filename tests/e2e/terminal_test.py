"""`causeway` in a terminal and in scripts: top, report --watch, events --follow, what is waited for."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import unittest

from tests.e2e.harness import RelayTest, binary, free_tcp_port, free_udp_ports, terminate, wait_for

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
RED_YELLOW_GREEN = re.compile(r"\x1b\[3[123]m")


class Terminal:
    """A command with a terminal of its own, and all that it wrote to it."""

    def __init__(self, command, columns=120, rows=24, environment=None):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        base = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**base, "TERM": "xterm", **(environment or {})})
        self.slave = slave
        self.text = ""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536).decode("utf-8", "replace")
        return self.text

    def page(self):
        """The lines of the last page that is complete, without colours."""
        pages = [each for each in self.read().split("\x1b[H")[1:] if "\x1b[J" in each]
        if not pages:
            return []
        text = re.sub(r"\x1b\[\d*m", "", pages[-1].split("\x1b[J")[0])
        return [line.replace("\x1b[K", "").replace("\r", "") for line in text.split("\n")]

    def type(self, text):
        os.write(self.master, text.encode())

    def attributes(self):
        return termios.tcgetattr(self.slave)

    def wait(self):
        wait_for("the end of the command",
                 lambda: self.read() is not None and self.process.poll() is not None)
        self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class TerminalTest(RelayTest):
    def terminal(self, *words, **options):
        made = Terminal([binary("causeway"), "--server", self.relay.api, *words], **options)
        self.addCleanup(made.close)
        return made

    def live_call(self, name):
        """A call in which one endpoint speaks; returns its session."""
        port_a, port_b = free_udp_ports(2)
        session, to_a, _, _ = self.relay.call(
            "rtp/pcmu,remote=127.0.0.1:%d" % port_a, "rtp/pcma,remote=127.0.0.1:%d" % port_b,
            "--id", name)
        payloads = self.write_payloads("said", [bytes([255]) * 160] * 3000)
        self.peer("a", port_a, to_a, send=payloads, interval_ms=20)
        return session

    def is_restored(self, terminal):
        self.assertTrue(terminal.read().endswith(LEAVE) or LEAVE in terminal.read())
        self.assertEqual(terminal.text.count(ENTER), terminal.text.count(LEAVE))
        self.assertEqual(terminal.attributes(), terminal.before)

    def test_top_shows_a_call_and_leaves_the_terminal_as_it_was(self):
        self.live_call("one")
        top = self.terminal("top", "--interval", "0.2", columns=160)
        row = wait_for("a rate of the leg", lambda: [
            line for line in top.page() if re.search(r"one/a +rtp +PCMU +(4\d|5\d|6\d) ", line)])
        self.assertIn("transcode(pcmu->pcma)", row[0])
        page = "\n".join(top.page())
        for words in ("causeway ", "1 sessions, 2 legs", "load 0:", "packets/s in", "drops/s"):
            self.assertIn(words, page)
        self.assertFalse(top.attributes()[3] & termios.ECHO)
        top.resize(50, 4)
        wait_for("the smaller page", lambda: top.page() and len(top.page()) <= 4
                 and max(map(len, top.page())) <= 50)
        top.type("q")
        self.assertEqual(top.wait(), 0)
        self.is_restored(top)

    def test_a_signal_leaves_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            top = self.terminal("top", "--interval", "60")
            wait_for("a page", top.page)
            if number == signal.SIGINT:
                top.type("\x03")
            else:
                top.process.send_signal(number)
            self.assertEqual(top.wait(), -number)
            self.is_restored(top)

    def test_top_stops_and_goes_on_like_any_job(self):
        top = self.terminal("top", "--interval", "60")
        wait_for("a page", top.page)
        top.process.send_signal(signal.SIGTSTP)
        wait_for("the stop", lambda: LEAVE in top.read())
        wait_for("its attributes", lambda: top.attributes() == top.before)
        os.kill(top.process.pid, signal.SIGCONT)
        wait_for("a new page", lambda: top.read().count(ENTER) == 2
                 and "sessions" in top.text.rsplit(ENTER, 1)[1])
        top.type("q")
        self.assertEqual(top.wait(), 0)
        self.is_restored(top)

    def test_colours_are_a_choice(self):
        for words, environment, is_colored in (
                ((), None, True), ((), {"NO_COLOR": "1"}, False), (("--color", "never"), None, False),
                (("--color", "always"), {"NO_COLOR": "1"}, True)):
            top = self.terminal("top", *words, environment=environment)
            wait_for("a page", top.page)
            self.assertEqual(bool(re.search(r"\x1b\[\d+m", top.text)), is_colored, words)
            top.type("q")
            top.wait()
        dumb = self.terminal("top", "--count", "1", "--interval", "0.1", environment={"TERM": "dumb"})
        self.assertEqual(dumb.wait(), 0)
        self.assertNotIn("\x1b", dumb.text)

    def test_a_script_gets_plain_snapshots(self):
        self.live_call("plain")
        text = self.relay.run("top", "--once", "--interval", "0.3").stdout
        self.assertNotIn("\x1b", text)
        self.assertRegex(text, r"plain/a +rtp +PCMU +[3-7]\d ")
        lines = self.relay.run("--json", "top", "--count", "2", "--interval", "0.3",
                               "--sort", "name").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            snapshot = json.loads(line)
            self.assertEqual(snapshot["node"]["capacity"]["legs"], 2)
            self.assertEqual([leg["leg"] for leg in snapshot["legs"]], ["plain/a", "plain/b"])
            self.assertGreater(snapshot["legs"][0]["packets_received_per_second"], 20)
        colored = self.relay.run("top", "--once", "--interval", "0.1", "--color", "always").stdout
        self.assertIn("\x1b[7m", colored)
        self.assertEqual(self.relay.run("top", "--sort", "colour", check=False).returncode, 2)

    def test_a_watched_report_ends_with_the_session(self):
        session = self.live_call("watched")
        shown = self.terminal("report", session, "--watch", "--interval", "0.1")
        wait_for("packets", lambda: any(re.search(r"from the endpoint: [1-9]\d* packets", line)
                                        for line in shown.page()))
        script = self.start("script", [binary("causeway"), "--server", self.relay.api, "--json",
                                       "report", session, "--watch", "--interval", "0.1"])
        def lines():
            with open(self.path("script.log")) as log:
                return log.read().splitlines()
        wait_for("two readings", lambda: len(lines()) >= 2)
        self.relay.run("session", "delete", session)
        self.assertEqual(shown.wait(), 0)
        self.is_restored(shown)
        self.assertIn(session + " has ended", shown.text.rsplit(LEAVE, 1)[1])
        self.assertEqual(script.wait(20), 0)
        self.assertEqual(lines()[-1], session + " has ended")
        self.assertEqual({json.loads(line)["report"]["session"] for line in lines()[:-1]}, {session})
        self.assertEqual(self.relay.run("report", "none", "--watch", check=False).returncode, 4)
        self.assertEqual(self.relay.run("report", "none", "--count", "2", check=False).returncode, 2)

    def test_events_say_how_much_they_matter_by_word_and_by_colour(self):
        shown = self.terminal("events")
        wait_for("the stream", lambda: "stream_opened" in shown.read())
        self.relay.run("session", "create", "--id", "said")
        line = wait_for("the event", lambda: [
            each for each in shown.read().splitlines() if "session_created" in each])[0]
        self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[0-9:.]+Z \x1b\[32minfo \x1b\[0m sessions/said ")
        counted = self.start("counted", [binary("causeway"), "--server", self.relay.api, "events",
                                         "--count", "1"])
        def text():
            with open(self.path("counted.log")) as log:
                return log.read()
        wait_for("the stream", lambda: "stream_opened" in text())
        self.relay.run("session", "delete", "said")
        self.assertEqual(counted.wait(20), 0)
        self.assertRegex(text(), r"info  sessions/said(/legs/\S+)? \w+")
        self.assertNotRegex(text(), RED_YELLOW_GREEN)


    def test_what_takes_longer_than_a_second_says_so_in_a_terminal(self):
        with socket.socket() as silent:  # it takes connections, and never says a word
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            words = [binary("causeway"), "--server", "127.0.0.1:%d" % silent.getsockname()[1],
                     "--timeout", "3", "node"]
            shown = Terminal(words)
            self.addCleanup(shown.close)
            self.assertEqual(shown.wait(), 3)
            self.assertIn("waiting for the answer of 127.0.0.1:", shown.text)
            self.assertIn("1 s of at most 3 s", shown.text)
            last = shown.text.rsplit("\x1b[K", 1)[1]
            self.assertIn("no relay answers", last)
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=30)
            self.assertEqual(done.returncode, 3)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_a_drain_can_be_waited_for(self):
        self.relay.run("session", "create", "--id", "last")
        shown = self.terminal("node", "drain", "--wait")
        wait_for("the wait", lambda: "1 sessions left" in shown.read())
        self.relay.run("session", "delete", "last")
        self.assertEqual(shown.wait(), 0)
        self.assertIn("NODE_STATE_DRAINING", shown.text)


class Forwarder:
    """Carries TCP connections from one address to another, until it is stopped."""

    def __init__(self, at, to):
        self.to = self.address(to)
        self.listener = socket.create_server(self.address(at))
        self.ends = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    @staticmethod
    def address(text):
        host, port = text.rsplit(":", 1)
        return host, int(port)

    def accept(self):
        try:
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.to)
                self.ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=pair, daemon=True).start()
        except OSError:
            return

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return

    def stop(self):
        for each in self.ends:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended already
            each.close()
        self.ends = []


class Follow(RelayTest):
    """A stream that breaks: a forwarder between client and relay is cut, or the relay ends."""

    def follower(self, api):
        with open(self.path("seen.json"), "w") as out, open(self.path("words"), "w") as words:
            process = subprocess.Popen(
                [binary("causeway"), "--server", api, "--json", "events", "--follow", "--kind",
                 "session_created,session_closed"], stdin=subprocess.DEVNULL, stdout=out,
                stderr=words)
        self.processes.append(process)
        return process

    def seen(self):
        with open(self.path("seen.json")) as file:
            return [json.loads(line) for line in file if line.endswith("}\n")]

    def words(self):
        with open(self.path("words")) as file:
            return file.read()

    def names(self, kind="session_created"):
        return [event["session"] for event in self.seen() if kind in event]

    def test_what_happens_while_a_stream_is_cut_comes_once_and_in_order(self):
        api = "127.0.0.1:%d" % free_tcp_port()
        forwarder = Forwarder(api, self.relay.api)
        self.addCleanup(forwarder.stop)
        follower = self.follower(api)
        wait_for("the stream", lambda: any("stream_opened" in event for event in self.seen()))
        self.relay.run("session", "create", "--id", "before")
        wait_for("the first", lambda: self.names() == ["sessions/before"])
        forwarder.stop()
        wait_for("the break", lambda: "is broken" in self.words())
        for number in range(5):
            self.relay.run("session", "create", "--id", "while%d" % number)
        again = Forwarder(api, self.relay.api)
        self.addCleanup(again.stop)
        wait_for("the others", lambda: len(self.names()) == 6)
        self.relay.run("session", "create", "--id", "after")
        wait_for("the last", lambda: len(self.names()) == 7)
        self.assertEqual(self.names(), ["sessions/before"] + ["sessions/while%d" % i for i in range(5)]
                         + ["sessions/after"])
        self.assertEqual(sum("stream_opened" in event for event in self.seen()), 1)
        self.assertIn("goes on", self.words())
        follower.terminate()

    def test_a_gap_is_shown_aloud(self):
        self.follower(self.relay.api)
        wait_for("the stream", lambda: any("stream_opened" in event for event in self.seen()))
        terminate(self.relay.process)
        self.relay.process = subprocess.Popen(self.relay.process.args, stdin=subprocess.DEVNULL,
                                              stdout=self.relay.log, stderr=self.relay.log)
        wait_for("the gap", lambda: any("events_lost" in event for event in self.seen()))
        self.assertIn("events are missing here", self.words())
        wait_for("the stream", lambda: "goes on" in self.words().split("are missing here")[1])
        self.relay.run("session", "create", "--id", "new")
        wait_for("the event after it", lambda: self.names() == ["sessions/new"])

    def test_a_relay_that_was_never_there_ends_it(self):
        done = subprocess.run([binary("causeway"), "--server", "127.0.0.1:1", "events", "--follow"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no relay answers on 127.0.0.1:1", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
