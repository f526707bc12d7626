#!/bin/sh
# usage: readme.sh TOP
# The figures of README.md are those of docs/ESCAPE.md, which a run wrote: in
# each row "| NAME of ESCAPE.md, ... | counts |" they are in the same order.
set -eu
cd "$1"
bad=0
all=$(sed -nE 's/.* ([0-9]+) probes, each in a process.*/\1/p' docs/ESCAPE.md)
grep -qF "not stopped, of $all" README.md || { echo "README.md does not say: not stopped, of $all"; bad=1; }
rows=0
for row in "bare uid full strict" "bwrap firejail sandbox-runtime" plain; do
    counts=
    for mode in $row; do
        n=$(sed -nE "s/^\\| $mode \\| \\*\\*([0-9]+)\\*\\* .*/\\1/p" docs/ESCAPE.md | head -1)
        counts="$counts${counts:+, }$n"
    done
    grep -qE "^\\|.*\\| $counts \\|$" README.md || { echo "README.md has no row with $counts, the figures of: $row"; bad=1; }
    rows=$((rows + 1))
done
[ $rows = 3 ] || bad=1
exit $bad
