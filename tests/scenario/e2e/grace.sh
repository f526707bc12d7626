#!/usr/bin/env bash
# A tool that runs on behind the grace of a stop is ended for that, and its record
# and its agent are told so, not that it was lost.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

service_setup grace
service_tool e2e-nap "tool: e2e.nap
description: Sleeps
exec: /bin/sleep
argv: [\"sleep\", \"300\"]
limits: {wall_ms: 600000}
"
service_policy e2e 'permit (principal, action == Action::"e2e.nap", resource);'
printf 'grace_ms: 300\n' >>"$service_dir/etc/tipstaff.yaml"
service_start
service_delegate "$service_dir/c.chain" 'permit (principal, action, resource);'

pids=()
for i in 1 2 3; do
    shim "$service_dir/c.chain" call e2e.nap >"$service_dir/out.$i" 2>&1 &
    pids+=($!)
done
running() { [ "$("$service_bin/tipstaff" status --socket "$service_admin" --json | jq .running)" = 3 ]; }
check "three tools run" wait_until 60 running
service_stop
for p in "${pids[@]}"; do ! wait "$p" || die "a call ended well"; done
same "each was ended with the service" 3 \
    "$(log_lines | jq -r 'select(.kind=="exec_ended" and .reason=="shutdown").id' | wc -l)"
same "and its agent was told" 3 "$(cat "$service_dir"/out.* | grep -c shutdown)"
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
check "no process was cut short" bash -c '! grep -q drain_cut_short "$1"' - "$service_dir/service.log"
