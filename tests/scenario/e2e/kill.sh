#!/usr/bin/env bash
# kill -9 of gate, recorder and launcher in turn, during load: no tool survives,
# no call is reported as run without a record, the service comes back, the log
# verifies.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

service_setup kill
service_tool e2e-true "tool: e2e.true
description: Ends at once with success
exec: /bin/true
argv: [\"true\"]
"
marker=$((100000 + $$))
service_tool e2e-long "tool: e2e.long
description: Runs until it is killed, with a daemon of its own
exec: /bin/sh
argv: [\"sh\", \"-c\", \"setsid sleep $marker & sleep $marker\"]
exec_paths: [/bin/sleep, /usr/bin/setsid]
limits: {wall_ms: 600000, processes: 64}
"
service_policy e2e 'permit (principal, action in [Action::"e2e.true", Action::"e2e.long"], resource);'
service_start
service_delegate "$service_dir/c.chain" 'permit (principal, action, resource);'

survivors() { pgrep -f "sleep $marker" | wc -l; }
some_run() { [ "$(survivors)" -ge 2 ]; }
none_run() { [ "$(survivors)" -eq 0 ]; }
serves() { shim "$service_dir/c.chain" call e2e.true >/dev/null 2>&1; }

load() { # until told to stop, or the test has failed; every answer is kept
    while [ -d "$service_dir" ] && [ ! -e "$service_dir/stop" ]; do
        seq 50 | sed 's/.*/{"tool":"e2e.true","args":{},"id":"&"}/' |
            shim "$service_dir/c.chain" call --batch >>"$service_dir/answers.$1" 2>/dev/null || true
    done
}
for n in 1 2 3 4; do load $n & loaders+=($!); done

for victim in tipstaff-gate tipstaff-record tipstaff-launch; do
    shim "$service_dir/c.chain" call e2e.long >/dev/null 2>&1 &
    long=$!
    check "$victim: a long tool with a daemon runs" wait_until 10 some_run
    old=$(pgrep -P "$service_main" | sort | tr '\n' ' ')
    kill -9 "$(pgrep -P "$service_main" "^$victim" | head -1)"
    check "$victim: no tool survives" wait_until 10 none_run
    wait $long && die "$victim: the shim of the killed tool reported success"
    check "$victim: the service comes back" wait_until 20 serves
    new=$(pgrep -P "$service_main" | sort | tr '\n' ' ')
    check "$victim: with a fresh set of processes" test "$old" != "$new"
done
touch "$service_dir/stop"
wait "${loaders[@]}" || true
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"

log_lines | jq -r 'select(.kind=="exec_ended" and .reason=="exited").id' | sort -u >"$service_dir/recorded"
cat "$service_dir"/answers.* | jq -R -r 'fromjson? | select(.reason=="exited").decision' | sort -u >"$service_dir/reported"
check "calls were answered during the test" test -s "$service_dir/reported"
same "every call reported as run has its records" 0 "$(comm -13 "$service_dir/recorded" "$service_dir/reported" | wc -l)"
echo "figures: $(wc -l <"$service_dir/reported") calls reported as run, $(log_lines | grep -c '"reason":"lost"') closed as lost"
