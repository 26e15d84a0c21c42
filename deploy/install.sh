#!/usr/bin/env bash
# Installs the Debian 12 packages that Causeway needs and that are missing. See --help.
set -euo pipefail

BUILD_PACKAGES=(
  g++ cmake ninja-build ccache git pkg-config
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
  libssl-dev libsrtp2-dev libopus-dev libspandsp-dev
  libavformat-dev libavcodec-dev libswresample-dev libavutil-dev
  libexpected-dev libcli11-dev libyaml-cpp-dev libspdlog-dev prometheus-cpp-dev
)
# What the quickstart's two endpoints and its check need: a player that we did not write, human
# speech, and numpy for the correlation.
RUN_PACKAGES=(
  ffmpeg asterisk-core-sounds-en-wav pocketsphinx-testdata python3 python3-numpy procps
)
TEST_PACKAGES=(
  clang-14 clang-tidy-14 clang-format-14 libfuzzer-14-dev libclang-rt-14-dev lld-14
  libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev
  python3-protobuf iproute2 openssl valgrind
)
# A browser for tests/e2e/browser_test.py, and what drives it: playwright-core, by npm.
BROWSER_PACKAGES=(chromium)
# SIP phones, a carrier, and WebRTC endpoints that are no browser, for tests/e2e.
PEER_PACKAGES=(
  baresip-core sip-tester python3-aiortc python3-grpcio ruby-grpc coturn
  python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice
)
# What deploy/demo calls; its server is Node with the client of control/clients.
DEMO_PACKAGES=(baresip-core)
# Firefox needs a sound server to decode what it hears.
FIREFOX_PACKAGES=(firefox-esr pulseaudio)
# The proto linter is not in Debian. Its version is fixed so that a new rule breaks no build.
BUF_VERSION=1.75.0

