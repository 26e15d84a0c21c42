#!/usr/bin/env bash
# Fuzzes for a while, the known seeds first. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/fuzz/run.sh [--seconds N] [--jobs N] [--list] [--no-build] [target ...]

Builds the preset `fuzz` (clang, AddressSanitizer, UndefinedBehaviorSanitizer) and runs each target
for N seconds (default 20), two at a time. What is found new is kept in out/fuzz/<target>; an input
that crashes is left in out/fuzz/crashes and its path printed: put it into
tests/fuzz/seeds/<target>/ with the fix, and every later run replays it.
USAGE
}

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=20 jobs=2 build=true list=false
targets=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --seconds) seconds="${2:?--seconds needs a number}"; shift ;;
    --jobs) jobs="${2:?--jobs needs a number}"; shift ;;
    --list) list=true ;;
    --no-build) build=false ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "run.sh: unknown argument '$1'" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done

all_targets() { sed -n 's/^ *causeway_fuzz(\([a-z_0-9]*\).*/\1/p' tests/fuzz/CMakeLists.txt; }
if $list; then all_targets; exit 0; fi
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <(all_targets)

bin=out/build/fuzz/bin
if $build; then
  cmake --preset fuzz >/dev/null
  NINJA_STATUS="[%f/%t %es] " cmake --build out/build/fuzz -j "$jobs" --target "${targets[@]}"
fi
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}"
export ASAN_SYMBOLIZER_PATH="${ASAN_SYMBOLIZER_PATH:-/usr/bin/llvm-symbolizer-14}"

fuzz_one() {
  local target="$1" log="out/fuzz/$1.log" dictionary=()
  mkdir -p "out/fuzz/$target" out/fuzz/crashes
  [[ ! -f "tests/fuzz/$target.dict" ]] || dictionary=("-dict=tests/fuzz/$target.dict")
  # The last -print_final_stats is what the summary reads; 2 GB and 5 s are a bug of ours.
  if "$bin/$target" "out/fuzz/$target" "tests/fuzz/seeds/$target" "${dictionary[@]}" \
    -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    "-artifact_prefix=out/fuzz/crashes/$target-" </dev/null >"$log" 2>&1; then
    echo "ok      $target: $(sed -n 's/stat::number_of_executed_units: *//p' "$log") inputs," \
      "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)"
  else
    tail -n 40 "$log"
    echo "FAILED  $target: $(sed -n 's/.*Test unit written to //p' "$log")"
    return 1
  fi
}

running=() failed=0
reap() {
  wait "${running[0]}" || failed=$((failed + 1))
  running=("${running[@]:1}")
}
for target in "${targets[@]}"; do
  [[ ${#running[@]} -lt $jobs ]] || reap
  fuzz_one "$target" &
  running+=($!)
done
while [[ ${#running[@]} -gt 0 ]]; do reap; done
echo "${#targets[@]} targets fuzzed for $seconds s each, $failed failed"
[[ $failed -eq 0 ]]
