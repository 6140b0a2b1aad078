# steps.sh - counts the steps of a check; sourced by the other scripts. Logs go to $BUILD/check.
# shellcheck shell=sh

: "${BUILD:=build}"
passed=0 failed=0 skipped=0
logs=$BUILD/check
mkdir -p "$logs"

# step NAME COMMAND...: a command that succeeds is a passed step, status 77 a skipped one whose last line says why.
step() {
    step_name=$1
    shift
    step_log=$logs/$(echo "$step_name" | tr -c 'a-zA-Z0-9\n' '-').log
    step_status=0
    ("$@") >"$step_log" 2>&1 </dev/null || step_status=$?
    if [ $step_status -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok   $step_name"
    elif [ $step_status -eq 77 ]; then
        skipped=$((skipped + 1))
        echo "SKIP $step_name ($(tail -n 1 "$step_log"))"
    else
        failed=$((failed + 1))
        cat "$step_log"
        echo "FAIL $step_name"
    fi
}

# part COMMAND...: a program that counts for itself; the numbers of its closing line are added.
part() {
    part_log=$logs/$(basename "$1").log
    part_status=0
    "$@" >"$part_log" 2>&1 </dev/null || part_status=$?
    part_line=$(tail -n 1 "$part_log")
    if echo "$part_line" | grep -Eq '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$'; then
        sed '$d' "$part_log"
        # shellcheck disable=SC2086 # its words are wanted
        set -- $part_line
        passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
        [ $part_status -eq 0 ] || [ "$3" -gt 0 ] || failed=$((failed + 1))
    else
        cat "$part_log"
        echo "FAIL $1 (status $part_status, no closing line)"
        failed=$((failed + 1))
    fi
}

# The last line; false if anything failed or nothing ran.
closing() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# Ends a step as skipped.
skip() {
    echo "$1"
    exit 77
}

have() {
    command -v "$1" >/dev/null 2>&1
}