usage() {
  cat <<'USAGE'
usage: deploy/install.sh [--list | --help] [build] [run] [demo] [test] [browser] [peers] [firefox] [buf]

Installs what is missing, as root or through sudo, and says so; does nothing, quickly, when
everything is there. Groups (default: build):

  build      compilers, build tools and libraries of causewayd and causeway
  run        what deploy/quickstart.sh plays calls with: ffmpeg, speech, numpy
  demo       what deploy/demo needs: baresip, and Node's client of the API, by npm into out/clients
  test       the second compiler, linters, test libraries
  browser    Chromium, and playwright-core by npm into out/tools/browser
  peers      baresip, sipp, aiortc, GStreamer's webrtcbin and coturn, which the tests call
  firefox    Firefox ESR, for tests/e2e/firefox_test.py
  buf        the linter of proto/, by npm into out/tools (Debian's npm only where there is none)

  --list     print the packages of the groups, one a line, and which are missing; install nothing
  --help     this text

A first `build` downloads about 200 MB, `test` about 150 MB more.
USAGE
}

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Prints those of its arguments that are not installed. One dpkg-query for all: some 20 ms.
missing_of() {
  local installed
  installed=" $(dpkg-query -W -f='${db:Status-Status}:${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed://p' | tr '\n' ' ' || true)"
  local package
  for package in "$@"; do
    [[ "$installed" == *" $package "* ]] || echo "$package"
  done
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "install.sh: only root may install them, and there is no sudo" >&2
    return 1
  fi
}

# Runs apt-get with its talk in a log; shows how far it is, and the log's end where it fails.
run_apt() {
  local log total=0 done_count shown=-1 status=0
  log="$(mktemp)"
  # Asks for a password now rather than from the background.
  as_root true || return
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >"$log" 2>&1 &
  local pid=$!
  # Asked to stop: what only downloads is stopped, what installs is not left half done.
  trap 'grep -qE "^(Selecting|Unpacking|Setting up) " "$log" || as_root kill "$pid" 2>/dev/null || true
    echo "install.sh: stopping"; wait "$pid" || true; rm -f "$log"; exit 130' INT TERM
  [[ "$1" != update ]] || echo "  reading the index of packages"
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    [[ $total -gt 0 ]] || total="$(sed -n 's/.* \([0-9]*\) newly installed.*/\1/p' "$log" | head -n 1)"
    total="${total:-0}"
    done_count="$(grep -cE '^(Get:[0-9]+ .* \[|Unpacking |Setting up )' "$log" || true)"
    if [[ $total -gt 0 && $((done_count * 10 / total / 3)) -ne $shown ]]; then
      shown=$((done_count * 10 / total / 3))
      echo "  $((done_count * 100 / total / 3)) % of fetching, unpacking and setting up $total packages"
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM
  if [[ $status -ne 0 ]]; then
    tail -n 20 "$log" >&2
    echo "install.sh: apt-get $1 failed (status $status)" >&2
  fi
  rm -f "$log"
  return "$status"
}

install_packages() {
  local -a missing
  mapfile -t missing < <(missing_of "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  echo "missing packages (${#missing[@]}): ${missing[*]}"
  # An index may be absent (a bare machine) or old; both are cured by the update. Without a network
  # the packages may still be at hand.
  as_root true || return
  run_apt update -q || echo "install.sh: going on with the package index as it is" >&2
  run_apt install -y -q --no-install-recommends "${missing[@]}"
}

# npm's packages of a lock file, into out/tools. Whoever has a Node from elsewhere keeps it: Debian's npm
# would conflict with it.
install_npm_lock() {
  local from="$1" prefix="$2"
  cmp -s "$from/package-lock.json" "$prefix/node_modules/installed-lock.json" && return 0
  command -v npm >/dev/null || install_packages npm || return
  echo "installing the packages of ${from#"$root"/} by npm into ${prefix#"$root"/}"
  mkdir -p "$prefix"
  cp "$from/package.json" "$from/package-lock.json" "$prefix/"
  (cd "$prefix" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --loglevel=error --no-audit --no-fund </dev/null >/dev/null) ||
    { no_npm; return 1; }
  cp "$from/package-lock.json" "$prefix/node_modules/installed-lock.json"
}

no_npm() {
  echo "install.sh: npm could not fetch its packages. Can this machine reach npm's registry (npm ping)? Behind a" \
    "proxy, npm wants https-proxy, and cafile where the proxy has a certificate of its own (npm help config)." >&2
}

install_demo() {
  command -v npm >/dev/null || install_packages npm || return
  "$root/control/clients/build.sh" node || { no_npm; return 1; }
}

install_buf() {
  local prefix="$root/out/tools"
  [[ -x "$prefix/node_modules/.bin/buf" ]] && return 0
  command -v buf >/dev/null && return 0
  # Whoever has a Node from elsewhere keeps it: Debian's npm would conflict with it.
  command -v npm >/dev/null || install_packages npm || return
  echo "installing buf $BUF_VERSION by npm into out/tools"
  mkdir -p "$prefix"
  (cd "$prefix" && npm install --silent --no-audit --no-fund --no-save --prefix . \
    "@bufbuild/buf@$BUF_VERSION" </dev/null)
}

main() {
  local list=false want_buf=false want_browser=false want_demo=false
  local -a packages=() groups=()
  local argument
  for argument in "$@"; do
    case "$argument" in
      -h | --help) usage; return 0 ;;
      --list) list=true ;;
      build | run | demo | test | browser | peers | firefox | buf) groups+=("$argument") ;;
      *)
        echo "install.sh: unknown argument '$argument'" >&2
        usage >&2
        return 2
        ;;
    esac
  done
  [[ ${#groups[@]} -gt 0 ]] || groups=(build)
  for argument in "${groups[@]}"; do
    case "$argument" in
      build) packages+=("${BUILD_PACKAGES[@]}") ;;
      run) packages+=("${RUN_PACKAGES[@]}") ;;
      demo) packages+=("${DEMO_PACKAGES[@]}") want_demo=true ;;
      test) packages+=("${TEST_PACKAGES[@]}") ;;
      browser) packages+=("${BROWSER_PACKAGES[@]}") want_browser=true ;;
      peers) packages+=("${PEER_PACKAGES[@]}") ;;
      firefox) packages+=("${FIREFOX_PACKAGES[@]}") ;;
      buf) want_buf=true ;;
    esac
  done
  if ! command -v dpkg-query >/dev/null; then
    echo "install.sh: this is not a Debian system; --list says what is needed" >&2
    $list || return 1
  fi
  if $list; then
    local missing package
    missing=" $(missing_of "${packages[@]}" | tr '\n' ' ')"
    for package in "${packages[@]}"; do
      if [[ "$missing" == *" $package "* ]]; then echo "$package (missing)"; else echo "$package"; fi
    done
    return 0
  fi
  [[ ${#packages[@]} -eq 0 ]] || install_packages "${packages[@]}" || return
  if $want_browser; then
    install_npm_lock "$root/tests/e2e/browser" "$root/out/tools/browser" || return
  fi
  ! $want_demo || install_demo || return
  ! $want_buf || install_buf
}

main "$@"
