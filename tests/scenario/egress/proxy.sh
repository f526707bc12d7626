#!/usr/bin/env bash
# Tools with `network: proxy` in boxes of their own, through the real launcher, broker
# and gate: the programs that people have, rules, tunnels, TLS and secrets upstream,
# records, revocation, and what a tool may try instead.
# proxy.sh LEVEL (full, strict)
EGRESS_UNSHARE=-nm # the trust store is the test's own
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"
level=${1:-full}
service_setup "egress-proxy-$level"
here=$(dirname "${BASH_SOURCE[0]}")
host() { printf '"%s": [{"a": ["%s"]}]' "$1" $world_web; }
world_start "{$(host web.test), $(host api.test), $(host open.test), $(host safe.test),
    $(host git.test), $(host pypi.test), $(host npm.test)}"
mkdir "$service_dir/far"
nsenter -t "$world_netns" -n /usr/bin/python3 "$here/far_servers.py" $world_web \
    "$service_dir/far" &
service_also_stop $!
wait_until 60 test -e "$service_dir/far/ready" || die "no servers over there"
mount --bind "$service_dir/far/ca.pem" /etc/ssl/certs/ca-certificates.crt
secret="k3y-of-the-upstream-$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')"
mkdir -m 0700 "$service_dir/credentials" # as the manager does: root's alone
(umask 0277 && printf '%s\n' "$secret" >"$service_dir/credentials/api-key")
"$service_bin/tipstaff" key new "$service_dir/etc/keys/token" >/dev/null
printf 'token_key: keys/token.seed\n' >>"$service_dir/etc/tipstaff.yaml"

allow="
    - {host: web.test, ports: [80]}
    - {host: api.test, ports: [80], methods: [GET], paths: ['/hello', '/v1/**']}
    - {host: open.test, ports: [8080, 8443]}
    - {host: git.test, ports: [8080]}
    - {host: pypi.test, ports: [8080]}
    - {host: npm.test, ports: [8080]}
    - {host: safe.test, ports: [8443, 8444, 8445, 8447, 8448, 8449], tls: true}"
tool() { # tool NAME EXEC ARGV MORE
    mkdir -p "$service_workspace/$1"
    service_tool "$1" "tool: $1
description: a program with a proxy
exec: $2
argv: $3
args:
  words: {type: strings, max_items: 32, allow_dash: true, description: its arguments}
read_paths: [/usr, /etc]
seccomp: net
sandbox: $level
network:
  mode: proxy
  allow:$allow
$4"
}
limits='limits: {wall_ms: 60000, memory_mb: 1024, processes: 64, open_files: 1024, output_bytes: 4194304}'
upstream="secrets:
  KEY: {credential: api-key, as: header, header: Authorization, prefix: 'Bearer ', hosts: [safe.test]}
  OBO: {identity_token: true, as: header, header: X-Obo, hosts: [safe.test]}
identity_token: {audience: 'https://safe.test', scope: 'notes:read'}"
tool web /usr/bin/curl '["curl", "-sS", "--max-time", "30", "{words...}"]' "$limits"
tool python /usr/bin/python3 '["python3", "-c", "{words...}"]' "$limits"
tool keyed /usr/bin/curl '["curl", "-sS", "--max-time", "30", "{words...}"]' "$limits
$upstream"
tools='Action::"web", Action::"python", Action::"keyed"'
if [ "$level" = full ]; then # these start programs, which strict is without
    mkdir -m 0770 "$service_dir/scratch"
    chown "$(service_uid launcher):$(service_uid launcher)" "$service_dir/scratch"
    tool shell /bin/bash '["bash", "-c", "{words...}"]' "scratch: $service_dir/scratch
exec_paths: [/usr/bin, /usr/lib/git-core]
env: {GIT_CONFIG_NOSYSTEM: '1', npm_config_cache: /tmp/npm, GIT_CONFIG_GLOBAL: /dev/null}
limits: {wall_ms: 60000, memory_mb: 2048, processes: 32, open_files: 1024}"
    tools="$tools, Action::\"shell\""
