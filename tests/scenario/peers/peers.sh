#!/usr/bin/env bash
# Who is at the other end of the agents' socket: real processes of several users
# and namespaces against the real service. usage: peers.sh [TEST...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"

if [ "$(id -u)" -ne 0 ] || ! unshare --pid --mount --fork true 2>/dev/null; then
    echo "SKIPPED: needs root and unshare(2), to be several users and containers"
    exit 0
fi

service_setup peers
service_agent_gid=$service_agent_uid
# Everybody may connect here: whom the gate lets in is what is tested.
sed -i '/^agent_socket:/d' "$service_dir/etc/tipstaff.yaml"
echo 'agent_socket: {mode: "0666", dir_mode: "0755"}' >>"$service_dir/etc/tipstaff.yaml"
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'

export SERVICE_DIR=$service_dir SERVICE_SOCKET=$service_socket SERVICE_CHAIN=$service_dir/a.chain
export SERVICE_AGENT_UID=$service_agent_uid SERVICE_SHIM=$service_bin/tipstaff-shim

# Started by "$@" in front; its main process by pid in service_main.
start_behind() {
    service_uids
    "$@" "$service_bin/tipstaffd" --config "$service_dir/etc" >>"$service_dir/service.log" 2>&1 &
    local outer=$! i
    service_pids+=("$outer")
    for i in $(seq 400); do
        "$service_bin/tipstaff" status --socket "$service_admin" >/dev/null 2>&1 && break
        kill -0 "$outer" 2>/dev/null || { cat "$service_dir/service.log" >&2; die "not started"; }
        sleep 0.05
    done
    service_main=$(pgrep -P "$outer" -x tipstaffd || echo "$outer")
    service_outer=$outer
}
stop_behind() {
    kill -TERM "$service_main"
    wait "$service_outer" 2>/dev/null || true
}
tests() { SERVICE_GATE=$(service_pid tipstaff-gate) /usr/bin/python3 "$here/$@"; }

start_behind env
tests peers_test.py "$@"
stop_behind

echo "-- the service in a PID namespace of its own, as in a container beside the agent's"
start_behind unshare --pid --fork --kill-child --mount-proc
tests sibling_test.py "$@"
stop_behind

echo "-- the service in a user namespace in which uid 20000 has no number"
start_behind /usr/bin/python3 "$here/in_userns.py"
tests unmapped_test.py "$@"
stop_behind

echo "-- the service on a kernel without SO_PEERPIDFD"
without=(/usr/bin/python3 "$here/without_peerpidfd.py")
if ! "${without[@]}" /bin/true; then
    echo "SKIPPED: no filter for this architecture"
    exit 0
fi
start_behind "${without[@]}"
tests old_kernel_test.py served
stop_behind
echo 'require_pidfd: true' >>"$service_dir/etc/tipstaff.yaml"
sed -i '/^require_pidfd: false/d' "$service_dir/etc/tipstaff.yaml"
start_behind "${without[@]}"
tests old_kernel_test.py refused
stop_behind
