#!/bin/sh
# check.sh - every test of a build: the test program, the rules of the code, the header, the installed tree. `make check`
# starts it. The last line counts them all: "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/steps.sh

part scripts/suites.sh "$BUILD/bin/tests"
part scripts/lint.sh
part scripts/installed.sh
closing
