#!/usr/bin/env bash
# A file that is deleted only when a second person says so: agent, sidecar, approver and
# launcher as they are installed, with the policy of the starter.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

service_setup approval
etc=$service_dir/etc
sidecar_pub=$etc/keys/sidecar.pub
for who in alice bob carol; do "$tipstaff" key new "$service_dir/$who" >/dev/null; done
pub() { cat "$service_dir/$1.pub"; }
cat >>"$etc/directory/acme.yaml" <<END
approvers:
  - {person: alice, status: active, key: $(pub alice), classes: [four-eyes, confirm]}
  - {person: bob, status: active, key: $(pub bob), classes: [four-eyes]}
END
service_start
"$tipstaff" directory apply "$etc/directory/acme.yaml" --config "$etc" >"$service_dir/apply.log" 2>&1 ||
    die "apply: $(cat "$service_dir/apply.log")"
chain=$service_dir/a.chain
service_delegate "$chain" 'permit (principal, action, resource);'

approvals() { # approvals COMMAND WORDS...
    "$tipstaff" approvals "$@" --sidecar-key "$sidecar_pub" --socket "$service_admin"
}
asks() { # asks FILE WAIT : in the background; its process in $asked
    shim "$chain" call fs.delete path="$1" --wait "$2" >"$service_dir/$1.out" 2>"$service_dir/$1.err" &
    asked=$!
}
waiting() { approvals ls --json 2>/dev/null | jq -r .decision_id | head -1; }
is_waiting() { [ -n "$(waiting)" ]; }
nobody_waits() { ! is_waiting; }
put() { (umask 0 && printf 'x\n' >"$service_workspace/$1") && service_own; }
answer() { # answer VERDICT ID PERSON
    approvals "$1" "$2" --as "$3" --key "$service_dir/$3.seed" --yes >"$service_dir/answer" 2>&1
}
refuses() { ! answer "$@"; }

put one.txt
asks one.txt 60s
check "the call waits" wait_until 10 is_waiting
id=$(waiting)
check "the file is there meanwhile" test -f "$service_workspace/one.txt"
check "who delegated is no second person" refuses approve "$id" alice
check "nor is who is in no directory" refuses approve "$id" carol
check "bob says yes" answer approve "$id" bob
check "the call goes on by itself" wait $asked
check "and the file is gone" test ! -e "$service_workspace/one.txt"
check "nobody is asked any more" nobody_waits
check "bob's answer is good once" refuses approve "$id" bob

put two.txt
asks two.txt 60s
check "another call waits" wait_until 10 is_waiting
check "bob says no" answer deny "$(waiting)" bob
wait $asked && die "a call that was denied came back as a success"
check "the agent hears it" grep -q approval_denied "$service_dir/two.txt.err"
check "the file stays" test -f "$service_workspace/two.txt"

put three.txt
asks three.txt 0
wait $asked && die "a call that waits for nobody came back as a success"
check "a call that does not wait is told so" grep -q approval_required "$service_dir/three.txt.err"
check "the question stays" is_waiting
check "bob says yes, later" answer approve "$(waiting)" bob
check "nothing has run" test -f "$service_workspace/three.txt"
check "the same call runs now" shim "$chain" call fs.delete path=three.txt --wait 0
check "once" test ! -e "$service_workspace/three.txt"

put four.txt
asks four.txt 0
wait $asked || true
id=$(waiting)
service_stop
service_start
check "a restart voids every question" nobody_waits
check "and its answers" refuses approve "$id" bob
check "the file is still there" test -f "$service_workspace/four.txt"
service_stop
check "what bob approved is on record" recorded '.kind == "decision" and .effect == "permit" and .approved_by == ["bob"]'
check "so is what he denied" recorded '.kind == "approval" and .person == "bob" and .verdict == "no"'
check "and what did not count" recorded '.kind == "approval" and .code == "own" and .person == ""'
check "and how questions ended" recorded '.kind == "approval_ended" and .reason == "taken" and .people == ["bob"]'
check "the log verifies" "$tipstaff" log verify "$service_log"
shown() { "$tipstaff" log show "$1" "$service_log"; } # without a terminal: no colours
id=$(log_lines | jq -r 'select(.kind == "decision" and .effect == "permit" and .approved_by == ["bob"]).id' | head -1)
check "log show tells who said what" eval 'shown "$id" | grep -qE "answer +acme +[0-9a-f]{8} bob +says yes granted"'
check "and who could not" eval 'shown "$id" | grep -q "of no account: own"'
check "and how it ended" eval 'shown "$id" | grep -qE "no more +acme +[0-9a-f]{8} ran +yes of bob"'
check "and the call that waited" eval 'shown "$id" | grep -qE "pending +acme .* question [0-9a-f]{8}"'
same "all of one ticket" 1 "$(shown "$id" | grep -oE '(acme|question) +[0-9a-f]{8} ' | grep -oE '[0-9a-f]{8}' | sort -u | wc -l)"
