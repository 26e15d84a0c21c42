#!/bin/sh
# Lints the API with buf, from PATH or by npx. Says so and succeeds where neither can be had, so that
# a machine without a network can run all tests; --require makes that an error.
#
# usage: proto/lint.sh [--require]
set -u
cd "$(dirname "$0")" || exit 2

buf_version=1.75.0

find_buf() {
  if command -v buf >/dev/null 2>&1; then
    buf=buf
    return 0
  fi
  command -v npx >/dev/null 2>&1 || return 1
  # npx keeps what it fetched in npm's own cache, outside this checkout.
  buf="npx --yes --package=@bufbuild/buf@$buf_version -- buf"
  $buf --version >/dev/null 2>&1
}

if ! find_buf; then
  echo "proto/lint.sh: SKIPPED: no buf on PATH and none from npx"
  [ "${1:-}" = "--require" ] && exit 1
  exit 0
fi

$buf lint . || exit 1
echo "proto/lint.sh: clean (STANDARD and COMMENTS)"
