#!/usr/bin/env bash
# Lints the source. See --help.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: tests/lint.sh [format | tidy [PATH ...] | scripts ...]      (default: format scripts)

  format     clang-format 14 over every C++ file; `format --fix` rewrites them
  tidy       clang-tidy 14 (.clang-tidy) over relay/ and codecs/, or the paths given
  scripts    shell and Python files parse; shellcheck where it is installed

proto/lint.sh lints the API.
USAGE
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck disable=SC2120  # --fix comes from the command line.
lint_format() {
  local files
  if [[ "${1:-}" == --fix ]]; then
    git ls-files -z '*.h' '*.cc' | xargs -0 -r -P 2 -n 50 clang-format-14 -i
    return
  fi
  files="$(git ls-files -z '*.h' '*.cc' |
    xargs -0 -r -P 2 -n 50 clang-format-14 --dry-run 2>&1 |
    sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: warning: .*/\1/p' | sort -u)"
  [[ -n "$files" ]] || return 0
  echo "not formatted (tests/lint.sh format --fix):"
  echo "$files"
  return 1
}

# Wants the compile commands of the preset dev-clang: g++'s flags are not clang's.
lint_tidy() {
  local paths=("$@")
  [[ ${#paths[@]} -gt 0 ]] || paths=(relay codecs)
  cmake --preset dev-clang >/dev/null
  git ls-files -z -- "${paths[@]}" | grep -zE '\.cc$' |
    xargs -0 -r -P 2 -n 1 clang-tidy-14 --quiet -p out/build/dev-clang 2>&1 |
    { grep -vE '^[0-9]+ warnings? (generated|treated as errors?)|^Suppressed|^Use -' || true; }
}

lint_scripts() {
  local -a shell python
  mapfile -t shell < <(git ls-files '*.sh' .ci/run)
  mapfile -t python < <(git ls-files '*.py')
  local file
  for file in "${shell[@]}"; do bash -n "$file"; done
  PYTHONDONTWRITEBYTECODE=1 python3 - "${python[@]}" <<'PYTHON'
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path).read(), path)
PYTHON
  if command -v shellcheck >/dev/null; then
    shellcheck -S warning -x "${shell[@]}"
  else
    echo "lint.sh: shellcheck SKIPPED: not installed"
  fi
}

case "${1:-}" in
  -h | --help) usage ;;
  "") lint_format && lint_scripts ;;
  format | tidy | scripts) "lint_$1" "${@:2}" ;;
  *) usage >&2; exit 2 ;;
esac
