#!/usr/bin/env bash
# Tools with `network: broker`, unmodified programs, against a DNS server and a
# web server of our own: what is allowed works, what is not is refused and
# recorded, and what is open is shut when its call ends.
# broker.sh LEVEL
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"
level=${1:-bare}
here=$(dirname "${BASH_SOURCE[0]}")
tool() { # tool NAME EXEC ARGV EXTRA [SECCOMP]
    service_tool "$1" "tool: $1
description: a program with a network
exec: $2
exec_paths: [/usr/bin, /usr/lib/git-core]
read_paths: [/usr, /etc]
scratch: $service_dir/scratch
env: {GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: /dev/null}
argv: $3
args:
  words: {type: strings, max_items: 16, allow_dash: true, description: its arguments}
seccomp: ${5:-files}
limits: {wall_ms: 60000, memory_mb: 1024, processes: 64, open_files: 4096}
network:
  mode: broker
  $4
  allow:
    - {host: web.test, ports: [80, 81]}
    - {host: git.test, ports: [8080]}
    - {host: '*.sub.test', ports: [80]}
    - {host: rebind.test, ports: [80]}
    - {host: private.test, ports: [80]}
    - {host: loop.test, ports: [80]}
    - {host: meta.test, ports: [80]}
    - {host: six.test, ports: [80]}
    - {host: own.test, ports: [80]}
    - {host: many.test, ports: [80]}
    - {host: cname.test, ports: [80]}
    - {host: nx.test, ports: [80]}
    - {host: fail.test, ports: [80]}
    - {host: slow.test, ports: [80]}
    - {host: dead.test, ports: [80]}
    - {host: excepted.test, ports: [80], addresses: [127.0.0.0/8]}
    - {host: $world_web, ports: [80], addresses: [$world_web/32]}"
}
service_setup "egress-$level"
world_start "$(/usr/bin/python3 - <<END
import json
web = {"a": ["$world_web"]}
private = ["10.0.0.%d" % i for i in range(1, 7)]
print(json.dumps({
    "git.test": [web], "web.test": [web], "a.sub.test": [web], "evil.test": [web],
    "rebind.test": [web, {"a": ["127.0.0.1"], "aaaa": ["::1"]}],
    "private.test": [{"a": ["10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1"]}],
    "loop.test": [{"a": ["127.0.0.1", "0.0.0.0"], "aaaa": ["::1", "::", "fe80::1", "fc00::1"]}],
    "meta.test": [{"a": ["169.254.169.254", "100.100.100.200", "168.63.129.16"],
                   "aaaa": ["fd00:ec2::254"]}],
    "six.test": [{"aaaa": ["::ffff:$world_web", "2002:2d21:200a::1", "64:ff9b::10.0.0.1"]}],
    "own.test": [{"a": ["$world_here"]}],
    "many.test": [{"a": private + ["$world_web"] + private}],
    "cname.test": [{"cname": ["other.test", "cname.test"]}],
    "fail.test": [{"rcode": 2}], "slow.test": [dict(web, delay=1)],
    "dead.test": [{"silent": True}], "excepted.test": [{"a": ["127.0.0.1"]}],
}))
END
)"
tool curl /usr/bin/curl '["curl", "-sS", "--max-time", "30", "{words...}"]' ''
tool small /usr/bin/curl '["curl", "-sS", "--max-time", "30", "{words...}"]' 'max_bytes: 200000'
tool python /usr/bin/python3 '["python3", "-c", "{words...}"]' 'max_connections: 1024'
mkdir -m 0770 "$service_dir/scratch"
chown "$(service_uid launcher):$(service_uid launcher)" "$service_dir/scratch"
mkdir "$service_dir/far"
nsenter -t "$world_netns" -n /usr/bin/python3 "$here/far_servers.py" $world_web \
    "$service_dir/far" 2>/dev/null &
service_also_stop $!
tool shell /bin/bash '["bash", "-c", "{words...}"]' ''
if command -v node >/dev/null; then
    tool node "$(readlink -f "$(command -v node)")" '["node", "-e", "{words...}"]' '' jit
fi
service_args "words?: Set<String>,"
service_policy net 'permit (principal, action in [Action::"curl", Action::"small", Action::"python", Action::"shell", Action::"node"], resource);'
world_service "$level"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
call() { # call TOOL WORD... : as a list of JSON
    local name=$1
    shift
    shim "$service_dir/a.chain" call "$name" \
        "words:=$(jq -cn '$ARGS.positional' --args -- "$@")" 2>"$service_dir/err"
}
says() { grep -qF -- "$1" "$service_dir/err" "$service_dir/out"; }
refused() { ! call curl "http://$1/hello" >"$service_dir/out" 2>&1; }
denied() { recorded egress_denied ".host == \"$1\" and .code == \"$2\""; }