fi
service_args "words?: Set<String>,"
service_policy net "permit (principal, action in [$tools], resource);"
world_service auto
export CREDENTIALS_DIRECTORY=$service_dir/credentials
service_start
unset CREDENTIALS_DIRECTORY
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
as() { # as TOOL WORD...
    local name=$1
    shift
    shim "$service_dir/a.chain" call "$name" \
        "words:=$(jq -cn '$ARGS.positional' --args -- "$@")" 2>"$service_dir/err"
}
call() { as web "$@"; }
refused_as() { # refused_as CODE TOOL WORD...
    local code=$1
    shift
    as "$@" >"$service_dir/out" 2>&1 || true
    grep -qF "($code)" "$service_dir/out" "$service_dir/err"
}
fails() { ! as "$@" >"$service_dir/out" 2>&1; }
caps() { sed -nE "s/^Cap$1:\s*0*([0-9a-f]*)$/\1/p" "/proc/$(service_pid tipstaff-broker)/status"; }

# The broker has read a credential that is root's alone, and can no more.
for set in Inh Prm Eff Amb; do
    same "capabilities of the broker: $set" "" "$(caps $set)"
done
same "a user of its own" 64004 "$(stat -c %u "/proc/$(service_pid tipstaff-broker)")"

same "absolute form" "hello from the host" "$(call http://web.test/hello)"
same "a rule with a path" "hello from the host" "$(call http://api.test/hello)"
same "CONNECT" "hello from the host" "$(call -p http://web.test/hello)"
same "SOCKS5" "hello from the host" \
    "$(call --socks5-hostname 127.0.0.1:3128 http://web.test/hello)"
same "https, by CONNECT" "page /t" "$(call --connect-to safe.test:8443:open.test:8443 \
    https://safe.test:8443/t)"
for n in 1 3000000 30000000; do
    same "$n bytes arrive whole" "$n" \
        "$(call -o /dev/null -w '%{size_download}' "http://web.test/big?$n")"
    same "$n bytes through a tunnel" "$n" \
        "$(call -p -o /dev/null -w '%{size_download}' "http://web.test/big?$n")"
done
same "python's urllib" "hello from the host" "$(as python \
    'import urllib.request as u; print(u.urlopen("http://web.test/hello", timeout=20).read().decode(), end="")')"
same "2 MB go up, chunked" 2097152 "$(as python '
import http.client
c = http.client.HTTPConnection("127.0.0.1", 3128, timeout=20)
c.request("POST", "http://open.test:8080/echo", iter([b"y" * 65536] * 32), {"Host": "open.test:8080"})
print(c.getresponse().read().count(b"y" * 64) * 64)')"
check "a path that is not allowed" refused_as path_denied web http://api.test/who
check "the same in another spelling" refused_as path_denied web --path-as-is \
    http://api.test/v1/%2e%2e/who
check "a method that is not allowed" refused_as method_denied web -X POST http://api.test/hello
check "a host that is not allowed" refused_as host_denied web http://evil.test/
check "no tunnel past a rule with paths" fails web -p http://api.test/hello
check "nothing but the proxy is there" fails web --noproxy '*' http://$world_web/hello
check "an address needs a rule of its own" refused_as host_denied web "http://$world_web/hello"
check "a tunnel to an address, too" fails web -p "http://$world_web/hello"
for want in '.via == "http" and .path == "/hello"' '.via == "connect"' '.via == "socks5"'; do
    check "recorded: $want" wait_until 60 recorded egress_opened "$want"
done
check "a refusal is recorded with its path" wait_until 60 recorded egress_denied \
    '.code == "path_denied" and .path == "/who"'

# Each request of one connection is checked, counted, and recorded when refused.
same "three requests, one connection, two of them allowed" "200 200 403" "$(as python '
import http.client
c = http.client.HTTPConnection("127.0.0.1", 3128, timeout=20)
out = []
for path in ("/hello", "/hello", "/secret-path"):
    c.request("GET", "http://api.test" + path, headers={"Host": "api.test"})
    r = c.getresponse(); r.read(); out.append(str(r.status))
print(*out)')"
check "the refused one is recorded" wait_until 60 recorded egress_denied \
    '.path == "/secret-path" and .code == "path_denied"'
check "the connection counts the others" wait_until 60 recorded egress_closed \
    '.host == "api.test" and .requests == 2'

# TLS to the host, and what the tool never has.
check "a key is added" eval 'as keyed http://safe.test:8443/echo >"$service_dir/echo" &&
    grep -q "^Authorization: Bearer \[redacted\]" "$service_dir/echo"'
check "and a token of this call" grep -q '^X-Obo: \[redacted\]' "$service_dir/echo"
check "the tool's own is dropped" eval 'as keyed -H "Authorization: mine" \
    http://safe.test:8443/chunked-echo >"$service_dir/echo" && ! grep -q mine "$service_dir/echo"'
