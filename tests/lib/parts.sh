# shellcheck shell=bash
# Sourced by tests/run.sh and .ci/run: steps that have a name and a time, and may fail.

parts_names=() parts_seconds=() parts_failed=()

# part NAME COMMAND...: runs it and remembers how long it took and whether it failed, which is also
# its status.
part() {
  local name="$1" begin=$SECONDS status=0
  shift
  echo "== $name"
  "$@" || status=$?
  parts_names+=("$name")
  parts_seconds+=($((SECONDS - begin)))
  if [[ $status -ne 0 ]]; then
    parts_failed+=("$name")
    echo "FAILED: $name (status $status)"
  fi
  return "$status"
}

# must NAME COMMAND...: a part without which the rest makes no sense; ends the script where it fails.
must() {
  part "$@" && return
  print_parts
  # Whoever reads only the closing line must not take this for a run of tests.
  echo "FAILED: $1"
  echo "0 passed, 1 failed"
  exit 1
}

print_parts() {
  local index
  echo
  for index in "${!parts_names[@]}"; do
    printf '%4d:%02d  %s\n' $((parts_seconds[index] / 60)) $((parts_seconds[index] % 60)) \
      "${parts_names[index]}"
  done
}

# quiet_unless_failed LOG COMMAND...: the talk of a step that interests only who must repair it.
quiet_unless_failed() {
  local log="$1" status=0
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 || status=$?
  [[ $status -eq 0 ]] || tail -n 40 "$log"
  return "$status"
}
