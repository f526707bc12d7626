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
    [ -d "$dir" ] || { echo "a rule about $dir, which is no folder"; return 0; }
    ls "$dir"/*.[ch] >/dev/null 2>&1 || { echo "a rule about $dir, where no code is"; return 0; }
    allowed=$(printf '%s|' "$@"); allowed=${allowed%|}
    grep -rnE '^#include "' --include='*.[ch]' --include='*.inc' "$dir" |
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
check proto/token proto/base/ proto/trust/ proto/token/
# The engine's parts: policy PART OTHER_PART..., beside its public headers and
# core. What decides (eval) knows no text and no schema; what checks policies
# (validate) cannot decide; the formatter, lints and JSON form know trees alone.
policy() {
    part=$1; shift
    parts="$parts $part"
    check "policy/$part" proto/base/ 'policy/cedar(_[a-z]+)?\.h' policy/core/ \
        "policy/$part/" "$@"
}
parts=
policy core
policy syntax
policy json
policy data policy/json/
policy eval policy/data/
policy schema policy/json/ policy/syntax/lex.h
policy conform policy/json/ policy/data/ policy/schema/
policy est policy/json/ policy/syntax/
policy load policy/eval/ policy/syntax/ policy/est/
policy fmt policy/syntax/
policy validate policy/syntax/ policy/schema/
policy lint policy/syntax/
for dir in policy/*/; do
    part=$(basename "$dir")
    case " $parts " in
    *" $part "*) ;;
    *) complain "layer: policy/$part has no rule here" ;;
    esac
done
check shim proto/ shim/
check sidecar/common proto/ sidecar/common/
check sidecar/supervisor proto/ sidecar/common/ sidecar/supervisor/
check sidecar/gate proto/ policy/ sidecar/common/ sidecar/gate/
# What the gate decides from knows nothing of deciding, and neither knows sockets;
# the steps of connections and calls know nothing of either.
for dir in asking revocation running wire; do
    check sidecar/gate/$dir proto/ policy/ sidecar/common/ sidecar/gate/
done
check sidecar/gate/uses proto/ sidecar/gate/uses/
check sidecar/gate/people proto/ policy/ sidecar/common/ sidecar/gate/people/ sidecar/gate/uses/
check sidecar/gate/decide proto/ policy/ sidecar/common/ sidecar/gate/people/ \
    sidecar/gate/provenance/ sidecar/gate/uses/ sidecar/gate/decide/
check sidecar/gate/steps proto/ sidecar/common/ sidecar/gate/steps/ sidecar/gate/uses/
check sidecar/gate/provenance proto/base/ proto/wire/ sidecar/gate/provenance/
check sidecar/gate/approve proto/ sidecar/gate/approve/
check sidecar/gate/escalate proto/ policy/ sidecar/gate/people/ sidecar/gate/escalate/
for dir in sidecar/gate/*/; do
    case $dir in
    sidecar/gate/asking/ | sidecar/gate/revocation/ | sidecar/gate/running/ | \
        sidecar/gate/wire/) continue ;; # the shell's
    sidecar/gate/people/ | sidecar/gate/decide/ | sidecar/gate/steps/ | \
        sidecar/gate/provenance/ | sidecar/gate/approve/ | \
        sidecar/gate/escalate/ | sidecar/gate/uses/) ;;
    *) complain "layer: $dir has no rule here" ;;
    esac
    hits=$(grep -rn '#include <uv' "$dir" || true)
    [ -z "$hits" ] || complain "libuv below the gate's shell: $hits"
done
hits=$(grep -rnE '#include "sidecar/gate/' --include='*.[ch]' cli |
    grep -vE '"sidecar/gate/(people/|decide/|provenance/|approve/ticket_context\.h)' || true)
[ -z "$hits" ] || complain "the gate's shell or steps in a tool: $hits"
check sidecar/recorder proto/ sidecar/common/ sidecar/recorder/
check sidecar/sandbox proto/ sidecar/common/yaml_tree.h sidecar/sandbox/
check sidecar/question proto/ 'sidecar/gate/approve/ticket_context\.h' sidecar/question/
check sidecar/hook proto/ sidecar/common/ sidecar/question/ sidecar/hook/
check sidecar/broker proto/ sidecar/common/ sidecar/broker/
check sidecar/launcher proto/ sidecar/common/ sidecar/sandbox/ sidecar/launcher/
hits=$(grep -rnE '#include "\.\.?/' --include='*.[ch]' --include='*.inc' proto policy sidecar shim cli tests || true)
[ -z "$hits" ] || complain "relative include: $hits"
for f in $(git ls-files 'proto/*.[ch]' 'policy/*.[ch]' 'policy/*_body.inc' \
    'sidecar/*.[ch]' 'shim/*.[ch]' 'cli/*.[ch]'); do
    n=$(wc -l <"$f")
    [ "$n" -le 600 ] || complain "size: $f has $n lines, the cap is 600"
done
exit $bad
