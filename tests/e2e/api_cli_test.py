"""The command line and the events: exit codes, errors that say what is wrong, a stream that resumes."""

import json
import os
import signal
import subprocess
import unittest

from tests.e2e.harness import RelayTest, binary, free_udp_ports, wait_for

A = "rtp/pcmu,remote=127.0.0.1:9000"
B = "rtp/pcmu,remote=127.0.0.1:9002"


class CommandLine(RelayTest):
    def test_exit_codes_are_what_they_say(self):
        self.assertEqual(self.relay.run("session", "create", "--id", "one").returncode, 0)
        refused = self.relay.run("session", "create", "--id", "one", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("ID_TAKEN", refused.stderr)
        self.assertEqual(self.relay.run("session", "frobnicate", check=False).returncode, 2)
        self.assertEqual(self.relay.run("call", "--a", "x/pcmu", "--b", B, check=False).returncode, 2)
        self.assertEqual(self.relay.run("session", "get", "none", check=False).returncode, 4)
        unreachable = subprocess.run([binary("causeway"), "--server", "127.0.0.1:1", "node"],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(unreachable.returncode, 3)
        self.assertIn("no relay answers", unreachable.stderr)

    def test_a_call_can_be_built_step_by_step(self):
        self.relay.run("session", "create", "--id", "step")
        self.relay.run("leg", "create", "step", A, "--id", "a")
        self.relay.run("leg", "create", "step", B, "--id", "b")
        connected = self.relay.run("connect", "step", "a", "b").stdout
        self.assertIn("legs/a -> legs/b: forward(pcmu) send(rtp)", connected)
        self.assertIn("legs/b -> legs/a: forward(pcmu) send(rtp)", connected)
        self.relay.run("leg", "update", "step/legs/b", "rtp/pcma,remote=127.0.0.1:9002",
                       "--mask", "codecs")
        self.assertIn("transcode(pcmu->pcma)", self.relay.run("describe", "step").stdout)
        self.relay.run("leg", "delete", "step/legs/b")
        self.assertEqual(self.relay.run("leg", "get", "step/legs/b", check=False).returncode, 4)
        self.relay.run("session", "renew", "step", "--lease", "120")
        self.assertIn("sessions/step", self.relay.run("session", "list").stdout)
        self.relay.run("session", "delete", "step")

    def test_help_and_completion_teach(self):
        self.assertIn("SECURITY/CODEC", self.relay.run("call", "--help").stdout)
        for shell, word in (("bash", "complete -F"), ("zsh", "bashcompinit"),
                            ("fish", "complete -c causeway")):
            self.assertIn(word, self.relay.run("completion", shell).stdout)
        offered = subprocess.run(
            ["bash", "-c", 'PATH="%s:$PATH"; source <(causeway completion bash); COMP_WORDS=(causeway '
             'session ""); COMP_CWORD=2; _causeway; echo "${COMPREPLY[@]}"' % os.path.dirname(
                 binary("causeway"))], stdout=subprocess.PIPE, text=True).stdout.split()
        for verb in ("create", "get", "list", "renew", "delete"):
            self.assertIn(verb, offered)

    def test_a_slip_of_the_finger_is_understood(self):
        for words, meant in ((("sesion", "list"), "session"), (("session", "lst"), "list"),
                             (("call", "--recrod"), "--record"),
                             (("call", "--a", "rtp/pcmu,remot=127.0.0.1:1", "--b", B), "remote")):
            done = self.relay.run(*words, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("id you mean `%s`?" % meant, done.stderr)
        for words, word in ((("session", "create", "--lease", "0"), "--lease"),
                            (("session", "create", "--label", "nothing"), "KEY=VALUE"),
                            (("--tls-ca", "/none", "node"), "/none cannot be read")):
            done = self.relay.run(*words, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(word, done.stderr)

    def test_what_a_relay_refuses_is_not_taken_for_its_silence(self):
        self.relay.run("node", "drain")
        done = self.relay.run("session", "create", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NODE_DRAINING", done.stderr)
        self.relay.run("node", "undrain")
        self.relay.run("session", "create")

    def test_a_second_daemon_on_the_same_address_is_refused(self):
        done = subprocess.run(
            [binary("causewayd"), "--insecure", "--listen", self.relay.api, "--workers", "1",
             "--network", "name=lo,bind=127.0.0.1,ports=27000-27009", "--recordings",
             self.path("others")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=30)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("cannot listen on " + self.relay.api, done.stdout)

    def test_a_key_that_the_relay_made_is_shown_in_json_only(self):
        self.relay.run("session", "create", "--id", "keys")
        text = self.relay.run("leg", "create", "keys", "srtp/pcmu", "--id", "a").stdout
        self.assertIn("see --json", text)
        self.assertNotIn("inline:", text)
        words = ("leg", "update", "keys/legs/a", "srtp/pcmu", "--mask", "security.sdes.send")
        self.assertNotIn("inline:", self.relay.run(*words).stdout)
        self.assertIn("inline:", self.relay.run("--json", *words).stdout)

    def test_a_used_up_port_range_is_said(self):
        sessions = []
        for number in range(600):
            done = self.relay.run("call", "--a", A, "--b", B, check=False)
            if done.returncode != 0:
                self.assertIn("PORTS_EXHAUSTED", done.stderr)
                return
            sessions.append(done.stdout.split()[0])
        self.fail("1000 ports served 600 calls of 4 ports")

    def test_ports_of_a_call_that_could_not_be_made_are_free_at_once(self):
        # Two workers with three pairs each: one call of two legs, then one pair is left of three.
        for name in ("one", "two"):
            self.relay.run("call", "--id", name, "--a", A, "--b", B)
        done = self.relay.run("call", "--a", A, "--b", B, check=False)
        self.assertIn("PORTS_EXHAUSTED", done.stderr)
        for name in ("one", "two"):
            self.relay.run("leg", "create", name, A)

    relay_options = {"ports": "20000-20011"}


class Configuration(unittest.TestCase):
    def check(self, *arguments):
        return subprocess.run([binary("causewayd"), "--check-config", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_it_says_what_is_wrong_before_it_starts(self):
        self.assertEqual(self.check("--insecure").returncode, 0)
        self.assertEqual(self.check("--insecure", "--listen", "0.0.0.0:7700").returncode, 2)
        no_tls = self.check("--network", "name=a,bind=127.0.0.1")
        self.assertEqual(no_tls.returncode, 2)
        self.assertIn("tls", no_tls.stderr)
        overlap = self.check("--insecure", "--network", "name=a,bind=127.0.0.1,ports=32000-40000")
        self.assertEqual(overlap.returncode, 2)
        self.assertIn("ip_local_port_range", overlap.stderr)


class Events(RelayTest):
    def watch(self, name, *more):
        return self.start(name, [binary("causeway"), "--server", self.relay.api, "events", "--json",
                                 *more])

    def seen(self, name):
        with open(self.path(name + ".log")) as log:
            return [json.loads(line) for line in log if line.startswith("{") and line.endswith("}\n")]

    def kinds(self, name):
        known = {"stream_opened", "session_created", "session_closed", "leg_created", "leg_closed",
                 "leg_active", "first_packet", "plan_changed", "quality_report"}
        return [kind for event in self.seen(name) for kind in event if kind in known]

    def test_a_reader_that_was_killed_resumes_with_every_event_once_and_in_order(self):
        watcher = self.watch("first", "--kind", "session_created,session_closed")
        wait_for("the stream", lambda: "stream_opened" in self.kinds("first"))
        for number in range(5):
            self.relay.run("session", "create", "--id", "s%d" % number)
        wait_for("five events", lambda: len(self.seen("first")) >= 6)
        watcher.send_signal(signal.SIGKILL)
        watcher.wait()
        token = self.seen("first")[-1]["resume_token"]
        for number in range(5):
            self.relay.run("session", "delete", "s%d" % number)
        watcher = self.watch("second", "--kind", "session_created,session_closed", "--resume", token)
        wait_for("the other five", lambda: self.kinds("second").count("session_closed") == 5)
        watcher.kill()
        names = [(k, e["session"]) for n in ("first", "second") for e in self.seen(n)
                 for k in e if k in ("session_created", "session_closed")]
        expected = [("session_created", "sessions/s%d" % i) for i in range(5)]
        expected += [("session_closed", "sessions/s%d" % i) for i in range(5)]
        self.assertEqual(names, expected)

    def test_a_foreign_token_is_refused(self):
        done = subprocess.run([binary("causeway"), "--server", self.relay.api, "events", "--resume",
                               "nonsense"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=20)
        self.assertEqual(done.returncode, 1)

    def test_a_call_tells_its_story(self):
        watcher = self.watch("story")
        wait_for("the stream", lambda: "stream_opened" in self.kinds("story"))
        port_a, port_b = free_udp_ports(2)
        session, to_a, to_b, _ = self.relay.call("rtp/pcmu,remote=127.0.0.1:%d" % port_a,
                                                 "rtp/pcmu,remote=127.0.0.1:%d" % port_b)
        payloads = self.write_payloads("said", [bytes(160)] * 20)
        self.peer_result("a", self.peer("a", port_a, to_a, send=payloads, interval_ms=5))
        self.relay.run("session", "delete", session)
        wait_for("the end", lambda: "session_closed" in self.kinds("story"))
        watcher.kill()
        kinds = self.kinds("story")
        for kind in ("session_created", "leg_active", "first_packet", "session_closed"):
            self.assertIn(kind, kinds)
        self.assertLess(kinds.index("session_created"), kinds.index("first_packet"))
        closed = next(e for e in self.seen("story") if "session_closed" in e)
        legs = closed["session_closed"]["report"]["legs"]
        self.assertEqual(sum(int(leg["received"].get("packets", 0)) for leg in legs), 20)


if __name__ == "__main__":
    unittest.main()
