#!/usr/bin/env bash
# race.sh LEVEL : a service whose tools read, write, wait and end, for race.py.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../../script/lib.sh"
. "$here/../../../script/service.sh"
. "$here/level.sh"
level=$1

service_setup race
box_level "$level"
world=$service_dir/world
mkdir -p "$world/space/dir" "$world/outside" "$world/program" "$world/evil"
echo secret >"$world/outside/in.txt"
chmod 0666 "$world/outside/in.txt"
echo in >"$world/space/in.txt"
install -m 0755 /bin/true "$world/program/swapped"
install -m 0755 /bin/false "$world/evil/swapped"
[ "$(id -u)" -ne 0 ] || chown -R "$(service_uid launcher)" "$world/space" "$world/outside"

service_tool race-read "tool: race.read
exec: /bin/cat
argv: [cat, --, \"{path}\"]
args: {path: {type: path, required: true}}
resource: {type: File, arg: path, root: $world/space, access: read}
action: race.read
$box"
service_tool race-write "tool: race.write
exec: /usr/bin/truncate
argv: [truncate, -s, \"3\", --, \"{path}\"]
args: {path: {type: path, required: true}}
resource: {type: File, arg: path, root: $world/space, access: write}
$box"
service_tool race-list "tool: race.list
exec: /usr/bin/find
argv: [find, \"{path}\", -type, f]
args: {path: {type: path, required: true}}
resource: {type: Dir, arg: path, root: $world/space, access: read}
$box"
service_tool race-swap "tool: race.swap
exec: $world/program/swapped
argv: [swapped]
$box"
service_tool race-true "tool: race.true
exec: /bin/true
argv: [\"true\"]
$box"
service_tool race-wait "tool: race.wait
exec: /bin/sh
argv: [sh, -c, \"(setsid -f sh -c 'sleep \$0 & wait' \$1 &) ; sleep \$1\", sh, \"{n}\"]
args: {n: {type: string, required: true}}
exec_paths: [/bin/sleep, /usr/bin/setsid, /bin/sh]
limits: {wall_ms: 600000, processes: 64}
$box"
service_args 'n?: String,'
sed -i 's/^\(action "race\.\(read\|write\)" appliesTo.*resource: \)Tool/\1File/; s/^\(action "race\.list" appliesTo.*resource: \)Tool/\1Dir/' \
    "$service_dir/etc/tenants/acme/schema.cedarschema"
service_policy race 'permit (principal, action in [Action::"race.read", Action::"race.write", Action::"race.list", Action::"race.swap", Action::"race.true", Action::"race.wait"], resource);'
printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$service_dir/etc/tipstaff.yaml"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
jq -cn --arg dir "$service_dir" --arg socket "$service_socket" --arg shim "$service_bin/tipstaff-shim" \
    --argjson main "$service_main" --argjson agent "$service_agent_uid" --argjson agent_gid "$service_agent_gid" \
    --arg log "$service_log" --arg world "$world" \
    '{dir: $dir, socket: $socket, shim: $shim, main: $main, agent: $agent, agent_gid: $agent_gid, log: $log, world: $world}'
cat >/dev/null || true
service_stop
"$service_bin/tipstaff" log verify "$service_log" >&2 || exit 9
