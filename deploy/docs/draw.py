#!/usr/bin/env python3
"""Draws the pictures of the documentation: deploy/docs/images/NAME.svg from NAME.txt beside it. Python's
standard library only.

usage: draw.py [--check] [--folder DIR]

  --check   write nothing; exit 1 where a picture is not what its text says

A text begins with two lines that are not drawn, `# title` and `# what is to be seen`. Below stands the
picture: boxes of `+`, `-` and `|`, which may join and nest, lines of `-` and `|` with `<`, `>`, `^`, `v` as
their heads, and words. A `-` or `|` is part of a line where another part of one is beside it in its direction.
"""

import argparse
import pathlib
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 8.4, 18, 12  # Of a character, and around all of them.
# On a ground of its own, in the reader's scheme: it is readable on a light and on a dark page.
STYLE = """\
.ground { fill: #ffffff } .box { fill: #eef3f8 } .inner { fill: #ffffff }
.line { stroke: #33475b; stroke-width: 1.4; fill: none } .head { fill: #33475b }
text { fill: #14202b; font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
@media (prefers-color-scheme: dark) {
.ground { fill: #10161c } .box { fill: #1d2833 } .inner { fill: #10161c }
.line { stroke: #9db2c6 } .head { fill: #9db2c6 } text { fill: #e8eef4 } }
"""
HEADS = {"<": (-1, 0), ">": (1, 0), "^": (0, -1), "v": (0, 1)}


class Grid:
    """The characters of a picture, and which of them are parts of lines."""

    def __init__(self, lines):
        self.lines = lines
        self.height, self.width = len(lines), max(map(len, lines))
        self.flat = {(x, y) for x, y in self.places() if self.is_line(x, y, "-", 1, 0)}
        self.upright = {(x, y) for x, y in self.places() if self.is_line(x, y, "|", 0, 1)}
        self.corners = {(x, y) for x, y in self.places() if self.at(x, y) == "+" and (
            {(x - 1, y), (x + 1, y)} & self.flat or {(x, y - 1), (x, y + 1)} & self.upright)}
        self.heads = {(x, y) for x, y in self.places() if self.at(x, y) in HEADS and self.is_head(x, y)}
        self.drawn = self.flat | self.upright | self.corners | self.heads

    def at(self, x, y):
        inside = 0 <= y < self.height and 0 <= x < len(self.lines[y])
        return self.lines[y][x] if inside else " "

    def places(self):
        return [(x, y) for y in range(self.height) for x in range(len(self.lines[y]))]

    def is_line(self, x, y, part, right, down):
        heads = "<>" if right else "^v"
        return self.at(x, y) == part and any(
            self.at(x + side * right, y + side * down) in part + "+" + heads for side in (-1, 1))

    def is_head(self, x, y):
        right, down = HEADS[self.at(x, y)]
        behind = (x - right, y - down)
        return behind in (self.flat if right else self.upright) or (
            self.at(*behind) == "+" and behind in self.corners)

    def boxes(self):
        """(x, y, right, bottom) of the boxes, the outer ones first."""
        found = []
        for x, y in sorted(self.corners):
            for right in range(x + 1, self.width):
                if (right, y) in self.corners:
                    bottom = self.bottom_of(x, y, right)
                    if bottom:
                        found.append((x, y, right, bottom))
                        break
                elif (right, y) not in self.flat:
                    break
        return sorted(found, key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))

    def bottom_of(self, x, y, right):
        """The lowest line of the box whose top is there; None where it is none."""
        for bottom in range(y + 1, self.height):
            if any((side, bottom) not in self.upright | self.corners for side in (x, right)):
                return None
            if all((side, bottom) in self.corners for side in (x, right)) and all(
                    (along, bottom) in self.flat | self.corners | self.heads for along in range(x, right)):
                return bottom
        return None


