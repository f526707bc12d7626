#!/usr/bin/env bash
# One folder, several tools: who writes has the writers' uid, who reads one of its own,
# all the launcher's group. What they make is as docs/TOOLS.md says; where the group is
# missing the call says so, and doctor says what to do.
# workspace.sh LEVEL (uid, full)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
level=${1:-uid}
[ "$(id -u)" -eq 0 ] || {
    echo "SKIPPED: uids of tools need root"
    exit 0
}
if [ "$level" = full ] && ! unshare -m mount --make-rprivate / 2>/dev/null; then
    echo "SKIPPED: no mount namespaces of one's own here"
    exit 0
fi
service_setup "workspace-$level"
tool() { # tool NAME ACCESS COMMAND [LINE...]
    local name=$1 access=$2 command=$3
    shift 3
    service_tool "$name" "tool: $name
description: works in the shared folder
exec: /bin/sh
argv: [sh, -c, '$command', sh, '{path}']
exec_paths: [/bin, /usr/bin]
args:
  path: {type: path, required: true}
resource: {type: Dir, arg: path, root: $service_workspace, access: $access}
$(printf '%s\n' "$@")"
}
tool s.make write 'cd "$1" && echo made >made && mkdir folder && echo in >folder/in && id -u'
tool s.more write 'cd "$1" && echo more >>made && echo two >folder/two && id -u'
tool s.read read 'cd "$1" && cat made folder/in folder/two && id -u'
tool s.cheat read 'cd "$1" && echo no >>made'
service_tool s.file "tool: s.file
description: makes one file
exec: /bin/sh
argv: [sh, -c, 'echo one >\"\$1\" && cat \"\$1\"', sh, '{path}']
exec_paths: [/bin, /usr/bin]
args:
  path: {type: path, required: true}
resource: {type: File, arg: path, root: $service_workspace, access: write}"
service_args "path?: String,"
sed -i -E '/^action "s\.file"/s/resource: Tool/resource: File/; /^action "s\./s/resource: Tool/resource: Dir/' \
    "$service_dir/etc/tenants/acme/schema.cedarschema"
actions='Action::"s.make", Action::"s.more", Action::"s.read", Action::"s.cheat", Action::"s.file"'
service_policy shared "permit (principal, action in [$actions], resource);"
printf 'sandbox: {level: %s%s}\n' "$level" "$(e2e_uids)" >>"$service_dir/etc/tipstaff.yaml"
find "$service_workspace" -type d -exec chmod g+s {} +
service_start
c=$service_dir/c.chain
service_delegate "$c" 'permit (principal, action, resource);'
call() { shim "$c" call "$1" "path=${2:-$service_workspace}" 2>"$service_dir/err"; }
owner() { stat -c '%u:%g %a' "$service_workspace/$1"; }
refused() { ! call "$@" >"$service_dir/out"; }
says() { grep -qF -- "$1" "$service_dir/err" "$service_dir/out"; }

group=$(service_uid launcher)
writers=$(call s.make) || { cat "$service_dir/err" >&2; die "s.make"; }
check "the writers' uid is not the launcher's ($writers)" [ "$writers" != "$group" ]
same "a file is the writers', and the group's" "$writers:$group 660" "$(owner made)"
same "a folder too" "$writers:$group 2770" "$(owner folder)"
same "another tool that writes has that uid" "$writers" "$(call s.more)"
same "a reader has a uid of its own, and reads all" "$(printf 'made\nmore\nin\ntwo')" \
    "$(call s.read | sed '$d')"
reader=$(call s.read | tail -1)
check "which is none of these ($reader)" [ "$reader" != "$writers" -a "$reader" != "$group" ]
check "the group gives a reader no right to write" refused s.cheat
same "so nothing was written" "$(printf 'made\nmore')" "$(cat "$service_workspace/made")"
one=$service_workspace/folder/one
same "a file that the launcher makes" one "$(call s.file "$one")"
same "is the writers' and the group's too" "$writers:$group 660" "$(owner folder/one)"

echo "-- without the group"
doctor() { "$service_bin/tipstaff" doctor --config "$service_dir/etc" >"$service_dir/out" 2>&1 || true; }
doctor
check "doctor has nothing to say of a folder that is shared" eval '! says "chgrp"'
chgrp -R 0 "$service_workspace"
chmod 0700 "$service_workspace"
check "a call is refused" refused s.read
check "with a code" says "[resource_unavailable]"
check "the same who writes" refused s.make
doctor
check "doctor names the manifest" says "tools/s.read.yaml:"
check "and what to do" says "chgrp $group and chmod g+rX there"
check "and who writes needs more" says "chgrp $group and chmod g+rwX there"
chgrp -R "$group" "$service_workspace"
chmod 2770 "$service_workspace"
same "after that it serves again" made "$(call s.read | head -1)"
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
