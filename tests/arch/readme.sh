#!/bin/sh
# usage: readme.sh TOP
# The figures of README.md are those of docs/ESCAPE.md, which a run wrote: in
# each row "| NAME of ESCAPE.md, ... | counts |" they are in the same order. Those of
# attacks (labels C, then F) are of the table in docs/REPLAY.md (F, S, C).
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
card() { # card ROW OF README.md, ROW OF REPLAY.md
    want=$(awk -F' *[|] *' -v row="$2" '/^## Figures/ { on = 1 } on && index($2, row) == 1 { print $5 " | " $3 }' docs/REPLAY.md)
    have=$(awk -F' *[|] *' -v row="$1" 'index($2, row) == 1 { print $3 " | " $4 }' README.md)
    [ -n "$want" ] && [ "$want" = "$have" ] ||
        { echo "README.md, $1: '$have'; docs/REPLAY.md, $2: '$want'"; bad=1; }
}
card "attacks executed with nobody asked" "attacks executed, nobody asked"
card "stopped by a denial" "one of its calls denied"
card "executed if people say yes to everything" "executed if people say yes to all"
card "(task, tool) pairs" "reachable by an adaptive agent"
card "honest tasks done without asking" "tasks with no approval and no denial"
exit $bad
