#!/bin/sh
# Documents name only files that exist: every `path/with.ext` in backticks.
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
done
exit $bad
