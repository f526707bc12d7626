#!/usr/bin/env bash
# Every uid of a small range runs a tool: the next call is refused and says why,
# in the record too, and nothing runs in a lesser box instead; tools that write
# have a uid still; and as soon as one ends the next is served.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: uids for tools need root"; exit 0; }

uids=32 # less the writers', in seven parts, of which "files" has three
most=12 # tools then
marker=$((200000 + $$))
service_setup exhaust
service_tool ex-long "tool: ex.long
exec: /bin/sleep
argv: [\"sleep\", \"$marker\"]
sandbox: uid
limits: {wall_ms: 600000}
"
service_tool ex-short "tool: ex.short
exec: /bin/true
argv: [\"true\"]
sandbox: uid
"
service_tool ex-write "tool: ex.write
exec: /bin/true
argv: [\"true\"]
sandbox: uid
write_paths: [$service_workspace]
"
service_policy ex 'permit (principal, action in [Action::"ex.long", Action::"ex.short", Action::"ex.write"], resource);'
first=$((1000000 + $$ % 1000000 * 1000))
printf 'sandbox: {uids: %d-%d}\n' "$first" "$((first + uids - 1))" >>"$service_dir/etc/tipstaff.yaml"
service_start
c=$service_dir/c.chain
service_delegate "$c" 'permit (principal, action, resource);'

running() { [ "$(pgrep -fc "^sleep $marker")" -eq "$1" ]; }
refused() { # refused TOOL
    if shim "$c" call "$1" >"$service_dir/out" 2>&1; then return 1; fi
    grep -q '\[too_many_calls\]' "$service_dir/out"
}
own_uids() { # each its own, out of the range, none of them the writers'
    pgrep -f "^sleep $marker" | while read -r p; do stat -c %u "/proc/$p"; done | sort -u |
        awk -v a="$first" -v b="$((first + uids))" -v m=$most '$1 > a && $1 < b {n++} END {exit n != m}'
}

for n in $(seq $most); do
    shim "$c" call ex.long >/dev/null 2>&1 &
    calls+=($!)
    check "$n run" wait_until 60 running "$n"
done
check "each as a user of its own" own_uids
check "one more is refused" refused ex.long
check "and a short one" refused ex.short
check "nothing more runs" running $most
check "the record names what there is none of" recorded '.tool=="ex.short" and .code=="too_many_calls"'
check "a tool that writes is served" shim "$c" call ex.write
for _ in $(seq 20); do refused ex.short || die "a refusal changed something"; done
check "as many still" running $most

pkill -KILL -f -o "^sleep $marker" # as if it had ended by itself
check "one has ended" wait_until 60 running $((most - 1))
check "the next is served at once" shim "$c" call ex.short
for _ in $(seq 30); do shim "$c" call ex.short || die "a uid was not given back"; done
echo "ok   thirty more, one after the other"
pkill -KILL -f "^sleep $marker"
wait "${calls[@]}" 2>/dev/null || true
check "all have ended" wait_until 60 running 0
check "served" shim "$c" call ex.short
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
