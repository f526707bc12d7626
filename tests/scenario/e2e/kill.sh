#!/usr/bin/env bash
# kill.sh [ROUNDS]: kill -9 of recorder, gate, launcher and in the end of the
# supervisor, during load: no tool survives, the service comes back, the log
# verifies, and what an agent was told stands in it: a decision for each
# decision, an outcome for each RESULT.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
rounds=${1:-1}

service_setup kill
service_tool e2e-true "tool: e2e.true
description: Ends at once with success
exec: /bin/true
argv: [\"true\"]
"
service_tool e2e-no "tool: e2e.no
description: Nobody may call it
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
service_delegate "$service_dir/c.chain" 'permit (principal, action, resource);'

survivors() { pgrep -f "sleep $marker" | wc -l; }
some_run() { [ "$(survivors)" -ge 2 ]; }
none_run() { [ "$(survivors)" -eq 0 ]; }
serves() { shim "$service_dir/c.chain" call e2e.true >/dev/null 2>&1; }
processes() { pgrep -P "$service_main" | sort | tr '\n' ' '; }
all_gone() { # all_gone PID...
    local p
    for p in "$@"; do [ ! -d "/proc/$p" ] || return 1; done
}

load() { # until told to stop, or the test has failed; every answer is kept
    while [ -d "$service_dir" ] && [ ! -e "$service_dir/stop" ]; do
        seq 50 | sed 's/.*/{"tool":"e2e.true","args":{},"id":"&"}\n{"tool":"e2e.no","args":{},"id":"n&"}/' |
            shim "$service_dir/c.chain" call --batch >>"$service_dir/answers.$1" 2>/dev/null || true
    done
}

# victim NAME: this process of the set dies, with a long tool running.
victim() {
    local old long
    shim "$service_dir/c.chain" call e2e.long >/dev/null 2>&1 &
    long=$!
    check "$1: a long tool with a daemon runs" wait_until 60 some_run
    old=$(processes)
    kill -9 "$(pgrep -P "$service_main" "^$1" | head -1)"
    check "$1: no tool survives" wait_until 60 none_run
    wait $long && die "$1: the shim of the killed tool reported success"
    check "$1: the service comes back" wait_until 60 serves
    check "$1: with a fresh set of processes" test "$old" != "$(processes)"
}
# The supervisor dies: nothing of it stays, and the next one goes on.
orphan() {
    local set
    shim "$service_dir/c.chain" call e2e.long >/dev/null 2>&1 &
    check "supervisor: a long tool with a daemon runs" wait_until 60 some_run
    set=$(processes)
    kill -9 "$service_main"
    wait "$service_main" 2>/dev/null || true
    # shellcheck disable=SC2086
    check "supervisor: its processes end by themselves" wait_until 60 all_gone $set
    check "supervisor: no tool survives" wait_until 60 none_run
}

# Four deaths a life: with a fifth the supervisor would give up, as it should.
for ((round = 0; round < rounds; round++)); do
    rm -f "$service_dir/stop"
    service_start
    loaders=()
    for n in 1 2 3 4; do load "$n" & loaders+=($!); done
    for name in tipstaff-record tipstaff-gate tipstaff-launch tipstaff-record; do
        victim "$name"
    done
    if [ $((round % 2)) -eq 0 ]; then orphan; fi
    touch "$service_dir/stop"
    wait "${loaders[@]}" || true
    service_stop
done

# A recorder that writes nothing more, and a service that ends: a recorder is
# started for what was told and is only in the ring.
service_start # what the last one left open is closed
kill -STOP "$(service_pid tipstaff-record)"
seq 20 | sed 's/.*/{"tool":"e2e.no","args":{},"id":"last&"}/' |
    shim "$service_dir/c.chain" call --batch >"$service_dir/answers.last" 2>/dev/null || true
same "a recorder that stands still: denials are told" 20 \
    "$(jq -r 'select(.verdict=="deny").decision' "$service_dir/answers.last" | sort -u | wc -l)"
service_stop
check "and rescued when the service ends" grep -q records_rescued "$service_dir/service.log"
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"

told() { cat "$service_dir"/answers.* | jq -R -r "fromjson? | select($1).decision // empty" | sort -u; }
recorded() { log_lines | jq -r "select($1).id" | sort -u; }
told '.reason=="exited"' >"$service_dir/told.results"
told '.verdict=="permit"' >"$service_dir/told.permits"
told '.verdict=="deny"' >"$service_dir/told.denials"
recorded '.kind=="exec_ended" and .reason=="exited"' >"$service_dir/log.results"
recorded '.kind=="decision" and .effect=="permit"' >"$service_dir/log.permits"
recorded '.kind=="decision" and .effect=="forbid"' >"$service_dir/log.denials"
for what in results permits denials; do
    check "$what were told during the test" test -s "$service_dir/told.$what"
    same "every one of the $what that were told is in the log" 0 \
        "$(comm -13 "$service_dir/log.$what" "$service_dir/told.$what" | wc -l)"
done
echo "figures: $((rounds * 4 + (rounds + 1) / 2)) deaths, told: $(wc -l <"$service_dir/told.results") results, $(wc -l <"$service_dir/told.denials") denials; closed as lost: $(log_lines | grep -c '"reason":"lost"')"
