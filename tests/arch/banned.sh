#!/bin/sh
# Functions that this tree does not call, with where the one exception lives.
set -eu
cd "$1"
bad=0
count=$(git ls-files 'proto/*.[ch]' 'policy/*.[ch]' 'sidecar/*.[ch]' 'shim/*.[ch]' 'cli/*.[ch]' | wc -l)
[ "$count" -ge 500 ] || { echo "git ls-files names $count files: what is there to look at?"; exit 1; }
words='strcpy|strcat|sprintf|vsprintf|strncpy|strtok|atoi|atol|strtol|gets|scanf|sscanf|system|popen|alloca|rand|signal|malloc|calloc|realloc|free|assert'
# proto/base/ts_mem.c is the one door to the heap.
hits=$(git ls-files 'proto/*.[ch]' 'policy/*.[ch]' 'sidecar/*.[ch]' 'shim/*.[ch]' 'cli/*.[ch]' |
    grep -v '^proto/base/ts_mem.c$' |
    xargs grep -nE "(^|[^A-Za-z0-9_>.\"])($words)\(" |
    grep -vE '^[^:]+:[0-9]+: *(\*|/\*)' || true)
[ -z "$hits" ] || { echo "banned function:"; echo "$hits"; bad=1; }
hits=$(git ls-files 'proto/*.[ch]' 'policy/*.[ch]' 'sidecar/*.[ch]' 'shim/*.[ch]' 'cli/*.[ch]' |
    xargs grep -nE '(^|[^:"])//|\b(TODO|FIXME|XXX)\b' | grep -vE '://|"[^"]*//' || true)
[ -z "$hits" ] || { echo "// comment or unfinished mark:"; echo "$hits"; bad=1; }
exit $bad
