#!/bin/sh
# imports.sh TOP PROGRAM FILE [FORBIDDEN...]
# What a process imports is a reviewed list: a new symbol fails until it is
# added to the file by hand, and a forbidden one always fails.
#   update: imports.sh TOP PROGRAM FILE --write
set -eu
program=$2 list=$1/$3
shift 3
now=$(nm -D --undefined-only "$program" | sed -E 's/^ *[Uwv] //; s/@.*//' | sort -u)
if [ "${1:-}" = --write ]; then
    printf '%s\n' "$now" >"$list"
    exit 0
fi
bad=0
for f in "$@"; do
    if printf '%s\n' "$now" | grep -qx "$f"; then
        echo "$(basename "$program") imports $f, which it must never be able to call"
        bad=1
    fi
done
new=$(printf '%s\n' "$now" | comm -13 "$list" -)
[ -z "$new" ] || {
    echo "new imports of $(basename "$program"), review and add to $(basename "$list"):"
    echo "$new"
    bad=1
}
exit $bad
