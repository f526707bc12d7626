#!/usr/bin/env bash
# kill -9 of each process of the set while a person's yes is on its way: before the answer,
# behind it and before the launch, while the tool runs, and at any moment. What was void stays
# void, a call runs once at most, only behind a yes that is on record, and the same call made
# again is asked about anew.
# approval_kill.sh NAME (gate, record, launch, supervisor)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
name=${1:-gate}
rounds="before granted running any" # more deaths than five in 30 s end the service
marker=$((300000 + $$))
tipstaff=$service_bin/tipstaff

service_setup "approval-kill-$name"
etc=$service_dir/etc
service_tool k.once "tool: k.once
description: leaves a line
exec: /bin/sh
argv: [sh, -c, 'echo ran >>\"\$1\"; case \$1 in *running | *learn) sleep $marker ;; esac', sh, '{path}']
exec_paths: [/bin, /usr/bin]
log: full
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
void() { ! says_yes "$1" && grep -q 'no such call waits' "$service_dir/answer.$1"; }
serves() { approvals ls --json >/dev/null 2>&1; }
all_gone() { for p in $1; do kill -0 "$p" 2>/dev/null && return 1; done; return 0; }
# A line may be half written while we look.
so_far() { log_lines | jq -cR 'fromjson?'; }
permits_of() { so_far | jq -r "select(.kind == \"decision\" and .effect == \"permit\"
    and (.args | tostring | endswith(\"$1\\\"}\"))).id"; }
has_permit() { [ -n "$(permits_of "$1")" ]; }
tool() { pgrep -xf "sleep $marker"; }
tool_runs() { [ -n "$(tool)" ]; }
tool_gone() { ! tool_runs; }
launchers() { pgrep -P "$service_main" -x tipstaff-launch | sort -n; }
# Of several launchers, the one that starts this tool: which of them, the first call tells.
launcher_of() { # launcher_of PID : among its ancestors
    local p=$1
    while [ "$p" -gt 1 ] && ! launchers | grep -qx "$p"; do p=$(awk '/^PPid/ {print $2}' "/proc/$p/status"); done
    launchers | grep -nx "$p" | cut -d: -f1
}
victim() {
    case $name in
    supervisor) echo "$service_main" ;;
    launch) launchers | sed -n "${runner}p" ;;
    *) pgrep -P "$service_main" -x "tipstaff-$name" ;;
    esac
}
ask() { # ask NAME : the call of that name waits; its decision is $id
    check "$1: it serves" wait_until 60 serves
    shim "$chain" call k.once path="$1" --wait 60s >"$service_dir/out.$1" 2>"$service_dir/err.$1" &
    asked=$!
    check "$1: the call waits" wait_until 20 is_waiting
    id=$(waiting)
}
strike() { # strike NAME : kill -9, and it serves again
    local pid children
    pid=$(victim)
    [ "$(wc -w <<<"$pid")" -eq 1 ] || die "no $name, or several: $pid"
    children=$(pgrep -P "$service_main")
    kill -9 "$pid"
    # shellcheck disable=SC2086 # those that were stopped
    [ -z "$stopped" ] || kill -CONT $stopped 2>/dev/null || true
    stopped=
    if [ "$name" = supervisor ]; then
        wait "$service_main" 2>/dev/null || true
        check "$1: what it had started is gone" wait_until 60 all_gone "$children"
        wait $asked && told=ran || told=failed
        service_start
    else
        wait $asked && told=ran || told=failed
        check "$1: $name is gone" wait_until 60 all_gone "$pid"
    fi
    check "$1: it serves again" wait_until 60 serves
}
withdraw() { # what waits now, so that the next round begins with nothing
    approvals deny "$(waiting)" --as bob --key "$service_dir/bob.seed" --yes >/dev/null 2>&1
}
asked_anew() { # asked_anew NAME : no yes of before is left for the same call
    local before
    before=$(lines_of "$1")
    shim "$chain" call k.once path="$1" --wait 0 >"$service_dir/again" 2>&1 && die "failed: $1: it ran again"
    check "$1: the same call is asked about anew" grep -q '^PENDING' "$service_dir/again"
    check "$1: by another question" test "$(waiting)" != "$id"
    same "$1: nothing ran by that" "$before" "$(lines_of "$1")"
    check "$1: which is denied" withdraw
}
stopped='' runner=''

