#!/bin/sh
# fuzz.sh PROGRAM SECONDS - fuzzes from tests/fuzz/corpus; what it finds stays in the build folder. With 0 seconds, it only runs
# what is there already, once. `make fuzz` starts it.
set -eu
case $2 in
'' | *[!0-9]*)
    echo "FUZZ_SECONDS=$2 is not a whole number of seconds" >&2
    exit 2
    ;;
*[1-9]*) limit=-max_total_time=$2 ;;
*) limit=-runs=0 ;;
esac
name=$(basename "$1")
found=$(dirname "$1")/../found/$name
mkdir -p "$found"
corpus=tests/fuzz/corpus/${name#fuzz_}
set -- "$1" "$limit" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$found/../" -print_final_stats=1 "$found"
if [ -d "$corpus" ]; then
    set -- "$@" "$corpus"
fi
echo "$name: $*"
ASAN_OPTIONS=allocator_may_return_null=1 "$@"
