#!/bin/sh
# usage: instructions.sh PROGRAM BUDGET COMPILER BUILD_TYPE SANITIZERS
# Counts the instructions of one cedar_authorize() with callgrind and compares
# them with the budget. Unlike time, they are the same on every run.
program=$1 budget=$2 compiler=$3 type=$4 sanitizers=$5
skip() {
    echo "SKIPPED: $1"
    exit 0
}
[ "$compiler" = GNU ] || skip "the budget is for gcc, this is $compiler"
[ "$type" = RelWithDebInfo ] || skip "the budget is for RelWithDebInfo"
[ -z "$sanitizers" ] || skip "the budget is for a build without sanitizers"
command -v valgrind >/dev/null || skip "valgrind is absent"
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=0
while read -r rules most _; do
    case $rules in '' | \#*) continue ;; esac
    if ! valgrind --tool=callgrind --toggle-collect=cedar_authorize \
        --callgrind-out-file="$out/cg" "$program" "$rules" 20 \
        >"$out/stdout" 2>"$out/stderr"; then
        echo "$rules rules: the program failed"
        cat "$out/stdout" "$out/stderr"
        exit 1
    fi
    n=$(sed -n 's/^evaluations //p' "$out/stdout")
    all=$(sed -n 's/.*Collected : //p' "$out/stderr")
    each=$((all / n))
    echo "$rules rules: $each instructions an evaluation, at most $most"
    [ "$each" -gt 0 ] || failed=1
    [ "$each" -le "$most" ] || failed=1
    [ $((each * 10)) -ge $((most * 8)) ] ||
        echo "  far below: lower the budget, and say why in it"
done <"$budget"
exit $failed
