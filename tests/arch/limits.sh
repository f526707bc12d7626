#!/bin/sh
# docs/LIMITS.md and proto/wire/limits.h name the same limits with the same
# values.
set -eu
cd "$1"
code=$(sed -nE 's/^#define (TS_[A-Z0-9_]+) +([0-9]+).*/\1 \2/p' proto/wire/limits.h | sort)
docs=$(sed -nE 's/^\| `(TS_[A-Z0-9_]+)` \| ([0-9]+) .*/\1 \2/p' docs/LIMITS.md | sort)
[ "$code" = "$docs" ] || {
    echo "limits.h (<) and docs/LIMITS.md (>) differ:"
    printf '%s\n' "$code" >"${TMPDIR:-/tmp}/limits.code.$$"
    printf '%s\n' "$docs" | diff "${TMPDIR:-/tmp}/limits.code.$$" - || true
    rm -f "${TMPDIR:-/tmp}/limits.code.$$"
    exit 1
}
