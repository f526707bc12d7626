#!/bin/sh
# docs/LIMITS.md and proto/wire/limits.h name the same limits with the same
# values; so do docs/POLICY.md and policy/core/limits.h.
set -eu
cd "$1"
code=$(sed -nE 's/^#define (TS_[A-Z0-9_]+) +([0-9]+).*/\1 \2/p' proto/wire/limits.h | sort)
docs=$(sed -nE 's/^\| `(TS_[A-Z0-9_]+)` \| ([0-9]+) .*/\1 \2/p' docs/LIMITS.md | sort)
count=$(printf '%s\n' "$code" | grep -c .)
[ "$count" -ge 60 ] || { echo "only $count limits found in limits.h"; exit 1; }
[ "$code" = "$docs" ] || {
    echo "limits.h (<) and docs/LIMITS.md (>) differ:"
    printf '%s\n' "$code" >"${TMPDIR:-/tmp}/limits.code.$$"
    printf '%s\n' "$docs" | diff "${TMPDIR:-/tmp}/limits.code.$$" - || true
    rm -f "${TMPDIR:-/tmp}/limits.code.$$"
    exit 1
}

# Values such as ((size_t)16 << 20) and 65536u are computed.
sed -nE 's/^#define (CEDAR_[A-Z_]+) +([^ ].*)/\1 \2/p' policy/core/limits.h |
    sed -E 's,/\*.*,,; s/\(size_t\)//; s/([0-9])u/\1/' |
    while read -r name value; do echo "$name $(($value))"; done | sort |
    { code=$(cat)
      [ "$(printf '%s\n' "$code" | grep -c .)" -ge 10 ] || { echo "hardly a limit found in policy/core/limits.h"; exit 1; }
      docs=$(sed -nE 's/^\| `(CEDAR_[A-Z_]+)` \| ([0-9]+) .*/\1 \2/p' docs/POLICY.md | sort)
      [ "$code" = "$docs" ] || {
          echo "policy/core/limits.h and docs/POLICY.md differ:"
          printf '%s\n%s\n' "$code" "$docs" | sort | uniq -u
          exit 1
      }
    }
