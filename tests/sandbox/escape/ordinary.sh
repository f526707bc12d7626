#!/usr/bin/env bash
# ordinary.sh LEVEL [PROFILE] : a service with a tool that runs shell scripts with the
# profile "build" or PROFILE, in a workspace of its own.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../script/lib.sh"
. "$here/../../../script/service.sh"
. "$here/level.sh"
level=$1 profile=${2:-build}
[ "$level" != strict ] || profile=files

service_setup ordinary
box_level "$level"
mkdir "$service_dir/ordinary"
[ "$(id -u)" -ne 0 ] || chgrp "$(service_uid launcher)" "$service_dir/ordinary"
chmod 0775 "$service_dir/ordinary" # the group is what all uids of tools share
service_tool ordinary-run "tool: ordinary.run
exec: /bin/bash
argv: [bash, -euc, \"{script}\"]
args: {script: {type: string, required: true, max: 4000, allow_dash: true}}
cwd: $service_dir/ordinary
read_paths: [/etc, /usr, /proc]
write_paths: [$service_dir/ordinary, /dev/shm]
$([ "$level" = strict ] || echo "exec_paths: [/usr/bin, /usr/lib, /usr/libexec]")
env: {HOME: $service_dir/ordinary, TMPDIR: $service_dir/ordinary, NO_COLOR: \"1\"}
seccomp: $profile
$box
limits: {wall_ms: 60000, cpu_s: 60, memory_mb: 2048, processes: 32, open_files: 512, output_bytes: 1048576}"
service_args 'script?: String,'
service_policy ordinary 'permit (principal, action == Action::"ordinary.run", resource);'
printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$service_dir/etc/tipstaff.yaml"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
jq -cn --arg dir "$service_dir" --arg socket "$service_socket" --arg shim "$service_bin/tipstaff-shim" \
    --argjson main "$service_main" --argjson agent "$service_agent_uid" --arg log "$service_log" \
    '{dir: $dir, socket: $socket, shim: $shim, main: $main, agent: $agent, log: $log}'
cat >/dev/null || true
service_stop
