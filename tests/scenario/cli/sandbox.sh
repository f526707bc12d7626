#!/bin/sh
# tipstaff sandbox lint and show, as an operator types them.
set -eu
tipstaff=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
die() { echo "failed: $*" >&2; exit 1; }
answers() { # answers CODE COMMAND... : output in $dir/out
    local want=$1 got=0
    shift
    "$@" >"$dir/out" 2>&1 || got=$?
    [ "$got" = "$want" ] || { cat "$dir/out"; die "exit $got instead of $want: $*"; }
}
says() { grep -qF -- "$1" "$dir/out" || { cat "$dir/out"; die "does not say: $1"; }; }

for name in pure files build net jit; do
    answers 0 "$tipstaff" sandbox lint "$name"
    answers 0 "$tipstaff" sandbox lint "$name" --json
    jq -e 'map(select(.severity == "escape")) == []' "$dir/out" >/dev/null || die "escape in $name"
    for arch in x86-64 arm64; do
        for strict in "" --strict; do
            answers 0 "$tipstaff" sandbox show "$name" --arch $arch $strict
            says "every other call: ENOSYS"
            answers 0 "$tipstaff" sandbox show "$name" --arch $arch $strict --json
            jq -e --arg a $arch '.arch == $a and .calls.read.else == "allow"
                and (.calls.clone3 | not)' "$dir/out" >/dev/null || die "json of $name $arch"
            answers 0 "$tipstaff" sandbox show "$name" --arch $arch $strict --bpf
            # as many lines as instructions, and the head
            count=$(sed -nE '1s/.*: ([0-9]+) instructions.*/\1/p' "$dir/out")
            [ "$(($(wc -l <"$dir/out") - 1))" = "$count" ] || die "bpf of $name $arch"
        done
    done
done
answers 1 "$tipstaff" sandbox show strict
says 'there is no built-in profile "strict"'
answers 2 "$tipstaff" sandbox show files --arch mips
answers 2 "$tipstaff" sandbox show files --json --bpf
answers 2 "$tipstaff" sandbox lint
answers 1 "$tipstaff" sandbox lint "$dir/none.yaml"

cat >"$dir/mine.yaml" <<'YAML'
name: mine
description: a debugger
extends: files
allow: [ptrace, shmget]
YAML
answers 1 "$tipstaff" sandbox lint "$dir/mine.yaml"
says "mine.yaml:4: escape: ptrace: ptrace: takes over any process"
says "mine.yaml:4: weaker: sysv-ipc: shmget"
says "1 of severity escape without accept: this profile does not load"
printf '%s\n' 'accept: [{hole: ptrace, reason: "gdb\u001b[31m runs here"}]' >>"$dir/mine.yaml"
answers 0 "$tipstaff" sandbox lint "$dir/mine.yaml"
says 'accepted: gdb\x1b[31m runs here'
echo 'alow: []' >>"$dir/mine.yaml"
answers 1 "$tipstaff" sandbox lint "$dir/mine.yaml"
says 'mine.yaml:6: unknown key "alow"'

# explain: what a call could do, of the starter's tools
mkdir "$dir/work" "$dir/var"
"$tipstaff" init "$dir/etc" --tenant acme --workspace "$dir/work" --base "$dir/var" \
    --agent-uid 10001 >/dev/null
answers 0 "$tipstaff" sandbox explain fs.read --config "$dir/etc"
says "read, beneath $dir/work; no link is followed"
says "network    none"
says "remains"
answers 0 "$tipstaff" sandbox explain fs.read --config "$dir/etc" --level bare --json
jq -e '.version == 1 and .tool == "fs.read" and .box.level == "bare" and (.box.absent | index("namespaces"))
    and (.box.remains | map(select(contains("stat"))) | length == 1)' "$dir/out" >/dev/null || die "json of explain"
answers 0 "$tipstaff" sandbox explain fs.write --config "$dir/etc" --elsewhere --json
jq -e '.box == null and .access == "write"' "$dir/out" >/dev/null || die "json elsewhere"
answers 1 "$tipstaff" sandbox explain nope --config "$dir/etc"
says 'there is no tool "nope"'
says 'are readable)'
answers 1 "$tipstaff" sandbox explain fs.raed --config "$dir/etc"
says 'there is no tool "fs.raed"'
says 'did you mean fs.read?'
printf 'tool: bad.one\nexec: /usr/bin/cat\nargv: [cat]\nsecomp: files\n' >"$dir/etc/tools/bad.yaml"
answers 1 "$tipstaff" sandbox explain bad.one --config "$dir/etc"
says 'tools/bad.yaml:4:'
answers 1 "$tipstaff" sandbox explain bad.oen --config "$dir/etc"
says 'did you mean bad.one?'
printf 'tool: cg\nexec: /usr/bin/cat\nargv: [cat]\nsandbox: full\n' >"$dir/etc/tools/bad.yaml"
answers 1 "$tipstaff" sandbox explain cg --config "$dir/etc" --level bare
answers 1 "$tipstaff" sandbox explain fs.read --config /nonexistent
answers 2 "$tipstaff" sandbox explain fs.read --level huge
answers 2 "$tipstaff" sandbox explain

# trace: what a run would need. Its own output comes first.
traces() { answers 0 "$tipstaff" sandbox trace -- "$@"; }
traces /bin/cat "$dir/etc/tipstaff.yaml"
says 'exec: "/usr/bin/cat"'
says "seccomp: pure"
traces /bin/sh -c "echo x >$dir/work/out; /bin/cat $dir/work/out >/dev/null; rm $dir/work/out"
says "seccomp: files"
says '"/usr/bin/cat" # execve'
says '"/usr/bin/rm" # execve'
grep -q 'not proposed: writing /tmp' "$dir/out" || says "write_paths:"
traces /usr/bin/python3 -c 'import socket, threading
t = threading.Thread(target=lambda: None); t.start(); t.join()
s = socket.socket()
try: s.connect(("127.0.0.1", 9))
except OSError: pass
u = socket.socket(socket.AF_UNIX)
try: u.connect("/run/no\x1b.sock")
except OSError: pass'
says "seccomp: net"
says '{host: "127.0.0.1", ports: [9]}'
says 'not proposed: the UNIX socket /run/no\x1b.sock'
says 'unix-sockets'
if traces /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).unshare(0); ctypes.CDLL(None).shmget(0, 1, 0o600)'; then
    says "not proposed: unshare"
    says "not proposed: shmget"
fi
answers 1 "$tipstaff" sandbox trace -- /nonexistent/program
answers 1 "$tipstaff" sandbox trace --config "$dir/etc" -- nope
rm "$dir/etc/tools/bad.yaml"
answers 0 "$tipstaff" sandbox trace --config "$dir/etc" -- fs.read "$dir/etc/tipstaff.yaml"
says 'exec: "/usr/bin/cat"'
answers 2 "$tipstaff" sandbox trace

for c in "sandbox explain" "sandbox trace" "sandbox" "sandbox lint" "sandbox show"; do
    # shellcheck disable=SC2086
    answers 0 "$tipstaff" $c --help
    says "tipstaff sandbox"
done
echo "ok"
