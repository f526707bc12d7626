#!/usr/bin/env bash
# Limits of a delegation: calls and amounts that its block counts, shared by sessions and
# sub-agents, given back by what failed, kept over restarts, never taken twice.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

service_setup limits
service_args "spent?: decimal, want?: String,"
# Acts, or says that it failed: by its argument alone.
service_tool pay 'tool: pay
description: pay, or fail
exec: /bin/sh
argv: ["sh", "-c", "sleep 0.3; case $1 in fail) exit 3 ;; hang) sleep 60 ;; crash) kill -9 $$ ;; esac", "pay", "{want}"]
args:
  want: {type: string, required: true, min: 1, max: 16}
  spent: {type: decimal, required: true, min: 0, max: 1000}
exec_paths: [/bin/sleep, /usr/bin/sleep]
limits: {wall_ms: 20000, memory_mb: 64, processes: 8}
log: full'
sed 's/^tool: pay$/tool: pay.once/' "$service_dir/etc/tools/pay.yaml" | service_tool pay.once "$(cat)"
printf 'failed_calls: count\n' >>"$service_dir/etc/tools/pay.once.yaml"
service_policy pay 'permit (principal, action in [Action::"pay", Action::"pay.once"], resource);'
service_start

limited() { # limited NAME CALLS AMOUNT : a chain with these limits
    service_delegate "$service_dir/$1.chain" "
        @counts(\"pay\") @sums(\"spent=spent\")
        permit (principal, action, resource) when {
            context.uses.hasTag(\"pay\") && context.uses.getTag(\"pay\") < $2 &&
            context.sums.hasTag(\"spent\") &&
            context.sums.getTag(\"spent\").lessThanOrEqual(decimal(\"$3\")) };"
}
pay() { # pay CHAIN WANT [AMOUNT [TOOL]]
    shim "$service_dir/$1.chain" call "${4:-pay}" want="$2" spent="${3:-1}" --wait 0 >"$service_dir/out" 2>"$service_dir/err"
}
reached() { # refused with this very code
    if pay "$@"; then return 1; fi
    grep -q '\[limit_reached\]' "$service_dir/err"
}
fails() { # ran, and failed
    if pay "$@"; then return 1; fi
    ! grep -q '\[' "$service_dir/err"
}
limited two 2 100.0
check "a call of two" pay two well
check "one that fails" fails two fail
check "gives its count back" pay two well
check "the third is refused" reached two well
check "a check is told so, too" test -n "$(shim "$service_dir/two.chain" check pay want=well spent=1 2>&1 | grep -o limit_reached)"

limited three 10 10.5
check "an amount" pay three well 7.25
check "more than is left" reached three well 3.2501
check "exactly what is left" pay three well 3.25
check "nothing is left" reached three well 0.0001

limited once 2 100.0
check "a tool whose failed calls may have acted" fails once fail 1 pay.once
check "counts them" pay once well 1 pay.once
check "and is refused then" reached once well 1 pay.once

limited killed 1 100.0
pay killed crash && die "a crash came back as a success"
check "what was killed may have acted: it counts" reached killed well
limited cancelled 1 100.0
shim "$service_dir/cancelled.chain" call pay want=hang spent=1 --deadline 700 >/dev/null 2>&1 &&
    die "a call that was stopped came back as a success"
check "so does what its deadline stopped" reached cancelled well

limited one 1 100.0
for i in 1 2 3 4; do
    (pay one well && touch "$service_dir/ran.$i") &
    jobs_of[i]=$!
done
for i in 1 2 3 4; do wait "${jobs_of[i]}" || true; done
ran() { find "$service_dir" -maxdepth 1 -name 'ran.*' | wc -l; }
check "of four at once one takes the last" test "$(ran)" = 1

# A sub-agent counts for its parent, and a link more multiplies nothing.
limited parent 3 100.0
"$tipstaff" key new "$service_dir/keys/sub" >/dev/null
service_own
link() { # link NAME
    printf 'permit (principal, action, resource);\n' | "$tipstaff" attenuate --chain "$service_dir/parent.chain" \
        --key "$service_dir/etc/keys/agents/coder.seed" --agent coder/sub --holder "$service_dir/keys/sub.pub" \
        --ttl 3600 --policy - -o "$service_dir/$1.chain" >/dev/null
    [ "$(id -u)" -ne 0 ] || chown "$service_agent_uid:$service_agent_gid" "$service_dir/$1.chain"
}
as_sub() { service_key=$service_dir/keys/sub.seed "$@"; }
for name in sub1 sub2 sub3; do link $name; done
check "a sub-agent pays" as_sub pay sub1 well
check "by another link, too" as_sub pay sub2 well
check "its parent pays" pay parent well
check "a third link has nothing left" as_sub reached sub3 well
check "nor has its parent" reached parent well

limited kept 3 100.0
check "two of three" pay kept well
check "are used" pay kept well
check "one fails" fails kept fail
kill -9 "$(service_pid tipstaff-gate)"
serves() { shim "$service_dir/three.chain" check fs.read path=notes.txt >/dev/null 2>&1; }
check "the service comes back after kill -9 of the gate" wait_until 60 serves
check "what was used up is used up" reached two well
check "and the last of three is there: nothing is lost" pay kept well
check "once" reached kept well
check "the parent's is used up" as_sub reached sub1 well
service_stop
service_start
check "still after a restart" reached kept well
check "and the amount" reached three well 0.0001

cat >"$service_dir/caps.json" <<'END'
{"allow": ["read"], "capabilities": [
  {"tool": "pay", "max_calls": 2, "sums": {"spent": "5.00"}, "args": {"want": [{"in": ["well"]}], "spent": [{"any": true}]}}]}
END
"$tipstaff" delegate --issuer-key "$service_dir/etc/keys/issuer.seed" --tenant acme --issuer acme-issuer \
    --user alice --agent coder --holder "$service_dir/keys/coder.pub" --aud sidecar/local --task demo \
    --capabilities "$service_dir/caps.json" --config "$service_dir/etc" -o "$service_dir/caps.chain" >/dev/null
[ "$(id -u)" -ne 0 ] || chown "$service_agent_uid:$service_agent_gid" "$service_dir/caps.chain"
asked() { # outside of what is delegated: people are asked
    if pay "$@"; then return 1; fi
    grep -q '\[approval_' "$service_dir/err"
}
check "a capability with limits" pay caps well 4
check "asks people beyond its amount" asked caps well 2
check "not within it" pay caps well 1
check "and beyond its calls" asked caps well 0
check "delegation show names its counters" grep -q 'counts *c0, s0.0=spent' <("$tipstaff" delegation show "$service_dir/caps.chain")

service_stop
check "what was taken is on record" recorded '.kind == "decision" and (.uses // [] | any(. == ["block:0","amount","spent","7.2500","3.2500"]))'
id=$(log_lines | jq -r 'select(.kind == "decision" and (.uses // [] | length > 0)) | .id' | head -1)
check "log show tells it" grep -q '^uses  *block:0 pay' <("$tipstaff" log show "$id" "$service_log")
check "the log verifies" "$tipstaff" log verify "$service_log"
