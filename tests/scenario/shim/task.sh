#!/usr/bin/env bash
# A task of tipstaff-shim against the real service: retries after a lost
# connection, signatures that a tenant demands, and the end of the task.
. "$(dirname "${BASH_SOURCE[0]}")/real_lib.sh"
real_setup task
side=$service_workspace/side
count() { wc -l <"$side/ran"; }
has_run() { [ -e "$side/ran" ] && [ "$(count)" -ge "$1" ]; }

# The call ran to its end, and its shim never heard of it.
id=000102030405060708090a0b0c0d0e0f
id_tail=${id#00}
shim_bg "$chain" call x.once --retry-id $id >/dev/null 2>&1 &
pid=$!
check "the tool has its effect" wait_until 60 has_run 1
kill -STOP $pid
touch "$side/go"
check "and ends" wait_until 60 ended 1
kill -KILL $pid
wait $pid 2>/dev/null || true
exits 7 "a retry gives the recorded outcome" call x.once --retry-id $id
check "says that it is one" err_has 'recorded outcome of an earlier call'
same "the tool ran once" 1 "$(count)"
exits 7 "as does the next" call x.once --retry-id $id
same "the tool still ran once" 1 "$(count)"
exits 104 "the id with another content" call x.exit code:=0 --retry-id $id
check "is a duplicate" err_has 'DENIED \[duplicate_call\]'
exits 7 "without the id it is another call" call x.once
same "and runs" 2 "$(count)"

# The shim died while the tool ran: the outcome is that it was killed.
rm "$side/go"
id=ff0102030405060708090a0b0c0d0e0f
shim_bg "$chain" call x.once --retry-id $id >/dev/null 2>&1 &
pid=$!
check "the tool has its effect" wait_until 60 has_run 3
kill -KILL $pid
wait $pid 2>/dev/null || true
check "the tool is ended" wait_until 60 ended 3
exits 137 "a retry tells that it was ended" call x.once --retry-id $id
check "and why" err_has '^STOPPED \[disconnected\]'
same "and does not run it" 3 "$(count)"

# Signatures.
service_stop
echo 'require_call_signature: true' >>"$service_dir/etc/tenants/acme/tenant.yaml"
service_start
exits 104 "a call without the signature that the tenant demands" call x.exit code:=3
check "is told what is missing" err_has '^DENIED \[auth_failed\]'
check "and how to sign" err_has 'TIPSTAFF_SIGN_CALLS=1.*--sign'
exits 3 "a signed call" call x.exit code:=3 --sign
TIPSTAFF_SIGN_CALLS=1 exits 4 "a call signed by the variable" call x.exit code:=4
seq 100 | jq -c '{tool: "x.exit", args: {code: .}, id: .}' >"$service_dir/lines"
input=$service_dir/lines
exits 0 "100 signed calls" call --batch --sign
same "all verify" 100 "$(jq -c 'select(.exit == .id)' "$service_dir/out" | wc -l)"
exits 0 "100 calls without" call --batch
same "are all denied" 100 "$(jq -c 'select(.code == "auth_failed")' "$service_dir/out" | wc -l)"
input=
exits 0 "a check runs nothing and needs no signature" check x.exit code:=3

# The end.
"$service_bin/tipstaff" key new "$service_dir/keys/sub" >/dev/null
echo 'permit (principal, action, resource);' >"$service_dir/keys/sub.cedar"
cp "$service_dir/etc/keys/issuer.pub" "$service_dir/keys/issuer.pub"
service_own
as_agent "$service_bin/tipstaff" attenuate --chain "$chain" --key "$service_dir/keys/coder.seed" \
    --issuer-pub "$service_dir/keys/issuer.pub" --agent coder/sub --holder "$service_dir/keys/sub.pub" \
    --policy "$service_dir/keys/sub.cedar" -o "$service_dir/keys/sub.chain" >/dev/null
exits 108 "who was handed a part of the task" end --chain "$service_dir/keys/sub.chain" --key "$service_dir/keys/sub.seed"
check "is told who may end it" err_has "only the holder of the delegation's first block"
exits 0 "and it goes on" ping

# What was handed on is taken back, by who handed it on and by nobody else.
"$service_bin/tipstaff" key new "$service_dir/keys/loan" >/dev/null
cp "$service_dir/keys/sub.cedar" "$service_dir/keys/loan.cedar"
service_own
as_agent "$service_bin/tipstaff" attenuate --chain "$chain" --key "$service_dir/keys/coder.seed" \
    --issuer-pub "$service_dir/keys/issuer.pub" --agent coder/loan --holder "$service_dir/keys/loan.pub" \
    --policy "$service_dir/keys/loan.cedar" -o "$service_dir/keys/loan.chain" >/dev/null
loan=(--chain "$service_dir/keys/loan.chain" --key "$service_dir/keys/loan.seed")
exits 0 "a loan" ping "${loan[@]}"
exits 108 "its holder takes back nothing" revoke "$service_dir/keys/loan.chain" "${loan[@]}"
check "and is told why" err_has "nothing was handed on in this chain"
exits 108 "nor what is above" revoke "$service_dir/keys/loan.chain" --block 0 "${loan[@]}"
exits 108 "a block that is none" revoke "$service_dir/keys/loan.chain" --block 2
exits 108 "another issuer's" revoke "$service_dir/keys/loan.chain" --issuer "$service_dir/keys/loan.pub"
exits 0 "the lender takes it back" revoke "$service_dir/keys/loan.chain" --issuer "$service_dir/keys/issuer.pub" --reason done
exits 107 "the loan is over" ping "${loan[@]}"
exits 0 "for the loan alone" ping
exits 0 "another goes on" ping --chain "$service_dir/keys/sub.chain" --key "$service_dir/keys/sub.seed"
shim_bg "$chain" call x.long --sign >/dev/null 2>"$service_dir/long.err" &
pid=$!
check "a long tool runs" wait_until 60 runs "sleep $marker"
exits 0 "the end of the task" end
check "is explained" err_has 'the task has ended.*revoked.*killed'
check "the tool is killed" wait_until 60 gone "sleep $marker"
got=0
wait $pid || got=$?
same "its shim says so" 137 $got
check "and why" grep -q '^STOPPED \[revoked\]' "$service_dir/long.err"
exits 107 "the grant is gone" ping
exits 107 "for whom it was handed to, too" ping --chain "$service_dir/keys/sub.chain" --key "$service_dir/keys/sub.seed"
service_delegate "$service_dir/old.chain" 'permit (principal, action, resource);'
exits 0 "a task of before the restart" ping --chain "$service_dir/old.chain"
wait_until 60 eval 'test "$(date +%s)" -gt "$(stat -c %Y "$service_dir/old.chain")"'
service_stop
service_start
exits 107 "also after a restart" ping
ran=$(count)
exits 104 "a retry that a restarted sidecar cannot judge" call x.once --chain "$service_dir/old.chain" --retry-id 0f$id_tail
check "is refused as that" err_has '\[outcome_unknown\]'
same "and runs nothing" "$ran" "$(count)"
service_delegate "$service_dir/b.chain" 'permit (principal, action, resource);'
exits 0 "a new delegation is a new task" ping --chain "$service_dir/b.chain"
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
