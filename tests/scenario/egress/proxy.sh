#!/usr/bin/env bash
# Tools with `network: proxy` in full boxes, through the real launcher, broker and
# gate: the listener in the tool's namespace, rules by path, tunnels, records.
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"
service_setup egress-proxy
world_start "$(printf '{"web.test": [{"a": ["%s"]}], "api.test": [{"a": ["%s"]}]}' \
    $world_web $world_web)"
service_tool web "tool: web
description: curl with a proxy
exec: /usr/bin/curl
argv: [\"curl\", \"-sS\", \"--max-time\", \"30\", \"{words...}\"]
args:
  words: {type: strings, max_items: 16, allow_dash: true, description: its arguments}
seccomp: net
sandbox: full
limits: {wall_ms: 60000, memory_mb: 1024, processes: 64, open_files: 4096}
network:
  mode: proxy
  allow:
    - {host: web.test, ports: [80]}
    - {host: api.test, ports: [80], methods: [GET], paths: ['/hello', '/v1/**']}"
service_args "words?: Set<String>,"
service_policy net 'permit (principal, action == Action::"web", resource);'
world_service full
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
call() { # call WORD...
    shim "$service_dir/a.chain" call web \
        "words:=$(jq -cn '$ARGS.positional' --args -- "$@")" 2>"$service_dir/err"
}
refused_as() { # refused_as CODE WORD...
    local code=$1
    shift
    call "$@" >"$service_dir/out" 2>&1 || true
    grep -qF "($code)" "$service_dir/out" "$service_dir/err"
}
recorded() { records "$1" | jq -e "select($2)" >/dev/null; }

same "absolute form" "hello from the host" "$(call http://web.test/hello)"
same "a rule with a path" "hello from the host" "$(call http://api.test/hello)"
same "CONNECT" "hello from the host" "$(call -p http://web.test/hello)"
same "SOCKS5" "hello from the host" \
    "$(call --socks5-hostname 127.0.0.1:3128 http://web.test/hello)"
same "3 MB arrive whole" 3000000 \
    "$(call -o /dev/null -w '%{size_download}' 'http://web.test/big?3000000')"
check "a path that is not allowed" refused_as path_denied http://api.test/who
check "a method that is not allowed" refused_as method_denied -X POST http://api.test/hello
check "a host that is not allowed" refused_as host_denied http://evil.test/
check "no tunnel past a rule with paths" \
    eval '! call -p http://api.test/hello >"$service_dir/out" 2>&1'
check "nothing but the proxy is there" \
    eval '! call --noproxy "*" http://$world_web/hello >"$service_dir/out" 2>&1'
for want in 'via == "http" and .path == "/hello"' 'via == "connect"' 'via == "socks5"'; do
    check "recorded: $want" wait_until 5 recorded egress_opened ".$want"
done
check "a refusal is recorded with its path" wait_until 5 recorded egress_denied \
    '.code == "path_denied" and .path == "/who"'
balanced() { [ "$(records egress_opened | wc -l)" = "$(records egress_closed | wc -l)" ]; }
check "each one opened was closed" wait_until 10 balanced
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
