#!/bin/sh
# suites.sh PROGRAM... - runs the test program, as many of its suites side by side as there are processors. The last line counts all:
# "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

"$@" --list >"$folder/list"
# from the end: "template" is the longest under a sanitizer, and nothing would run beside it if it came last
# shellcheck disable=SC2016 # the other shell expands it
tac "$folder/list" | xargs -P "$(nproc)" -I SUITE sh -c '"$@" SUITE >"$0/SUITE" 2>&1' "$folder" "$@"
while read -r suite; do
    part cat "$folder/$suite"
done <"$folder/list"
closing
