#!/bin/sh
# docs/PROTOCOL.md tells every code of proto/msg/code.h with its text, and which
# of them say that the same call may be tried again later; and each reason of an end.
set -eu
cd "$1"
page=docs/PROTOCOL.md
bad=0
flat=$(tr -d '\\' <proto/msg/code.h | tr '\n' ' ' | tr -s ' ')
code=$(printf '%s\n' "$flat" | sed 's/.*CALL_CODE_MAP(X) *X(//; s/clang-format on.*//' | sed 's/ X(/\n/g' |
    sed -nE 's/^[A-Z_]+, "([a-z_]+)", "([^"]*)".*/\1: \2/p' | sort)
docs=$(sed -n '/^#### 3.7.1/,/^### /p' $page | sed -nE 's/^\| `([a-z_]+)` \| (.*) \| [^|]* \|$/\1: \2/p' | sort)
[ "$(printf '%s\n' "$code" | grep -c .)" -ge 35 ] || { echo "hardly a code found in code.h"; bad=1; }
[ "$code" = "$docs" ] || { echo "code.h and $page, 3.7.1, differ:"; printf '%s\n%s\n' "$code" "$docs" | sort | uniq -u; bad=1; }
later=$(sed -n '/"PENDING"/,/"UNAVAILABLE"/s/.*case CODE_\([A-Z_]*\):/\1/p' sidecar/gate/decide/decide_text.c | tr 'A-Z' 'a-z' | sort)
said=$(sed -nE 's/^\| `([a-z_]+)` \| .* \| later \|$/\1/p' $page | sort)
[ -n "$later" ] && [ "$later" = "$said" ] ||
    { echo "codes that may be tried again later, of decide_text.c and of $page:"; printf '%s\n%s\n' "$later" "$said" | sort | uniq -u; bad=1; }
reasons=$(sed -n '/^### 3.10/,/^#### 3.10.1/p' $page)
for r in $(printf '%s\n' "$flat" | sed 's/.*END_REASON_MAP(X)//; s/clang-format on.*//' | grep -oE 'X\([A-Z_]+, "[a-z_]+"' | cut -d'"' -f2); do
    printf '%s\n' "$reasons" | grep -qw "$r" || { echo "$page, 3.10, does not tell the reason $r"; bad=1; }
done
exit $bad
