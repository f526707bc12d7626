#!/usr/bin/env bash
# profiles.sh : profiles of the operator's own that reach beyond the process get
# no box in the host's namespaces, and no object of one call is there for another.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../script/lib.sh"
. "$here/../../script/service.sh"
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: needs root"; exit 0; }

py_ipc='import ctypes,sys
c=ctypes.CDLL(None,use_errno=True)
c.shmat.restype=ctypes.c_void_p
i=c.shmget(0x7473,64,0o1666 if sys.argv[1]=="put" else 0)
print("none" if i<0 else "there")'
py_udp='import socket,sys
try: socket.socket(socket.AF_INET,socket.SOCK_DGRAM).sendto(b"out",("127.0.0.1",int(sys.argv[1]))); print("sent")
except OSError as e: print("not sent")'

built=$service_bin
# with_level LEVEL: a service that gives no more
with_level() {
    service_bin=$built
    service_setup profiles
    service_walkable
    printf 'sandbox: {level: %s}\n' "$1" >>"$service_dir/etc/tipstaff.yaml"
    mkdir -p "$service_dir/etc/sandbox"
    printf 'name: shared\ndescription: System V memory\nextends: files\nallow: [shmget, shmat, shmctl, shmdt]\n' \
        >"$service_dir/etc/sandbox/shared.yaml"
    printf 'name: webby\ndescription: by another name\nextends: net\n' >"$service_dir/etc/sandbox/webby.yaml"
    printf '%s\n' "$py_ipc" >"$service_dir/ipc.py"
    printf '%s\n' "$py_udp" >"$service_dir/udp.py"
    local p
    for p in shared:ipc webby:udp; do
        service_tool "t-${p%:*}" "tool: t.${p%:*}
exec: $(readlink -f /usr/bin/python3)
argv: [python3, -I, $service_dir/${p#*:}.py, \"{arg}\"]
args: {arg: {type: string, required: true}}
seccomp: ${p%:*}
read_paths: [/usr, $service_dir/${p#*:}.py]"
    done
    service_args 'arg?: String,'
    service_policy profiles 'permit (principal, action in [Action::"t.shared", Action::"t.webby"], resource);'
    service_start
    service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
}
call() { shim "$service_dir/a.chain" call "$@" 2>&1 || true; }
is() { # WANTED GOT WHAT
    case $2 in *"$1"*) ;; *) die "$3: wanted '$1', got '$2'" ;; esac
}

for level in bare uid; do
    with_level "$level"
    is _unavailable "$(call t.shared arg=put)" "shared memory at level $level"
    is _unavailable "$(call t.webby arg=9)" "sockets at level $level"
    grep -q 't-webby.yaml:.*net_ns' "$service_dir/service.log" || die "the log does not say why"
    ! grep -q canary_not "$service_dir/service.log" || die "a level was tried that cannot be"
    service_stop
    rm -rf "$service_dir"
done
if ! why=$(unshare --mount --propagation private true 2>&1); then
    echo "SKIPPED: full boxes are not given here: $why"
    exit 0
fi
with_level full
is there "$(call t.shared arg=put)" "shared memory of its own"
is none "$(call t.shared arg=get)" "shared memory of the call before"
is 'not sent' "$(call t.webby arg=9)" "the empty network"
service_stop
echo ok
