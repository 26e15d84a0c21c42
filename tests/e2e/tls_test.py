"""The API over TLS: who is let in, who is not, and certificates that are refused before the start."""

import os
import shutil
import subprocess
import tempfile
import unittest

from tests.e2e.harness import Relay, binary, free_tcp_port, wait_for


class Authority:
    """A certificate authority of the test's own, with what it has signed, as PEM files."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self.key = self.path(name + ".pem"), self.path(name + ".key")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                     "-nodes", "-days", "2", "-subj", "/CN=" + name, "-keyout", self.key,
                     "-out", self.certificate)

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sign(self, name, begin="20250101000000Z", end="20401231000000Z"):
        """Makes NAME.pem and NAME.key for 127.0.0.1, valid from `begin` to `end`."""
        certificate, key = self.path(name + ".pem"), self.path(name + ".key")
        request, extensions = self.path(name + ".csr"), self.path(name + ".ext")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", "/CN=" + name, "-keyout", key, "-out", request)
        with open(extensions, "w") as file:
            file.write("[v3]\nsubjectAltName = IP:127.0.0.1\n")
        # `openssl ca` is the only one of 3.0's commands that signs for a time in the past.
        for made in (certificate, self.path(name + ".db"), self.path(name + ".db.attr")):
            open(made, "w").close()
        with open(self.path(name + ".cnf"), "w") as file:
            file.write("[ca]\ndefault_ca = x\n[x]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = "
                       "yes\ndefault_md = sha256\npolicy = p\nemail_in_dn = no\n[p]\ncommonName = "
                       "supplied\n" % (self.path(name + ".db"), self.folder))
        self.openssl("ca", "-batch", "-notext", "-config", self.path(name + ".cnf"), "-cert",
                     self.certificate, "-keyfile", self.key, "-in", request, "-out", certificate,
                     "-startdate", begin, "-enddate", end, "-extfile", extensions, "-extensions",
                     "v3")
        return certificate, key


class TlsRelay(Relay):
    """A causewayd that offers TLS; `client` is what the CLI shows and trusts."""

    def __init__(self, folder, server, client, client_ca=""):
        self.client = client
        self.folder = folder
        self.api = "127.0.0.1:%d" % free_tcp_port()
        self.log = open(os.path.join(folder, "causewayd.log"), "w")
        self.process = subprocess.Popen(
            [binary(os.environ.get("CAUSEWAYD", "causewayd")), "--listen", self.api, "--workers", "2",
             "--network", "name=lo,bind=127.0.0.1,ports=26000-26099", "--recordings",
             os.path.join(folder, "recordings"), "--tls-certificate", server[0], "--tls-key",
             server[1], *(["--tls-client-ca", client_ca] if client_ca else [])],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for("causewayd to answer", self.answers)

    def run(self, *arguments, check=True, timeout=30):
        return super().run(*self.client, "--timeout", "5", *arguments, check=check, timeout=timeout)


class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="causeway-tls-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.authority = Authority(self.folder, "authority")
        self.server = self.authority.sign("server")

    def trust(self, certificate=None, authority=None):
        shown = ["--tls-certificate", certificate[0], "--tls-key", certificate[1]] if certificate \
            else []
        return ["--tls-ca", (authority or self.authority).certificate, *shown]

    def start(self, client, client_ca=""):
        relay = TlsRelay(self.folder, self.server, client, client_ca)
        self.addCleanup(lambda: self.assertEqual(relay.stop(), 0))
        return relay

    def is_let_in(self, relay, client):
        relay.client = client
        done = relay.run("session", "list", check=False)
        if done.returncode != 0:
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("no relay answers", done.stderr)
        return done.returncode == 0

    def test_a_call_over_tls(self):
        relay = self.start(self.trust())
        relay.run("call", "--id", "secret", "--a", "rtp/pcmu,remote=127.0.0.1:9000", "--b",
                  "rtp/pcmu,remote=127.0.0.1:9002")
        self.assertIn("sessions/secret", relay.run("session", "list").stdout)
        relay.run("session", "delete", "secret")
        stranger = Authority(self.folder, "stranger")
        self.assertFalse(self.is_let_in(relay, self.trust(authority=stranger)),
                         "the client does not trust this relay")
        self.assertFalse(self.is_let_in(relay, []), "no TLS, no answer")
        self.assertTrue(self.is_let_in(relay, self.trust()), "the relay lives")

    def test_only_clients_of_the_authority_are_let_in(self):
        friend = self.authority.sign("friend")
        relay = self.start(self.trust(friend), client_ca=self.authority.certificate)
        relay.run("session", "create", "--id", "one")
        self.assertFalse(self.is_let_in(relay, self.trust()), "no certificate")
        foreign = Authority(self.folder, "foreign").sign("stranger")
        self.assertFalse(self.is_let_in(relay, self.trust(foreign)), "of another authority")
        past = self.authority.sign("past", "20200101000000Z", "20210101000000Z")
        self.assertFalse(self.is_let_in(relay, self.trust(past)), "one that has expired")
        self.assertTrue(self.is_let_in(relay, self.trust(friend)))
        self.assertIn("sessions/one", relay.run("session", "list").stdout)

    def refusal(self, certificate, key, *more, check_only=True):
        """What causewayd says of these files. gRPC alone would start and answer nobody."""
        done = subprocess.run(
            [binary("causewayd"), *(["--check-config"] if check_only else []), "--listen",
             "127.0.0.1:%d" % free_tcp_port(), "--network", "name=lo,bind=127.0.0.1",
             "--recordings", os.path.join(self.folder, "recordings"), "--tls-certificate",
             certificate, "--tls-key", key, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=20)
        self.assertEqual(done.returncode, 2, done.stdout)
        return done.stdout

    def test_files_that_would_answer_nobody_are_refused_at_the_start(self):
        certificate, key = self.server
        past = self.authority.sign("past", "20200101000000Z", "20210101000000Z")
        future = self.authority.sign("future", "20390101000000Z", "20400101000000Z")
        for check_only in (True, False):
            self.assertIn("has expired", self.refusal(*past, check_only=check_only))
        self.assertIn("not valid yet", self.refusal(*future))
        self.assertIn("does not belong to the certificate", self.refusal(certificate, past[1]))
        self.assertIn("is no PEM certificate", self.refusal(key, key))
        self.assertIn("is no PEM private key", self.refusal(certificate, certificate))
        self.assertIn("cannot be read", self.refusal(certificate, self.folder + "/none"))
        self.assertIn("is no PEM certificate",
                      self.refusal(certificate, key, "--tls-client-ca", key))
        self.assertIn("has expired", self.refusal(certificate, key, "--tls-client-ca", past[0]))
        locked = self.authority.path("locked.key")
        self.authority.openssl("ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked)
        self.assertIn("passphrase", self.refusal(certificate, locked))


if __name__ == "__main__":
    unittest.main()
