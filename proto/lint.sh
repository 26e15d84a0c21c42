#!/bin/sh
# Lints the API with buf. Exits 77 (skipped, to CTest) where there is none, so that a machine without
# a network can run the tests; --require makes that an error.
#
# usage: proto/lint.sh [--require]
set -u
cd "$(dirname "$0")" || exit 2

# As deploy/install.sh has it.
buf_version=1.75.0
installed=../out/tools/node_modules/.bin/buf

find_buf() {
  for buf in buf "$installed"; do
    if command -v "$buf" >/dev/null 2>&1; then return 0; fi
  done
  command -v npx >/dev/null 2>&1 || return 1
  # npx keeps what it fetches in npm's own cache, outside this checkout.
  buf="npx --yes --package=@bufbuild/buf@$buf_version -- buf"
  $buf --version >/dev/null 2>&1
}

if ! find_buf; then
  echo "proto/lint.sh: SKIPPED: no buf on PATH, in out/tools (deploy/install.sh buf) or by npx"
  if [ "${1:-}" = "--require" ]; then exit 1; fi
  exit 77
fi

$buf lint . || exit 1
echo "proto/lint.sh: clean"