same "curl reaches an allowed host" "hello from the host" "$(call curl http://web.test/hello)"
same "by the address that was asked for" $world_here "$(call curl http://web.test/who)"
same "a name under a wildcard" "hello from the host" "$(call curl http://a.sub.test/hello)"
same "an address that is excepted" "hello from the host" "$(call curl "http://$world_web/hello")"
same "a POST comes back" "round trip" "$(call curl -d 'round trip' http://web.test/echo)"
same "3 MB arrive whole" 3000000 "$(call curl -o /dev/null -w '%{size_download}' 'http://web.test/big?3000000')"
same "python's urllib" "hello from the host" "$(call python \
    'import urllib.request as u; print(u.urlopen("http://web.test/hello", timeout=20).read().decode(), end="")')"
same "asyncio, without waiting" "hello from the host" "$(call python '
import asyncio
async def main():
    r, w = await asyncio.open_connection("web.test", 80)
    w.write(b"GET /hello HTTP/1.0\r\n\r\n")
    print((await r.read()).split(b"\r\n\r\n")[1].decode(), end="")
asyncio.run(main())')"
same "fifty fetches by eight threads" 50 "$(call python '
import concurrent.futures as f, urllib.request as u
def one(i): return u.urlopen("http://web.test/hello", timeout=20).read() == b"hello from the host\n"
print(sum(f.ThreadPoolExecutor(8).map(one, range(50))))')"
same "wget" "hello from the host" "$(call shell 'wget -qO- http://web.test/hello')"
same "bash's /dev/tcp" "hello from the host" "$(call shell \
    'exec 3<>/dev/tcp/web.test/80; printf "GET /hello HTTP/1.0\r\n\r\n" >&3; tail -n 1 <&3')"
same "perl" "hello from the host" "$(call shell 'perl -MIO::Socket::INET -e "
    my \$s = IO::Socket::INET->new(PeerAddr => q(web.test:80)) or die;
    print \$s qq(GET /hello HTTP/1.0\r\n\r\n); my @l = <\$s>; print \$l[-1]"')"
wait_until 60 test -e "$service_dir/far/ready" || die "no servers over there"
repo=$service_dir/far/repos/r.git
git init -q --bare -b main "$repo"
git -C "$repo" config http.receivepack true
same "git: push and clone" same "$(call shell '
set -e; cd "$TMPDIR"; export HOME=$TMPDIR
git -c init.defaultBranch=main init -q one && head -c 2000000 /dev/urandom >one/f
git -C one add f && git -C one -c user.name=t -c user.email=t@t commit -qm x
git -C one push -q http://git.test:8080/git/r.git main
git clone -q http://git.test:8080/git/r.git two && cmp one/f two/f && echo same')"
if command -v node >/dev/null; then
    same "node" "hello from the host" "$(call node 'require("http").get("http://web.test/hello",
        (r) => r.pipe(process.stdout))')"
else
    echo "SKIPPED: node is not installed"
fi
same "a program that a program starts" "hello from the host" "$(call python '
import subprocess
print(subprocess.run(["/usr/bin/curl", "-sS", "http://web.test/hello"], stdout=subprocess.PIPE).stdout.decode(), end="")')"
same "a doubled descriptor, a failed try, the same socket again" "True ('198.18.0.2', 80)" "$(call python '
import os, socket
s = socket.socket()
try:
    s.connect(("web.test", 81))
except ConnectionRefusedError:
    pass
s.connect(("a.sub.test", 80))
t = socket.socket(fileno=os.dup(s.fileno()))
s.close()
t.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
data = b""
while chunk := t.recv(100):
    data += chunk
print(b"hello from" in data, t.getpeername())')"
same "an answer that is slow to come" "hello from the host" "$(call curl http://slow.test/hello)"
same "one good address among many bad ones" "hello from the host" "$(call curl http://many.test/hello)"

while read -r host code; do
    check "$host is refused" refused "$host"
    check "and recorded as $code" wait_until 60 denied "$host" "$code"
done <<'END'
evil.test host_denied
sub.test host_denied
a.web.test host_denied
web.test.evil.test host_denied
private.test address_denied
loop.test address_denied
meta.test address_denied
six.test address_denied
own.test address_denied
cname.test name_unknown
nx.test name_unknown
fail.test name_failed
END
check "another port is refused" refused web.test:8080
check "and recorded as such" wait_until 60 denied web.test port_denied
check "nothing listens there" refused web.test:81
check "which is another code" wait_until 60 denied web.test refused
check "an address nobody excepted" refused 45.33.32.53
check "a server that says nothing" refused dead.test

# Rebinding: the name is resolved once, and what was checked is what is dialled.
same "the first answer is public" "hello from the host" "$(call curl http://rebind.test/hello)"
before=$(grep -c '^rebind.test 1$' "$service_dir/asked")
check "the second is not, and refused" refused rebind.test
same "each connection asks once" $((before + 1)) "$(grep -c '^rebind.test 1$' "$service_dir/asked")"

too_much() { ! call small -o /dev/null 'http://web.test/big?5000000' >"$service_dir/out" 2>&1; }
check "the allowance of bytes ends a connection" too_much
bytes_spent() { recorded egress_closed '.reason == "bytes" and .bytes_in <= 200000'; }
check "and is recorded" wait_until 60 bytes_spent

