#!/usr/bin/env bash
# own_paths.sh : a manifest that names /proc and /dev/shm is served at every level. In a full
# box they are its own, and its /proc tells of the machine only to a tool that names it.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../script/lib.sh"
. "$here/../../script/service.sh"
. "$here/escape/level.sh"
if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: needs root, whose service gives every level"
    exit 0
fi
if ! why=$(unshare --mount --propagation private true 2>&1); then
    echo "SKIPPED: full boxes are not given here: $why"
    exit 0
fi
level=$1
marker=/dev/shm/own-paths-$$

service_setup own-paths
box_level "$level"
tool() { # NAME PATHS
    service_tool "$1" "tool: $1
exec: /bin/bash
argv: [bash, -c, \"{script}\"]
args: {script: {type: string, required: true, allow_dash: true}}
exec_paths: [/usr/bin]
$2"
}
tool own.named 'read_paths: [/proc]
write_paths: [/dev/shm]'
tool own.without ''
service_args 'script?: String,'
service_policy own 'permit (principal, action in [Action::"own.named", Action::"own.without"], resource);'
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
grep tool_refused "$service_dir/service.log" && die "a tool is refused"

# says TOOL SCRIPT EXPECTED
says() {
    local got
    got=$(shim "$service_dir/a.chain" call "$1" "script=$2" 2>&1) || true
    [ "$got" = "$3" ] || die "failed: $1 at $level: $2: '$got', not '$3'"
}
echo mark >"$marker"
chmod 0644 "$marker"
service_marker() { rm -f "$marker"; }
trap 'service_marker; service_cleanup' EXIT

machine='read -r x 2>/dev/null </proc/meminfo && echo "${x%% *}" || echo none'
keys='true 2>/dev/null </proc/keys && echo read || echo none'
host="[ -e $marker ] && echo host || echo own"
shared='cd /dev/shm && echo 7 >own-paths-mine && cat own-paths-mine && rm own-paths-mine'
case $level in
full)
    says own.named "$machine" MemTotal:
    says own.named "$keys" read
    says own.without "$machine" none
    says own.without "$keys" none
    says own.without 'ls -d /proc/[0-9]* | wc -l' 3 # bash, ls, wc
    says own.named "$host" own
    says own.without "$host" own
    says own.without "$shared" 7
    ;;
*)
    says own.named "$machine" MemTotal:
    says own.without "read -r x 2>/dev/null </proc/self/stat && echo read || echo none" none
    says own.named "$host" host
    says own.without "cd /dev/shm && : 2>/dev/null >own-paths-mine || echo none" none
    ;;
esac
says own.named "$shared" 7
echo "ok   $level"
service_stop
