#!/bin/sh
# isa.sh - tests the instruction sets that this machine lacks: AArch64 under qemu, AVX-512 through emulated instructions.
# `make check-isa` starts it. The last line counts: "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
unset SLM_ISA
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c 0 # a test of the harness ends by a signal
make=${MAKE:-make}
target=aarch64-linux-gnu
arm=$BUILD/$target
emulated=$BUILD/emulated
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

arm_suite() {
    CK_RUN_SUITE=$1 on_arm "$arm/bin/tests" 2>&1 | grep -v '^qemu: uncaught target signal'
}

# The same bytes as here. Two threads there, one here.
logits() {
    "$BUILD/bin/slm-eval" logits -q -t 1 -m "$1" --ids "$2" --out "$logs/here.f32" &&
        on_arm "$arm/bin/slm-eval" logits -q -t 2 -m "$1" --ids "$2" --out "$logs/arm.f32" &&
        [ -s "$logs/arm.f32" ] && cmp "$logs/here.f32" "$logs/arm.f32"
}

logits_without_dotprod() {
    cpu=cortex-a53
    logits "$@"
}

golden_logits() {
    [ -f "$shared/golden/$1.gguf" ] || skip "no ../shared"
    logits "$shared/golden/$1.gguf" "$shared/golden/tokens.i32"
}

emulated_build() {
    echo '#include <simde/x86/avx512.h>' | ${CC:-gcc} -E - >/dev/null 2>&1 || skip "libsimde-dev is not installed"
    [ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine"
    "$make" EMULATE_AVX512=1 BUILD="$emulated" tests
}

# 48 tokens of any vocabulary, as 32-bit integers
i=0
while [ $i -lt 48 ]; do
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((1 + i * 37 % 255)))\\0\\0\\0"
    i=$((i + 1))
done >"$ids"

demo=$(find examples/models -name '*.gguf' | sort | head -n 1)
step "AArch64: build" arm_build
if [ "$step_status" -eq 0 ]; then
    part arm_suite kernels
    part arm_suite golden
    step "AArch64: logits of the demo model" logits "$demo" "$ids"
    step "AArch64 without dot products: logits" logits_without_dotprod "$demo" "$ids"
    for name in llama-q4_0 llama-q8_0 llama-q4_k_m; do
        step "AArch64: logits of $name" golden_logits $name
    done
fi
step "AVX-512: emulated build" emulated_build
[ "$step_status" -ne 0 ] || part env CK_RUN_SUITE=kernels "$emulated/bin/tests"
closing
