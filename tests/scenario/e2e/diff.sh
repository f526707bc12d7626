#!/usr/bin/env bash
# tipstaff policy diff --log: the service's own decisions, asked of another
# configuration. The same one reproduces every one of them. explain --id tells
# why one of them fell as it did.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tipstaff=$service_bin/tipstaff
service_setup diff
service_start
service_delegate "$service_dir/free.chain" 'permit (principal, action, resource);'
service_delegate "$service_dir/read.chain" 'permit (principal, action == Action::"fs.read", resource);'
call() { # call CHAIN ARGUMENTS... : whatever becomes of it
    shim "$service_dir/$1.chain" call --wait 0 "${@:2}" >/dev/null 2>&1 </dev/null || true
}
mkdir -p "$service_workspace/secret"
for i in 1 2 3; do call free fs.read path=notes.txt; done
call free fs.list path=.
call free fs.delete path=notes.txt
call free fs.read path=secret/x
call free demo.sleep seconds:=7200
call free fs.read path=../outside
call read fs.list path=.
call free --provenance web:example.com fs.write path=out.txt
service_stop

etc=$service_dir/etc new=$service_dir/new
cp -r "$etc" "$new"
tenant=$new/tenants/acme
ask() { # ask [OPTION...] : diff of the log against $new; its exit status
    local got=0
    "$tipstaff" policy diff --log "$service_log" --new "$new" "$@" >"$service_dir/out" 2>"$service_dir/err" || got=$?
    return $got
}
flips() { # flips EXPECTED_COUNT [OPTION...] : by the exit status and by --json
    local want=$1 status=0
    shift
    ask "$@" --json || status=$?
    [ "$(jq .flips "$service_dir/out")" = "$want" ] && [ $status -eq $((want > 0)) ] ||
        { cat "$service_dir/out" "$service_dir/err"; return 1; }
}
json() { [ "$(jq -r "$1" "$service_dir/out")" = "$2" ] || { cat "$service_dir/out"; return 1; }; }

check "the configuration it ran with flips nothing" flips 0
check "all that policies decided were asked again" json .asked 9
check "nothing is malformed" json .malformed 0
check "nor does it flip against itself" flips 0 --old "$etc"
check "which reproduces every record" json .unlike_record 0

printf '@id("nobody-lists")\nforbid (principal, action == Action::"fs.list", resource);\n' >"$tenant/policies/hard/zz.cedar"
check "a new forbid flips the one listing that a block allowed" flips 1
check "from permit" json '.list[0].old.verdict' permit
check "to a denial" json '.list[0].new.code' forbidden
check "by the policy" json '.list[0].policies[0]' user/nobody-lists
rm "$tenant/policies/hard/zz.cedar"

rm "$tenant/policies/approval/10-delete.cedar"
check "without the approval rule deleting is permitted" flips 1
check "from pending" json '.list[0].old.verdict' pending
check "to permit" json '.list[0].new.verdict' permit
cp "$etc/tenants/acme/policies/approval/10-delete.cedar" "$tenant/policies/approval/"

sed -i 's/>= 3/>= 4/' "$tenant/policies/hard/30-guards.cedar"
check "a guard that is lifted permits the secret" flips 1
sed -i 's/>= 4/>= 0/' "$tenant/policies/hard/30-guards.cedar"
check "one that is too tight denies all that was permitted or pending" flips 5
check "and says so to people" grep -q 'permit.*->.*deny' <(ask || true; cat "$service_dir/out")
check "with a summary" grep -q '9 asked again, 5 flips' "$service_dir/out"

cp "$etc/tenants/acme/policies/hard/30-guards.cedar" "$tenant/policies/hard/"
printf '@id("boxed-reads") @sandbox("uid") @require("landlock,seccomp")\npermit (principal, action == Action::"fs.read", resource);\n' \
    >"$tenant/policies/hard/zz.cedar"
boxes() { # boxes OTHER WEAKER OPTION... : none flips
    local status=0
    ask "${@:3}" --json || status=$?
    [ "$(jq -c '[.flips, .other_box, .weaker_box]' "$service_dir/out")" = "[0,$1,$2]" ] && [ $status -eq $(($1 > 0)) ] ||
        { cat "$service_dir/out" "$service_dir/err"; return 1; }
}
check "a permit that demands a box is another answer to three reads" boxes 3 0
check "from none" json '.boxes[0].old.box + (.boxes[0].old.require | length | tostring)' any0
check "to its own" json '.boxes[0].new.box + " " + (.boxes[0].new.require | sort | join(","))' 'uid landlock,seccomp'
check "against the old configuration, too" boxes 3 0 --old "$etc"
check "to people" grep -q 'box: any box -> .*uid with' <(ask || true; cat "$service_dir/out")
swap=$new new=$etc
check "the other way round it is a weaker one" boxes 3 3 --old "$swap"
check "which is said" grep -q '3 demand another box, 3 of them a weaker one' <(ask --old "$swap" || true; cat "$service_dir/out")
new=$swap

echo 'permit (' >"$tenant/policies/hard/zz.cedar"
refused() { ! ask && grep -q 'zz.cedar:2:1' "$service_dir/err"; }
check "a configuration that does not load is an error with its place" refused
absent() { ! "$tipstaff" policy diff --log "$service_log" --new "$service_dir/none" 2>"$service_dir/err" && grep -q 'none' "$service_dir/err"; }
check "so is one that is not there" absent
rm "$tenant/policies/hard/zz.cedar"

id_of() {
    recorded ".kind==\"decision\" and .tool==\"$1\" and .code==\"$2\"" || true
    log_lines | jq -r "select(.kind==\"decision\" and .tool==\"$1\" and .code==\"$2\") | .id" | head -1
}
explain() { # explain ID OPTION...
    "$tipstaff" policy explain --id "$@" --log "$service_log" --config "$etc" >"$service_dir/out" 2>"$service_dir/err"
}
out_has() { grep -qF -- "$1" "$service_dir/out" || { cat "$service_dir/out" "$service_dir/err"; return 1; }; }
id=$(id_of demo.sleep forbidden)
check "a recorded denial is explained" explain "$id"
check "with what was decided then" out_has 'recorded: deny [forbidden]'
check "for the agent" out_has 'agent:0'
check "by the policy" out_has coder-sleeps-an-hour-at-most
check "with the value it looked at" out_has 'context.args.seconds = 7200'
check "which can be masked" explain "$id" --mask context.args.seconds
check "so that it does not show" out_has 'context.args.seconds = ***'
check "as JSON" explain "$id" --json
one_document() { jq -e ".user.decision and .\"agent:0\".policies" "$service_dir/out" >/dev/null; }
check "one document" one_document
short() { ! explain "${id:0:8}" && grep -q 'give more digits' "$service_dir/err"; }
check "an id that is too short is said to be" short
none() { ! explain 00000000ffffffff && grep -q 'no decision 00000000ffffffff' "$service_dir/err"; }
check "one that is not there is said to be missing" none
early() { ! explain "$(id_of fs.read bad_arguments)" && grep -q 'before any policy' "$service_dir/err"; }
check "one that no policy saw, too" early
