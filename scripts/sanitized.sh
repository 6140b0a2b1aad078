#!/bin/sh
# sanitized.sh address|thread PROGRAM... - runs a program built with a sanitizer; `make asan` and `make tsan` start it.
set -u
kind=$1
scripts=$(cd "$(dirname "$0")" && pwd)
shift
case $kind in
address)
    # A request that is too large must come back as NULL, as it does without the sanitizer. Tests that guard pages catch
    # the faults themselves.
    export ASAN_OPTIONS="handle_segv=0:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1"
    export LSAN_OPTIONS="suppressions=$scripts/leaks.txt:print_suppressions=0"
    export UBSAN_OPTIONS="print_stacktrace=1"
    ;;
thread)
    # libarcher tells the sanitizer what OpenMP's own barriers order; without it they would be reported
    archer=$(find /usr/lib/llvm-*/lib -name libarcher.so 2>/dev/null | sort | tail -n 1)
    [ -n "$archer" ] || { echo "make tsan needs libarcher.so: apt-get install libomp-dev clang"; exit 1; }
    export OMP_TOOL_LIBRARIES="$archer"
    export TSAN_OPTIONS="handle_segv=0 ignore_noninstrumented_modules=1 allocator_may_return_null=1 halt_on_error=1"
    # this sanitizer fails to start where addresses are randomized over too many bits
    if setarch -R true 2>/dev/null; then
        set -- setarch -R "$@"
    fi
    ;;
esac
export CK_TIMEOUT_MULTIPLIER=10
exec "$scripts/suites.sh" "$@"
