#!/bin/sh
# fuzz.sh PROGRAM SECONDS - fuzzes from tests/fuzz/corpus; what it finds stays in the build folder. `make fuzz` starts it.
set -eu
name=$(basename "$1")
found=$(dirname "$1")/../found/$name
mkdir -p "$found"
corpus=tests/fuzz/corpus/${name#fuzz_}
set -- "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$found/../" -print_final_stats=1 "$found"
if [ -d "$corpus" ]; then
    set -- "$@" "$corpus"
fi
echo "$name: $*"
ASAN_OPTIONS=allocator_may_return_null=1 "$@"
