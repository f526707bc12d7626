#!/usr/bin/env bash
# What is revoked stays revoked: over a kill -9, over restarts, with a journal that
# was taken away, damaged or put back from an older copy; and what an operator does
# then. strace makes the recorder's disk fail under the whole service.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

service_setup journal
service_tool e2e-true "tool: e2e.true
description: Ends at once with success
exec: /bin/true
argv: [\"true\"]
"
service_policy e2e 'permit (principal, action == Action::"e2e.true", resource);'
state=$service_dir/var/state
[ -d "$state" ] || state=$(sed -nE 's/^state_dir: *"?([^"]+)"?/\1/p' "$service_dir/etc/tipstaff.yaml")
service_start

chain=0
delegate() { # a fresh chain in $c, its grant in $grant
    chain=$((chain + 1))
    c=$service_dir/$chain.chain
    service_delegate "$c" 'permit (principal, action, resource);'
    grant=$("$tipstaff" delegation show "$c" --json | jq -r .grant)
}
serves() { shim "$1" call e2e.true >/dev/null 2>&1; }
denied() { ! serves "$1" && "$tipstaff" status --socket "$service_admin" >/dev/null 2>&1; }
revoke() { "$tipstaff" revoke "$@" --tenant acme --socket "$service_admin" --reason "journal test" >/dev/null; }
ls_json() { "$tipstaff" revocations ls --json --socket "$service_log_socket" "$@"; }
is_listed() { ls_json | jq -e -s --arg t "$1" 'any(.[]; .target == $t)' >/dev/null; }
recorder() { service_pid tipstaff-record; }
refuses() { # refuses TEXT : the service does not start and says so
    "$service_bin/tipstaffd" --config "$service_dir/etc" >"$service_dir/refused.log" 2>&1 &
    service_main=$!
    service_pids+=("$service_main")
    wait_until 60 grep -qF -- "$1" "$service_dir/refused.log" || {
        cat "$service_dir/refused.log" >&2
        return 1
    }
    "$tipstaff" status --socket "$service_admin" >/dev/null 2>&1 && return 1
    service_stop
}
start_init() {
    "$service_bin/tipstaffd" --config "$service_dir/etc" --init-state >"$service_dir/service.log" 2>&1 &
    service_main=$!
    service_pids+=("$service_main")
    wait_until 60 "$tipstaff" status --socket "$service_admin" >/dev/null 2>&1
}
quiet() { "$@" >/dev/null 2>&1; }

delegate; revoked=$c revoked_grant=$grant
delegate; good=$c
check "both chains serve" serves "$revoked"
check "a grant is revoked" revoke grant "$revoked_grant"
check "the list tells it" is_listed "$revoked_grant"
check "its kind, too" test "$(ls_json --kind grant | wc -l)" -ge 1
same "and no other kind" 0 "$(ls_json --kind tenant | wc -l)"
check "it is denied" denied "$revoked"
cp "$state/state.journal" "$service_dir/older.journal"

old=$(recorder)
check "there is a recorder" test -n "$old"
kill -9 "$old"
comes_back() { [ -n "$(recorder)" ] && [ "$(recorder)" != "$old" ] && serves "$good"; }
check "the service comes back after a kill -9 of the recorder" wait_until 60 comes_back
check "the grant is still denied" denied "$revoked"
check "and listed" is_listed "$revoked_grant"

if command -v strace >/dev/null && [ "$(id -u)" -eq 0 ]; then
    for inject in fdatasync:error=EIO:syscall=getpid fdatasync:error=ENOSPC:syscall=getpid \
        pwrite64:error=EIO:syscall=getpid fdatasync:signal=KILL; do
        old=$(recorder)
        delegate
        strace -f -qq -o /dev/null -e trace="${inject%%:*}" -e inject="$inject:when=1" -p "$old" &
        tracer=$!
        service_also_stop "$tracer"
        # A sync of the recorder's own may be the one that fails; then it is gone before
        # the revocation, which its successor may acknowledge.
        gone() { [ ! -e "/proc/$old" ]; }
        traced() { gone || grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$old/status" 2>/dev/null; }
        wait_until 60 traced || { echo "SKIPPED: strace may not attach here"; break; }
        acked=no
        revoke grant "$grant" 2>/dev/null && acked=yes
        wait "$tracer" 2>/dev/null || true
        check "$inject: the service comes back" wait_until 60 comes_back
        [ $acked = no ] || check "$inject: what was acknowledged is denied" denied "$c"
        check "$inject: what was revoked before is denied" denied "$revoked"
        check "$inject: it can be revoked again" wait_until 60 revoke grant "$grant"
        check "$inject: and is denied then" denied "$c"
    done
else
    echo "SKIPPED: strace is absent, or this is not root"
fi
delegate
check "one more grant is revoked" revoke grant "$grant"
service_stop
check "the log verifies" quiet "$tipstaff" log verify "$service_log"

cp "$state/state.journal" "$service_dir/newest.journal"
put_back() { cat "$1" >"$state/state.journal"; }
put_back "$service_dir/older.journal"
check "T23: an older journal is refused" refuses "but the log speaks of entry"
put_back "$service_dir/newest.journal"
printf 'X' | dd of="$state/state.journal" bs=1 seek=100 conv=notrunc status=none
check "a damaged journal is refused, with the byte" refuses "state.journal at byte "
mv "$state/state.journal" "$service_dir/damaged.journal"
check "a missing journal is refused" refuses "state.journal is missing although state.marker is there"
check "--init-state begins anew" start_init
check "everything is forgotten" test -z "$(ls_json --kind grant)"
check "the grant serves again" serves "$revoked"
check "until it is revoked again" revoke grant "$revoked_grant"
check "then it is denied" denied "$revoked"
service_stop
service_start
check "a start without the option goes on with it" denied "$revoked"
service_stop
check "the log verifies" quiet "$tipstaff" log verify "$service_log"
