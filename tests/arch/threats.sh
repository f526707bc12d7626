#!/bin/sh
# usage: threats.sh TOP
# Every threat T1 to T35 has a test that carries its number in its name
# (T17_challenge_relayed_by_another_uid_is_refused), and the table in
# docs/THREATS.md names for each threat tests that exist; so do the threats of the
# box there, B1 and on.
set -eu
cd "$1"
last=35

# A name is T, the number, and words joined by underscores: a function of a C
# or Python test, or what a shell test checks.
names=$(grep -rhoE --include='*.c' --include='*.h' --include='*.py' --include='*.sh' \
    --exclude-dir=node_modules --exclude-dir=arch '\bT[1-9][0-9]?_[a-zA-Z0-9_]+' tests | sort -u)
# Rows of the table: | T17 | ... `T17_name` ... |
rows=$(grep -E '^\| *T[1-9][0-9]? *\|' docs/THREATS.md || true)

status=0
missing() { # missing WHAT
    echo "$1"
    status=1
}
n=0
while [ $n -lt $last ]; do
    n=$((n + 1))
    printf '%s\n' "$names" | grep -q "^T${n}_" || missing "T$n: no test has T${n}_ in its name"
    row=$(printf '%s\n' "$rows" | grep -E "^\| *T$n *\|" || true)
    if [ -z "$row" ]; then
        missing "T$n: no row in docs/THREATS.md"
        continue
    fi
    named=$(printf '%s\n' "$row" | grep -oE "\`T${n}_[a-zA-Z0-9_]+\`" | tr -d '`' || true)
    [ -n "$named" ] || missing "T$n: docs/THREATS.md names no test T${n}_..."
    for t in $named; do
        printf '%s\n' "$names" | grep -qx "$t" || {
            echo "T$n: docs/THREATS.md names $t, which is no test"
            status=1
        }
    done
done
# A number that is none, or a row for a threat that is none.
for t in $names; do
    n=${t%%_*}
    n=${n#T}
    [ "$n" -le $last ] || { echo "$t: there are only $last threats"; status=1; }
done
# Rows of the box: | B7 | ... | what | `test` or `area.probe` |. Each name is a
# whole word of a test's source; the rows are numbered without a gap.
words=$(grep -rhoE --include='*.c' --include='*.h' --include='*.py' --include='*.sh' --exclude-dir=node_modules \
    --exclude-dir=arch '[a-z][a-zA-Z0-9_]*(\.[a-z][a-z0-9_]+)?' tests | sort -u)
box=0
while IFS= read -r row; do
    box=$((box + 1))
    case $row in "| B$box |"*) ;; *) missing "not the row B$box: $row" ;; esac
    named=$(printf '%s\n' "$row" | sed 's/ *|$//; s/.*|//' | grep -oE '`[^`]+`' | tr -d '`' || true)
    [ -n "$named" ] || missing "B$box: docs/THREATS.md names no test"
    for t in $named; do
        printf '%s\n' "$words" | grep -qxF -- "$t" || missing "B$box: docs/THREATS.md names $t, which is no test and no probe"
    done
done <<ROWS
$(grep -E '^\| *B[0-9]+ *\|' docs/THREATS.md || true)
ROWS
[ $box -ge 21 ] || missing "docs/THREATS.md: only $box threats of the box"
echo "$box threats of the box"
echo "$(printf '%s\n' "$names" | sed 's/_.*//' | sort -u | grep -c .) of $last threats have tests, $(printf '%s\n' "$names" | grep -c .) tests in all"
exit $status
