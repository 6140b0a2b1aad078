#!/bin/sh
# deps.sh build|tests|isa - installs what the build (and the tests, and the emulators of `make check-isa`) need and this machine
# lacks; silent if that is nothing. Without pkg-config, hwloc, libedit or the emulators it goes on; the rest is needed. The tests'
# libraries are $TEST_PKGS.
set -u
: "${CC:=gcc}" "${CXX:=g++}" "${PKG_CONFIG:=pkg-config}"

needed='' wanted=''
library() { "$PKG_CONFIG" --exists "$1" 2>/dev/null; }
program() { command -v "${1%% *}" >/dev/null 2>&1; }
compiles() { echo "#include <$2>" | $1 -E -x "$3" - >/dev/null 2>&1; }

# the compilers that are asked for, each with the headers of its C library
package() {
    case $1 in
    *clang*) echo clang libc6-dev ;;
    *g++*) echo g++ ;;
    *) echo gcc libc6-dev ;;
    esac
}
compiles "$CC" stdio.h c || needed="$needed $(package "$CC")"
program "$PKG_CONFIG" || wanted="$wanted pkg-config"
[ "${HWLOC:-1}" = 0 ] || library hwloc || wanted="$wanted libhwloc-dev"
[ "${LIBEDIT:-1}" = 0 ] || library libedit || wanted="$wanted libedit-dev"
if [ "${1:-build}" != build ]; then
    compiles "$CXX" cstdio c++ || needed="$needed $(package "$CXX")"
    program "$PKG_CONFIG" || needed="$needed pkg-config" wanted=${wanted# pkg-config}
    for name in $TEST_PKGS; do
        library "$name" || case $name in
        check) needed="$needed check" ;;
        libpcre2-8) needed="$needed libpcre2-dev" ;;
        *) needed="$needed $name-dev" ;;
        esac
    done
fi
if [ "${1:-build}" = isa ]; then
    program qemu-aarch64 || wanted="$wanted qemu-user"
    { program aarch64-linux-gnu-gcc && [ -f /usr/aarch64-linux-gnu/include/stdio.h ]; } ||
        wanted="$wanted gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
    case $(uname -m) in
    x86_64) compiles "$CC" simde/x86/avx512.h c || wanted="$wanted libsimde-dev" ;;
    esac
fi
[ -n "$needed$wanted" ] || exit 0

# No further without what is needed, but without what is only wanted.
refuse() {
    echo "$1"
    if [ -z "$needed" ]; then
        echo "Building without:$wanted"
        exit 0
    fi
    echo "These are needed (Debian's names; other systems have similar ones):$needed"
    [ -z "$wanted" ] || echo "These are used where they are found:$wanted"
    exit 1
}

program apt-get || refuse "This system has no apt-get: please install the packages below, then run make again."
as_root=''
if [ "$(id -u)" -ne 0 ]; then
    program sudo || refuse "Not root and no sudo: run this as root: apt-get install$needed$wanted"
    as_root=sudo
    [ -t 0 ] || as_root='sudo -n' # nobody can type a password
fi
echo "Installing with ${as_root:+$as_root }apt-get:$needed$wanted"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -y "$@" >>"$log" 2>&1; }
apt update || true # offline, the packages may still be in the cache
# shellcheck disable=SC2086 # lists of words
if ! apt install --no-install-recommends $needed $wanted; then
    tail -n 15 "$log"
    refuse "apt-get failed."
fi
