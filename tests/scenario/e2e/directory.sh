#!/usr/bin/env bash
# Who there is, changed under a running service: by apply and patch over the admin
# socket, by a file that appears, by a reload, by somebody else's signature.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

service_setup dir
etc=$service_dir/etc
source=$etc/directory/acme.yaml
snapshot=$etc/tenants/acme/directory.snapshot
marker=$((300000 + $$))
service_tool ops-true 'tool: ops.true
description: Ends at once with success
exec: /bin/true
argv: ["true"]'
service_tool ops-long "tool: ops.long
description: Runs until it is killed, with a daemon of its own
exec: /bin/sh
argv: [\"sh\", \"-c\", \"sleep $marker & exec sleep $marker\"]
exec_paths: [/bin/sleep]
limits: {wall_ms: 3600000}"
service_policy ops 'permit (principal, action in [Action::"ops.true", Action::"ops.long"], resource);'
running() { [ "$(pgrep -fc "sleep $marker")" -ge "$1" ]; }
none_runs() { ! pgrep -f "sleep $marker" >/dev/null; }
answers() { # answers CODE COMMAND...
    local expected=$1 got=0
    shift
    "$@" >"$service_dir/out" 2>"$service_dir/err" || got=$?
    [ "$got" = "$expected" ] || {
        echo "exit $got instead of $expected: $*" >&2
        cat "$service_dir/out" "$service_dir/err" >&2
        return 1
    }
}
says() { grep -qE -- "$1" "$service_dir/out" "$service_dir/err"; }
directory() { "$tipstaff" directory "$@" --config "$etc"; }
patch() { # patch OPERATION... : over the admin socket
    printf '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}' "$*" |
        directory patch -
}
calls() { shim "$chain" call ops.true >/dev/null 2>"$service_dir/call.err"; }
denied() { ! calls; }
start_long() {
    shim "$chain" call ops.long >/dev/null 2>"$service_dir/long.err" &
    long=$!
    wait_until 60 running 2
}

service_start
chain=$service_dir/a.chain
service_delegate "$chain" 'permit (principal, action, resource);'
check "alice's agent calls" calls

echo "-- patch: alice leaves while her agent works"
check "a tool and its daemon run" start_long
check "she is deactivated" answers 0 patch '{"op":"replace","path":"users[id eq \"alice\"].active","value":false}'
check "seq 2 is in force, and what it ended is counted" says '^in force: seq 2; [0-9]+ sessions? closed, 1 tool killed, all gone after [0-9]+ ms'
check "tool and daemon are gone when patch returns" none_runs
wait $long && die "the shim of the killed tool reported success"
check "the next call is refused" denied
check "she comes back" answers 0 patch '{"op":"replace","path":"users[id eq \"alice\"].active","value":true}'
check "a delegation from before still counts" calls

echo "-- apply: the agent is removed from the source"
check "a tool runs" start_long
cp "$source" "$service_dir/kept.yaml"
sed '/id: coder/,/uids:/d' "$service_dir/kept.yaml" >"$source"
check "apply" answers 0 service_directory
check "the diff says who is gone" grep -q -- '- agent coder' "$service_dir/directory.log"
check "seq 4 is in force" grep -qE '^in force: seq 4; [0-9]+ sessions? closed, 1 tool killed' "$service_dir/directory.log"
check "tool and daemon are gone" none_runs
wait $long && die "the shim of the killed tool reported success"
check "the next call is refused" denied
cp "$service_dir/kept.yaml" "$source"
check "the same people again" answers 0 service_directory
check "calls go on" calls

echo "-- a file that appears"
sed -i '/id: coder/,/status/s/active/inactive/' "$source"
check "a tool runs" start_long
check "only installed, nobody told" answers 0 service_directory --no-push
check "the service sees it, tool and daemon end" wait_until 60 none_runs
wait $long && die "the shim of the killed tool reported success"
check "the next call is refused" denied
cp "$service_dir/kept.yaml" "$source"
check "back" answers 0 service_directory
check "calls go on" calls

echo "-- what is refused changes nothing"
cp "$snapshot" "$service_dir/before"
seq=$(directory show --json | jq .seq)
check "a mistake in a patch" answers 1 patch '{"op":"replace","path":"users[id eq \"alice\"].active","value":"no"}'
sed 's/owner: alice/owner: nobody/' "$service_dir/kept.yaml" >"$source"
check "a mistake in a source" answers 1 service_directory
cp "$service_dir/kept.yaml" "$source"
"$tipstaff" key new "$service_dir/stranger" >/dev/null
check "a stranger's key" answers 1 service_directory --key "$service_dir/stranger.seed"
check "the installed one is whole" cmp "$snapshot" "$service_dir/before"
check "an old one is not pushed back in" answers 0 service_directory
check "as somebody who kept it would try" answers 1 "$tipstaff" directory push "$service_dir/before" --socket "$service_admin"
check "which the service names" says 'rolled back|was in force'
cp "$service_dir/before" "$snapshot"
kill -HUP "$service_main"
check "calls go on under the newest" wait_until 60 calls
check "apply knows that the file is not the newest" answers 1 service_directory --ttl 20d
check "because the service says so" says 'in force'
check "and with a higher number all is well" answers 0 service_directory --seq $((seq + 5))
check "calls go on" calls

echo "-- restart, and a rollback while it was down"
cp "$snapshot" "$service_dir/newest"
service_stop
cp "$service_dir/before" "$snapshot"
service_start
check "an old directory is not taken after a restart either" denied
check "it says not_ready" grep -q 'not_ready' "$service_dir/call.err"
check "the newest is put back by push" answers 0 "$tipstaff" directory push "$service_dir/newest" --socket "$service_admin"
check "calls go on" calls
cp "$service_dir/newest" "$snapshot"

echo "-- heartbeats"
service_stop
sed -i 's/^freshness: snapshot/freshness: heartbeat\nmax_staleness_s: 5/' "$etc/tenants/acme/tenant.yaml"
service_directory --no-push
service_start
check "a new snapshot is fresh for a while" calls
check "then nobody vouches for it" wait_until 60 denied
check "and calls are stale_state" grep -q 'stale_state\|not_ready\|auth_failed' "$service_dir/call.err"
"$tipstaff" directory heartbeat --config "$etc" --every 1 --ttl 4 >"$service_dir/beat.log" 2>&1 &
beat=$!
service_also_stop $beat
check "with heartbeats they go on" wait_until 60 calls
kill -TERM $beat
check "the heartbeat ends on SIGTERM" wait $beat
check "and is missed" wait_until 60 denied
check "one by hand" answers 0 directory heartbeat --once
check "is enough for a while" calls
service_stop
check "the log verifies" answers 0 "$tipstaff" log verify "$service_log"
echo "all as expected"
