#!/usr/bin/env bash
# Builds Causeway and shows its main job on this machine. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: deploy/quickstart.sh [--serve] [--check] [--seconds N] [--keep DIR] [--bin DIR] [--no-install]

Installs what is missing, builds the release, starts causewayd on loopback and bridges one call:
an SRTP/Opus endpoint and a plain G.711 endpoint, both ffmpeg, speak to each other with human
voices, transcoded and recorded. Then it listens to what arrived, prints what happened and exits 0
only if both directions arrived as speech. A second run starts in seconds.

  --serve        leave the relay running afterwards, with a page to talk in, and say what to try
  --check        also drive that page in Chromium through calls with a SIP phone (baresip) and with
                 another page, listen to what arrived, and make the screenshots of deploy/docs/images
  --seconds N    how long they speak, 5 to 60 (default 12)
  --keep DIR     keep recordings, logs and configuration in DIR
  --bin DIR      build nothing: causewayd and causeway are in DIR
  --no-install   do not look for missing packages
USAGE
}

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
caller="$PWD"
cd "$root"
readonly OLDEST_CMAKE=3.25
readonly suite=AES_CM_128_HMAC_SHA1_80
readonly sounds=/usr/share/asterisk/sounds/en_US_f_Allison
readonly readers=/usr/share/pocketsphinx/test/data/librivox

# usage_error TEXT: what is wrong with the arguments.
usage_error() { printf 'quickstart.sh: %s\n' "$1" >&2; usage >&2; exit 2; }

