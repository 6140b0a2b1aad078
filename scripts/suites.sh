#!/bin/sh
# suites.sh PROGRAM... - runs the test program, as many of its suites side by side as there are processors. The last line counts all:
# "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

"$@" --list >"$folder/list"
# shellcheck disable=SC2016 # the other shell expands it
xargs -P "$(nproc)" -I SUITE sh -c '"$@" SUITE >"$0/SUITE" 2>&1' "$folder" "$@" <"$folder/list"
while read -r suite; do
    part cat "$folder/$suite"
done <"$folder/list"
closing
