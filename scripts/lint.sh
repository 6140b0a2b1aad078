#!/bin/sh
# lint.sh - the rules of the code that a compiler does not check. `make lint` starts it, after the library is built.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh
sources=$(find kernels lib include tools tests benchmarks examples -name '*.[ch]' -o -name '*.cpp' -o -name '*.def' 2>/dev/null | sort)

# Who may include what. kernels: kernels, no heap, stdio or threads. lib: include, lib and the headers beside kernels/README.md.
# lib/arch: ops, weights and status. Tools, examples and benchmarks: slm.h and their own tree.
includes() {
    # shellcheck disable=SC2086 # a list of words
    awk '
    function normal(path,    parts, n, i, out, depth) {
        n = split(path, parts, "/")
        depth = 0
        for (i = 1; i <= n; i++) {
            if (parts[i] == ".." && depth > 0) depth--
            else if (parts[i] != "." && parts[i] != "") out[++depth] = parts[i]
        }
        path = out[1]
        for (i = 2; i <= depth; i++) path = path "/" out[i]
        return path
    }
    function bad() { print FILENAME ":" FNR ": " $0; failed = 1 }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        match($0, /<.*>/)
        name = substr($0, RSTART + 1, RLENGTH - 2)
        if (FILENAME ~ /^tests\//) next
        if (name ~ /^omp\.h$/ && FILENAME != "lib/par.c") bad()
        else if (name ~ /^hwloc/ && FILENAME != "lib/topo.c" && FILENAME !~ /^tests\//) bad()
        else if (FILENAME ~ /^kernels\// && name ~ /^(stdlib|stdio|pthread|threads|unistd|signal|time)\.h$/) bad()
        else if (FILENAME ~ /^(lib|kernels)\// && name ~ /^(signal|setjmp|locale)\.h$/) bad()
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        match($0, /".*"/)
        name = substr($0, RSTART + 1, RLENGTH - 2)
        folder = FILENAME
        sub(/\/[^\/]*$/, "", folder)
        top = substr(FILENAME, 1, index(FILENAME, "/"))
        target = name == "slm.h" ? "include/slm.h" : normal(folder "/" name)
        if (FILENAME ~ /^include\//) bad()
        else if (FILENAME ~ /^kernels\// && target !~ /^kernels\//) bad()
        else if (FILENAME ~ /^lib\/arch\// && target !~ /^(lib\/arch\/.*|lib\/(ops|weights|status)\.h)$/) bad()
        else if (FILENAME ~ /^lib\// && target !~ /^(lib\/.*|include\/slm\.h|kernels\/[^\/]*)$/) bad()
        else if (FILENAME ~ /^(tools|examples|benchmarks)\// && target != "include/slm.h" && index(target, top) != 1) bad()
    }
    END { exit failed }' $sources
}

whitespace() {
    # shellcheck disable=SC2086
    ! grep -nE "$(printf '\t')|[[:space:]]\$|$(printf '\r')" $sources scripts/* .ci/run || return 1
    for f in $(git ls-files '*.c' '*.h' '*.cpp' '*.def' '*.md' '*.sh' '*.1' Makefile 2>/dev/null); do
        [ ! -s "$f" ] || [ -z "$(tail -c 1 "$f")" ] || { echo "$f: no newline at its end"; return 1; }
    done
}

# Every file is about one thing: over these sizes it is likely two. Tables made by a program don't count.
sizes() {
    # shellcheck disable=SC2046
    awk '
    FNR == 1 { start = 0 }
    /^\{/ { start = FNR }
    /^\}/ && start { if (FNR - start > 120) { print FILENAME ":" start ": a function of " FNR - start " lines"; failed = 1 } start = 0 }
    FNR == 801 { print FILENAME ": more than 800 lines"; failed = 1 }
    length > 180 { print FILENAME ":" FNR ": " length " columns"; failed = 1 }
    END { exit failed }' $(echo "$sources" | grep -v '_table\.h$')
}

cppcheck_all() {
    have cppcheck || skip "cppcheck is not installed"
    cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr -j2 -Iinclude -D__x86_64__ \
        --platform=unix64 -DUINTPTR_MAX=0xffffffffffffffffU -DUINT64_MAX=0xffffffffffffffffU \
        --suppress=missingIncludeSystem --suppress=unknownMacro --max-configs=2 --cppcheck-build-dir="$logs" lib kernels/*.c kernels/ref
}

shell() {
    have shellcheck || skip "shellcheck is not installed"
    shellcheck -x scripts/*.sh benchmarks/*.sh .ci/run
}

man_pages() {
    ls man/*.1 >/dev/null 2>&1 || skip "there are no man pages"
    have mandoc || skip "mandoc is not installed"
    mandoc -T lint -W warning man/*.1
}

# Paths in backticks in the docs exist: `lib/par.c`, `scripts/`. Patterns, links and commands are left out.
docs() {
    status=0
    for doc in README.md docs/*.md kernels/README.md; do
        [ -f "$doc" ] || continue
        # shellcheck disable=SC2016
        for path in $(grep -oE '`[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]*`' "$doc" | tr -d '`' | sort -u); do
            case $path in
            build/* | ../* | lib/pkgconfig/*) continue ;;
            esac
            [ -e "$path" ] || [ -e "$(dirname "$doc")/$path" ] || { echo "$doc names $path, which does not exist"; status=1; }
        done
        # shellcheck disable=SC2013 # paths without spaces
        for path in $(grep -oE '\]\([^)#:]+' "$doc" | sed 's/](//' | sort -u); do
            [ -e "$(dirname "$doc")/$path" ] || { echo "$doc links to $path, which does not exist"; status=1; }
        done
    done
    return $status
}

# Every architecture is in the table of the models.
models() {
    status=0
    # shellcheck disable=SC2013 # names without spaces
    for name in $(sed -nE 's/^ARCH\((.*)\)$/\1/p' lib/arch/archs.def); do
        grep -q "^| \`$name\` |" docs/models.md || { echo "docs/models.md has no row for $name"; status=1; }
    done
    return $status
}

formats() {
    scripts/formats.sh | diff docs/formats.md - || { echo "run: scripts/formats.sh > docs/formats.md"; return 1; }
}

part scripts/symbols.sh
step "include rules" includes
step "whitespace" whitespace
step "sizes of files, functions, lines" sizes
step "cppcheck" cppcheck_all
step "shellcheck" shell
step "man pages" man_pages
step "files named in the docs" docs
step "docs/formats.md is current" formats
step "docs/models.md names every architecture" models
closing
