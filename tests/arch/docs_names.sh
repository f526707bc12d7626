#!/bin/sh
# Documents name only what exists: every `path/with.ext` in backticks, every
# link, with its heading, and every test.
set -eu
cd "$1"
bad=0
# The last parts of the names of tests, from lists and calls; a folder's prefix
# of them may come from a loop.
tests=$(cat tests/CMakeLists.txt tests/*/CMakeLists.txt tests/*/*/CMakeLists.txt | tr -c 'A-Za-z0-9_' '\n' | sort -u)
for d in README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md docs/*.md; do
    [ -f "$d" ] || continue
    for p in $(grep -oE '`(proto|policy|sidecar|shim|cli|tests|script|cmake|systemd|kubernetes|docs)/[A-Za-z0-9_./-]+`' "$d" | tr -d '`' | sort -u); do
        [ -e "$p" ] || { echo "$d names $p, which does not exist"; bad=1; }
    done
    for p in $(grep -oE '\]\([A-Za-z0-9_./-]+\)' "$d" | tr -d '])(' | sort -u); do
        [ -e "$(dirname "$d")/$p" ] || { echo "$d links to $p, which does not exist"; bad=1; }
    done
    for p in $(grep -oE '\]\([A-Za-z0-9_./-]*#[a-z0-9_-]+\)' "$d" | tr -d '])(' | sort -u); do
        f=$(dirname "$d")/${p%#*}
        [ -n "${p%#*}" ] || f=$d
        # a heading's anchor: lower case, marks gone, spaces to hyphens
        sed -nE 's/^#+ //p' "$f" 2>/dev/null | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-' |
            grep -qxF -- "${p#*#}" || { echo "$d links to $p, a heading that does not exist"; bad=1; }
    done
    for t in $(grep -oE '\b(unit|spec|golden|scenario|fuzz|differential|bench|arch)(\.[a-z0-9_]+)+' "$d" | sort -u); do
        printf '%s\n' "$tests" | grep -qxE "${t##*.}|$(echo "${t##*.}" | sed 's/^[a-z]*_//')" ||
            { echo "$d names the test $t, which does not exist"; bad=1; }
    done
done
exit $bad
