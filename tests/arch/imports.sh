#!/bin/sh
# imports.sh TOP PROGRAM FILE [FORBIDDEN...]
# What a process imports is a reviewed list: a new symbol fails until it is
# added to the file by hand, and a forbidden one always fails.
# Fortified names count as the plain ones, and what the compiler itself brings is
# left out, so that one list fits every build type.
#   update: imports.sh TOP PROGRAM FILE --write   adds what this build imports
set -eu
export LC_ALL=C
program=$2 list=$1/$3
shift 3
now=$(nm -D --undefined-only "$program" | sed -E 's/^ *[Uwv] //; s/@.*//
s/^__(.*)_chk$/\1/' | grep -vxE '_ITM_.*|__gmon_start__|__cxa_finalize|__libc_start_main|__stack_chk_fail|stack' | sort -u)
if [ "${1:-}" = --write ]; then
    printf '%s\n' "$now" | sort -u - "$list" -o "$list"
    exit 0
fi
bad=0
for f in "$@"; do
    if printf '%s\n' "$now" | grep -qx "$f"; then
        echo "$(basename "$program") imports $f, which it must never be able to call"
        bad=1
    fi
done
[ -s "$list" ] || { echo "$list is missing"; exit 1; }
new=$(printf '%s\n' "$now" | comm -13 "$list" -)
[ -z "$new" ] || {
    echo "new imports of $(basename "$program"), review and add to $(basename "$list"):"
    echo "$new"
    bad=1
}
exit $bad