def centre(x, y):
    return MARGIN + (x + 0.5) * WIDTH, MARGIN + (y + 0.5) * HEIGHT


def boxes(grid):
    seen = []
    for x, y, right, bottom in grid.boxes():
        depth = sum(1 for a, b, c, d in seen if a <= x and b <= y and right <= c and bottom <= d)
        seen.append((x, y, right, bottom))
        left, top = centre(x, y)
        yield '<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3"/>' % (
            "inner" if depth % 2 else "box", left, top, (right - x) * WIDTH, (bottom - y) * HEIGHT)


def strokes(along, corners, across, step):
    """The places from which a line goes on for a step: it is made of `along`, turns at corners, and may
    begin and end at a line across."""
    ends = along | corners | across
    for x, y in sorted(ends):
        pair = {(x, y), (x + step[0], y + step[1])}
        if pair <= ends and (pair & along or pair <= corners):
            yield x, y


def lines(grid):
    sideways = {place for place in grid.heads if grid.at(*place) in "<>"}
    flat, upright = grid.flat | sideways, grid.upright | grid.heads - sideways
    path = "".join("M%.1f %.1fh%.1f" % (*centre(x, y), WIDTH) for x, y in strokes(
        flat, grid.corners, grid.upright, (1, 0)))
    path += "".join("M%.1f %.1fv%d" % (*centre(x, y), HEIGHT) for x, y in strokes(
        upright, grid.corners, grid.flat, (0, 1)))
    yield '<path class="line" d="%s"/>' % path
    for x, y in sorted(grid.heads):
        right, down = HEADS[grid.at(x, y)]
        at, top = centre(x, y)
        yield '<path class="head" d="M%.1f %.1fL%.1f %.1fL%.1f %.1fz"/>' % (
            at + 6 * right, top + 8 * down, at - 5 * right + 4.5 * down, top - 4 * down - 4.5 * right,
            at - 5 * right - 4.5 * down, top - 4 * down + 4.5 * right)


def words(grid):
    for y, line in enumerate(grid.lines):
        shown = "".join(" " if (x, y) in grid.drawn else char for x, char in enumerate(line))
        x = 0
        while x < len(shown):
            if shown[x] == " ":
                x += 1
                continue
            end = shown.find("  ", x)
            text = shown[x:end if end >= 0 else None].rstrip()
            yield '<text x="%.1f" y="%.1f" textLength="%.1f">%s</text>' % (
                MARGIN + x * WIDTH, MARGIN + y * HEIGHT + 13, len(text) * WIDTH, escape(text))
            x += len(text)


def svg_of(text):
    """The picture of a text. Raises ValueError where it has no title or description."""
    title, what, *rows = text.rstrip("\n").split("\n")
    if not title.startswith("# ") or not what.startswith("# ") or not rows:
        raise ValueError("it begins with `# title` and `# what is to be seen`")
    grid = Grid(rows)
    width, height = 2 * MARGIN + grid.width * WIDTH, 2 * MARGIN + grid.height * HEIGHT
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">'
        % (width, height, width, height),
        "<title>%s</title>" % escape(title[2:]), "<desc>%s</desc>" % escape(what[2:]),
        "<style>", STYLE + "</style>", '<rect class="ground" width="100%" height="100%" rx="6"/>',
        *boxes(grid), *lines(grid), *words(grid), "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent / "images")
    arguments = parser.parse_args()
    texts = sorted(arguments.folder.glob("*.txt"))
    stale = {path.stem for path in arguments.folder.glob("*.svg")} - {path.stem for path in texts}
    for path in texts:
        picture, svg = path.with_suffix(".svg"), svg_of(path.read_text())
        if not arguments.check:
            picture.write_text(svg)
        elif not picture.exists() or picture.read_text() != svg:
            stale.add(path.stem)
    for name in sorted(stale):
        print("images/%s.svg is not what images/%s.txt says: run deploy/docs/draw.py" % (name, name))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
