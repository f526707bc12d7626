#!/usr/bin/env bash
# A hijacked agent asks people ten thousand times, twice, and the hook that tells them hangs, forks
# and crashes: people hear of eight questions, others are served meanwhile, nothing grows, and no
# byte of the agent's moves a cursor.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: only root has users to give away"; exit 0; }

questions=10000 waiting=8 # of a grant at once
hook_uid=64007
service_setup bury
etc=$service_dir/etc told=$service_dir/told hook=$service_dir/tell
mkdir "$told" && chown $hook_uid "$told"
cat >"$hook" <<END
#!/bin/sh
n=\$(ls $told | wc -l)
cat >$told/\$\$.json
case \$((n % 3)) in
0) sleep 600 & (setsid sleep 600 &) ; sleep 600 ;;
1) while :; do sleep 600 & done ;;
*) kill -SEGV \$\$ ;;
esac
END
chmod 0755 "$hook"
sed -i "s/^users:\$/&\n  hook: $hook_uid/" "$etc/tipstaff.yaml"
printf 'approvals:\n  on_pending: {exec: %s, write: [%s], timeout_ms: 500, max_parallel: 2}\n' "$hook" "$told" >>"$etc/tipstaff.yaml"
service_start
evil=$service_dir/evil.chain good=$service_dir/good.chain
service_delegate "$evil" 'permit (principal, action, resource);'
service_delegate "$good" 'permit (principal, action, resource);'

most=0
hooks() { pgrep -c -U $hook_uid || true; }
count_hooks() {
    local n
    n=$(hooks)
    [ "$n" -le "$most" ] || most=$n
}
gate_rss() { sed -nE 's/^RssAnon:\s+([0-9]+) kB/\1/p' "/proc/$(service_pid tipstaff-gate)/status"; }
status() { "$tipstaff" status --socket "$service_admin" --json | jq -e "$1" >/dev/null; }
worst=0
reads() { # reads N : calls of the other grant; the slowest
    local i from ms
    for i in $(seq "$1"); do
        from=$(date +%s%N)
        shim "$good" call fs.read path=notes.txt >"$service_dir/read" 2>&1 || die "a call of another grant: $(cat "$service_dir/read")"
        ms=$((($(date +%s%N) - from) / 1000000))
        [ $ms -le $worst ] || worst=$ms
        count_hooks
    done
}
attack() { # attack NAME : asks for files that are called so, while others work
    seq $questions | sed "s/.*/{\"tool\": \"fs.delete\", \"args\": {\"path\": \"$1&\"}}/" >"$service_dir/lines"
    shim "$evil" call --batch <"$service_dir/lines" >"$service_dir/out" 2>&1 &
    local asking=$!
    while kill -0 $asking 2>/dev/null; do reads 1; done
    wait $asking || true
}
answers() { grep -c "\"code\":\"$1\"" "$service_dir/out" || true; }

reads 3
before=$(gate_rss)
attack '\\u001b]0;x\\u0007\\u001b[2J\\u202e\\u009b31m\\r\\n'
same "so many questions are put to people" $waiting "$(answers approval_required)"
same "the others are refused" $((questions - waiting)) "$(answers rate_limited)"
first=$(gate_rss)
attack again
same "nor is there room for more" $questions "$(answers rate_limited)"
check "the gate does not grow: $before, $first, $(gate_rss) kB" [ "$(gate_rss)" -le $((first + 2048)) ]
check "nor did it at first" [ "$first" -le $((before + 8192)) ]
check "others were served: $worst ms at worst" [ $worst -lt 10000 ]

all_told() { count_hooks; status '.hook | .state == "watching" and .ran == 8 and .failed == 8 and .left_out == 0'; }
check "people hear of each that waits, once" wait_until 60 all_told
same "  by a document of its own" $waiting "$(find "$told" -name '*.json' | wc -l)"
plain() { ! LC_ALL=C grep -qP '[^\x20-\x7e]' "$told"/*.json; }
check "  in plain letters" plain
check "the hook has 256 processes at most, and had $most" [ $most -le 260 ]
nothing_left() { [ "$(hooks)" -le 1 ]; }
check "and leaves none" wait_until 20 nothing_left
same "what waits is listed" $waiting "$("$tipstaff" approvals ls --socket "$service_admin" --json --sidecar-key "$etc/keys/sidecar.pub" | jq -s 'flatten | length')"
screens() {
    "$tipstaff" approvals ls --socket "$service_admin" --sidecar-key "$etc/keys/sidecar.pub"
    jq -r .decision_id "$told"/*.json | while read -r id; do
        "$tipstaff" approvals show "$id" --socket "$service_admin" --sidecar-key "$etc/keys/sidecar.pub"
    done
}
LC_ALL=C.UTF-8 screens >"$service_dir/screens"
check "every screen tells the name" grep -qF '\x1b' "$service_dir/screens"
no_controls() { ! LC_ALL=C grep -qaP '[^\x20-\x7e\n\x80-\xff]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$service_dir/screens"; }
check "  and none of its bytes moves a cursor" no_controls

logged() { [ "$(log_lines | grep -c '"tool":"fs.delete"')" -ge $((2 * questions)) ]; }
check "the log has every question that was tried" wait_until 60 logged
log_lines | grep -E '"effect":"pending"|"kind":"(exec_ended|hook_failed)"' >"$service_dir/few"
count() { jq -s "[.[] | select($1)] | length" "$service_dir/few"; }
same "  eight of which are pending" $waiting "$(count '.effect == "pending"')"
same "  nothing ran" 0 "$(count '.kind == "exec_ended" and .tool == "fs.delete"')"
check "  and failures of the hook are few records" [ "$(count '.kind == "hook_failed"')" -le 8 ]
service_stop
