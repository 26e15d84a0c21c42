# Sourced by tests/run.sh and .ci/run: steps with a name, a time, and an end where they fail.

parts_names=() parts_seconds=()

# part NAME COMMAND...: runs it, remembers how long it took, ends the script where it fails.
part() {
  local name="$1" begin=$SECONDS status=0
  shift
  echo "== $name"
  "$@" || status=$?
  parts_names+=("$name")
  parts_seconds+=($((SECONDS - begin)))
  if [[ $status -ne 0 ]]; then
    print_parts
    echo "FAILED: $name (status $status)"
    # Whoever reads only the closing line must not take this for a run of tests.
    echo "0 passed, 1 failed"
    exit 1
  fi
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
