#!/usr/bin/env bash
# Builds the clients into out/clients. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: control/clients/build.sh [python] [node]      (default: both)

  python   stubs of proto/ and the typed services over them, into out/clients/python: put that folder
           and control/clients/python on PYTHONPATH. Needs protobuf-compiler and
           protobuf-compiler-grpc, and python3-grpcio to run (deploy/install.sh build peers)
  node     types of proto/, checked and compiled with the client, into out/clients/node: an npm
           package that holds the proto files. Needs npm (deploy/install.sh demo)

Nothing is done where nothing has changed.
USAGE
}

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
out="$root/out/clients"
mapfile -t protos < <(cd "$root/proto" && find causeway google -name '*.proto' | sort)

# is_fresh STAMP PATH...: whether nothing under the paths is newer than the stamp.
is_fresh() {
  [[ -f "$1" && -z "$(find "${@:2}" "$here/build.sh" -newer "$1" -print -quit)" ]]
}

build_python() {
  local to="$out/python"
  ! is_fresh "$to/stamp" "$root/proto" "$here/python" || return 0
  echo "making the Python client"
  rm -rf "$to"
  mkdir -p "$to"
  (cd "$root/proto" && protoc -I. --python_out="$to" --pyi_out="$to" "${protos[@]}")
  /usr/bin/python3 "$here/python/generate_services.py" "$to"
  touch "$to/stamp"
}

build_node() {
  local to="$out/node"
  ! is_fresh "$to/stamp" "$root/proto" "$here/node" || return 0
  mkdir -p "$to"
  rm -f "$to/stamp"
  cp -r "$here/node/." "$to"
  rm -rf "$to/proto" "$to/src/generated" "$to/dist"
  mkdir "$to/proto"
  (cd "$root/proto" && cp -r --parents "${protos[@]}" "$to/proto")
  (
    cd "$to"
    cmp -s package-lock.json node_modules/installed-lock.json || {
      echo "fetching what the Node client needs, by npm"
      npm ci --loglevel=error --no-audit --no-fund --ignore-scripts </dev/null >/dev/null
      cp package-lock.json node_modules/installed-lock.json
    }
    echo "compiling the Node client"
    npm run --silent build </dev/null
  )
  touch "$to/stamp"
}

[[ $# -gt 0 ]] || set -- python node
for part in "$@"; do
  case "$part" in
    -h | --help) usage; exit 0 ;;
    python | node) "build_$part" ;;
    *) usage >&2; exit 2 ;;
  esac
done
