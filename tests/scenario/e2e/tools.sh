#!/usr/bin/env bash
# One bad manifest of three: the other two serve, the bad one says so to the agent
# in few words and to the operator with file and line; a reload repairs it. The
# same for what only this host can tell.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

answers() { # answers CODE COMMAND... : exit status; output in $service_dir/out
    local expected=$1 got=0
    shift
    "$@" >"$service_dir/out" 2>&1 || got=$?
    [ "$got" = "$expected" ] || {
        echo "exit $got instead of $expected: $*" >&2
        cat "$service_dir/out" >&2
        return 1
    }
}
says() { grep -qF -- "$1" "$service_dir/out"; }
says_no() { ! grep -qF -- "$1" "$service_dir/out"; }
serves() { [ "$(shim "$c" call "$1" 2>&1)" = "$1" ]; }
refuses() { # refuses TOOL CODE
    if shim "$c" call "$1" >"$service_dir/out" 2>&1; then return 1; fi
    grep -q "\[$2\]" "$service_dir/out"
}
status_json() { "$tipstaff" status --json --socket "$service_admin"; }
status_is() { [ "$(status_json | jq -c "$1")" = "$2" ]; }
service_says() { grep -qF -- "$1" "$service_dir/service.log"; }
generation_is() { status_is .generation "$1"; }
tool() { # tool NAME [LINE...] : says its name
    local name=$1
    shift
    manifest "$name" "tool: $name" "exec: /bin/echo" "argv: [echo, $name]" "$@"
}
manifest() { # manifest FILE LINE...
    local file=$1
    shift
    printf '%s\n' "$@" >"$service_dir/etc/tools/$file.yaml"
}

service_setup tools
for t in one two three four; do service_tool "t.$t" "tool: t.$t"; done
rm "$service_dir/etc/tools/t.four.yaml"
tool t.one
tool t.two 'sandbx: full'
tool t.three
service_policy tools 'permit (principal, action in [Action::"t.one", Action::"t.two", Action::"t.three", Action::"t.four"], resource);'

echo "-- a check finds it"
check "--check: exit 78" answers 78 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
check "file, line, remedy" says 'tools/t.two.yaml:4: unknown key "sandbx" in the manifest (did you mean "sandbox"?)'

echo "-- the others serve"
service_start
c=$service_dir/c.chain
service_delegate "$c" 'permit (principal, action, resource);'
check "the first serves" serves t.one
check "the third serves" serves t.three
check "the second does not" refuses t.two tool_unavailable
check "no file in the agent's text" says_no yaml
check "no key in it either" says_no sandbx
check "another name is unknown" refuses t.nix tool_unknown
check "the service log says it" service_says 'tools/t.two.yaml:4'
check "the status counts it" status_is .tools.refused 1
check "and has the text" status_is '.tools.first[0].tool' '"t.two"'
check "tipstaff status shows it" answers 0 "$tipstaff" status --socket "$service_admin"
check "with the text" says 'tools/t.two.yaml:4: unknown key'
check "it is recorded" recorded '.kind=="tool_refused" and .tool=="t.two" and .line==4 and .file=="tools/t.two.yaml" and .generation==1'
check "the call is recorded" recorded '.kind=="decision" and .tool=="t.two" and .code=="tool_unavailable"'

echo "-- a reload repairs it"
tool t.two
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 2
check "all three serve" serves t.two
check "nothing is refused" status_is .tools.refused 0

echo "-- a reload that breaks another"
tool t.one 'network: {mode: proxy, allow: ["a.example:443"]}'
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 3
check "it is unavailable" refuses t.one tool_unavailable
check "it is recorded with its generation" recorded '.kind=="tool_refused" and .tool=="t.one" and .generation==3 and (.text|contains("no broker"))'
check "the others serve" serves t.three
check "also this one" serves t.two

echo "-- twice the same tool"
tool t.one
manifest t.other "tool: t.three" "exec: /bin/echo" "argv: [echo, other]"
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 4
check "neither is served" refuses t.three tool_unavailable
check "the first serves again" serves t.one
rm "$service_dir/etc/tools/t.other.yaml"

echo "-- what only the host can tell"
cp /bin/echo "$service_dir/echo"
chmod 0757 "$service_dir/echo"
manifest t.four "tool: t.four" "exec: $service_dir/echo" "argv: [echo, t.four]"
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 5
check "a program that all may write to" refuses t.four tool_unavailable
check "the others serve" serves t.one
check "the service log names the line" service_says 'tools/t.four.yaml:2: exec:'
check "the supervisor says it after the reload" service_says 'tool_unserved text="tools/t.four.yaml:2: exec:'
check "the status has it" status_is '[.tools.refused, .tools.first[0].tool, .tools.first[0].line]' '[1,"t.four",2]'
check "it is recorded" recorded '.kind=="tool_refused" and .tool=="t.four" and .line==2 and .file=="tools/t.four.yaml" and .generation==5 and (.text|contains("chmod o-w"))'
check "the call is denied before anything is permitted" recorded '.kind=="decision" and .tool=="t.four" and .code=="tool_unavailable" and .effect=="forbid"'
check "--check fails on it" answers 78 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
check "and says what to do" says 'chmod o-w'
chmod 0755 "$service_dir/echo"
manifest t.four "tool: t.four" "exec: $service_dir/echo" "argv: [echo, t.four]" \
    "digest: $(printf 0%.0s {1..64})"
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 6
check "another program than the digest's" refuses t.four tool_unavailable
check "the log says which it is" service_says "$(sha256sum "$service_dir/echo" | cut -d' ' -f1)"
manifest t.four "tool: t.four" "exec: $service_dir/echo" "argv: [echo, t.four]" \
    "digest: $(sha256sum "$service_dir/echo" | cut -d' ' -f1)"
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 7
check "the right digest serves" serves t.four
rm "$service_dir/echo"
kill -HUP "$service_main"
check "the reload is taken" wait_until 60 generation_is 8
check "a program that is gone" refuses t.four tool_unavailable
check "the others serve" serves t.two

echo "-- control groups, where this host lets us make one"
if find /sys/fs/cgroup -maxdepth 6 -type d -name "tipstaff-tools-$service_main" 2>/dev/null | grep -q .; then
    tool t.one 'require: [cgroup]'
    kill -HUP "$service_main"
    check "the reload is taken" wait_until 60 generation_is 9
    check "a tool that requires one is served" serves t.one
    check "the record has the layer" recorded '.tool=="t.one" and ((.layers // [])|index("cgroup"))'
    rm "$service_dir/etc/tools/t.four.yaml"
    check "--check makes some, too, and finds no mistake" answers 0 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
    left() { find /sys/fs/cgroup -maxdepth 6 -type d -name 'tipstaff-tools-*' ! -name "tipstaff-tools-$service_main" -newer "$service_dir/etc/tools/t.one.yaml" |
        while read -r tree; do flock -n "$tree" true && echo "$tree"; done; } # of one that runs beside us: in use
    same "and takes them away" "" "$(left)"
    same "with the folder of links" "" "$(find /tmp -maxdepth 1 -name 'tipstaff-check-*' -newer "$service_dir/etc/tools/t.one.yaml")"
    check "the service's own are as they were" serves t.one
else
    echo "SKIPPED: no control group can be made here"
fi
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"