# A folder as the caller means it, who need not stand in the checkout.
folder_of() { [[ "$1" == /* ]] && echo "$1" || echo "$caller/$1"; }

serve=false check=false seconds=12 keep="" install=true bin=""
while [[ $# -gt 0 ]]; do
  case "$1" in --seconds | --keep | --bin) [[ -n "${2:-}" ]] || usage_error "$1 needs a value" ;; esac
  case "$1" in
    --serve) serve=true ;;
    --check) check=true ;;
    --seconds) seconds="$2"; shift ;;
    --keep) keep="$(folder_of "$2")"; shift ;;
    --bin) bin="$(folder_of "$2")"; shift ;;
    --no-install) install=false ;;
    -h | --help) usage; exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
  shift
done
[[ "$seconds" =~ ^([5-9]|[1-5][0-9]|60)$ ]] || usage_error "--seconds is a number from 5 to 60"

say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }
give_up() { say "FAILED: $*" >&2; exit 1; }

work="" started=()

# Ends what this script started, and nothing else.
clean_up() {
  local status=$? pid deadline=$((SECONDS + 10))
  trap '' INT TERM
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do
    while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  if [[ -n "$work" && -z "$keep" ]]; then
    if [[ $status -eq 0 ]] || rmdir "$work" 2>/dev/null; then rm -rf "$work"
    else say "logs are in $work" >&2; fi
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- build ---------------------------------------------------------------------------------------

install_missing() {
  local -a groups=(build run)
  if $check; then groups+=(browser demo); fi
  ./deploy/install.sh "${groups[@]}" ||
    give_up "not everything could be installed (see above); with all of it at hand: --no-install"
  # Without the page the relay can be served all the same.
  if $serve && ! $check; then ./deploy/install.sh demo || say "  the page's parts cannot be installed"; fi
}

# Says at once what would otherwise fail in the middle of the call.
check_tools() {
  local each
  for each in ffmpeg python3; do
    command -v "$each" >/dev/null || give_up "$each is missing: ./deploy/install.sh run"
  done
  if $check; then
    command -v chromium >/dev/null || give_up "Chromium is missing: ./deploy/install.sh browser"
    for each in baresip node npm; do
      command -v "$each" >/dev/null || give_up "$each is missing: ./deploy/install.sh demo"
    done
    [[ -d out/tools/browser/node_modules/playwright-core ]] ||
      give_up "what drives Chromium is missing: ./deploy/install.sh browser"
  fi
  /usr/bin/python3 -c 'import numpy' 2>/dev/null ||
    give_up "numpy of Debian's python3 is missing: ./deploy/install.sh run"
  [[ -f "$sounds/demo-congrats.wav" && -d "$readers" ]] ||
    give_up "the recordings of human speech are missing: ./deploy/install.sh run"
}
check_programs() {
  [[ -x "$bin/causewayd" && -x "$bin/causeway" ]] || give_up "there is no causewayd or causeway in $bin"
}

# The presets are of a version that older ones do not read.
check_build_tools() {
  local each version
  for each in cmake ninja g++; do
    command -v "$each" >/dev/null || give_up "$each is missing: ./deploy/install.sh build"
  done
  version="$(cmake --version | sed -n '1s/.* //p')"
  printf '%s\n' "$OLDEST_CMAKE" "$version" | sort --check=quiet --version-sort ||
    give_up "cmake is $version, and $OLDEST_CMAKE is needed, which Debian 12 has: which one is $(command -v cmake)?"
}

# Progress as a line for each tenth of the way, and now and then while one file takes long; the
# compiler's words only where it fails.
build() {
  local log="$work/build.log" shown=-1 done_files files pid next=$((SECONDS + 10))
  cmake --preset quickstart >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; give_up "cmake; is a package missing (./deploy/install.sh build)?"; }
  NINJA_STATUS="[%f/%t] " ninja -C out/build/quickstart causewayd causeway >>"$log" 2>&1 &
  pid=$!
  started+=("$pid")
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    read -r done_files files < <(sed -n 's/^\[\([0-9]*\)\/\([0-9]*\)\].*/\1 \2/p' "$log" | tail -n 1) || continue
    ((done_files * 10 / files != shown || SECONDS >= next)) || continue
    shown=$((done_files * 10 / files)) next=$((SECONDS + 10))
    say "  $done_files of $files files"
  done
  wait "$pid" || { grep -B 2 -A 15 -m 3 'error:\|FAILED:' "$log" >&2 || tail -n 3 "$log" >&2
    give_up "the build; $log has more"; }
}

# --- the relay -----------------------------------------------------------------------------------

# free_udp_ports N: N even ports whose odd neighbours are free too, one a line.
free_udp_ports() {
  python3 - "$1" <<'PYTHON'
import random, socket, sys
found, taken = 0, []
candidates = list(range(16000, 19998, 2))
random.shuffle(candidates)
for port in candidates:
    pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    try:
        for offset, each in enumerate(pair):
            each.bind(("127.0.0.1", port + offset))
    except OSError:
        continue
    taken += pair  # Held until the end, so that no two answers are the same.
    print(port)
    found += 1
    if found == int(sys.argv[1]):
        sys.exit(0)
sys.exit("no free ports")
PYTHON
}

# free_port tcp|udp PORT: that port of loopback where it is free, else any.
free_port() {
  python3 - "$@" <<'PYTHON'
import socket, sys
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
for port in (int(sys.argv[2]), 0):
    with socket.socket(type=kind) as each:
        if kind == socket.SOCK_STREAM:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            each.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(each.getsockname()[1])
        break
PYTHON
}

causeway() { "$bin/causeway" --server "$api" "$@"; }

write_config() {
  cat >"$work/causewayd.yaml" <<YAML
listen: $api
networks:
  - name: loopback
    bind: 127.0.0.1
    ports: 20000-20999
recordings: "$work/recordings"
YAML
}

start_relay() {
  # The port of DESIGN.md where it is free, so that `causeway` finds the relay without being told.
  local port
  port="$(free_port tcp 7700)"
  [[ -n "$port" ]] || give_up "no TCP port of 127.0.0.1 is free: is the loopback interface up (ip link show lo)?"
  api="127.0.0.1:$port"
  [[ "$api" == *:7700 ]] || say "  port 7700 is taken (another causewayd?), so this one is on $api"
  mkdir -p "$work/recordings"
  write_config
  "$bin/causewayd" --config "$work/causewayd.yaml" --insecure </dev/null >"$work/causewayd.log" 2>&1 &
  relay_pid=$!
  started+=("$relay_pid")
  local deadline=$((SECONDS + 30))
  until causeway node >/dev/null 2>&1; do
    kill -0 "$relay_pid" 2>/dev/null || { tail "$work/causewayd.log" >&2; give_up "causewayd ended"; }
    ((SECONDS < deadline)) ||
      { tail "$work/causewayd.log" >&2; give_up "causewayd does not answer on $api"; }
    sleep 0.1
  done
}

# --- the call ------------------------------------------------------------------------------------

srtp_key() { head -c 30 /dev/urandom | base64 -w 0; }

# What each will say: a woman reads an announcement, men read a novel. A second of silence follows,
# because ffmpeg hurries with the last packet of all.
prepare_speech() {
  local -a men=("$readers"/*.wav)
  ffmpeg -nostdin -loglevel error -y -t "$seconds" -i "$sounds/demo-congrats.wav" \
    -af apad=pad_dur=1 -ar 16000 -ac 1 "$work/a-says.wav"
  local -a inputs=()
  local man
  for man in "${men[@]}"; do inputs+=(-i "$man"); done
  ffmpeg -nostdin -loglevel error -y "${inputs[@]}" \
    -filter_complex "concat=n=${#men[@]}:v=0:a=1,atrim=0:$seconds,apad=pad_dur=1" \
    -ar 16000 -ac 1 "$work/b-says.wav"
}

# What of it arrives as: the endpoint's own ports and keys, and the relay's answer.
a_send_key="" a_receive_key="" a_port="" b_port="" a_target="" b_target="" session="" recording=""

# Asks the relay for the call in one line, and reads the two addresses to send to from its answer.
make_call() {
  mapfile -t ports < <(free_udp_ports 2)
  ((${#ports[@]} == 2)) ||
    give_up "no UDP ports of 127.0.0.1 from 16000 to 19999 are free (ss -ulpn says who has them)"
  a_port="${ports[0]}" b_port="${ports[1]}"
  a_send_key="$(srtp_key)" a_receive_key="$(srtp_key)"
  causeway --json call --record \
    --a "srtp/opus,remote=127.0.0.1:$a_port,accept=same-ip,suite=$suite,receive=$a_send_key,send=$a_receive_key" \
    --b "rtp/pcmu,remote=127.0.0.1:$b_port,accept=same-ip" >"$work/call.json" 2>"$work/call.err" ||
    { cat "$work/call.err" >&2; give_up "the relay refused the call"; }
  local -a answer
  mapfile -t answer < <(python3 - "$work/call.json" <<'PYTHON'
import json, sys
session = json.load(open(sys.argv[1]))["session"]
print(session["name"])
for wanted in ("/legs/a", "/legs/b"):
    leg = next(leg for leg in session["legs"] if leg["name"].endswith(wanted))
    print(f"{leg['local']['rtp']['ip']}:{leg['local']['rtp']['port']}")
print(next((each["uri"] for each in session.get("recordings", [])), ""))
PYTHON
  )
  session="${answer[0]}" a_target="${answer[1]}" b_target="${answer[2]}" recording="${answer[3]:-}"
}

indented() { sed -u 's/^/       /'; }

# What was agreed, as the relay says it.
describe_call() { causeway describe "$session" | indented; }

# Ends the call; the recording is complete then, and is put where it outlives this script.
end_call() {
  causeway --json report "$session" >"$work/report.json"
  causeway --json session delete "$session" >"$work/final.json"
  mkdir -p out/quickstart
  [[ -z "$recording" ]] || cp "${recording#file://}" out/quickstart/call.wav
}
explain_call() {
  python3 deploy/explain_call.py --recording-is-now-at "$root/out/quickstart/call.wav" \
    "$work/report.json" "$work/final.json" | indented
}

# start NAME COMMAND...: in the background, with a log, ended with this script.
start() {
  local name="$1"
  shift
  "$@" </dev/null >"$work/$name.log" 2>&1 &
  started+=($!)
}

write_sdp() {
  local file="$1" port="$2" profile="$3" type="$4"
  shift 4
  printf '%s\n' "v=0" "o=- 0 0 IN IP4 127.0.0.1" "s=$file" "c=IN IP4 127.0.0.1" "t=0 0" \
    "m=audio $port $profile $type" "$@" >"$work/$file"
}

listeners=() speakers=()

listen() {
  local name="$1" port="$2" deadline=$((SECONDS + 20))
  start "$name-hears" ffmpeg -nostdin -loglevel warning -y -analyzeduration 0 -probesize 32 \
    -protocol_whitelist file,udp,rtp,srtp -i "$work/$name.sdp" -ar 16000 -ac 1 \
    -flush_packets 1 -f s16le "$work/$name-hears.raw"
  listeners+=($!)
  # It hears from the moment its port is bound.
  until grep -qi ":$(printf '%04X' "$port") " /proc/net/udp /proc/net/udp6 2>/dev/null; do
    ((SECONDS < deadline)) || give_up "the listener of $name does not start"
    sleep 0.05
  done
}

endpoints_listen() {
  write_sdp a.sdp "$a_port" RTP/SAVP 111 "a=rtpmap:111 opus/48000/2" \
    "a=crypto:1 $suite inline:$a_receive_key"
  write_sdp b.sdp "$b_port" RTP/AVP 0 "a=rtpmap:0 PCMU/8000"
  listen a "$a_port"
  listen b "$b_port"
}

# Paced a packet at a time, as a telephone does: ffmpeg's own -re reads 128 ms at once.
paced() { echo "aresample=$1,asetnsamples=n=$(($1 / 50)):p=0,arealtime"; }

endpoints_speak() {
  start a-speaks ffmpeg -nostdin -loglevel warning -i "$work/a-says.wav" -af "$(paced 48000)" -ac 1 \
    -c:a libopus -b:a 24k -application voip -payload_type 111 -f rtp \
    -srtp_out_suite "$suite" -srtp_out_params "$a_send_key" "srtp://$a_target"
  speakers+=($!)
  start b-speaks ffmpeg -nostdin -loglevel warning -i "$work/b-says.wav" -af "$(paced 8000)" -ac 1 \
    -c:a pcm_mulaw -payload_type 0 -f rtp "rtp://$b_target?pkt_size=172"
  speakers+=($!)
}

# Until both have said everything; a line now and then, so that nobody thinks it hangs.
wait_for_speakers() {
  local pid deadline=$((SECONDS + seconds + 20)) next=$((SECONDS + 3))
  for pid in "${speakers[@]}"; do
    while kill -0 "$pid" 2>/dev/null; do
      ((SECONDS < deadline)) || give_up "an endpoint does not end"
      if ((SECONDS >= next)); then
        say "  they are speaking"
        next=$((SECONDS + 3))
      fi
      sleep 0.2
    done
    wait "$pid" || give_up "an endpoint failed: $(tail -n 3 "$work"/*-speaks.log)"
  done
}

# ffmpeg, asked to end while it waits for a packet, waits on; asked twice, it gives its file up. Raw
# samples need no ending.
stop_listening() {
  local pid name
  sleep 0.5
  for pid in "${listeners[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${listeners[@]}"; do wait "$pid" 2>/dev/null || true; done
  for name in a b; do
    ffmpeg -nostdin -loglevel error -y -f s16le -ar 16000 -ac 1 -i "$work/$name-hears.raw" \
      "$work/$name-hears.wav"
  done
}

# --- the verdict ---------------------------------------------------------------------------------

check_speech() { /usr/bin/python3 deploy/check_speech.py "$@" | indented; }

judge() {
  local failed=0
  check_speech "$work/a-says.wav" "$work/b-hears.wav" --other "$work/b-says.wav" \
    --name "a -> b (Opus over SRTP to PCMU)" || failed=1
  check_speech "$work/b-says.wav" "$work/a-hears.wav" --other "$work/a-says.wav" \
    --name "b -> a (PCMU to Opus over SRTP)" || failed=1
  if [[ -n "$recording" ]]; then
    local file="${recording#file://}"
    check_speech "$work/a-says.wav" "$file" --channel 0 --other "$work/b-says.wav" \
      --name "recording, left (a)" || failed=1
    check_speech "$work/b-says.wav" "$file" --channel 1 --other "$work/a-says.wav" \
      --name "recording, right (b)" || failed=1
  else
    say "  NO, there is no recording"
    failed=1
  fi
  return "$failed"
}

# --- the page ------------------------------------------------------------------------------------

page_url=""

# first_line FILE: the first line that a program which was just started has written, once it is
# there.
first_line() {
  local file="$1" deadline=$((SECONDS + 20))
  until [[ -f "$file" && "$(wc -l <"$file")" -gt 0 ]]; do
    kill -0 "${started[-1]}" 2>/dev/null || { cat "$file" >&2; return 1; }
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
  head -n 1 "$file"
}

# The demo's server, and a phone that it can call where there is a baresip.
start_page() {
  if ! command -v npm >/dev/null || ! control/clients/build.sh node 2>&1 | indented; then
    say "  no page: ./deploy/install.sh demo"
    return 1
  fi
  local -a options=(--relay "$api")
  if command -v baresip >/dev/null; then
    start phone /usr/bin/python3 -m deploy.demo.phone "$work/phone" "$work/b-says.wav"
    local phone
    if phone="$(first_line "$work/phone.log")"; then options+=(--phone "$phone"); fi
  fi
  start page node deploy/demo/server.mjs "${options[@]}" \
    --listen "127.0.0.1:$(free_port tcp 7780)" --sip "127.0.0.1:$(free_port udp 7760)"
  page_url="$(first_line "$work/page.log")" || { say "  the page does not start"; return 1; }
}

check_page() {
  /usr/bin/python3 -m deploy.demo.check --page "$page_url" --images deploy/docs/images \
    </dev/null > >(tee "$work/check.log" | indented) 2>&1 &
  started+=($!)
  wait $!
}

serve_on() {
  trap 'exit 0' INT TERM
  cat <<TEXT

causewayd is running on $api, without TLS, for this machine only. In another terminal:

  $bin/causeway --server $api node                    what this relay is
  $bin/causeway --server $api call --help             another call
  $bin/causeway --server $api events                  what happens, as it happens
  $bin/causeway --server $api --help                  everything else

Its configuration and log are in $work. Ctrl-C ends it.
TEXT
  if [[ -n "$page_url" ]]; then
    printf '\nTalk through it yourself, with the demo phone or from a second window:\n\n  %s\n' "$page_url"
  fi
  wait "$relay_pid"
}

main() {
  work="${keep:-$(mktemp -d "${TMPDIR:-/tmp}/causeway.XXXXXX")}"
  mkdir -p "$work"
  say "Causeway quickstart: one call between an SRTP/Opus and a G.711 endpoint"
  if $install; then install_missing; fi
  check_tools
  if [[ -z "$bin" ]]; then
    check_build_tools
    say "building the release (minutes at first, seconds after that)"
    bin=out/build/quickstart/bin
    build
  fi
  check_programs
  say "starting causewayd"
  start_relay
  say "making the call"
  prepare_speech
  make_call
  describe_call
  endpoints_listen
  endpoints_speak
  say "a says an announcement to $a_target, b reads a novel to $b_target"
  wait_for_speakers
  stop_listening
  end_call
  say "what happened"
  explain_call
  say "was it heard? (a second of speech is recognised where its waveform is the one that was said)"
  judge || give_up "the call did not carry speech both ways"
  say "done: both directions arrived as speech"
  if $check || $serve; then
    say "starting the page"
    start_page || ! $check || give_up "there is no page to check; $work/page.log and phone.log say why"
  fi
  if $check; then
    say "calling from the page, with Chromium and baresip (a minute)"
    check_page || give_up "the page did not do what it should"
    say "done: the page's calls carried speech both ways; pictures are in deploy/docs/images"
  fi
  if $serve; then serve_on
  else say "to talk yourself: ./deploy/quickstart.sh --serve, then http://localhost:7780/"; fi
}

main
