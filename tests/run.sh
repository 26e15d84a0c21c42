#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, prints a summary. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/run.sh [options]

Installs what is missing (deploy/install.sh), configures and builds a preset, runs its tests and
prints a summary whose last line is `N passed, N failed` (`, N skipped` where some were). The status
is 0 only if nothing failed.

  --quick        while working: only tests/unit and tests/arch are built and run
  --preset X     dev (default), dev-clang, asan-ubsan, tsan, release, fuzz: see CMakePresets.json
  --parts A,B    only these parts of tests/ (unit, arch, sim, e2e, fuzz ...)
  -R REGEX       only the CTest cases whose name matches
  --no-install   do not look for missing packages
  --no-build     run what was built before
  -j N           build and test jobs (default 2)
  --help         this text

Logs and reports are left in out/build/<preset>/report.
USAGE
}

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
source tests/lib/parts.sh

preset=dev parts="" regex="" install=true build=true jobs=2
while [[ $# -gt 0 ]]; do
  case "$1" in
    --quick) parts=unit,arch ;;
    --preset) preset="${2:?--preset needs a name}"; shift ;;
    --parts) parts="${2:?--parts needs a list}"; shift ;;
    -R) regex="${2:?-R needs an expression}"; shift ;;
    --no-install) install=false ;;
    --no-build) build=false ;;
    -j) jobs="${2:?-j needs a number}"; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "run.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

build_dir="out/build/$preset"
report="$build_dir/report"
# Sanitizers that find something must fail the test, with a readable stack.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}"
export ASAN_SYMBOLIZER_PATH="${ASAN_SYMBOLIZER_PATH:-/usr/bin/llvm-symbolizer-14}"
export TSAN_OPTIONS="$TSAN_OPTIONS:external_symbolizer_path=$ASAN_SYMBOLIZER_PATH"

# The targets of the chosen parts; everything where no part was chosen.
targets() {
  [[ -n "$parts" ]] || { echo all; return; }
  local part
  for part in ${parts//,/ }; do
    if ninja -C "$build_dir" -t query "part_$part" >/dev/null 2>&1; then echo "part_$part"; fi
  done
}

build_targets() {
  local -a wanted
  mapfile -t wanted < <(targets)
  [[ ${#wanted[@]} -gt 0 ]] || return 0
  NINJA_STATUS="[%f/%t %es] " cmake --build "$build_dir" -j "$jobs" --target "${wanted[@]}"
}

# Until the tests have told otherwise the run has failed: whoever adds the summaries up must not
# take a build that broke for no tests at all.
begin_report() {
  rm -rf "$report"
  mkdir -p "$report/gtest"
  echo "0 passed, 1 failed" >"$report/summary.txt"
}

run_tests() {
  local -a choice=()
  [[ -z "$parts" ]] || choice+=(-L "^(${parts//,/|})\$")
  [[ -z "$regex" ]] || choice+=(-R "$regex")
  # The status of ctest is not asked for: the summary finds every failure in the report.
  GTEST_OUTPUT="xml:$root/$report/gtest/" ctest --test-dir "$build_dir" -j "$jobs" \
    --output-junit "$root/$report/junit.xml" --no-tests=error "${choice[@]}" </dev/null |
    sed -un '/Start [ 0-9]*:/d; /Test *#/p' || true
  [[ -f "$report/junit.xml" ]] || { echo "ctest wrote no report"; return 1; }
}

begin_report
if $install; then must "install" ./deploy/install.sh build run test; fi
if $build; then
  must "configure" quiet_unless_failed "$build_dir.configure.log" cmake --preset "$preset"
  must "build" build_targets
fi
must "test" run_tests
status=0
python3 tests/summary.py "$report/junit.xml" "$report/gtest" >"$report/summary.txt" || status=$?
print_parts
cat "$report/summary.txt"
exit "$status"
