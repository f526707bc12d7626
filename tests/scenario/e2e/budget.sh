#!/usr/bin/env bash
# max_calls of a delegation: shared by its sessions and sub-agents, kept over
# restarts and crashes, never given twice.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

service_setup budget
service_start
service_delegate "$service_dir/three.chain" 'permit (principal, action, resource);' --max-calls 3
service_delegate "$service_dir/twenty.chain" 'permit (principal, action, resource);' --max-calls 20
service_delegate "$service_dir/free.chain" 'permit (principal, action, resource);'

call() { shim "$service_dir/$1.chain" call fs.read path=notes.txt; }
exhausted() { # exhausted CHAIN : refused with this very code
    if call "$1" >/dev/null 2>"$service_dir/err"; then return 1; fi
    grep -q '\[budget_exhausted\]' "$service_dir/err"
}
run() { # run CHAIN COUNT : all succeed
    local i
    for ((i = 0; i < $2; i++)); do call "$1" >/dev/null || return 1; done
}
check "three calls in three sessions" run three 3
check "the fourth is refused" exhausted three
check "a check costs nothing" shim "$service_dir/three.chain" check fs.read path=notes.txt
check "another grant is not affected" run free 5
check "five of twenty" run twenty 5

kill -9 "$(service_pid tipstaff-gate)"
serves() { shim "$service_dir/free.chain" call fs.read path=notes.txt >/dev/null 2>&1; }
check "the service comes back after kill -9 of the gate" wait_until 60 serves
check "still exhausted" exhausted three
# A block of 16 was reserved: 4 of 20 are left, whatever became of the rest.
check "what was not reserved is left" run twenty 4
check "and no more" exhausted twenty
service_stop
service_start
check "still exhausted after a restart" exhausted three
check "both of them" exhausted twenty
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
