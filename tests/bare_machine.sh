#!/usr/bin/env bash
# Runs deploy/quickstart.sh on a bare Debian 12. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/bare_machine.sh DIR [COMMAND...]

Makes DIR a Debian 12 that has nothing but its base (mmdebstrap, minbase; kept for the next run),
puts the files of HEAD into it as /causeway, without their history, and runs COMMAND there, by default

  ./deploy/quickstart.sh

with an empty environment. As root; the network is the machine's own. What COMMAND starts and what is
mounted for it is gone when it ends. Takes as long as downloading some 300 MB and building the release
without a cache: a quarter of an hour on two processors. For another run from nothing: rm -r DIR.
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
[[ $# -gt 0 ]] || set -- ./deploy/quickstart.sh

if [[ ! -e "$machine/etc/debian_version" ]]; then
  command -v mmdebstrap >/dev/null ||
    { echo "bare_machine.sh: mmdebstrap is missing: apt-get install mmdebstrap" >&2; exit 1; }
  echo "making a Debian 12 in $machine"
  mmdebstrap --quiet --variant=minbase bookworm "$machine"
fi
cp /etc/resolv.conf "$machine/etc/resolv.conf"
rm -rf "$machine/causeway"
mkdir "$machine/causeway"
git -C "$root" archive HEAD | tar -x -C "$machine/causeway"

# Mounts and processes live in name spaces of their own, so that nothing has to be cleaned up.
# shellcheck disable=SC2016  # expanded by the inner shells
exec unshare --mount --pid --fork --kill-child bash -euc '
  machine="$1"
  shift
  mount -t proc proc "$machine/proc"
  # Without it gRPC 1.51 at times takes a connection in progress for a failed one: it reads errno
  # late (mended by its change 35064), and counting the processors in /sys has spoiled it by then.
  mount -t sysfs -o ro sysfs "$machine/sys"
  mount --rbind /dev "$machine/dev"
  mount -t tmpfs tmpfs "$machine/dev/shm"
  exec chroot "$machine" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    sh -c '\''cd /causeway && exec "$@"'\'' sh "$@"
' bash "$machine" "$@"
