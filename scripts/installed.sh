#!/bin/sh
# installed.sh - what `make install` gives a user: the header in C and C++, the tree, and the examples built against it.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
: "${CC:=gcc}" "${CXX:=g++}" "${PKG_CONFIG:=pkg-config}"
make=${MAKE:-make}
work=$(cd "$BUILD" && pwd)/check
prefix=$work/prefix
stage=$work/stage
strict='-Wall -Wextra -Wpedantic -Werror'

# One list of the files below a folder.
files() { (cd "$1" && find . ! -type d | sort); }

header_c() {
    # shellcheck disable=SC2086 # lists of words
    echo '#include "slm.h"' | $CC -std=c11 $strict -Wstrict-prototypes -Iinclude -fsyntax-only -x c -
}

header_cxx() {
    for standard in c++11 c++20; do
        # shellcheck disable=SC2086
        echo '#include "slm.h"' | $CXX -std=$standard $strict -Iinclude -fsyntax-only -x c++ - || return 1
    done
}

# DESTDIR only moves the tree, everybody may read it, and uninstall leaves nothing of it. A prefix that would not work is refused.
tree() {
    rm -rf "$prefix" "$stage"
    $make install PREFIX="$prefix" DESTDIR= || return 1
    (umask 077 && $make install PREFIX=/usr DESTDIR="$stage") || return 1
    [ -z "$(find "$stage/usr" -type f ! -perm -444)" ] || { echo "not for everybody:"; find "$stage/usr" -type f ! -perm -444; return 1; }
    for wrong in "$work/two words" relative; do
        ! $make install PREFIX="$wrong" DESTDIR= || { echo "PREFIX=$wrong is not refused"; return 1; }
    done
    files "$prefix" >"$work/prefix.txt"
    files "$stage/usr" >"$work/stage.txt"
    diff "$work/prefix.txt" "$work/stage.txt" || return 1
    for f in include/slm.h lib/libslm.a lib/libslm.so lib/libslm.so.0 lib/pkgconfig/libslm.pc; do
        [ -f "$prefix/$f" ] || { echo "$f is not installed"; return 1; }
    done
    $make uninstall PREFIX=/usr DESTDIR="$stage" || return 1
    [ -z "$(files "$stage")" ] || { echo "uninstall leaves:"; files "$stage"; return 1; }
}

pc() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig "$PKG_CONFIG" "$@" libslm; }

version() {
    header=$(awk '/define SLM_VERSION_/ { v = v s $3; s = "." } END { print v }' include/slm.h)
    [ "$(pc --modversion)" = "$header" ] || { echo "libslm.pc says $(pc --modversion), slm.h says $header"; return 1; }
}

# build COMPILER SOURCE PROGRAM LIBS...: against the installed tree alone
build() {
    compiler=$1 source=$2 program=$3
    shift 3
    # shellcheck disable=SC2046,SC2086
    $compiler $strict -O1 $(pc --cflags) "$source" -o "$work/$program" "$@"
}

# An example answers from a model, and refuses a file that is none.
try() {
    model=$(find examples/models -name '*.gguf' | sort | head -n 1)
    LD_LIBRARY_PATH=$prefix/lib timeout 60 "$work/$1" "$model" 'The dog' >"$work/$1.out" 2>&1 ||
        { cat "$work/$1.out"; return 1; }
    [ -s "$work/$1.out" ] || { echo "$1 prints nothing"; return 1; }
    ! LD_LIBRARY_PATH=$prefix/lib timeout 60 "$work/$1" include/slm.h x || { echo "$1 takes a header for a model"; return 1; }
}

complete_shared() {
    # shellcheck disable=SC2046
    build "$CC -std=c11" examples/complete.c complete-shared $(pc --libs) && try complete-shared
}

complete_static() {
    # shellcheck disable=SC2046
    build "$CC -std=c11" examples/complete.c complete-static "$prefix/lib/libslm.a" \
        $(pc --libs --static | sed 's/-lslm//') && try complete-static
}

chat() {
    # shellcheck disable=SC2046
    build "$CC -std=c11" examples/chat.c chat $(pc --libs) || return 1
    model=$(find examples/models -name '*.gguf' | sort | head -n 1)
    printf 'What is the capital of Spain?\nWhat is the capital of Japan?\n' |
        LD_LIBRARY_PATH=$prefix/lib timeout 60 "$work/chat" "$model" >"$work/chat.out" || return 1
    grep -q Madrid "$work/chat.out" || { cat "$work/chat.out"; return 1; }
    grep -q Tokyo "$work/chat.out" || { cat "$work/chat.out"; return 1; }
}

stream_cxx() {
    # shellcheck disable=SC2046
    build "$CXX -std=c++11" examples/stream.cpp stream-cxx $(pc --libs) && try stream-cxx
}

readme() {
    # shellcheck disable=SC2016
    sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$work/readme.c"
    # shellcheck disable=SC2046
    build "$CC -std=c11" "$work/readme.c" readme $(pc --libs) && try readme
}

step "slm.h is C11" header_c
step "slm.h is C++11 and C++20" header_cxx
step "install and uninstall" tree
step "libslm.pc has the version of slm.h" version
step "examples/complete.c, shared" complete_shared
step "examples/complete.c, static" complete_static
step "examples/chat.c" chat
step "examples/stream.cpp" stream_cxx
step "the program of README.md" readme
closing
