#!/bin/sh
# Every header compiles alone and has the guard of its path. No allow-list.
set -eu
cd "$1"
bad=0
count=$(git ls-files 'proto/*.h' 'policy/*.h' 'sidecar/*.h' 'shim/*.h' 'cli/*.h' 'tests/*.h' | wc -l)
[ "$count" -ge 250 ] || { echo "git ls-files names $count headers: what is there to look at?"; exit 1; }
for h in $(git ls-files 'proto/*.h' 'policy/*.h' 'sidecar/*.h' 'shim/*.h' 'cli/*.h' 'tests/*.h'); do
    "$2" -std=c17 -D_GNU_SOURCE -I. -fsyntax-only -Wall -Werror -x c "$h" ||
        { echo "not self-contained: $h"; bad=1; }
    guard=$(echo "$h" | tr 'a-z/.-' 'A-Z___')
    grep -q "#ifndef $guard\$" "$h" || { echo "guard of $h should be $guard"; bad=1; }
done
exit $bad
