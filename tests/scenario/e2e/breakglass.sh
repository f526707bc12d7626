#!/usr/bin/env bash
# A file that no policy lets anybody delete, until two people sign for it: agent, sidecar,
# approvers, operator and launcher as they are installed.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
command -v ssh-keygen >/dev/null || { echo "SKIPPED: ssh-keygen is absent"; exit 0; }
tipstaff=$service_bin/tipstaff

service_setup breakglass
etc=$service_dir/etc
for who in alice bob carol; do "$tipstaff" key new "$service_dir/$who" >/dev/null; done
ssh-keygen -q -t ed25519 -N '' -C carol -f "$service_dir/carol.ssh"
pub() { cat "$service_dir/$1.pub"; }
ssh_pub() { cut -d' ' -f2 "$1" | base64 -d | dd bs=1 skip=19 count=32 2>/dev/null | od -An -tx1 -v | tr -d ' \n'; }
cat >>"$etc/directory/acme.yaml" <<END
approvers:
  - {person: alice, status: active, key: $(pub alice), classes: [four-eyes]}
  - {person: bob, status: active, key: $(pub bob), classes: [four-eyes]}
  - {person: carol, status: active, key: $(ssh_pub "$service_dir/carol.ssh.pub"), classes: [four-eyes]}
END
for who in bob carol; do
    grep -q "id: $who" "$etc/directory/acme.yaml" ||
        sed -i "s/^users:.*/&\n  - {id: $who, status: active}/" "$etc/directory/acme.yaml"
done
printf '@id("freeze")\n@breakglass\n%s\n' 'forbid (principal, action == Action::"fs.delete", resource);' \
    >"$etc/tenants/acme/policies/hard/zz-freeze.cedar"
