#!/usr/bin/env python3
"""Holds the house to its plan: rooms.txt against the #include lines, and what DESIGN.md and STYLE.md
promise of every folder. Python's standard library only.

usage: check_rooms.py [--root DIR] [--rooms FILE] [--part includes|words|folders|features]

Prints one line a breach, `path:line: what`, and exits 1 where there is one. Lines that begin with
`note:` are advice and fail nothing.
"""

import argparse
import pathlib
import re
import sys

SOURCE_SUFFIXES = {".h", ".cc"}
README_LINES = 40
LONG_FILE_LINES = 600


class Rooms:
    """The graph of rooms.txt. Raises ValueError where the graph itself breaks its rules."""

    def __init__(self, text):
        self.sees = {}
        self.rules = []  # (is_never, [folders], [texts])
        row, row_of = 0, {}
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split("#")[0].split() if not line.lstrip().startswith("#") else []
            if not words:
                continue
            if words[0] == "row":
                row += 1
            elif words[0] == "room" and (len(words) == 2 or words[2] == "sees"):
                room, seen = words[1], words[3:]
                row_of[room] = row
                for other in seen:
                    if row_of.get(other, row) >= row:
                        raise ValueError(f"line {number}: {room} may not see {other}, which is not "
                                         "in a lower row")
                self.sees[room] = seen
            elif words[0] == "only" and words[2] == "may":
                self.rules.append((False, words[1].split(","), words[3:]))
            elif words[0] == "never":
                self.rules.append((True, words[1].split(","), words[2:]))
            else:
                raise ValueError(f"line {number}: not understood: {line}")

    def room_of(self, path):
        """The room that owns a file or folder, or None."""
        fits = [room for room in self.sees if is_inside(path, room)]
        return max(fits, key=len) if fits else None


def is_inside(path, folder):
    """Whether `path` is in `folder`; `relay/io/file_writer` names both of its files as well."""
    return path == folder or path.startswith((folder + "/", folder + "."))


