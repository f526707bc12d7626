#!/bin/sh
# docs/POLICY.md names every code that the engine can report, has a section on
# every lint, and refers to tests and functions that exist.
set -eu
cd "$1"
page=docs/POLICY.md
bad=0
say() { echo "$page: $*"; bad=1; }

# Texts of the shape of a code, less those that are keys of Cedar's JSON.
codes=$(grep -rhoE --include='*.c' --include='*.h' '"[a-z]+(_[a-z0-9]+)+"' policy | tr -d '"' | sort -u |
    grep -vxE 'template_id|link_id|entity_type')
[ "$(printf '%s\n' "$codes" | grep -c .)" -ge 30 ] || say "hardly a code found in policy/"
for c in $codes cycle limit overflow; do
    grep -q "\`$c\`" "$page" || grep -qx "### $c" "$page" || say "no word about the code $c"
done
for l in $(sed -nE 's/^ *X\([A-Z_]+, "([a-z_]+)".*/\1/p' policy/cedar_lint.h); do
    grep -qx "### $l" "$page" || say "no section about the lint $l"
done
for l in $(sed -n '/^## Lints/,/^## The index/s/^### //p' "$page"); do
    grep -q "\"$l\"" policy/cedar_lint.h || say "there is no lint $l"
done
# Tests by the last part of their name, functions of tests whole.
for t in $(grep -oE '`(unit|spec|golden|scenario|differential|bench|arch)\.[a-z0-9_.]+`' "$page" | tr -d '`' | sort -u); do
    grep -rqw "${t##*.}" --include=CMakeLists.txt tests || say "there is no test $t"
done
for f in $(grep -oE '\(`[a-z0-9_`, ]+`\)' "$page" | grep -oE '[a-z0-9]+(_[a-z0-9]+){3,}' | sort -u); do
    grep -rq "\\b$f\\b" --include='*_test.c' tests || say "there is no test function $f"
done
exit $bad
