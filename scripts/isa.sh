#!/bin/sh
# isa.sh - tests the instruction sets that this machine lacks: AArch64 under qemu, AVX-VNNI and AVX-512 through emulated
# instructions.
# `make check-isa` starts it; `isa.sh aarch64` and `isa.sh emulated` are its halves. The last line counts: "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
unset SLM_ISA
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c 0 # a test of the harness ends by a signal
make=${MAKE:-make}
target=aarch64-linux-gnu
arm=$BUILD/$target
emulated_folder=$BUILD/emulated
ids=$logs/isa.i32
shared=${SLM_SHARED:-../shared}

# All instructions that qemu knows, or those of $cpu.
on_arm() { qemu-aarch64 -L /usr/$target -cpu "${cpu:-max}" "$@"; }

arm_tools() {
    have $target-gcc || skip "$target-gcc is not installed"
    have qemu-aarch64 || skip "qemu-aarch64 is not installed"
}

# CC and CXX are those of the make that started this one; the prefix chooses others.
arm_build() {
    arm_tools
    env -u CC -u CXX "$make" CROSS=$target- BUILD="$arm" all tests
}

# qemu takes ten times as long
arm_suite() {
    CK_TIMEOUT_MULTIPLIER=10 CK_RUN_SUITE=$1 on_arm "$arm/bin/tests" 2>&1 | grep -v '^qemu: uncaught target signal'
}

# The same bytes as here. Two threads there, one here.
logits_of_arm() {
    on_arm "$arm/bin/slm-eval" logits -q -t 2 -m "$1" --ids "$2" --out "$logs/arm.f32" &&
        [ -s "$logs/arm.f32" ] && cmp "$logs/here.f32" "$logs/arm.f32"
}
logits() {
    "$BUILD/bin/slm-eval" logits -q -t 1 -m "$1" --ids "$2" --out "$logs/here.f32" && logits_of_arm "$@"
}

# A processor without the instructions of the higher tiers: neither sdot nor smmla, or no smmla.
logits_on() {
    cpu=$1
    shift
    logits "$@"
}

# A tier by its name, where a higher one would be chosen.
logits_by() {
    export SLM_ISA="$1" # of a subshell
    shift
    logits_of_arm "$@"
}

# The same text as here.
text() {
    for run in here arm; do
        set -- -q --temp 0 -n 24 -p 'What is the capital of Japan?'
        case $run in
        here) "$BUILD/bin/slm-run" "$@" ;;
        arm) on_arm "$arm/bin/slm-run" "$@" ;;
        esac >"$logs/$run.txt" || return 1
    done
    [ -s "$logs/arm.txt" ] && cmp "$logs/here.txt" "$logs/arm.txt"
}

golden_logits() {
    [ -f "$shared/golden/$1.gguf" ] || skip "no ../shared"
    logits "$shared/golden/$1.gguf" "$shared/golden/tokens.i32"
}

# The same logits as here from every architecture and every quantized type. One thread and one piece here, two and batches of 7 there.
digests() {
    env CK_RUN_SUITE=bits SLM_DIGESTS=1,0 "$BUILD/bin/tests" >"$logs/$half.here" &&
        CK_RUN_SUITE=bits SLM_DIGESTS=2,7 "$@" >"$logs/$half.there" &&
        grep -q '^llama Q4_0 ' "$logs/$half.there" && diff "$logs/$half.here" "$logs/$half.there"
}

emulated_build() {
    echo '#include <simde/x86/avx512.h>' | ${CC:-gcc} -E - >/dev/null 2>&1 || skip "libsimde-dev is not installed"
    [ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine"
    "$make" EMULATE=1 BUILD="$emulated_folder" tests
}

# 48 tokens of any vocabulary, as 32-bit integers
some_ids() {
    i=0
    while [ $i -lt 48 ]; do
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\$(printf %o $((1 + i * 37 % 255)))\\0\\0\\0"
        i=$((i + 1))
    done
}

demo=$(find examples/models -name '*.gguf' | sort | head -n 1)

aarch64() {
    some_ids >"$ids"
    step "AArch64: build" arm_build
    [ "$step_status" -eq 0 ] || return
    part arm_suite kernels
    part arm_suite golden
    step "AArch64: every architecture and type" digests on_arm "$arm/bin/tests"
    step "AArch64: logits of the demo model" logits "$demo" "$ids"
    for tier in scalar armv8 neon i8mm; do # after the line above, whose logits of this machine they meet
        step "AArch64, SLM_ISA=$tier: logits" logits_by $tier "$demo" "$ids"
    done
    step "AArch64 without smmla: logits" logits_on neoverse-n1 "$demo" "$ids"
    step "AArch64 without sdot: logits" logits_on cortex-a53 "$demo" "$ids"
    step "AArch64: text of the demo model" text
    for name in llama-q4_0 llama-q8_0 llama-q4_k_m; do
        step "AArch64: logits of $name" golden_logits $name
    done
}

emulated() {
    step "AVX-VNNI, AVX-512: emulated build" emulated_build
    [ "$step_status" -eq 0 ] || return
    part env CK_RUN_SUITE=kernels "$emulated_folder/bin/tests"
    for tier in avxvnni avx512; do
        step "SLM_ISA=$tier, emulated: every architecture and type" digests env SLM_ISA=$tier "$emulated_folder/bin/tests"
    done
}

half=${1-both}
case $half in
aarch64 | emulated) "$half" ;;
*) # side by side: much of each is one process
    "$0" emulated >"$logs/emulated.out" 2>&1 &
    part "$0" aarch64
    wait
    part cat "$logs/emulated.out"
    ;;
esac
closing