ask learn
check "bob says yes" says_yes "$id"
check "the tool runs" wait_until 30 tool_runs
runner=$(launcher_of "$(tool)")
check "launcher ${runner:-?} runs it" test -n "$runner"
kill -9 "$(tool)"
wait $asked && die "failed: a killed tool went well"

for r in $rounds; do
    ask "$r"
    case $r in
    before)
        strike "$r"
        check "$r: the yes comes too late" void "$id"
        lines=0 permits=0
        ;;
    granted) # launchers that stand still hold the moment between yes and launch
        stopped=$(launchers)
        # shellcheck disable=SC2086
        kill -STOP $stopped
        check "$r: bob says yes" says_yes "$id"
        check "$r: the decision is on record" wait_until 30 has_permit "$r"
        same "$r: nothing runs yet" "" "$(lines_of "$r")"
        strike "$r"
        lines=$(lines_of "$r") permits=1
        [ "${lines:=0}" -le 1 ] || die "failed: $r: it ran $lines times"
        ;;
    running)
        check "$r: bob says yes" says_yes "$id"
        check "$r: the tool runs" wait_until 30 tool_runs
        same "$r: the launcher that is known" "$runner" "$(launcher_of "$(tool)")"
        strike "$r"
        check "$r: the tool is gone" wait_until 60 tool_gone
        same "$r: nobody is told that it went well" failed "$told"
        lines=1 permits=1
        ;;
    any)
        says_yes "$id" &
        yes=$!
        sleep "0.0$((RANDOM % 10))" # the moment is what is tried, nothing is waited for
        strike "$r"
        wait $yes || true
        lines=$(($(lines_of "$r"))) permits=$(permits_of "$r" | wc -l)
        [ "$lines" -le "$permits" ] || die "failed: $r: $lines lines, $permits permits"
        check "$r: the yes is good no more" void "$id"
        ;;
    esac
    same "$r: what ran" "$lines" "$(($(lines_of "$r")))"
    same "$r: what was launched on record" "$permits" "$(permits_of "$r" | wc -l)"
    [ "$told" = failed ] || same "$r: who was told that it ran is right" 1 "$lines"
    asked_anew "$r"
done
service_stop
service_start
check "nobody waits any more" eval '! is_waiting'
for r in $rounds; do [ "$(($(lines_of "$r")))" -le 1 ] || die "failed: $r ran again"; done
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"
ran=$(find "$service_workspace" -type f -size +0 ! -name notes.txt | wc -l)
permits=$(log_lines | jq -r 'select(.kind == "decision" and .effect == "permit" and .ticket != null).ticket' | sort)
same "no question was launched twice" "$(echo "$permits" | uniq -d)" ""
yes=$(log_lines | jq -r 'select(.kind == "approval" and .code == "ok" and .verdict == "yes").ticket' | sort -u)
same "nothing was launched without a yes on record" "" "$(comm -23 <(echo "$permits") <(echo "$yes"))"
[ "$ran" -le "$(echo "$permits" | grep -c .)" ] || die "failed: more ran than was permitted on record"
ended() { log_lines | jq -r 'select(.kind == "approval_ended").ticket' | sort; }
same "no question ended twice" "$(ended | uniq -d)" ""
same "what was cut while it ran is recorded as lost" yes \
    "$(log_lines | jq -s -r --arg id "$(permits_of running)" 'any(.[]; .kind == "exec_ended" and .id == $id and .reason == "lost") | if . then "yes" else "no" end')"
echo "ok   $ran ran, $(echo "$permits" | grep -c . || true) were launched on record"