check "what it sends arrives" eval 'as keyed -d ping http://safe.test:8443/echo | grep -q ping'
check "no key for a tool without" eval \
    '! as web http://safe.test:8443/echo | grep -qi "authorization\|x-obo"'
not_in() { ! grep -rqF -- "$1" "$service_dir/var" "$service_dir/service.log" "$service_dir/echo"; }
check "the key is written down nowhere" not_in "$secret"
while read -r port what; do
    check "refused: $what" refused_as tls_failed web "http://safe.test:$port/ok"
done <<'END'
8444 another name
8445 a certificate that nobody signed
8447 TLS 1.1
8448 a certificate of the year 2000
8449 a chain of 6 MB
END

if [ "$level" = full ]; then
    repo=$service_dir/far/repos/r.git
    git init -q --bare -b main "$repo"
    git -C "$repo" config http.receivepack true
    same "git: push of 2 MB, clone" same "$(as shell '
set -e; cd "$TMPDIR"; export HOME=$TMPDIR
git -c init.defaultBranch=main init -q one && head -c 2000000 /dev/urandom >one/f
git -C one add f && git -C one -c user.name=t -c user.email=t@t commit -qm x
git -C one push -q http://git.test:8080/git/r.git main
git clone -q http://git.test:8080/git/r.git two && cmp one/f two/f && echo same')"
    same "pip" demo-1.0-py3-none-any.whl "$(as shell '
cd "$TMPDIR"; HOME=$TMPDIR /usr/bin/python3 -m pip download -q --no-deps --no-cache-dir -d w \
    --index-url http://pypi.test:8080/simple/ --trusted-host pypi.test demo && ls w')"
    if command -v npm >/dev/null; then
        same "npm" 1.0.0 "$(as shell '
cd "$TMPDIR"; export HOME=$TMPDIR; echo "{}" >package.json
node --max-old-space-size=256 '"$(readlink -f "$(command -v npm)")"' install --no-audit \
    --no-fund --no-update-notifier --registry http://npm.test:8080/ demo >log 2>&1 || cat log
sed -nE "s/.*\"version\": ?\"([0-9.]+)\".*/\1/p" node_modules/demo/package.json')"
    else
        echo "SKIPPED: npm is not installed"
    fi
    same "wget" "hello from the host" "$(as shell 'wget -qO- http://web.test/hello')"
fi

# What a tool may try at its proxy.
as python "$(cat "$here/hostile_proxy.py")" >"$service_dir/hostile" || cat "$service_dir/err"
grep -v '^all as expected$' "$service_dir/hostile" || true
check "hostile requests are refused one by one" grep -qx 'all as expected' "$service_dir/hostile"
same "the others are served meanwhile" "hello from the host" "$(call http://web.test/hello)"

# Revoked: connections of every kind are cut at once, and the records say why.
: >"$service_dir/drip"
had=$(records egress_opened | wc -l)
calls=()
for kind in "" -p; do
    # shellcheck disable=SC2086
    call $kind -N http://web.test/drip >>"$service_dir/drip" &
    calls+=($!)
done
as python '
import socket, time
idle = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(20)]
s = socket.create_connection(("127.0.0.1", 3128))
s.sendall(b"GET http://web.test/drip HTTP/1.1\r\nHost: web.test\r\n\r\n")
while True: s.recv(100)' >/dev/null &
calls+=($!)
opened() { records egress_opened | wc -l; }
dripping() { [ $(($(opened) - had)) -ge 3 ] && [ "$(stat -c %s "$service_dir/drip")" -ge 4 ]; }
before=$(records egress_closed | jq -s '[.[] | select(.reason == "killed")] | length')
check "three calls drip" wait_until 60 dripping
"$service_bin/tipstaff" revoke user alice --tenant acme --socket "$service_admin" \
    --reason "egress test" >"$service_dir/revoke.log" || die "revoke"
killed() { [ $(($(records egress_closed | jq -s '[.[] | select(.reason == "killed")] | length') - before)) -ge 3 ]; }
check "revoked: all three are recorded as killed" wait_until 60 killed
check "and the host sees them end" wait_until 60 eval \
    '[ "$(grep -c "drip ended" "$service_dir/web.out")" -ge 3 ]'
wait "${calls[@]}" || true

balanced() { [ "$(records egress_opened | wc -l)" = "$(records egress_closed | wc -l)" ]; }
check "each one opened was closed" wait_until 60 balanced
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
