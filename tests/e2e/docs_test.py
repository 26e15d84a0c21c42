"""The documentation says what is so: every command in deploy/docs is run, in the order of its page, and
prints what the page shows; what is not run says why; links lead somewhere; what is made from the code is
as the code has it. docs_page.py has the form of a page."""

import glob
import os
import re
import subprocess
import unittest

from tests.e2e.docs_page import blocks_of, is_as_shown, run_page
from tests.e2e.harness import ROOT, binary

MADE_FROM_CODE = ("configuration.md", "reference.md")
# A block more that is not run is a decision, not an accident.
NOT_RUN = 16
# The commands of READMEs that are indented, not fenced: how each begins, and where it is run or why it
# is not.
README_COMMANDS = {
    "README.md": {
        "./deploy/quickstart.sh ": "builds for minutes; tests/bare_machine.sh runs it",
        "KEY=$(head": None,
        "causeway rpc RelayService.BridgeOffer": "has places to fill in; api-by-example.md runs it",
        "./deploy/install.sh build": "needs root; tests/bare_machine.sh runs it",
    },
    "control/clients/README.md": {"control/clients/build.sh": "clients_test.py runs it"},
    "deploy/demo/README.md": {"deploy/install.sh demo": "demo_test.py starts the server"},
    "tests/bench/README.md": {"tests/bench/run.sh": "takes hours"},
}
COMMAND = re.compile(r"    (\./|[a-z]+/\S+\.(?:sh|py)|causewayd? |cmake |node |export |[A-Z]+=\$|/usr/bin/)")


def read(name):
    with open(os.path.join(ROOT, name)) as file:
        return file.read()


def pages():
    return sorted(os.path.relpath(path, ROOT)
                  for path in glob.glob(os.path.join(ROOT, "deploy/docs/*.md"))
                  if os.path.basename(path) not in MADE_FROM_CODE)


def readmes():
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [each for each in folders if each not in ("out", "node_modules") and each[0] != "."]
        if "README.md" in files:
            found.append(os.path.relpath(os.path.join(folder, "README.md"), ROOT))
    return sorted(set(found) - {"deploy/docs/README.md"})


def indented_commands(text):
    """(line, text) of the indented blocks that begin with a command."""
    found, lines = [], text.split("\n")
    for at, line in enumerate(lines):
        if COMMAND.match(line) and not lines[at - 1].startswith("    "):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end]):
                end += 1
            found.append((at + 1, "".join(each[4:] + "\n" for each in lines[at:end])))
    return found


def anchors(text):
    """What a heading is called in a link."""
    without_code = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", without_code, re.M)}


class Commands(unittest.TestCase):
    maxDiff = None

    def check(self, name, page):
        if "```python" in page and not os.path.isdir("/usr/lib/python3/dist-packages/grpc"):
            self.skipTest("python3-grpcio is not installed (deploy/install.sh peers)")

        def check_block(block, status, printed):
            where = "%s:%d" % (name, block.line)
            self.assertEqual(status, block.status, "%s ends with %d: %s" % (where, status, printed))
            if block.shown and not is_as_shown(block.shown[2], printed):
                self.assertEqual(block.shown[2], printed, where + " prints something else")
            if not block.shown:
                self.assertEqual("", printed, where + " prints what is not shown")
        run_page(page, check_block)

    def test_the_top_readme(self):
        for line, text in indented_commands(read("README.md")):
            how = next(how for start, how in README_COMMANDS["README.md"].items() if text.startswith(start))
            if how is None:
                # Shown as output elsewhere; here they have to succeed.
                def check_block(block, status, printed, line=line):
                    self.assertEqual(status, 0, "README.md:%d: %s" % (line, printed))
                run_page("```sh\n%s```\n" % text, check_block)


def page_test(name):
    return lambda self: self.check(name, read(name))


for each_page in pages():
    word = re.sub(r"\W", "_", os.path.basename(each_page)[:-3])
    setattr(Commands, "test_the_page_" + word, page_test(each_page))


