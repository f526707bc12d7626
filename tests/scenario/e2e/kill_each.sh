#!/usr/bin/env bash
# kill -9 of each process of the set, one after the other, while tools of two launchers
# run, with daemons of their own: nothing of a tool is left, its call ends as docs/GATE.md
# says, and the service serves again; at last the supervisor itself.
# kill_each.sh LEVEL (bare, uid, full)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
level=${1:-full}
if [ "$level" != bare ] && [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: uids of tools need root"
    exit 0
fi
if [ "$level" = full ] && ! unshare -m mount --make-rprivate / 2>/dev/null; then
    echo "SKIPPED: no mount namespaces of one's own here"
    exit 0
fi
service_setup "kill-$level"
marker=$((200000 + $$))
for profile in files build; do
    service_tool "k.$profile" "tool: k.$profile
description: runs until it is killed, with a daemon
exec: /bin/sh
argv: [sh, -c, 'setsid sleep $marker & sleep $marker']
exec_paths: [/bin, /usr/bin]
seccomp: $profile
sandbox: $level
limits: {wall_ms: 600000, processes: 64}"
done
service_tool k.true "tool: k.true
description: ends at once
exec: /bin/true
argv: ['true']
sandbox: $level"
service_policy kill 'permit (principal, action in [Action::"k.files", Action::"k.build", Action::"k.true"], resource);'
printf 'sandbox: {level: %s%s}\negress: {dns: ["127.0.0.1"]}\n' "$level" "$(e2e_uids)" >>"$service_dir/etc/tipstaff.yaml"
sed -i -E "s/^( +)launcher: .*/&\n\1broker: 64004/" "$service_dir/etc/tipstaff.yaml"
c=$service_dir/c.chain
service_start
service_delegate "$c" 'permit (principal, action, resource);'

tools_left() { pgrep -f "sleep $marker" | wc -l; }
both_run() { [ "$(pgrep -xf "sleep $marker" | wc -l)" -eq 4 ]; }
none_left() { [ "$(tools_left)" -eq 0 ]; }
serves() { shim "$c" call k.true >/dev/null 2>&1; }
alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }
nth() { pgrep -P "$service_main" -x "$1" | sort -n | sed -n "${2}p"; }

begin() { # both tools, and what their callers are told
    for profile in files build; do
        shim "$c" call "k.$profile" >/dev/null 2>"$service_dir/err.$profile" &
        callers+=($!)
    done
    check "$1: two tools run, with daemons" wait_until 60 both_run
}
ends_for_callers() { # no call is told that it went well
    local p
    for p in "${callers[@]}"; do
        wait "$p" && die "$1: a killed tool was reported as success"
    done
    callers=()
    check "$1: the callers are told why" [ -s "$service_dir/err.files" -a -s "$service_dir/err.build" ]
}
callers=()
strike() { # strike NAME N
    local what="$1 $2" pid
    begin "$what"
    pid=$(nth "$1" "$2")
    [ -n "$pid" ] || die "no $what"
    kill -9 "$pid"
    check "$what: it is gone, and nothing of a tool is left" wait_until 60 none_left
    ends_for_callers "$what"
    check "$what: the service serves again" wait_until 60 serves
}
strike tipstaff-gate 1
strike tipstaff-record 1
strike tipstaff-broker 1
for n in 2 3; do strike tipstaff-launch "$n"; done # more deaths than five in 30 s end the service

begin supervisor
children=$(pgrep -P "$service_main")
kill -9 "$service_main"
wait "$service_main" 2>/dev/null || true
check "supervisor: nothing of a tool is left" wait_until 60 none_left
for pid in $children; do
    check "supervisor: $pid ended with it" wait_until 60 gone "$pid"
done
ends_for_callers supervisor
service_start
check "supervisor: a new one serves" wait_until 60 serves
for n in 1 4 5; do strike tipstaff-launch "$n"; done # those that run no tool now
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
ended() { log_lines | jq -r 'select(.kind == "exec_ended") | .id' | sort; }
ordered() { log_lines | jq -r 'select(.kind == "decision" and .order != null) | .id' | sort; }
same "each call that began has one end in the log" "$(ordered)" "$(ended)"
same "each of those that were cut is recorded as lost" 18 \
    "$(log_lines | jq -r 'select(.kind == "exec_ended" and .reason == "lost").id' | wc -l)"
