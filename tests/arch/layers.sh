#!/bin/sh
# Includes only go down the DAG, by path from the top; files stay readable.
# (CMake enforces the DAG too: an upward include does not compile. This also
# sees what CMake cannot: "../", headers of a sibling process, file sizes.)
set -eu
cd "$1"
bad=0
complain() { echo "$1"; bad=1; }

# may_include FOLDER ALLOWED_PREFIX...
may_include() {
    dir=$1; shift
    [ -d "$dir" ] || return 0
    allowed=$(printf '%s|' "$@"); allowed=${allowed%|}
    grep -rnE '^#include "' --include='*.[ch]' "$dir" |
        grep -vE "#include \"($allowed)" || true
}
check() {
    hits=$(may_include "$@")
    [ -z "$hits" ] || complain "layer: $hits"
}
check proto/base proto/base/
check proto/wire proto/base/ proto/wire/
check proto/msg proto/base/ proto/wire/ proto/msg/
check proto/trust proto/base/ proto/wire/ proto/trust/
check policy proto/base/ policy/
check shim proto/ shim/
check sidecar/common proto/ sidecar/common/
check sidecar/supervisor proto/ sidecar/common/ sidecar/supervisor/
check sidecar/gate proto/ policy/ sidecar/common/ sidecar/gate/
check sidecar/recorder proto/ sidecar/common/ sidecar/recorder/
check sidecar/launcher proto/ sidecar/common/ sidecar/launcher/
hits=$(grep -rnE '#include "\.\.?/' --include='*.[ch]' proto policy sidecar shim cli tests || true)
[ -z "$hits" ] || complain "relative include: $hits"
# The evaluator never sees text; nothing below syntax does.
hits=$(grep -rnE '#include "policy/syntax/' --include='*.[ch]' policy/eval policy/core 2>/dev/null || true)
[ -z "$hits" ] || complain "layer: $hits"
for f in $(git ls-files 'proto/*.[ch]' 'policy/*.[ch]' 'sidecar/*.[ch]' 'shim/*.[ch]' 'cli/*.[ch]'); do
    n=$(wc -l <"$f")
    [ "$n" -le 600 ] || complain "size: $f has $n lines, the cap is 600"
done
exit $bad