rm -f "$etc"/tenants/acme/policies/approval/*
service_start
"$tipstaff" directory apply "$etc/directory/acme.yaml" --config "$etc" >"$service_dir/apply.log" 2>&1 ||
    die "apply: $(cat "$service_dir/apply.log")"
chain=$service_dir/a.chain
service_delegate "$chain" 'permit (principal, action, resource);'
task=$("$tipstaff" delegation show "$chain" --json | jq -r .task)

bg() { "$tipstaff" break-glass "$@" >"$service_dir/bg.out" 2>&1; }
on() { local c=$1; shift; bg "$c" "$@" --socket "$service_admin"; }
request() { # request FILE OPTIONS...
    local file=$1
    shift
    rm -f "$service_dir/$file"
    bg request --tenant acme --user alice --agent coder --task "$task" --lift freeze \
        --reason "the disk is full: "$'\e[31m'"!" --incident INC-17 -o "$service_dir/$file" "$@"
}
sign() { # sign FROM TO OPTIONS...
    local from=$service_dir/$1 to=$service_dir/$2
    shift 2
    rm -f "$to"
    bg sign "$from" --yes -o "$to" "$@"
}
deletes() { shim "$chain" call fs.delete path="$1" >"$service_dir/call.out" 2>"$service_dir/call.err"; }
says() { grep -q -- "$1" "$service_dir/bg.out"; }
not() { ! "$@"; }
put() { (umask 0 && printf 'x\n' >"$service_workspace/$1") && service_own; }
none_is_left() { on ls && [ ! -s "$service_dir/bg.out" ]; }

put one.txt && put two.txt && put three.txt
check "nobody may delete" not deletes one.txt
check "a request is written" request r --uses 2 --for 10m
check "it is not in force unsigned" not on activate "$service_dir/r"
check "too few people" says quorum
check "bob reads and signs" sign r r.bob --key "$service_dir/bob.seed"
check "what he read was escaped" not grep -q $'\e\[31m' "$service_dir/bg.out"
check "and whole" says "the disk is full"
check "bob does not sign twice" not sign r.bob r.x --key "$service_dir/bob.seed"
check "alice is the user" sign r.bob r.alice --key "$service_dir/alice.seed"
check "so hers opens nothing" not on activate "$service_dir/r.alice"
check "and it says why" says own
check "carol takes the body" bg sign "$service_dir/r.bob" --body-out "$service_dir/body"
ssh-keygen -q -Y sign -n escalation@tipstaff -f "$service_dir/carol.ssh" "$service_dir/body" 2>/dev/null
check "and signs it with ssh-keygen" sign r.bob r.both --sshsig "$service_dir/body.sig"
check "it comes into force" on activate "$service_dir/r.both"
check "twice does no harm" on activate "$service_dir/r.both"
check "it is listed" on ls
check "with what is left" says "used 0 of 2"
check "the file goes" deletes one.txt
check "it is gone" test ! -e "$service_workspace/one.txt"
check "one use is counted" on ls
check "in the list" says "used 1 of 2"
check "the call says so in the log" recorded '.kind == "decision" and .lifted == ["freeze", "freeze"] and (.escalation | length) == 32'
check "the second use" deletes two.txt
check "is the last" not deletes three.txt
check "the file stays" test -f "$service_workspace/three.txt"
check "none is left" wait_until 60 none_is_left
check "it is to be reviewed" recorded '.kind == "escalation_review_due" and .end == "used_up" and .used == 2 and (.people | sort) == ["bob", "carol"]'
check "it does not come again" not on activate "$service_dir/r.both"
check "it has ended" says ended

rm -f "$service_dir/body" "$service_dir/body.sig"
check "another one" request q --uses 5 --for 10m
check "bob" sign q q.bob --key "$service_dir/bob.seed"
check "carol's body" bg sign "$service_dir/q.bob" --body-out "$service_dir/body"
ssh-keygen -q -Y sign -n escalation@tipstaff -f "$service_dir/carol.ssh" "$service_dir/body" 2>/dev/null
check "carol" sign q.bob q.both --sshsig "$service_dir/body.sig"
check "is in force" on activate "$service_dir/q.both"
id=$("$tipstaff" break-glass ls --json --socket "$service_admin" | jq -r .id)
check "it is ended early" bg end "$id" --tenant acme --key "$etc/keys/revoker.seed" --socket "$service_admin"
check "and opens nothing" not deletes three.txt
check "nor again" not on activate "$service_dir/q.both"

# Who signed it may end it, with the key that they have, at a terminal or in an agent.
echo 'permit (principal, action == Action::"fs.delete", resource);' >"$service_dir/more.cedar"
another() { # another FILE: in force, and its id in $id
    rm -f "$service_dir/body" "$service_dir/body.sig"
    request "$1" --uses 5 --for 10m --policies "$service_dir/more.cedar" && sign "$1" "$1.bob" --key "$service_dir/bob.seed" &&
        bg sign "$service_dir/$1.bob" --body-out "$service_dir/body" &&
        ssh-keygen -q -Y sign -n escalation@tipstaff -f "$service_dir/carol.ssh" "$service_dir/body" 2>/dev/null &&
        sign "$1.bob" "$1.both" --sshsig "$service_dir/body.sig" && on activate "$service_dir/$1.both" &&
        id=$("$tipstaff" break-glass ls --json --socket "$service_admin" | jq -r .id)
}
ends() { bg end "$id" --tenant acme --socket "$service_admin" "$@"; }
check "a third one" another p
check "it opens" deletes three.txt
check "alice did not sign it" not ends --key "$service_dir/alice.seed"
check "and is told so" says auth_failed
check "bob signs its end for another hand" ends --key "$service_dir/bob.seed" --out "$service_dir/end.rev"
check "which changes nothing" grep -q '"active"' <("$tipstaff" break-glass ls --json --socket "$service_admin")
check "until it is brought" "$tipstaff" revoke --in "$service_dir/end.rev" --socket "$service_admin"
check "then it is over" none_is_left
check "with one review" recorded '.kind == "revocation" and .by == "signer" and .target_kind == "escalation"'
check "a fourth one" another o
eval "$(ssh-agent -s)" >/dev/null
ssh-add -q "$service_dir/carol.ssh" 2>/dev/null
check "carol ends it with her agent" ends --ssh-agent --reason "enough"
kill "$SSH_AGENT_PID"
check "it is over, too" none_is_left
check "not again" not on activate "$service_dir/o.both"
check "four ended, four reviews" test "$(log_lines | jq -s '[.[] | select(.kind == "escalation_review_due")] | length')" = 4
check "who was refused is on record" recorded '.kind == "escalation_refused" and .code == "quorum" and .user == "alice"'
check "with its code" recorded '.kind == "escalation_refused" and .code == "ended"'
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"

# What stood behind a decision stands behind it when it is asked again.
new=$service_dir/new
cp -r "$etc" "$new"
freeze=$new/tenants/acme/policies/hard/zz-freeze.cedar
diff() { # diff FLIPS JQ [OPTION...]
    local status=0
    "$tipstaff" policy diff --log "${log:-$service_log}" --new "$new" --json "${@:3}" >"$service_dir/out" 2>&1 || status=$?
    jq -e ".flips == $1 and ($2)" "$service_dir/out" >/dev/null && [ $status -eq $(($1 > 0)) ] ||
        { cat "$service_dir/out"; return 1; }
}
check "the rules of that day permit it again" diff 0 '.with_escalation == 3 and .escalation_unknown == 0'
check "to both sides" diff 0 '.unlike_record == 0' --old "$etc"
sed -i '/@breakglass/d' "$freeze"
check "with a freeze that nobody lifts it is denied" diff 3 '.list | all(.new.code == "forbidden" and .escalation.fits == false
    and (.escalation.why | test("freeze")) and (.escalation.people | sort) == ["bob", "carol"])'
check "and people read who had lifted it" grep -qE 'under break-glass .* of (bob, carol|carol, bob), which does not fit any more: ' \
    <("$tipstaff" policy diff --log "$service_log" --new "$new")
cp "$etc/tenants/acme/policies/hard/zz-freeze.cedar" "$freeze"
printf '@id("no-one")\nforbid (principal, action == Action::"fs.delete", resource) when { context.args has path && context.args.path like "*one*" };\n' \
    >"$new/tenants/acme/policies/hard/zz-one.cedar"
check "what it does not lift forbids" diff 1 '.list[0].escalation.fits and (.list[0].policies | index("user/no-one"))'
rm "$new/tenants/acme/policies/hard/zz-one.cedar"
log=$service_dir/later.jsonl
cat "$service_log"/log-*.jsonl | grep -v '"kind":"escalation",' | grep '"kind":"decision"' >"$log"
check "a log that begins later cannot say what it was" diff 0 '.escalation_unknown == 3 and .with_escalation == 0'
log=
one=$(log_lines | jq -r 'select(.kind == "decision" and .escalation) | .id' | head -1)
explain() { "$tipstaff" policy explain --id "$one" --log "$service_log" --config "$1" "${@:2}" >"$service_dir/out" 2>&1; }
out_has() { grep -qE -- "$1" "$service_dir/out" || { cat "$service_dir/out"; return 1; }; }
check "it is explained" explain "$etc"
check "as one that people opened" out_has 'under break-glass [0-9a-f]{32}, which made this answer'
check "by name" out_has 'signed by (bob, carol|carol, bob)'
check "and what they lifted" out_has 'break-glass lifts freeze'
check "what they wrote is escaped" not grep -q $'\e\[31m' "$service_dir/out"
check "as JSON" explain "$etc" --json
one_document() { jq -e '.user.decision and .escalation.made_it and .escalation.lifts == ["freeze"]' "$service_dir/out" >/dev/null; }
check "one document" one_document
sed -i '/@breakglass/d' "$freeze"
one=$(log_lines | jq -r 'select(.kind == "decision" and .escalation) | .id' | tail -1)
check "permits that people added" explain "$etc"
check "are shown" out_has '^  \| permit \(principal, action == Action::"fs.delete", resource\);'
check "and explained in sets of their own" out_has '^escalation:user'
check "also as JSON" explain "$etc" --json
own_set() { jq -e '."escalation:user".decision and ."escalation:0".decision and .user.decision' "$service_dir/out" >/dev/null || { cat "$service_dir/out"; return 1; }; }
check "by set" own_set
check "under other rules" explain "$new"
check "it says that it would end" out_has 'does not fit any more and would end'

# A use stays used when the gate is killed, and nothing is in force before the same words are brought again.
service_start
people() { "$tipstaff" directory apply "$etc/directory/acme.yaml" --config "$etc" >"$service_dir/apply.log" 2>&1; }
gate() { pgrep -P "$service_main" -x tipstaff-gate; }
other_gate() { [ -n "$(gate)" ] && [ "$(gate)" != "$killed" ]; }
check "the people again" wait_until 60 people
for f in four five six; do put "$f.txt"; done
check "one more" another n
check "opens" deletes four.txt
killed=$(gate)
kill -9 "$killed"
check "another gate" wait_until 60 other_gate
check "knows the people" wait_until 60 people
interrupted() { on ls && says "interrupted  used 1 of 5"; }
check "and the use, and has nothing in force" wait_until 60 interrupted
check "so nobody deletes" not deletes five.txt
check "the same words" on activate "$service_dir/n.both"
check "are what is left" grep -q '"used":1,"max_uses":5' <("$tipstaff" break-glass ls --json --socket "$service_admin")
check "and open" deletes five.txt
check "bob ends it" ends --key "$service_dir/bob.seed"
check "at once" not deletes six.txt
check "nor do they come again" not on activate "$service_dir/n.both"
service_stop
check "this log verifies, too" "$tipstaff" log verify "$service_log"
