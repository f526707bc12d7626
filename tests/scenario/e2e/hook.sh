#!/usr/bin/env bash
# The on_pending hook: a command of the operator's hears of questions and of their ends, as
# a user of its own, behind walls; whatever it does, nobody's call notices.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: only root has users to give away"; exit 0; }

service_setup hook
etc=$service_dir/etc
told=$service_dir/told
hook=$service_dir/tell
hook_uid=$((70000 + $$ % 30000)) # nobody else's, whatever runs beside us
mkdir "$told" "$service_dir/open" && chown $hook_uid "$told" && chmod 1777 "$service_dir/open"
for who in alice bob; do "$tipstaff" key new "$service_dir/$who" >/dev/null; done
cat >>"$etc/directory/acme.yaml" <<END
approvers:
  - {person: alice, status: active, key: $(cat "$service_dir/alice.pub"), classes: [four-eyes, confirm]}
  - {person: bob, status: active, key: $(cat "$service_dir/bob.pub"), classes: [four-eyes]}
END
sed -i "s/^users:\$/&\n  hook: $hook_uid/" "$etc/tipstaff.yaml"
cp "$etc/tipstaff.yaml" "$service_dir/plain.yaml"
configure() { # configure KEYS : on_pending with these, beside exec and write
    { cat "$service_dir/plain.yaml"; printf 'approvals:\n  on_pending: {exec: %s, args: [tell, "a b;$(id)"], write: [%s]%s}\n' "$hook" "$told" "$1"; } >"$etc/tipstaff.yaml"
}
hook_is() { # hook_is BODY : the script, replaced in one step
    printf '#!/bin/sh\n%s\n' "$1" >"$hook.new" && chmod 0755 "$hook.new" && mv "$hook.new" "$hook"
}
tells="f=\$(mktemp $told/.XXXXXX) && cat >\$f && mv \$f $told/\$\$.json"
# What a run sees of its surroundings.
around="{ id; env | sort; ls -l /proc/self/fd; printf '%s|' \"\$@\"; echo; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
  kill -9 \$(sed -n 's/^PPid:.//p' /proc/\$PPID/status) 2>&1; touch $service_dir/open/not 2>&1; ls $service_dir/var/run/admin 2>&1; cat $etc/keys/sidecar.seed 2>&1; echo all; } >$told/around 2>&1"

check_says() { # check_says WHAT TEXT : tipstaffd --check ends with 78 and this
    local code=0
    "$service_bin/tipstaffd" --config "$etc" --check >"$service_dir/check.log" 2>&1 || code=$?
    [ $code -eq 78 ] && grep -qF -- "$2" "$service_dir/check.log" || die "failed: $1: $code $(cat "$service_dir/check.log")"
    printf 'ok   %s\n' "$1"
}
line=$(($(wc -l <"$service_dir/plain.yaml") + 2))
configure ""
check_says "no program is refused with its line" "tipstaff.yaml:$line: exec $hook: No such file"
hook_is "$tells"
chmod o+w "$hook"
check_says "one that others may write to" "tipstaff.yaml:$line: exec $hook: others can write to it; chmod go-w"
chmod 0755 "$hook" && chown $hook_uid "$hook"
check_says "one that is somebody else's" "it belongs to somebody else; chown it to root"
chown root "$hook" && chmod 0700 "$hook"
check_says "one that the hook's user cannot run" "the hook's user cannot run it; chmod a+x"
chmod 0755 "$hook" && ln -s "$hook" "$service_dir/link"
sed -i "s|exec: $hook|exec: $service_dir/link|" "$etc/tipstaff.yaml"
check_says "a link" "there is a link in it; write the real path, $hook"
configure ", max_parallel: 17"
check_says "more than may run at once" "max_parallel"
configure ", shell: true"
check_says "an unknown key" "shell"
sed -i '/^approvals:/,$d' "$etc/tipstaff.yaml"
printf 'approvals: {on_pending: {args: [x]}}\n' >>"$etc/tipstaff.yaml"
check_says "no command" "on_pending needs exec"
configure "" && chmod o+w "$service_dir"
check_says "a folder in which others may replace it" "is theirs to write to"
chmod o-w "$service_dir"
configure ", timeout_ms: 1000, per_minute: 6000, max_parallel: 2"

