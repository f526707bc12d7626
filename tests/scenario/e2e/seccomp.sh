#!/usr/bin/env bash
# Seccomp profiles of the operator's own, with the real programs: a launcher for
# each, the filter holds, a changed file is refused until a restart, and a bad one
# keeps the service from starting, with file and line.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
service_says() { grep -qF -- "$1" "$service_dir/service.log"; }
launchers() { pgrep -P "$service_main" -x tipstaff-launch | wc -l; }
refuses_start() { # refuses_start TEXT : the service ends and says this
    local code=0
    timeout 60 "$service_bin/tipstaffd" --config "$service_dir/etc" >"$service_dir/service.log" 2>&1 || code=$?
    [ "$code" -ne 0 ] && [ "$code" -ne 124 ] && service_says "$1" || {
        cat "$service_dir/service.log" >&2
        return 1
    }
}
profile() { printf '%s\n' "$2" >"$service_dir/etc/sandbox/$1.yaml"; }

service_setup seccomp
mkdir "$service_dir/etc/sandbox"
profile quiet 'name: quiet
description: as files, without knowing the host
extends: files
refuse: [uname]
'
for name in plain quiet; do
    seccomp=files
    [ "$name" = plain ] || seccomp=quiet
    service_tool "uname-$name" "tool: uname.$name
description: The name of the kernel
exec: /bin/uname
argv: [\"uname\", \"-s\"]
seccomp: $seccomp
"
done
service_policy names 'permit (principal, action in [Action::"uname.plain", Action::"uname.quiet"], resource);'
service_start
check "five launchers, and one for the profile" [ "$(launchers)" = 6 ]
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
check "a tool of a built-in profile" [ "$(shim "$service_dir/a.chain" call uname.plain)" = Linux ]
uname_fails() { ! shim "$service_dir/a.chain" call uname.quiet >"$service_dir/out" 2>&1; }
check "a tool of our own profile lacks the call" uname_fails
check "and says so" grep -q "Operation not permitted" "$service_dir/out"

profile quiet 'name: quiet
description: as files
extends: files
'
kill -HUP "$service_main"
check "a changed profile is refused" wait_until 60 service_says "the seccomp profiles have changed"
check "and the old one holds" uname_fails
profile other 'name: other
description: as files
extends: files
'
service_stop
service_start
check "after a restart it is in force" [ "$(shim "$service_dir/a.chain" call uname.quiet)" = Linux ]
check "a launcher for each" [ "$(launchers)" = 7 ]
service_stop

profile other 'name: other
description: as files
extends: files
allow: [ptrace]
'
check "an escape keeps it from starting" refuses_start 'sandbox/other.yaml:4: ptrace opens the hole'
profile other 'name: other
description: as files
extends: files
allow: [ptrase]
'
check "a mistake, too" refuses_start 'sandbox/other.yaml:4: there is no system call'
profile files 'name: files'
check "a built-in name is taken" refuses_start 'sandbox/files.yaml'
