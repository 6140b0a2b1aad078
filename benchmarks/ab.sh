#!/bin/sh
# ab.sh BIN_A BIN_B ARGS... - two builds of slm-bench in turns, so that what disturbs the machine disturbs both, and the verdict.
# ROUNDS (10) says how often; each round is one sample of each. The results stay in KEEP if that names a folder.
#   benchmarks/ab.sh build/old/bin/slm-bench build/bin/slm-bench --shape llama-3.2-1b -p 512 -n 32
set -eu
[ $# -ge 3 ] || { sed -n '2,4s/^# *//p' "$0"; exit 1; }
a=$1 b=$2
shift 2
folder=${KEEP:-$(mktemp -d)}
mkdir -p "$folder"
[ -n "${KEEP:-}" ] || trap 'rm -rf "$folder"' EXIT
: >"$folder/a.jsonl"
: >"$folder/b.jsonl"
rounds=${ROUNDS:-10}
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    [ ! -t 2 ] || printf 'round %d of %d\n' "$round" "$rounds" >&2
    # the one that begins changes from round to round
    if [ $((round % 2)) -eq 1 ]; then order='a b'; else order='b a'; fi
    for which in $order; do
        if [ "$which" = a ]; then program=$a; else program=$b; fi
        "$program" -r 3 "$@" -o jsonl >>"$folder/$which.jsonl"
    done
done
"$b" --compare "$folder/a.jsonl" "$folder/b.jsonl"
