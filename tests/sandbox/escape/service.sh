#!/usr/bin/env bash
# service.sh LEVEL PROFILE PROBE : a real service whose tool is the program of
# probes; says on one line of JSON how to call it, and ends with its standard
# input.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../script/lib.sh"
. "$here/../../../script/service.sh"
. "$here/level.sh"
level=$1 profile=$2 probe=$3

service_setup escape
box_level "$level"
mkdir -p "$service_dir/program" "$service_dir/scratch"
install -m 0755 "$probe" "$service_dir/program/probe"
[ "$(id -u)" -ne 0 ] || chown "$(service_uid launcher)" "$service_dir/scratch"
limits='{wall_ms: 120000, cpu_s: 60, memory_mb: 512, processes: 48, file_size_mb: 16, open_files: 64, output_bytes: 1048576}'
service_tool escape-probe "tool: escape.probe
exec: $service_dir/program/probe
argv: [probe, \"{facts}\", \"{only}\"]
args: {facts: {type: string, required: true, max: 4000}, only: {type: string}}
$([ "$profile" = pure ] || echo "scratch: $service_dir/scratch")
seccomp: $profile
$box
limits: $limits"
service_tool escape-wait "tool: escape.wait
exec: /bin/sleep
argv: [sleep, \"{n}\"]
args: {n: {type: string, required: true}}
seccomp: $profile
$box
limits: {wall_ms: 600000, processes: 48}"
service_args 'facts?: String, only?: String, n?: String,'
service_policy escape 'permit (principal, action in [Action::"escape.probe", Action::"escape.wait"], resource);'
printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$service_dir/etc/tipstaff.yaml"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
uid=$(id -u) gid=$(id -g)
[ "$uid" -ne 0 ] || uid=$(service_uid launcher) gid=$(service_uid launcher)
jq -cn --arg dir "$service_dir" --arg socket "$service_socket" --arg shim "$service_bin/tipstaff-shim" \
    --argjson main "$service_main" --argjson uid "$uid" --argjson gid "$gid" \
    --argjson agent "$service_agent_uid" --arg log "$service_log" \
    '{dir: $dir, socket: $socket, shim: $shim, main: $main, uid: $uid, gid: $gid, agent: $agent, log: $log}'
cat >/dev/null || true
service_stop
