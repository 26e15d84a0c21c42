"""Every item of tests/unit/relay/ice/items.txt has a test that carries its number."""

import pathlib
import re
import sys

FOLDER = pathlib.Path("tests/unit/relay/ice")


def missing(items: str, tests: str) -> list[str]:
    """The items without a test, as they stand in the list."""
    lines = [line for line in items.splitlines() if re.match(r"\d\d ", line)]
    tested = set(re.findall(r"^TEST(?:_F)?\(\w+, Item(\d\d)_", tests, re.MULTILINE))
    return [line for line in lines if line[:2] not in tested]


def main() -> int:
    tests = "\n".join(path.read_text() for path in sorted(FOLDER.glob("*_test.cc")))
    items = (FOLDER / "items.txt").read_text()
    # A checker that finds nothing must be able to find something.
    if missing("99 never done", tests) != ["99 never done"]:
        print("the checker finds nothing")
        return 1
    left = missing(items, tests)
    for line in left:
        print(f"no test for item {line}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
