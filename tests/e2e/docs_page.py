"""The commands of a documentation page, and what the page says that they print.

In deploy/docs a fenced block of `sh` or `python` is run. A `text` or `json` block that follows it with
nothing between is what it prints: `…` in a line stands for anything in that line, and a line of `…`
alone for any number of lines. A comment `# ends with N` in the block says that its last command is
refused. A block that cannot be run has `<!-- not run: REASON -->` on the line above it.

    CAUSEWAY_BIN=out/build/dev/bin /usr/bin/python3 -m tests.e2e.docs_page PAGE...

runs pages and writes into them what their commands print now, with `…` for what varies.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from tests.e2e.harness import BIN, ROOT, Relay, wait_for

RUN = ("sh", "python")
SHOWN = ("text", "json")
NOT_RUN = re.compile(r"<!-- not run: (.+) -->$")
ENDS_WITH = re.compile(r"# ends with (\d+)\b")
SECONDS_A_BLOCK = 60

# Events go on until Ctrl-C; here they end once the stream is open.
PRELUDE = """
causeway() {
  if [[ "$1" != events || " $* " == *" --count "* ]]; then command causeway "$@"; return; fi
  local shown; shown="$(mktemp)"
  command causeway "$@" >"$shown" & local pid=$!
  until grep -q stream_opened "$shown" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  kill "$pid"; wait "$pid" || [[ $? -eq 143 ]] || return 1
  cat "$shown"; rm "$shown"
}
set -o pipefail
"""


class Block:
    """One fenced block that is run."""

    def __init__(self, language, line, text, reason):
        self.language, self.line, self.text, self.reason = language, line, text, reason
        self.shown = None  # (first line, last line, text) of the block of what it prints.
        expected = ENDS_WITH.search(text)
        self.status = int(expected.group(1)) if expected else 0

    def says_nothing(self):
        """Whether what it is to print may be anything."""
        return self.shown is not None and not self.shown[2].replace("…", "").strip()


def blocks_of(page):
    """The blocks of a page's text that are commands, in their order. Raises ValueError where the page
    breaks the rules of its form."""
    blocks, lines, at, last = [], page.split("\n"), 0, None
    while at < len(lines):
        line = lines[at]
        if line.startswith("    ") and line.strip() and at and not lines[at - 1].strip():
            raise ValueError("line %d: an indented block; commands stand between fences" % (at + 1))
        if not line.startswith("```"):
            if line.strip():
                last = None
            at += 1
            continue
        language, end = line[3:].strip(), lines.index("```", at + 1)
        text = "\n".join(lines[at + 1:end]) + "\n"
        if language in RUN:
            reason = NOT_RUN.match(lines[at - 1]) if at else None
            last = Block(language, at + 1, text, reason and reason.group(1))
            blocks.append(last)
        else:
            if language not in SHOWN:
                raise ValueError("line %d: `%s` is neither run nor shown" % (at + 1, language))
            if last:
                last.shown = (at + 1, end, text)
            last = None
        at = end + 1
    return blocks


def is_as_shown(shown, printed):
    """Whether `printed` is what the page shows."""
    pattern = ""
    for line in shown.strip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ \t]*\n"
    return re.fullmatch(pattern, printed.rstrip() + "\n") is not None


# What is another at each run, where the page is written by this program.
VARIES = [
    (r"(127\.0\.0\.1:|203\.0\.113\.10:|\]:)2\d{4}", r"\1…"),
    (r'("port": )2\d{4}', r"\1…"),
    (r"(m=\w+ )2\d{4}", r"\1…"),
    (r"(a=rtcp:)2\d{4}", r"\1…"),
    (r"(a=candidate:.* )2\d{4}( typ)", r"\1…\2"),
    (r"20\d\d-\d\d-\d\dT[\d:.]+Z", "…"),
    (r"(o=- )\d+", r"\1…"),
    (r"(inline:)[A-Za-z0-9+/=]+", r"\1…"),
    (r"(a=fingerprint:sha-256 |\"value\": \")[0-9A-F:]{95}", r"\1…"),
    (r"(a=(?:ice-ufrag|ice-pwd|tls-id):).*", r"\1…"),
    (r'("(?:local_ufrag|local_password|etag|material|resume_token)": ?")[^"]*', r"\1…"),
    (r"(etag: )\w+", r"\1…"),
    (r"(sessions|connections)/[0-9a-f]{32}", r"\1/…"),
    (r"[\d.]+ ms", "… ms"),
    (r"MOS [\d.]+", "MOS …"),
    (r"(file://)\S*/recordings/", r"\1…/recordings/"),
    (r"((?:jitter|max_jitter)=)[\d.]+s", r"\1…"),
    (r"(ssrc=)\d+", r"\1…"),
]


def generalised(printed):
    for pattern, replacement in VARIES:
        printed = re.sub(pattern, replacement, printed)
    return printed.rstrip() + "\n"


class Shell:
    """A bash with a causewayd beside it, in a working copy of its own: the checkout by links, so that
    what the commands write stays out of it. A context manager."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="causeway-docs-")

    def __enter__(self):
        copy = os.path.join(self.folder, "checkout")
        os.mkdir(copy)
        for name in os.listdir(ROOT):
            if name != "out" and not name.startswith("."):
                os.symlink(os.path.join(ROOT, name), os.path.join(copy, name))
        self.relay = Relay(self.folder)
        self.bash = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, text=True, cwd=copy, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "CAUSEWAY_SERVER": self.relay.api, "LC_ALL": "C.UTF-8",
                 "PATH": BIN + ":" + os.environ["PATH"],
                 "PYTHONPATH": "out/clients/python:control/clients/python",
                 "TMPDIR": self.folder})
        self.tell(PRELUDE)
        self.count = 0
        return self

    def tell(self, text):
        self.bash.stdin.write(text + "\n")
        self.bash.stdin.flush()

    def run(self, block):
        """(status of the first command that failed, or 0; what was printed)."""
        self.count += 1
        names = [os.path.join(self.folder, "%d.%s" % (self.count, kind))
                 for kind in ("sh", "out", "status")]
        source, out, status = names
        text = block.text
        if block.language == "python":
            text = "/usr/bin/python3 - <<'END_OF_BLOCK'\n%sEND_OF_BLOCK\n" % text
        with open(source, "w") as file:
            file.write("failed=0; trap 'failed=$?' ERR\n%s\ntrap - ERR\n" % text)
        self.tell("source %s </dev/null >%s 2>&1; echo $failed >%s.new; mv %s.new %s"
                  % (source, out, status, status, status))
        wait_for("the end of:\n" + block.text,
                 lambda: os.path.exists(status) or self.bash.poll() is not None, SECONDS_A_BLOCK)
        with open(out) as file:
            printed = file.read()
        if not os.path.exists(status):
            raise AssertionError("the shell has ended at:\n%s%s" % (block.text, printed))
        with open(status) as file:
            return int(file.read()), printed

    def __exit__(self, *_):
        # The shell leads a session of its own, in which is all that it has started.
        os.killpg(self.bash.pid, signal.SIGTERM)
        os.killpg(self.bash.pid, signal.SIGKILL)
        self.bash.wait()
        self.bash.stdin.close()
        self.relay.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_page(page, each):
    """Runs the blocks of a page's text that are to be run, and calls each(block, status, printed)."""
    with Shell() as shell:
        for block in blocks_of(page):
            if block.reason is None:
                each(block, *shell.run(block))


def fill(path):
    """Writes into a page what its commands print now, where that is not what it shows."""
    with open(path) as file:
        page = file.read()
    changes = []

    def note(block, status, printed):
        if status != block.status:
            print("%s:%d: ends with %d\n%s" % (path, block.line, status, printed))
        if block.shown and (block.says_nothing() or not is_as_shown(block.shown[2], printed)):
            changes.append((block.shown, generalised(printed)))
        elif not block.shown and printed.strip():
            print("%s:%d: prints, and nothing is shown:\n%s" % (path, block.line, printed))
    try:
        run_page(page, note)
    finally:
        lines = page.split("\n")
        for (first, end, _), printed in reversed(changes):
            lines[first:end] = printed.rstrip("\n").split("\n")
        with open(path, "w") as file:
            file.write("\n".join(lines))


if __name__ == "__main__":
    for each_path in sys.argv[1:]:
        fill(each_path)
