"""The clients of control/clients against a real causewayd: each one's example bridges a browser's offer
to a trunk, and its errors, deadlines, leases and events are what they promise.

Node's part is skipped, aloud, where `deploy/install.sh demo` has not been run; Python's where there is no
python3-grpcio; that of C++ where its example is not built."""

import asyncio
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest

from tests.e2e.browser_test import trunk_answer
from tests.e2e.harness import DEADLINE, ROOT, RelayTest, binary, wait_for

CLIENTS = os.path.join(ROOT, "control/clients")
PYTHON_PATH = [os.path.join(ROOT, "out/clients/python"), os.path.join(CLIENTS, "python")]
NODE_PACKAGE = os.path.join(ROOT, "out/clients/node")
# What Chromium once offered.
OFFER = os.path.join(ROOT, "tests/fuzz/seeds/fuzz_sdp/chromium_audio")


def build(client):
    done = subprocess.run([os.path.join(CLIENTS, "build.sh"), client], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise AssertionError("the %s client does not build: %s" % (client, done.stdout))


class Example:
    """A running example, which speaks JSON a line."""

    def __init__(self, test, command, environment=None):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env={**os.environ, **(environment or {})})
        self.said = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        test.addCleanup(self.stop)

    def read(self):
        for line in self.process.stdout:
            self.said.append(line)

    def tell(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def heard(self, key):
        """The first line that has this key, once it is there."""
        def find():
            lines = [json.loads(line) for line in self.said if line.startswith("{")]
            found = [line for line in lines if key in line]
            if not found and not self.reader.is_alive():
                raise AssertionError("the example has ended: " + "".join(self.said))
            return found and found[0]
        return wait_for("the example's " + key, find)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class ExamplesOf:
    """What the example of each language has to do."""

    def test_the_example_bridges_a_browser_to_a_trunk_and_keeps_the_session(self):
        with open(OFFER) as file:
            offer = file.read()
        example = self.example()
        example.tell({"offer": offer})
        session = example.heard("session")["session"]
        self.assertIn("RTP/AVP", example.heard("trunk_offer")["trunk_offer"])
        example.tell({"trunk_answer": trunk_answer(40000)})
        self.assertEqual(example.heard("answer")["answer"].count("a=candidate:"), 1)
        self.assertIn("legs/caller -> legs/callee", self.relay.run("describe", session).stdout)

        def expires():
            return self.relay.json("rpc", "RelayService.GetSession", json.dumps(
                {"name": session}))["session"]["expire_time"]
        first = expires()
        wait_for("the lease to be renewed twice", lambda: expires() > first)
        second = expires()
        wait_for("the lease to be renewed again", lambda: expires() > second)
        example.tell({"end": "now"})
        example.heard("ended")
        example.process.wait(DEADLINE)
        self.assertEqual(example.process.returncode, 0, "".join(example.said))
        self.assertEqual(self.events(example)[0], "stream_opened")
        self.assertIn(session + "/legs/callee", "".join(example.said))

    def test_the_example_says_why_an_offer_is_refused(self):
        example = self.example()
        example.tell({"offer": "v=0\r\nx=1\r\n"})
        self.assertEqual(example.heard("refused")["refused"], ["SDP_INVALID", "offer_sdp"])

    def test_the_example_has_fewer_than_forty_lines(self):
        with open(self.SOURCE) as file:
            self.assertLess(len(file.readlines()), 40)

    @staticmethod
    def events(example):
        return [snake_case(json.loads(line)["event"]) for line in example.said if '"event"' in line]


def snake_case(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def in_a_loop(test):
    return functools.wraps(test)(lambda self: self.loop.run_until_complete(asyncio.wait_for(test(self), DEADLINE)))


@unittest.skipUnless(os.path.isdir("/usr/lib/python3/dist-packages/grpc"), "python3-grpcio is not installed")
class PythonClient(ExamplesOf, RelayTest):
    SOURCE = os.path.join(CLIENTS, "python/examples/bridge.py")

    @classmethod
    def setUpClass(cls):
        build("python")
        sys.path[:0] = PYTHON_PATH

    @classmethod
    def tearDownClass(cls):
        del sys.path[:len(PYTHON_PATH)]

    def example(self):
        return Example(self, ["/usr/bin/python3", self.SOURCE, self.relay.api],
                       {"PYTHONPATH": ":".join(PYTHON_PATH)})

    def client(self, address=None, **options):
        from causeway_client import Causeway
        client = Causeway(address or self.relay.api, **options)
        self.addCleanup(client.close)
        return client

    def error_of(self, function, **fields):
        from causeway_client import CausewayError
        with self.assertRaises(CausewayError) as caught:
            function(**fields)
        return caught.exception

    def test_errors_say_status_reason_field_and_metadata(self):
        relay = self.client().relay
        error = self.error_of(relay.get_session, name="sessions/none")
        self.assertEqual((error.status.name, error.reason), ("NOT_FOUND", "SESSION_NOT_FOUND"))
        self.assertEqual(error.metadata["name"], "sessions/none")
        error = self.error_of(relay.create_session, session={
            "legs": [{"remote": {"rtp": {"ip": "nowhere", "port": 4000}}}]})
        self.assertEqual((error.reason, error.field), ("FIELD_INVALID", "session.legs[0].remote.rtp.ip"))
        self.assertIn(error.fields[error.field], str(error))

    def test_a_deadline_ends_a_call_that_is_not_answered(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            relay = self.client("127.0.0.1:%d" % silent.getsockname()[1], deadline=0.3).relay
            error = self.error_of(relay.list_sessions)
        self.assertEqual(error.status.name, "DEADLINE_EXCEEDED")

    def test_events_go_on_after_the_last_one_that_was_read(self):
        client = self.client()
        with client.watch() as events:
            self.assertEqual(next(events).WhichOneof("kind"), "stream_opened")
            client.relay.create_session(session_id="one")
            self.assertEqual(next(events).session, "sessions/one")
        client.relay.create_session(session_id="two")
        with client.watch(resume_token=events.resume_token) as later:
            self.assertEqual(next(later).WhichOneof("kind"), "stream_opened")
            self.assertEqual(next(later).session, "sessions/two")

    def test_events_outlive_a_broken_stream(self):
        client = self.client()
        with client.watch(kinds=["session_created"]) as events:
            next(events)
            client.relay.create_session(session_id="one")
            self.assertEqual(next(events).session, "sessions/one")
            events._stream = Broken()
            client.relay.create_session(session_id="two")
            created = [next(events) for _ in range(2)]  # The first one is stream_opened again.
            self.assertEqual(created[1].session, "sessions/two")

    def test_a_lease_says_that_its_session_is_gone(self):
        client = self.client()
        session = client.relay.create_session().session.name
        with client.lease(session, 1) as lease:
            client.relay.delete_session(name=session)
            wait_for("the lease to fail", lambda: lease.error)
        self.assertEqual(lease.error.reason, "SESSION_NOT_FOUND")


class PythonClientForAsyncio(PythonClient):
    SOURCE = os.path.join(CLIENTS, "python/examples/bridge_async.py")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.loop = asyncio.new_event_loop()  # One for all: grpc.aio 1.51 does not survive its loop in silence.

    @classmethod
    def tearDownClass(cls):
        cls.loop.close()
        super().tearDownClass()

    def client(self, address=None, **options):
        from causeway_client.aio import Causeway
        return Causeway(address or self.relay.api, **options)

    async def error_of(self, awaitable):
        from causeway_client import CausewayError
        with self.assertRaises(CausewayError) as caught:
            await awaitable
        return caught.exception

    @in_a_loop
    async def test_errors_say_status_reason_field_and_metadata(self):
        async with self.client() as client:
            error = await self.error_of(client.relay.get_session(name="sessions/none"))
            self.assertEqual((error.status.name, error.reason), ("NOT_FOUND", "SESSION_NOT_FOUND"))
            self.assertEqual(error.metadata["name"], "sessions/none")
            error = await self.error_of(client.relay.create_session(session={
                "legs": [{"remote": {"rtp": {"ip": "nowhere", "port": 4000}}}]}))
            self.assertEqual((error.reason, error.field), ("FIELD_INVALID", "session.legs[0].remote.rtp.ip"))

    @in_a_loop
    async def test_a_deadline_ends_a_call_that_is_not_answered(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with self.client("127.0.0.1:%d" % silent.getsockname()[1], deadline=0.3) as client:
                error = await self.error_of(client.relay.list_sessions())
        self.assertEqual(error.status.name, "DEADLINE_EXCEEDED")

    @in_a_loop
    async def test_events_go_on_after_the_last_one_that_was_read(self):
        async with self.client() as client:
            async with client.watch() as events:
                self.assertEqual((await anext(events)).WhichOneof("kind"), "stream_opened")
                await client.relay.create_session(session_id="one")
                self.assertEqual((await anext(events)).session, "sessions/one")
            self.assertEqual([each async for each in events], [])
            await client.relay.create_session(session_id="two")
            async with client.watch(resume_token=events.resume_token) as later:
                self.assertEqual((await anext(later)).WhichOneof("kind"), "stream_opened")
                self.assertEqual((await anext(later)).session, "sessions/two")

    @in_a_loop
    async def test_events_outlive_a_broken_stream(self):
        async with self.client() as client:
            async with client.watch(kinds=["session_created"]) as events:
                await anext(events)
                await client.relay.create_session(session_id="one")
                self.assertEqual((await anext(events)).session, "sessions/one")
                events._iterator = Broken()
                await client.relay.create_session(session_id="two")
                created = [await anext(events) for _ in range(2)]  # The first one is stream_opened again.
                self.assertEqual(created[1].session, "sessions/two")

    @in_a_loop
    async def test_a_task_that_is_cancelled_ends_while_it_waits_for_an_event(self):
        async with self.client() as client:
            async with client.watch() as events:
                await anext(events)
                waiting = asyncio.create_task(anext(events))
                await asyncio.sleep(0)
                waiting.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await waiting

    @in_a_loop
    async def test_a_lease_says_that_its_session_is_gone(self):
        async with self.client() as client:
            session = (await client.relay.create_session()).session.name
            async with client.lease(session, 1) as lease:
                await client.relay.delete_session(name=session)
                await asyncio.wait_for(lease._task, DEADLINE)
            self.assertEqual(lease.error.reason, "SESSION_NOT_FOUND")


class Broken:
    """A stream whose connection was lost."""

    def __next__(self):
        import grpc

        class Lost(grpc.RpcError):
            code = staticmethod(lambda: grpc.StatusCode.UNAVAILABLE)
            details = staticmethod(lambda: "the connection was lost")
            trailing_metadata = staticmethod(tuple)
        raise Lost()

    async def __anext__(self):
        next(self)

    def cancel(self):
        pass


# What a program in Node sees of errors, deadlines and a lease; argv: the relay, an address that is silent.
NODE_PROGRAM = """
const {Causeway} = require(process.argv[1]);
const caught = (promise) => promise.then(() => null, ({status, reason, field, metadata}) =>
  ({status, reason, field, metadata}));
(async () => {
  const causeway = new Causeway(process.argv[2]);
  const silent = new Causeway(process.argv[3], {deadlineMs: 300});
  const missing = await caught(causeway.relay.getSession({name: "sessions/none"}));
  const invalid = await caught(causeway.relay.createSession({session: {
    legs: [{remote: {rtp: {ip: "nowhere", port: 4000}}}]}}));
  const late = await caught(silent.relay.listSessions({}));
  const events = causeway.watch();
  const opened = (await events.next()).value.kind;
  const {session} = await causeway.relay.createSession({sessionId: "one"});
  const created = (await events.next()).value;
  await events.return();
  const lease = causeway.lease(session.name, 1);
  await causeway.relay.deleteSession({name: session.name});
  while (!lease.error) await new Promise((done) => setTimeout(done, 20));
  console.log(JSON.stringify({missing, invalid, late, opened, created: created.session,
    lease: lease.error.reason, legs: session.legs, lost: session.expireTime !== null}));
  process.exit();
})();
"""


@unittest.skipUnless(os.path.isdir(os.path.join(NODE_PACKAGE, "node_modules")),
                     "Node's packages are not installed (deploy/install.sh demo)")
class NodeClient(ExamplesOf, RelayTest):
    SOURCE = os.path.join(CLIENTS, "node/examples/bridge.ts")

    @classmethod
    def setUpClass(cls):
        build("node")

    def example(self):
        return Example(self, ["node", os.path.join(NODE_PACKAGE, "dist/examples/bridge.js"),
                              self.relay.api])

    def test_errors_deadlines_events_and_leases_are_as_promised(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            done = subprocess.run(
                ["node", "-e", NODE_PROGRAM, NODE_PACKAGE, self.relay.api,
                 "127.0.0.1:%d" % silent.getsockname()[1]], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["missing"], {"status": "NOT_FOUND", "reason": "SESSION_NOT_FOUND",
                                           "field": "", "metadata": {"name": "sessions/none"}})
        self.assertEqual(said["invalid"]["reason"], "FIELD_INVALID")
        self.assertEqual(said["invalid"]["field"], "session.legs[0].remote.rtp.ip")
        self.assertEqual(said["late"]["status"], "DEADLINE_EXCEEDED")
        self.assertEqual((said["opened"], said["created"]), ("streamOpened", "sessions/one"))
        self.assertEqual(said["lease"], "SESSION_NOT_FOUND")


@unittest.skipUnless(shutil.which("ruby") and shutil.which("grpc_ruby_plugin") and os.path.isdir(
    "/usr/share/doc/ruby-grpc"), "ruby-grpc is not installed (deploy/install.sh peers)")
class AnotherLanguage(RelayTest):
    def run_what_the_readme_says(self, offer):
        with open(os.path.join(CLIENTS, "README.md")) as file:
            lines = file.read().split("## Another language")[1].split("\n\n    ")[1].split("\n\n")[0]
        self.assertLessEqual(lines.count("\n") + 1, 10)
        done = subprocess.run(["bash", "-euc", lines.replace("127.0.0.1:7700", self.relay.api)], input=offer, cwd=ROOT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_ten_lines_of_the_readme_bridge_an_offer(self):
        with open(OFFER) as file:
            said = self.run_what_the_readme_says(file.read())
        self.assertIn("m=audio ", said)
        self.assertIn(said.split()[0], self.relay.run("session", "list").stdout)

    def test_the_ten_lines_of_the_readme_say_why_an_offer_is_refused(self):
        self.assertEqual(self.run_what_the_readme_says("v=0\r\nx=1\r\n"), "SDP_INVALID\n")


@unittest.skipUnless(os.path.exists(binary("client_bridge")), "client_bridge is not built")
class CppClient(ExamplesOf, RelayTest):
    SOURCE = os.path.join(CLIENTS, "cpp/bridge.cc")

    def example(self):
        return Example(self, [binary("client_bridge"), self.relay.api])

    def test_errors_deadlines_events_and_leases_are_as_promised(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            done = subprocess.run(
                [binary("client_check"), self.relay.api, "127.0.0.1:%d" % silent.getsockname()[1]],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = {}
        for line in done.stdout.splitlines():
            said.update(json.loads(line))
        not_found, invalid, late = 5, 3, 4  # gRPC's numbers.
        self.assertEqual(said["missing"][:2] + said["missing"][5:],
                         [str(not_found), "SESSION_NOT_FOUND", "sessions/none"])
        self.assertNotEqual(said["missing"][2], "0")
        field = "session.legs[0].remote.rtp.ip"
        self.assertEqual(said["invalid"][:2] + said["invalid"][3:5], [str(invalid), "FIELD_INVALID", field, field])
        self.assertNotIn(said["invalid"][2], ("0", said["missing"][2]))
        self.assertEqual(said["late"], [str(late), "", "0", "", "", ""])
        self.assertEqual((said["opened"], said["created"], said["closed"]), ("stream_opened", "sessions/one", "yes"))
        self.assertEqual((said["renewed"], said["lease"]), ("yes", "SESSION_NOT_FOUND"))


if __name__ == "__main__":
    unittest.main()
