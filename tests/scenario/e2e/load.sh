#!/usr/bin/env bash
# 10,000 calls by 16 shims at once: each answered, one decision and one outcome
# record each, the log verifies, no descriptor and no memory growth.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
shims=${1:-16} calls=${2:-625}
total=$((shims * calls))

service_setup load
service_tool e2e-true "tool: e2e.true
description: Ends at once with success
exec: /bin/true
argv: [\"true\"]
"
service_policy e2e 'permit (principal, action == Action::"e2e.true", resource);'
service_start
service_delegate "$service_dir/c.chain" 'permit (principal, action, resource);'

batch() { # batch FIRST COUNT
    local i
    for ((i = $1; i < $1 + $2; i++)); do printf '{"tool":"e2e.true","args":{},"id":"%d"}\n' "$i"; done
}
batch 0 200 | shim "$service_dir/c.chain" call --batch >"$service_dir/warm.out"
same "warm-up: 200 answered" 200 "$(wc -l <"$service_dir/warm.out")"
fds=$(service_fds) rss=$(service_rss) before=$(log_lines | grep -c '"kind":"decision"')

start=$(date +%s%N)
pids=()
for ((s = 0; s < shims; s++)); do
    batch $((s * calls)) "$calls" >"$service_dir/in.$s"
    shim "$service_dir/c.chain" call --batch <"$service_dir/in.$s" >"$service_dir/out.$s" &
    pids+=($!)
done
for p in "${pids[@]}"; do wait "$p" || die "a shim failed"; done
ms=$((($(date +%s%N) - start) / 1000000))

same "every call answered" "$total" "$(cat "$service_dir"/out.* | wc -l)"
same "every call permitted and exited 0" "$total" \
    "$(cat "$service_dir"/out.* | jq -c 'select(.verdict=="permit" and .reason=="exited" and .exit==0)' | wc -l)"
# A connection that ends, and a box that is kept ready, are closed when the service gets to it.
fds_are_back() { service_fds_after=$(service_fds) && [ "$service_fds_after" -le "$fds" ]; }
wait_until 60 fds_are_back || true
service_ready_after=$(service_ready_fds)
service_rss_after=$(service_rss)
service_groups_after=$(service_group_fds)
service_stop
same "one decision record each" "$total" "$(($(log_lines | grep -c '"kind":"decision"') - before))"
same "one outcome record each" "$((total + before))" "$(log_lines | grep -c '"kind":"exec_ended"')"
same "decision ids are unique" "$((total + before))" \
    "$(log_lines | jq -r 'select(.kind=="decision").id' | sort -u | wc -l)"
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
check "no descriptor growth ($fds -> $service_fds_after)" test "$service_fds_after" -le "$fds"
# eight in each launcher, of which there is one for each profile, at most
check "a few boxes stand by ($service_ready_after)" test "$service_ready_after" -le 40
# 240 tools at once in a launcher, of three hierarchies at most
check "a group for each tool that ran at once, no more ($service_groups_after descriptors)" \
    test "$service_groups_after" -le $((240 * 3))
check "no memory growth beyond 4 MiB ($rss -> $service_rss_after KiB)" \
    test "$service_rss_after" -le $((rss + 4096))
echo "figures: $total calls in $ms ms, descriptors $fds -> $service_fds_after, anonymous memory $rss -> $service_rss_after KiB"
