#!/usr/bin/env python3
"""Counts what a packet costs in user instructions on the hot paths, and compares with the baseline.

Runs `bench_instructions` (release build) under valgrind's callgrind: the same binary gives the same
count, whatever else the machine is doing, so a slower build is noticed without a clock. `ours` is
what runs in the relay itself, `libraries` the rest (libc, OpenSSL, codecs). A case fails where
`ours` or the sum is more than its tolerance above tests/bench/instructions.json. --update writes
that file anew; --top prints the costliest functions of each case.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASELINE = ROOT / "tests/bench/instructions.json"
PACKETS = 1000
# Another patch level of the compiler moves the count a little; a new look-up or copy per packet moves
# it more. Libraries choose their code by the processor.
TOLERANCE = {"ours": 0.05, "sum": 0.25}


def parse(lines):
    """{(object, function): own instructions} of a callgrind file."""
    names = {"ob": {}, "fn": {}}
    current = {"ob": "", "fn": ""}
    costs = collections.Counter()
    is_call = False
    for line in lines:
        spec = re.match(r"(ob|fn)=\((\d+)\)(?: (.*))?$", line)
        if spec:
            kind, number, name = spec.groups()
            if name:
                names[kind][number] = name
            current[kind] = names[kind].get(number, number)
        elif re.match(r"(cob|cfn|cfi|cfl)=", line):
            # The file defines a name wherever it is first used.
            named = re.match(r"c(ob|fn)=\((\d+)\) (.*)$", line)
            if named:
                names[named.group(1)][named.group(2)] = named.group(3)
        elif line.startswith("calls="):
            is_call = True  # the next line is the cost of what was called
        elif re.match(r"[+\-*\d]", line):
            if not is_call:
                costs[current["ob"], current["fn"]] += int(line.split()[1])
            is_call = False
    return costs


def count(binary, case):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}",
             str(binary), case, str(PACKETS)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{case}: {done.stdout}")
        return parse(out.read_text().splitlines())


def is_ours(place):
    return place[0].endswith("/bench_instructions")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(ROOT / "out/build/release/bin"))
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    binary = pathlib.Path(options.bin) / "bench_instructions"
    if not binary.exists():
        sys.exit(f"{binary} is not there: cmake --preset release && "
                 "cmake --build out/build/release --target bench_instructions")
    known = subprocess.run([str(binary)], stdout=subprocess.PIPE, text=True).stdout.split()
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    failed = []
    print(f"{'user instructions a packet':28}{'ours':>10}{'libraries':>12}{'sum':>10}{'baseline':>20}")
    for case in options.cases or known:
        costs = count(binary, case)
        ours = sum(n for place, n in costs.items() if is_ours(place)) / PACKETS
        found = {"ours": round(ours), "sum": round(sum(costs.values()) / PACKETS)}
        before = baseline.get(case, {})
        print(f"{case:28}{found['ours']:10}{found['sum'] - found['ours']:12}{found['sum']:10}"
              f"{before.get('ours', '-'):>10}{before.get('sum', '-'):>10}")
        for (place, name), n in costs.most_common(options.top):
            print(f"    {n / PACKETS:10.0f}  {pathlib.Path(place).name}  {name}")
        for what, tolerance in TOLERANCE.items():
            if not options.update and found[what] > before.get(what, 0) * (1 + tolerance):
                failed.append(f"{case}: {what} {found[what]}, baseline {before.get(what)}, "
                              f"tolerance {tolerance:.0%}")
        baseline[case] = found
    if options.update:
        BASELINE.write_text(json.dumps(baseline, indent=1) + "\n")
    for each in failed:
        print("FAILED:", each)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
