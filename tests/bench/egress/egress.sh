#!/usr/bin/env bash
# The network of a tool beside none at all: one line of JSON for each way, with the
# median of the ratios of ROUNDS pairs of runs (each run: the median of N).
# By address, and (web.test) with the name looked up each time, at a name server in
# Python that takes most of it.
# egress.sh [ROUNDS] [N]   TIPSTAFF_BIN: programs, beside ../bench
. "$(dirname "${BASH_SOURCE[0]}")/../../scenario/egress/world.sh"
rounds=${1:-9} n=${2:-200} bench=$service_bin/../bench/bench_egress
service_setup egress-bench
world_start "{\"web.test\": [{\"a\": [\"$world_web\"]}]}"
nsenter -t "$world_netns" -n "$bench" serve $world_web 8081 &
service_also_stop $!
cp "$bench" "$service_dir/bench_egress"
for mode in broker proxy; do
    service_tool "$mode" "tool: $mode
exec: $service_dir/bench_egress
argv: [bench_egress, '{what}', '{host}', '8081', '$n']
args: {what: {type: string, required: true}, host: {type: string, required: true}}
seccomp: $([ $mode = proxy ] && echo net || echo files)
sandbox: full
network:
  mode: $mode
  max_connections: 1024
  allow: ['web.test:8081', {host: $world_web, ports: [8081], addresses: [$world_web/32]}]"
done
service_args "what?: String, host?: String,"
service_policy net 'permit (principal, action in [Action::"broker", Action::"proxy"], resource);'
world_service full
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'

pair() { # pair PLAIN TOOL WHAT HOST : ROUNDS lines "plain us, tool us"
    local i
    for i in $(seq "$rounds"); do
        printf '%s %s\n' "$("$bench" "$1" $world_web 8081 "$n")" \
            "$(shim "$service_dir/a.chain" call "$2" "what=$3" "host=$4")"
    done
}
while read -r plain tool what host; do
    pair "$plain" "$tool" "$what" "$host" | jq -cRs --arg what "$what" --arg plain "$plain" \
        --arg mode "$tool" --arg host "$host" '
        def median: sort | if length % 2 == 1 then .[length / 2 | floor]
            else (.[length / 2 - 1] + .[length / 2]) / 2 end;
        [split("\n")[] | select(length > 0) | split(" ") | map(tonumber)]
        | {what: $what, host: $host, mode: $mode, plain: $plain, rounds: length,
           plain_us: (map(.[0]) | median), tool_us: (map(.[1]) | median),
           ratio: (map(.[1] / .[0]) | median * 100 | round / 100)}'
done <<END
connect broker ask $world_web
connect broker ask web.test
connect proxy tunnel $world_web
get proxy forward $world_web
get proxy keep $world_web
END
service_stop