same "1000 connections at once" 1000 "$(call python '
import select, socket
open_ = []
for i in range(1000):
    s = socket.socket(); s.setblocking(False); s.connect_ex(("web.test", 80)); open_.append(s)
done = 0
for s in open_:
    select.poll()
    p = select.poll(); p.register(s, select.POLLOUT); p.poll(20000)
    done += s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0 and s.getpeername()[1] == 80
print(done)')"

shown() { # log show ID lists the connections of one call
    local id
    id=$(records egress_denied | jq -r 'select(.code == "port_denied") | .id' | head -1)
    "$service_bin/tipstaff" log show "$id" "$service_log" | grep -q 'no conn.*web.test:8080.*port_denied'
}
check "tipstaff log show lists them" shown

# What has no permission has no way round the shim either.
around='
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
r = libc.syscall(41, 2, 1, 0)
print("socket", r)'
same "socket(2) itself is refused" "socket -1" "$(call python "$around")"

# A call that is ended takes its connections with it at once.
call curl -N http://web.test/drip >"$service_dir/drip" &
drip=$!
check "something drips" wait_until 60 test -s "$service_dir/drip"
kill -TERM "$(service_shims "call curl")"
wait $drip || true
check "the host sees it end" wait_until 60 grep -q "drip ended" "$service_dir/web.out"
killed() { recorded egress_closed '.reason == "killed"'; }
check "and the record says why" wait_until 60 killed

# One that asks for what it may not have, as fast as it can, keeps nobody waiting.
alone=$(date +%s%N)
same "served, with nothing beside it" "hello from the host" "$(call curl http://web.test/hello)"
alone=$((($(date +%s%N) - alone) / 1000000))
call python '
import ctypes, os, socket, struct, time
fd = int(os.environ["TIPSTAFF_EGRESS_FD"])
c = socket.socket(fileno=os.dup(fd))
host = b"evil.test"
ask = b"\x07\x94\x01" + bytes([0xa0 + len(host)]) + host + b"\x50\x00"
a, b = socket.socketpair(), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
end = time.monotonic() + 4
n = 0
while (time.monotonic() < end or n <= 6000) and n < 100000:
    socket.send_fds(c, [ask], [a[0].fileno(), b[0].fileno()])
    try:
        while b[1].recv(500, socket.MSG_DONTWAIT): pass
    except BlockingIOError: pass
    n += 1
print(n)' >"$service_dir/flood" &
flood=$!
took=$(date +%s%N)
same "served beside a flood" "hello from the host" "$(call curl http://web.test/hello)"
took=$((($(date +%s%N) - took) / 1000000))
check "within two seconds, or what is much on this machine now ($took ms, alone $alone ms)" \
    [ "$took" -lt $((2000 + 20 * alone)) ]
wait $flood || true
check "it was one: $(cat "$service_dir/flood") wishes" [ "$(cat "$service_dir/flood")" -gt 5000 ]
check "of which 64 are recorded, and the rest as a number" wait_until 60 \
    recorded egress_denied '.count > 4000'

# Every connection that was opened is in the log, and was closed.
balanced() { [ "$(records egress_opened | wc -l)" = "$(records egress_closed | wc -l)" ]; }
check "each one opened was closed" wait_until 60 balanced
check "more than a thousand" [ "$(records egress_opened | wc -l)" -gt 1000 ]
same "all with their address" "$world_web" "$(records egress_opened | jq -r .address | sort -u)"

# Revoked: what is open is cut at once.
call curl -N http://web.test/drip >"$service_dir/drip2" &
drip=$!
call python '
import socket
open_ = [socket.create_connection(("web.test", 80)) for _ in range(20)]
open_[0].sendall(b"GET /drip HTTP/1.0\r\n\r\n")
while open_[0].recv(10): print(".", flush=True)' >"$service_dir/drip3" &
other=$!
check "two calls drip" wait_until 60 eval \
    'test -s "$service_dir/drip2" && test -s "$service_dir/drip3"'
kills() { records egress_closed | jq -s '[.[] | select(.reason == "killed")] | length'; }
before=$(kills)
"$service_bin/tipstaff" revoke user alice --tenant acme --socket "$service_admin" \
    --reason "egress test" >"$service_dir/revoke.log" || die "revoke"
all_killed() { [ $(($(kills) - before)) -eq 21 ]; }
check "revoked: 21 connections are recorded as killed" wait_until 60 all_killed
wait $drip $other || true
check "nothing new is granted" eval '! call curl http://web.test/hello 2>/dev/null'
service_user=bob
rm "$service_dir/a.chain"
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'

# Without a broker nothing is served; the set starts again.
kill -9 "$(service_pid tipstaff-broker)"
works() { [ "$(call curl http://web.test/hello)" = "hello from the host" ]; }
check "a new set has a new broker" wait_until 60 works
kill -9 "$(service_pid tipstaff-gate)"
check "the same after the gate" wait_until 60 works
kill -9 "$(service_pid tipstaff-launch)"
check "the same after a launcher" wait_until 60 works
service_stop
check "it ended in good order" grep -q 'stopped' "$service_dir/service.log"
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
