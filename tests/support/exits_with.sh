#!/bin/sh
# exits_with.sh STATUS COMMAND ...: succeeds if the command ends with that status.
wanted=$1
shift
"$@"
status=$?
echo "exit status $status, wanted $wanted"
[ "$status" -eq "$wanted" ]
