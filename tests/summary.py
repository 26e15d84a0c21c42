#!/usr/bin/env python3
"""Prints what a ctest run found, and the one closing line that tests/run.sh promises.

usage: summary.py JUNIT.xml GTEST_XML_DIR

A GoogleTest program counts as its cases, every other CTest case as one. A program that crashed or
ran into its time limit leaves no complete report and counts as one failure on top of nothing: its
cases are not known to have passed. Exits 1 where something failed, 2 where nothing ran at all.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def gtest_cases(report):
    """(passed, failed names, skipped) of one GoogleTest report, or None where there is none."""
    try:
        root = ElementTree.parse(report).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    passed, failed, skipped = 0, [], 0
    for case in root.iter("testcase"):
        if case.get("status") == "notrun":
            continue
        if case.find("failure") is not None:
            failed.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def telling(lines, end=30, before=20):
    """The lines before each failed GoogleTest case's verdict, and the last ones."""
    shown = set(range(max(0, len(lines) - end), len(lines)))
    for at, line in enumerate(lines):
        if line.startswith("[  FAILED  ]") and line.endswith(" ms)"):
            shown.update(range(max(0, at - before), at + 1))
    return [lines[at] for at in sorted(shown)]


def main():
    junit, gtest_dir = sys.argv[1], pathlib.Path(sys.argv[2])
    passed, skipped, failed = 0, [], []
    slowest, by_test = [], collections.OrderedDict()
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        slowest.append((float(case.get("time") or 0), name))
        cases = gtest_cases(gtest_dir / f"{name}.xml")
        if status == "run" and cases:
            passed += cases[0]
            skipped += [name] * cases[2]
        elif status == "run":
            passed += 1
        elif status in ("notrun", "disabled") or case.find("skipped") is not None:
            skipped.append(name)
        else:
            names = cases[1] if cases and cases[1] else ["did not finish, or failed as a whole"]
            passed += cases[0] if cases else 0
            skipped += [name] * (cases[2] if cases else 0)
            failed += [f"{name}: {each}" for each in names]
            by_test[name] = case.findtext("system-out") or ""
    for name, output in by_test.items():
        print(f"\n---- {name}, what failed and the end of its output ----")
        print("\n".join(telling(output.rstrip().splitlines())))
    slowest.sort(reverse=True)
    print("\nslowest: " + ", ".join(f"{name} {time:.1f} s" for time, name in slowest[:5]))
    if skipped:
        counts = collections.Counter(skipped)
        print("skipped: " + ", ".join(f"{name} ({n})" if n > 1 else name
                                      for name, n in sorted(counts.items())))
    for each in failed:
        print(f"FAILED: {each}")
    if not slowest:
        print("no test ran")
    closing = f"{passed} passed, {len(failed)} failed"
    print(closing + (f", {len(skipped)} skipped" if skipped else ""))
    return 2 if not slowest else 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
