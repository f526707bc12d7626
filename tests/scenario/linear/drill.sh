#!/usr/bin/env bash
# tipstaff drill revoke on a real service: passes where revocation works, says
# why it does not where a grant cannot even be used, and leaves nothing behind.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
tipstaff=$service_bin/tipstaff
service_setup drill
out=$service_dir/out err=$service_dir/err
drill() { TMPDIR=$service_dir/tmp "$tipstaff" drill revoke --config "$service_dir/etc" "$@" >"$out" 2>"$err"; }
mkdir -m 0711 "$service_dir/tmp"
answers() { # answers CODE COMMAND...
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" = "$want" ] || { cat "$out" "$err" >&2; return 1; }
}
says() { grep -qE -- "$1" "$out" "$err"; }
left() { find "$service_dir/tmp" -mindepth 1 | grep -q .; }

check "without a service: FAIL" answers 1 drill
check "and says where it looked" says 'admin.sock|agent.sock'
check "no rounds at all: a wrong command line" answers 2 drill --rounds 0
service_start
check "one round passes" answers 0 drill
check "with its figures" says '^round 1: signalled [0-9.]+ ms, dead [0-9.]+ ms, next call denied [0-9.]+ ms$'
check "and a verdict" says '^PASS: 1 of 1 rounds$'
check "several rounds as JSON" answers 0 drill --rounds 5 --json
check "one object" jq -e '.pass and .rounds == 5 and .passed == 5 and .dead_ms.p50 >= .signalled_ms.p50' "$out" >/dev/null
check "a user who may not: FAIL" answers 1 drill --user bob
check "says that it was not permitted" says 'FAIL: the tool was not permitted'
check "an agent that is none" answers 1 drill --agent nobody
check "says so" says 'nobody: no such agent'
check "a tool that there is none of: FAIL" answers 1 drill --tool no.such
check "a key that is no revoker's: FAIL" answers 1 drill --revoker-key "$service_dir/etc/keys/issuer.seed"
check "the service goes on" answers 0 drill
check "nothing is left behind" test -z "$(left && echo something)"
check "each grant was revoked once" test "$(log_lines | jq -c 'select(.kind=="revocation")' | wc -l)" -ge 7
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"