hook_is "$tells
$around"
service_start
"$tipstaff" directory apply "$etc/directory/acme.yaml" --config "$etc" >"$service_dir/apply.log" 2>&1 || die "apply: $(cat "$service_dir/apply.log")"
chain=$service_dir/a.chain
service_delegate "$chain" 'permit (principal, action, resource);'
status() { "$tipstaff" status --socket "$service_admin" --json; }
hook_status() { status | jq -e ".hook | $1" >/dev/null; }
asks() { # asks FILE WAIT
    shim "$chain" call fs.delete path="$1" --wait "$2" >"$service_dir/out" 2>&1 &
    asked=$!
}
documents() { cat "$told"/*.json 2>/dev/null; }
hears() { documents | jq -e -s "any(.[]; $1)" >/dev/null; }
put() { (umask 0 && printf 'x\n' >"$service_workspace/$1") && service_own; }
answer() { "$tipstaff" approvals "$1" "$2" --sidecar-key "$etc/keys/sidecar.pub" --socket "$service_admin" --as bob --key "$service_dir/bob.seed" --yes >"$service_dir/answer" 2>&1; }
service_says() { grep -qE -- "$1" "$service_dir/service.log"; }

check "the hook watches" wait_until 60 hook_status '.state == "watching"'
same "as a user of its own" $hook_uid "$(stat -c %u "/proc/$(service_pid tipstaff-hook)")"
evil=$'a\e]0;x\a\xe2\x80\xae"; rm -rf /; <!channel> \xe2\x80\x8b.txt'
put one.txt
asks one.txt 60s
check "a question is told" wait_until 60 hears '.event == "pending" and .tool == "fs.delete"'
id=$(documents | jq -r -s 'map(select(.event == "pending"))[0].decision_id')
check "who asks, for whom, who may answer, until when" hears '.user == "alice" and .agents == ["coder"] and .tenant == "acme" and .asked[0].class == "four-eyes" and .asked[0].count == 1 and .expires > .created'
check "the call as on an approver's screen" hears '.text | contains("Arguments") and contains("path: \"one.txt\"")'
check "and what to type" hears ".approve == \"tipstaff approvals approve $id\""
check "bob says yes" answer approve "$id"
check "the call goes on" wait $asked
check "its end is told" wait_until 60 hears ".event == \"approved\" and .decision_id == \"$id\" and .people == 1"
check "it looks around" wait_until 60 grep -qx all "$told/around"
check "around it: the user" grep -q "uid=$hook_uid gid=$hook_uid groups=$hook_uid\$" "$told/around"
same "no variables but two" "LANG=C.UTF-8 PATH=/usr/bin:/bin PWD=/" "$(grep -E '^[A-Z]+=' "$told/around" | grep -v '^_' | sort | tr '\n' ' ' | sed 's/ $//')"
same "nothing open but a question and nothing" "0 1 2" "$(grep -oE '[0-9]+ -> ' "$told/around" | grep -v '^3' | tr -d ' >-' | sort -u | tr '\n' ' ' | sed 's/ $//')"
check "its words, as they are" grep -qF 'tell|a b;$(id)|' "$told/around"
same "no capabilities" 4 "$(grep -cE '^Cap(Inh|Prm|Eff|Amb):\s+0+$' "$told/around")"
check "no new privileges" grep -qE '^NoNewPrivs:\s+1' "$told/around"
check "it signals nobody outside, not even its own user's" grep -qi 'not permitted' "$told/around"
check "writes nowhere else, where anybody may" test ! -e "$service_dir/open/not"
check "reads no key" grep -q 'sidecar.seed: Permission denied' "$told/around"
check "reaches no socket of operators" grep -q 'admin.: Permission denied' "$told/around"

put "$evil" 2>/dev/null || true
asks "$evil" 0
check "hostile names are told" wait_until 60 hears '.event == "pending" and (.text | contains("\\x1b]0;x"))'
check "and no byte of them is one for a terminal" sh -c "! cat '$told'/*.json | LC_ALL=C grep -q '[^ -~]'"
check "nor is one in a text" sh -c "! cat '$told'/*.json | jq -r .text,.resource | LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\x8b\xae]'"
answer deny "$(documents | jq -r -s 'map(select(.event == "pending"))[-1].decision_id')" || answer deny "$("$tipstaff" approvals ls --json --sidecar-key "$etc/keys/sidecar.pub" --socket "$service_admin" | jq -r .decision_id | head -1)"
check "a no is told" wait_until 60 hears '.event == "denied" and .why == "denied"'

fails() { # fails NAME BODY JQ : what the hook does, and what status says then
    rm -f "$told"/*.json
    local before after
    before=$(status | jq .hook.failed)
    hook_is "$2"
    put "$1"
    asks "$1" 60s
    check "$1: it is seen in the status" wait_until 60 hook_status ".failed > $before and $3"
    check "$1: the call waits all the same" answer approve "$("$tipstaff" approvals ls --json --sidecar-key "$etc/keys/sidecar.pub" --socket "$service_admin" | jq -r .decision_id | tail -1)"
    check "$1: and runs" wait $asked
    after=$(status | jq .hook.state)
    same "$1: the hook's process lives" '"watching"' "$after"
}
fails crashes 'kill -SEGV $$' '.last_failure == "signal"'
fails exits 'exit 3' '.last_failure == "exit"'
fails hangs 'exec sleep 4242' '.last_failure == "timeout"'
fails daemon "setsid sh -c 'trap \"\" TERM HUP; echo \$\$ >$told/daemon; exec sleep 4243' & setsid setsid sleep 4243 & sleep 4243" '.last_failure == "timeout"'
no_sleeper() { ! pgrep -u $hook_uid -x sleep >/dev/null; }
check "what hung, and what it set free, is ended" wait_until 60 no_sleeper
hook_is "setsid sleep 4244 & exit 0"
put leaver && asks leaver 0
check "what outlives a good run is ended, too" wait_until 60 no_sleeper
fails floods 'yes flood; yes flood >&2' '.last_failure == "signal" or .last_failure == "timeout"'
fails bomb "f() { f | f & }; f; f; sleep 20" '.failed > 0'
no_strangers() { [ "$(pgrep -u $hook_uid | wc -l)" -eq 1 ]; }
check "processes that multiply are ended" wait_until 60 no_strangers
hook_is 'kill -9 $PPID; setsid sleep 4245'
put killer && asks killer 0
check "one that kills its runner is ended with it" wait_until 60 no_sleeper
check "the failures are on record" recorded '.kind == "hook_failed" and .failed > 0 and (.code == "timeout" or .code == "signal" or .code == "exit" or .code == "lost")'
chmod o+w "$hook"
put open && asks open 0
check "a program that became open to others is not started" wait_until 60 hook_status '.last_failure == "refused"'
rm "$hook"
put gone && asks gone 0
check "nor one that is gone" wait_until 60 hook_status '.last_failure == "refused"'

hook_is "$tells"
first=$(service_pid tipstaff-hook)
kill -STOP "$first"
put still && asks still 60s
newest() { "$tipstaff" approvals ls --json --sidecar-key "$etc/keys/sidecar.pub" --socket "$service_admin" | jq -r 'select(.args.path == "still") | .decision_id'; }
is_asked() { [ -n "$(newest)" ]; }
check "one that stands still holds up nobody: the call waits" wait_until 60 is_asked
check "it is approved" answer approve "$(newest)"
check "and runs" wait $asked
kill -CONT "$first"
check "it hears of it when it goes on" wait_until 60 hook_status '.state == "watching"'
gate=$(service_pid tipstaff-gate)
kill -9 "$first"
again() { local p; p=$(service_pid tipstaff-hook) && [ -n "$p" ] && [ "$p" != "$first" ]; }
check "its process is started again" wait_until 60 again
same "and no other" "$gate" "$(service_pid tipstaff-gate)"
check "it watches" wait_until 60 hook_status '.state == "watching"'
check "its loss is on record" recorded '.kind == "hook_failed" and .code == "lost"'
service_stop
check "nobody is left" no_sleeper
same "none of the hook's user" 0 "$(pgrep -u $hook_uid | wc -l)"

# A flood: more questions than may be told.
configure ", per_minute: 6, max_parallel: 1"
rm -f "$told"/*.json
service_start
check "the hook watches again" wait_until 60 hook_status '.state == "watching"'
grants=()
for i in $(seq 12); do
    service_delegate "$service_dir/g$i.chain" 'permit (principal, action, resource);'
    for n in 1 2 3 4 5 6 7; do
        shim "$service_dir/g$i.chain" call fs.delete path="$i-$n.txt" --wait 0 >/dev/null 2>&1 || true
    done
done
same "84 questions wait" 84 "$(status | jq .approvals.open)"
check "not all are told" wait_until 60 hook_status '.left_out > 50'
same "no more processes than at first" true "$([ "$(documents | wc -l)" -le 12 ] && echo true)"
told_more() { hears '.more > 50'; }
check "the next says how many more there are" wait_until 40 told_more
"$tipstaff" doctor --config "$etc" >"$service_dir/doctor" 2>&1 || true
check "doctor names the hook" grep -q "hook.*$hook" "$service_dir/doctor"
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"