def without_comments(text):
    """The code with comments blanked and, but for #include lines, string contents too."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)

    def blank(match):
        found = match.group(0)
        if found[0] == '"':
            line_start = text.rfind("\n", 0, match.start()) + 1
            return found if text[line_start:].lstrip().startswith("#") else '""'
        return "\n" * found.count("\n") if found[0] == "/" else found

    return pattern.sub(blank, text)


class House:
    def __init__(self, root, rooms):
        self.root, self.rooms, self.breaches = root, rooms, []
        tops = sorted({room.split("/")[0] for room in rooms.sees})
        self.files = sorted(path.relative_to(root).as_posix() for top in tops
                            for path in (root / top).rglob("*") if path.suffix in SOURCE_SUFFIXES)
        self.code = {path: without_comments((root / path).read_text()) for path in self.files}

    def breach(self, where, what):
        self.breaches.append(f"{where}: {what}")

    def included_by(self, path):
        for number, line in enumerate(self.code[path].splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<][^">]+[">])', line)
            if match:
                yield number, match.group(1)

    def check_includes(self):
        for path in self.files:
            room = self.rooms.room_of(path)
            if room is None:
                self.breach(path, "in no room of rooms.txt")
                continue
            for number, spelled in self.included_by(path):
                self.check_include(f"{path}:{number}", room, spelled)
        self.check_cycles()
        self.check_cmake_dependencies()

    def check_include(self, where, room, spelled):
        target = spelled[1:-1]
        other = self.rooms.room_of(target)
        if spelled[0] == '"' and "/" not in target:
            self.breach(where, f"{spelled}: includes are spelled from the root of the source")
        if target.startswith(("tests/", "deploy/")):
            self.breach(where, f"{room} includes {target}: nothing stands on the tests")
        if other and other != room and other not in self.rooms.sees[room]:
            self.breach(where, f"{room} may not include {other} ({target})")

    def check_cycles(self):
        graph = {path: [name[1:-1] for _, name in self.included_by(path) if name[1:-1] in self.code]
                 for path in self.files}
        done = set()

        def visit(path, trail):
            if path in trail:
                self.breach(path, "a cycle: " + " -> ".join(trail[trail.index(path):] + [path]))
            elif path not in done:
                for other in graph[path]:
                    visit(other, trail + [path])
                done.add(path)

        for path in self.files:
            visit(path, [])

    def check_cmake_dependencies(self):
        """What a room links must be what it may include."""
        owners = {}
        lists = [path for room in self.rooms.sees
                 for path in [self.root / room / "CMakeLists.txt"] if path.exists()]
        for path in lists:
            for name in re.findall(r"causeway_room\(\s*(\w+)", path.read_text()):
                owners["causeway_" + name] = path.parent.relative_to(self.root).as_posix()
        for path in lists:
            room = path.parent.relative_to(self.root).as_posix()
            for call in re.findall(r"causeway_room\(([^)]*)\)", path.read_text()):
                for target in re.findall(r"causeway_\w+", call):
                    other = owners.get(target, room)
                    if other != room and other not in self.rooms.sees[room]:
                        self.breach(f"{room}/CMakeLists.txt", f"{room} may not link {target}")

    def check_words(self):
        for path in self.files:
            for is_never, folders, texts in self.rooms.rules:
                if any(is_inside(path, folder) for folder in folders) != is_never:
                    continue
                rule = "may not stand in" if is_never else "may stand only in"
                for text in texts:
                    for number in self.lines_with(path, text):
                        self.breach(f"{path}:{number}", f"{text} {rule} {','.join(folders)}")

    def lines_with(self, path, text):
        if text[0] in '<"':
            return [n for n, spelled in self.included_by(path) if spelled.startswith(text)]
        begin = "" if text.startswith("*") else r"(?<!\w)"
        word = re.compile(begin + re.escape(text.lstrip("*")) + r"(?!\w)")
        return [n for n, line in enumerate(self.code[path].splitlines(), 1)
                if word.search(line) and not line.lstrip().startswith("#")]

    def check_folders(self):
        folders = {path.rsplit("/", 1)[0] for path in self.files}
        for folder in sorted(folders):
            readme = self.root / folder / "README.md"
            if not readme.exists():
                self.breach(folder, "has no README.md")
            elif len(readme.read_text().splitlines()) > README_LINES:
                self.breach(f"{folder}/README.md", f"is longer than {README_LINES} lines")
            lists = self.root / folder / "CMakeLists.txt"
            listed = set(re.findall(r"[\w./-]+", lists.read_text())) if lists.exists() else set()
            for path in self.files:
                name = path.rsplit("/", 1)[1]
                if path.rsplit("/", 1)[0] == folder and lists.exists() and name not in listed:
                    self.breach(path, "is not in its folder's CMakeLists.txt")
        for path in self.files:
            if path.endswith(".h") and "#pragma once" not in self.code[path]:
                self.breach(path, "has no #pragma once")
            lines = len((self.root / path).read_text().splitlines())
            if lines > LONG_FILE_LINES:
                print(f"note: {path} has {lines} lines: is it one idea?")
        untested = [path for path in self.files
                    if path.endswith(".cc") and path.startswith(("relay/", "codecs/"))
                    and not (self.root / "tests/unit" / (path[:-3] + "_test.cc")).exists()]
        if untested:
            print(f"note: {len(untested)} files have no test file of their own in tests/unit: " +
                  " ".join(untested))

    def test_names(self):
        """Every name that a row of the feature table may cite."""
        names = set()
        macro = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P|RC_GTEST_PROP|"
                           r"RC_GTEST_FIXTURE_PROP)\(\s*(\w+)\s*,\s*(\w+)", re.M)
        for path in (self.root / "tests").rglob("*.cc"):
            names |= {f"{suite}.{name}" for suite, name in macro.findall(path.read_text())}
        ctest = re.compile(r"\b(?:add_test\(\s*NAME|causeway_\w*test\(|causeway_fuzz\()\s*([\w.-]+)")
        for path in (self.root / "tests").rglob("CMakeLists.txt"):
            names |= set(ctest.findall(path.read_text()))
        return names

    def check_features(self):
        """Tables of README.md whose last column is headed Test: each row cites tests that exist."""
        readme = self.root / "README.md"
        if not readme.exists():
            print("note: README.md is missing")
            return
        names, in_table, rows = self.test_names(), False, 0
        for number, line in enumerate(readme.read_text().splitlines(), 1):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                in_table = False
            elif cells[-1].lower() in ("test", "tests"):
                in_table = True
            elif in_table and not set(line) <= set("|-: "):
                rows += 1
                cited = re.findall(r"`([^`]+)`", cells[-1])
                if not cited:
                    self.breach(f"README.md:{number}", "names no test")
                for name in cited:
                    if name not in names and not (self.root / name).exists():
                        self.breach(f"README.md:{number}", f"{name} is no test")
        if rows == 0:
            self.breach("README.md", "has no feature table whose last column is headed Test")


PARTS = ("includes", "words", "folders", "features")


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path, default=here.parent.parent)
    parser.add_argument("--rooms", type=pathlib.Path, default=here / "rooms.txt")
    parser.add_argument("--part", choices=PARTS, action="append")
    options = parser.parse_args()
    try:
        house = House(options.root, Rooms(options.rooms.read_text()))
    except ValueError as error:
        print(f"{options.rooms.name}: {error}")
        return 1
    for part in options.part or PARTS:
        getattr(house, "check_" + part)()
    for breach in house.breaches:
        print(breach)
    print(f"{len(house.files)} files, {len(house.breaches)} breaches", file=sys.stderr)
    return 1 if house.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
