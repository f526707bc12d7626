# shellcheck shell=bash
# A network of our own: this script goes on in a fresh network namespace whose
# only neighbour is another one with a DNS server and a web server. Sourced by
# tests that begin with it; needs root and iproute2.
if [ "$(id -u)" -ne 0 ] || ! command -v ip >/dev/null; then
    echo "SKIPPED: networks of our own need root and iproute2"
    exit 0
fi
if [ -z "${EGRESS_WORLD:-}" ]; then
    export EGRESS_WORLD=1
    exec unshare "${EGRESS_UNSHARE:--n}" "$0" "$@"
fi
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
die() { # and what the last call and the service said
    tail -n 5 "$service_dir/err" "$service_dir/service.log" >&2 2>/dev/null || true
    printf 'error: %s\n' "$*" >&2
    exit 1
}
world_here=45.33.32.1 world_web=45.33.32.10 world_dns=45.33.32.53 # public, elsewhere
world_pids=()

world_start() { # world_start ZONE_JSON
    local p
    service_walkable # the preload library, which tools read
    printf '%s\n' "$1" >"$service_dir/zone.json"
    : >"$service_dir/asked"
    unshare -n sleep 600 &
    world_netns=$!
    service_also_stop $world_netns
    ip link set lo up
    wait_until 60 world_is_apart
    ip link add near type veth peer name far netns "$world_netns"
    ip addr add $world_here/24 dev near
    ip link set near up
    over_there ip link set lo up
    over_there ip addr add $world_web/24 dev far
    over_there ip addr add $world_dns/24 dev far
    over_there ip link set far up
    # not through the function: $! is to be the server, not a shell around it
    nsenter -t "$world_netns" -n /usr/bin/python3 "$top/tests/scenario/egress/dns_server.py" $world_dns \
        "$service_dir/zone.json" "$service_dir/asked" &
    service_also_stop $!
    nsenter -t "$world_netns" -n /usr/bin/python3 "$top/tests/scenario/egress/web_server.py" $world_web 80 \
        >"$service_dir/web.out" 2>&1 &
    service_also_stop $!
    wait_until 60 world_serves || die "the web server does not answer"
}
world_is_apart() {
    [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$world_netns/ns/net")" ]
}
over_there() { nsenter -t "$world_netns" -n "$@"; }
world_serves() { curl -s -o /dev/null "http://$world_web/hello"; }

# world_service LEVEL: egress through our DNS server, boxes of that level
world_service() {
    printf 'egress: {dns: ["%s"]}\nsandbox: {level: %s}\n' $world_dns "$1" \
        >>"$service_dir/etc/tipstaff.yaml"
    sed -i -E "s/^( +)launcher: .*/&\n\1broker: 64004/" "$service_dir/etc/tipstaff.yaml"
}
records() { log_lines | jq -c "select(.kind == \"$1\")"; } # records KIND
recorded() { records "$1" | jq -s -e "any(.[]; $2)" >/dev/null; } # recorded KIND CONDITION
