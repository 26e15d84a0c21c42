#!/usr/bin/env bash
# Does on a bare Debian 12 what README.md says. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/bare_machine.sh DIR [COMMAND...]

Makes DIR a Debian 12 that has nothing but its base (mmdebstrap, minbase; kept for the next run),
clones HEAD into it as /causeway, and types there, with an empty environment, what README.md has
under "Try it", line by line and as it stands there, but for ./tests/run.sh, which is CI's: the last
line is ./deploy/quickstart.sh --check, a call from the page in Chromium. COMMAND is run instead
where it is given. Each must end with 0 and leave no process behind; the minutes of each are printed.

As root; the network is the machine's own, and authorities that the machine's administrator trusts
(/usr/local/share/ca-certificates) are trusted in DIR too. What is mounted is gone when it ends.
Downloads some 600 MB and builds the release without a cache: twenty minutes on two processors. For
another run from nothing: rm -r DIR.
USAGE
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  "" | -*) usage >&2; exit 2 ;;
esac
[[ $EUID -eq 0 ]] || { echo "bare_machine.sh: only root may chroot" >&2; exit 1; }
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
machine="$(realpath -m "$1")"
shift

# What README.md says to type, a command a line, without its comments.
commands_of_readme() {
  awk '/^## / { inside = $0 == "## Try it" } inside && /^    \.\// { sub(/ +#.*/, ""); print $0 }' \
    "$root/README.md" | sed 's/^ *//' | grep -v '^\./tests/run\.sh'
}

authorities=/usr/local/share/ca-certificates
make_machine() {
  command -v mmdebstrap >/dev/null ||
    { echo "bare_machine.sh: mmdebstrap is missing: apt-get install mmdebstrap" >&2; exit 1; }
  echo "making a Debian 12 in $machine"
  mmdebstrap --quiet --variant=minbase bookworm "$machine"
}

# on_machine COMMAND: by a shell in the checkout there. Mounts and processes live in name spaces of
# their own, so that nothing has to be cleaned up; what still runs after COMMAND is told.
on_machine() {
  # shellcheck disable=SC2016  # expanded by the inner shells
  unshare --mount --pid --fork --kill-child bash -uc '
    machine="$1" command="$2"
    mount -t proc proc "$machine/proc"
    # Without it gRPC 1.51 at times takes a connection in progress for a failed one: it reads errno
    # late (mended by its change 35064), and counting the processors in /sys has spoiled it by then.
    mount -t sysfs -o ro sysfs "$machine/sys"
    mount --rbind /dev "$machine/dev"
    mount -t tmpfs tmpfs "$machine/dev/shm"
    chroot "$machine" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
      bash -c "cd /causeway && $command"
    status=$?
    for each in "$machine"/proc/[0-9]*; do
      [[ "${each##*/}" == $$ ]] && continue
      name="$(tr "\0" " " 2>/dev/null <"$each/cmdline")" && [[ -n "$name" ]] || continue
      echo "bare_machine.sh: still running: $name" >&2
      ((status)) || status=1
    done
    exit $status
  ' bash "$machine" "$1" <&0 &
  # Whoever ends this script ends all of it: unshare itself does not listen.
  # shellcheck disable=SC2064
  trap "kill -KILL $! 2>/dev/null || true" EXIT
  wait $!
}
trap 'exit 130' INT TERM

commands=("$*")
if [[ $# -eq 0 ]]; then
  mapfile -t commands < <(commands_of_readme)
  [[ "${commands[-1]:-}" == "./deploy/quickstart.sh --check" ]] ||
    { echo "bare_machine.sh: README.md does not end in the call from the page: ${commands[*]}" >&2; exit 1; }
fi

times=()
step() {
  local what="$1" begin=$SECONDS status=0
  shift
  "$@" || status=$?
  times+=("$(printf '%3d min %02d s  %s' $(((SECONDS - begin) / 60)) $(((SECONDS - begin) % 60)) "$what")")
  ((status == 0)) && return
  printf '%s\n' "${times[@]}"
  echo "bare_machine.sh: FAILED ($status): $what" >&2
  exit 1
}

[[ -e "$machine/etc/debian_version" ]] || step "a bare Debian 12" make_machine
cp /etc/resolv.conf /etc/hosts "$machine/etc/"
mkdir -p "$machine$authorities"
[[ ! -d $authorities ]] || cp -r "$authorities/." "$machine$authorities/"
rm -rf "$machine/causeway"
step "git clone" git clone --quiet --depth 1 "file://$root" "$machine/causeway"
for each in "${commands[@]}"; do
  printf '\n$ %s\n' "$each"
  step "$each" on_machine "$each"
done
printf '%s\n' "${times[@]}"