class Documents(unittest.TestCase):
    def test_what_is_not_run_says_why_and_is_counted(self):
        run, not_run = [], []
        for name in pages():
            for block in blocks_of(read(name)):
                (run if block.reason is None else not_run).append("%s:%d" % (name, block.line))
                self.assertFalse(block.says_nothing(), "%s:%d shows nothing" % (name, block.line))
                if block.reason is not None:
                    self.assertGreaterEqual(len(block.reason.split()), 3, block.reason)
        print("%d blocks of commands are run, %d are not" % (len(run), len(not_run)))
        self.assertLessEqual(len(not_run), NOT_RUN, not_run)

    def test_every_command_of_a_readme_is_accounted_for(self):
        seen = set()
        for name in readmes():
            for line, text in indented_commands(read(name)):
                known = [start for start in README_COMMANDS.get(name, {}) if text.startswith(start)]
                self.assertTrue(known, "%s:%d: where is this run?\n%s" % (name, line, text))
                seen.update((name, start) for start in known)
        expected = {(name, start) for name, starts in README_COMMANDS.items() for start in starts}
        self.assertEqual(seen, expected)

    def test_links_lead_somewhere(self):
        for name in pages() + ["deploy/docs/" + made for made in MADE_FROM_CODE] + readmes():
            for link in re.findall(r"\]\(([^)\s]+)\)", read(name)):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
                self.assertTrue(os.path.exists(os.path.join(ROOT, target)), "%s: %s" % (name, link))
                if anchor:
                    self.assertIn(anchor, anchors(read(target)), "%s: %s" % (name, link))

    def test_every_page_is_in_the_index(self):
        for name in pages() + ["deploy/docs/" + made for made in MADE_FROM_CODE]:
            page = os.path.basename(name)
            if page != "README.md":
                self.assertIn("](%s)" % page, read("deploy/docs/README.md"))
                self.assertIn("](deploy/docs/%s)" % page, read("README.md"))

    def test_the_configuration_reference_is_the_codes(self):
        said = subprocess.run([binary("causewayd"), "--print-config-reference"], stdout=subprocess.PIPE,
                              text=True, check=True).stdout
        self.assertEqual(read("deploy/docs/configuration.md"), said)


class Form(unittest.TestCase):
    """That the checks above can fail."""

    def test_what_varies_is_a_place_or_lines(self):
        self.assertTrue(is_as_shown("port …\n…\nend\n", "port 7\na\nb\nend\n"))
        self.assertTrue(is_as_shown("…\nend\n", "end\n"))
        self.assertFalse(is_as_shown("port …\nend\n", "port 7\na\nend\n"))
        self.assertFalse(is_as_shown("port 8\n", "port 7\n"))
        self.assertFalse(is_as_shown("a.c\n", "abc\n"))

    def test_a_block_belongs_to_what_it_prints_and_has_its_reason(self):
        first, second = blocks_of("```sh\na  # ends with 3\n```\n```text\nb\n```\n\n"
                                  "<!-- not run: takes an hour -->\n```sh\nc\n```\nso\n```text\nd\n```\n")
        self.assertEqual((first.status, first.shown[2], first.reason), (3, "b\n", None))
        self.assertEqual((second.status, second.shown, second.reason), (0, None, "takes an hour"))
        self.assertTrue(blocks_of("```sh\na\n```\n```text\n…\n```\n")[0].says_nothing())
        for page in ("So:\n\n    causeway node\n", "```bash\ncauseway node\n```\n"):
            with self.assertRaises(ValueError):
                blocks_of(page)

    def test_a_command_that_fails_or_prints_something_else_is_found(self):
        seen = []
        run_page("```sh\nfalse\ntrue\n```\n```sh\necho x; exit_code=3\n```\n```python\nprint(7)\n```\n",
                 lambda block, status, printed: seen.append((status, printed)))
        self.assertEqual(seen, [(1, ""), (0, "x\n"), (0, "7\n")])

    def test_an_indented_command_of_a_readme_is_found(self):
        self.assertEqual(indented_commands("a\n\n    causeway node\n    x\n\nb\n\n    picture\n"),
                         [(3, "causeway node\nx\n\n")])


if __name__ == "__main__":
    unittest.main()
