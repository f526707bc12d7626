#!/usr/bin/env bash
# ltp.sh LEVEL PROFILE FOLDER : a service with a tool that starts the programs of an
# installed LTP; says on one line of JSON how to call it, and ends with its standard
# input. FOLDER/testcases/bin holds the programs.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../script/lib.sh"
. "$here/../../../script/service.sh"
. "$here/../escape/level.sh"
level=$1 profile=$2 folder=$3

service_setup ltp
box_level "$level"
mkdir "$service_dir/ltp"
[ "$(id -u)" -ne 0 ] || chgrp "$(service_uid launcher)" "$service_dir/ltp"
chmod 0770 "$service_dir/ltp" # the group is what all uids of tools share
# The library of the tests shares memory by /dev/shm where there is one, and asks
# /proc and /etc about the machine; a full box has all three of its own.
limits='{wall_ms: 120000, cpu_s: 60, memory_mb: 2048, processes: 32, file_size_mb: 64, open_files: 1024, output_bytes: 1048576}'
service_tool ltp-run "tool: ltp.run
exec: /bin/bash
argv: [bash, -c, 'd=\$(mktemp -d) && cd \"\$d\" && TMPDIR=\$d \"\$@\"; r=\$?; cd / ; chmod -R u+rwX \"\$d\"; rm -rf \"\$d\"; exit \$r', ltp, \"{words...}\"]
args: {words: {type: strings, required: true, max_items: 64, allow_dash: true}}
read_paths: [/etc, /usr, /proc, $folder]
exec_paths: [/usr/bin, /usr/lib, $folder]
write_paths: [$service_dir/ltp, /dev/shm]
cwd: $service_dir/ltp
env: {TMPDIR: $service_dir/ltp, LTPROOT: $folder, LTP_COLORIZE_OUTPUT: n, LTP_RUNTIME_MUL: "0.1", PATH: '$folder/testcases/bin:/usr/bin:/bin'}
seccomp: $profile
$box
limits: $limits"
service_args 'words?: Set<String>,'
service_policy ltp 'permit (principal, action == Action::"ltp.run", resource);'
printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$service_dir/etc/tipstaff.yaml"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
jq -cn --arg dir "$service_dir" --arg socket "$service_socket" --arg shim "$service_bin/tipstaff-shim" \
    --argjson main "$service_main" --argjson agent "$service_agent_uid" --arg log "$service_log" \
    '{dir: $dir, socket: $socket, shim: $shim, main: $main, agent: $agent, log: $log}'
cat >/dev/null || true
service_stop
