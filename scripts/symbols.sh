#!/bin/sh
# symbols.sh - what the compiled library exports, imports and keeps. It reads object files, so comments can't fool it.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
objects=$(find "$BUILD/obj/kernels" "$BUILD/obj/lib" -name '*.c.o')

# users_of PATTERN [FILE]: prints the undefined symbols that match in all objects but FILE's; false if there are any.
users_of() {
    # shellcheck disable=SC2086 # a list of words
    found=$(nm -A --undefined-only $objects | sed -E "s|^$BUILD/obj/||; s/\\.o: +U / /" | grep -v "^${2:-none} " |
        grep -E " ($1)(@.*)?\$")
    [ -z "$found" ] || { echo "$found"; return 1; }
}

exports() {
    nm -D --defined-only "$BUILD/lib/libslm.so" | awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort >"$logs/so.txt"
    nm -g --defined-only "$BUILD/lib/libslm.a" | awk 'NF == 3 { print $3 }' | sort >"$logs/a.txt"
    grep -oE '^SLM_API .*\(' include/slm.h | sed -E 's/\(.*//; s/.*[ *]//' | sort >"$logs/header.txt"
    diff "$logs/header.txt" "$logs/so.txt" && diff "$logs/header.txt" "$logs/a.txt"
}

soname() {
    readelf -d "$BUILD/lib/libslm.so" | grep -q 'SONAME.*\[libslm\.so\.0\]'
}

no_exits() {
    users_of '_?exit|_Exit|abort|quick_exit|raise|kill|__assert_fail|signal|sigaction|atexit|setenv|putenv|setlocale|longjmp' &&
        users_of 'v?f?printf|puts|putchar|fputs|fputc|putc|fwrite|perror|__v?f?printf_chk|stdout|stderr|write'
}

no_state() {
    for o in $objects; do
        objdump -h -w "$o" | awk -v o="${o#"$BUILD/obj/"}" '$2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /^\.data\.rel\.ro/ &&
            $3 !~ /^0+$/ { print o ": global mutable state, section " $2; bad = 1 } END { exit bad }' || return 1
    done
}

# A tier's instructions are in its own objects only, which run where cpu.c finds them. EVEX, of AVX-512, begins with the byte 62.
tiers() {
    [ -d "$BUILD/obj/kernels/avxvnni" ] || skip "these kernels are not for x86-64"
    objdump -d -w --insn-width=16 "$BUILD"/obj/kernels/avxvnni/*.o | grep -q 'vpdpbusd' || { echo "avxvnni does without vpdpbusd"; return 1; }
    for o in $objects; do
        case $o in
        */avx512/*) continue ;;
        */avxvnni/*) foreign='^ +[0-9a-f]+:\s62 ' ;;
        *) foreign='^ +[0-9a-f]+:\s62 |vpdpbusd' ;;
        esac
        ! objdump -d -w --insn-width=16 "$o" | grep -m 3 -E "$foreign" || { echo "in ${o#"$BUILD/obj/"}"; return 1; }
    done
}

step "libslm exports what slm.h declares" exports
step "libslm.so has its soname" soname
step "kernels: AVX-VNNI and AVX-512 in their tiers only" tiers
step "lib, kernels: no exits, handlers, output" no_exits
step "lib, kernels: no global mutable state" no_state
step "lib: only mem.c uses the heap" users_of 'malloc|calloc|realloc|free|strdup|strndup|aligned_alloc|posix_memalign|getline' lib/mem.c
step "lib: only par.c uses OpenMP and threads" users_of '(omp|GOMP|__kmpc|pthread|thrd)_.*' lib/par.c
step "lib: only topo.c uses hwloc" users_of 'hwloc_.*' lib/topo.c
closing
