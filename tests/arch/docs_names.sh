#!/bin/sh
# Documents name only files that exist: every `path/with.ext` in backticks, and
# every link, with its heading.
set -eu
cd "$1"
bad=0
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
done
exit $bad
