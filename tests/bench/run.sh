#!/usr/bin/env bash
# Measures Causeway beside rtpengine and the bare limits. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/bench/run.sh [options]

Installs what is missing (rtpengine from Debian, not started as a service), builds the release,
lets calls run in real time over each subject in turn, prints a table, and writes
out/bench/results.json and plots. One processor is the load's, another the subject's; everything
stays on loopback addresses (127.0.99.1 to .5), which need not be made or removed.

  --quick         one repeat of the main cases: under 3 minutes once built
  --case NAME     only this case, or those that begin so (`pcmu-opus*`); may be repeated
  --subject NAME  only causewayd, rtpengine, echo, codec or evp; may be repeated
  --repeats N     of each case (default 5; a claim about a ratio wants 15)
  --seconds S     of each window (default 3)
  --list          the cases
  --preset NAME   release (default), or another, to try the bench itself
  --no-install    do not look for missing packages
  --no-build      measure what was built before
  --help          this text

The status is 0 where every case could be measured; a bar that is missed is printed, not a failure.
USAGE
}

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$root"

PACKAGES=(rtpengine-daemon linux-perf valgrind pocketsphinx-testdata python3 util-linux)
TARGETS=(causewayd bench_generator bench_setup bench_handshakes bench_echo bench_alone)

preset=release install=true build=true
arguments=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --preset) preset="${2:?--preset needs a name}"; shift ;;
    --no-install) install=false ;;
    --no-build) build=false ;;
    --list) install=false build=false; arguments+=("$1") ;;
    --quick) arguments+=("$1") ;;
    --case | --subject | --repeats | --seconds)
      arguments+=("$1" "${2:?$1 needs a value}")
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "run.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi; }

# Debian starts a daemon as soon as it is installed, unless a policy says no. Ours is there only
# while it is needed.
install_peers() {
  local -a missing=()
  local package
  for package in "${PACKAGES[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  echo "missing packages: ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d is_ours=false
  if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    is_ours=true
  fi
  local status=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    "${missing[@]}" </dev/null >/dev/null || status=$?
  $is_ours && as_root rm -f "$policy"
  return "$status"
}

if $install; then
  ./deploy/install.sh build test
  install_peers
fi
if $build; then
  cmake --preset "$preset" >/dev/null
  cmake --build "out/build/$preset" --target "${TARGETS[@]}"
fi
# A subject of thousands of legs has as many sockets.
ulimit -n "$(ulimit -H -n)"
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/bench/run.py \
  --bin "out/build/$preset/bin" --out out/bench "${arguments[@]}"
