#!/usr/bin/env bash
# kill -9 of each process of the set while a person's yes is on its way: between the answer
# and the launch, before the one and behind the other. Whatever was told, a call runs once
# at most, only behind a yes that is on record, and what was void stays void.
# approval_kill.sh NAME (gate, record, launch, supervisor) [ROUNDS]
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
name=${1:-gate}
rounds=${2:-4} # more deaths than five in 30 s end the service
tipstaff=$service_bin/tipstaff

service_setup "approval-kill-$name"
etc=$service_dir/etc
service_tool k.once "tool: k.once
description: leaves a line
exec: /bin/sh
argv: [sh, -c, 'echo ran >>\"\$1\"', sh, '{path}']
exec_paths: [/bin, /usr/bin]
args:
  path: {type: path, required: true}
resource: {type: File, arg: path, root: $service_workspace, access: write}"
service_args "path?: String,"
sed -i '/^action "k.once"/s/resource: Tool/resource: File/' "$etc/tenants/acme/schema.cedarschema"
service_policy kill 'permit (principal, action == Action::"k.once", resource);'
printf '%s\n' '@id("once") @approval("four-eyes") forbid (principal, action == Action::"k.once", resource)' \
    'unless { context.approvals.contains("once") };' >"$etc/tenants/acme/policies/approval/zz-once.cedar"
"$tipstaff" key new "$service_dir/bob" >/dev/null
cat >>"$etc/directory/acme.yaml" <<END
approvers:
  - {person: bob, status: active, key: $(cat "$service_dir/bob.pub"), classes: [four-eyes]}
END
service_start
"$tipstaff" directory apply "$etc/directory/acme.yaml" --config "$etc" >"$service_dir/apply.log" 2>&1 ||
    die "apply: $(cat "$service_dir/apply.log")"
chain=$service_dir/a.chain
service_delegate "$chain" 'permit (principal, action, resource);'
lines_of() { grep -c . "$service_workspace/$1" 2>/dev/null || true; }

approvals() { # approvals COMMAND WORDS...
    timeout 20 "$tipstaff" approvals "$@" --sidecar-key "$etc/keys/sidecar.pub" --socket "$service_admin"
}
waiting() { approvals ls --json 2>/dev/null | jq -r .decision_id | head -1; }
is_waiting() { [ -n "$(waiting)" ]; }
says_yes() { approvals approve "$1" --as bob --key "$service_dir/bob.seed" --yes >"$service_dir/answer.$1" 2>&1; }
victim() {
    if [ "$name" = supervisor ]; then echo "$service_main"; else pgrep -P "$service_main" -x "tipstaff-$name" | sort -n | head -1; fi
}
serves() { approvals ls --json >/dev/null 2>&1; }
all_gone() { for p in $1; do kill -0 "$p" 2>/dev/null && return 1; done; return 0; }

for i in $(seq "$rounds"); do
    check "$i: it serves" wait_until 60 serves
    shim "$chain" call k.once path="line-$i" --wait 30s >"$service_dir/out.$i" 2>"$service_dir/err.$i" &
    asked=$!
    check "$i: the call waits" wait_until 20 is_waiting
    id=$(waiting)
    pid=$(victim)
    [ -n "$pid" ] || die "no $name"
    children=$(pgrep -P "$service_main")
    says_yes "$id" &
    yes=$!
    sleep "0.0$((RANDOM % 3))$((RANDOM % 10))" # the moment is what is tried, nothing is waited for
    kill -9 "$pid"
    wait $yes || true
    if [ "$name" = supervisor ]; then
        wait "$service_main" 2>/dev/null || true
        check "$i: what it had started is gone" wait_until 60 all_gone "$children"
        wait $asked || true
        service_start
    fi
    wait $asked && told=ran || told=failed
    check "$i: it serves again" wait_until 60 serves
    lines=$(($(lines_of "line-$i")))
    [ "$lines" -le 1 ] || die "failed: $i: it ran $lines times"
    [ "$told" = failed ] || same "$i: who was told that it ran is right" 1 "$lines"
    printf 'ok   %s: told %s, %s line, answer: %s\n' "$i" "$told" "$lines" "$(tail -1 "$service_dir/answer.$id")"
    # A yes for a question of before is none for a question of now.
    says_yes "$id" && [ "$name" != launch ] && [ "$name" != record ] && die "failed: $i: an old answer was taken"
    # What still waits, or was granted and not taken, is another call's to take: it goes with the next stop.
done
service_stop
service_start
check "nobody waits any more" eval '! is_waiting'
for i in $(seq "$rounds"); do [ "$(($(lines_of "line-$i")))" -le 1 ] || die "failed: line-$i ran again"; done
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"
ran=$(find "$service_workspace" -name 'line-*' -size +0 | wc -l)
permits=$(log_lines | jq -r 'select(.kind == "decision" and .effect == "permit" and .ticket != null).ticket' | sort)
same "no question was launched twice" "$(echo "$permits" | uniq -d)" ""
yes=$(log_lines | jq -r 'select(.kind == "approval" and .code == "ok" and .verdict == "yes").ticket' | sort -u)
same "nothing was launched without a yes on record" "" "$(comm -23 <(echo "$permits") <(echo "$yes"))"
[ "$ran" -le "$(echo "$permits" | grep -c .)" ] || die "failed: more ran than was permitted on record"
ended() { log_lines | jq -r 'select(.kind == "approval_ended").ticket' | sort; }
same "no question ended twice" "$(ended | uniq -d)" ""
echo "ok   $ran of $rounds ran, $(echo "$permits" | grep -c . || true) were launched on record"
