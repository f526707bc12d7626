#!/usr/bin/env bash
# tipstaff-shim against the real service: exit codes of every class, streams,
# cancellation, checks, size.
. "$(dirname "${BASH_SOURCE[0]}")/real_lib.sh"
real_setup shim

# Exit codes.
for code in 0 1 7 104 255; do exits $code "a tool's own code $code" call x.exit code:=$code; done
exits 139 "a tool that died of SIGSEGV" call x.signal
exits 104 "a denied call" call x.denied
check "says so once, in a stable first line" \
    test "$(grep -cE '(^|: )DENIED \[denied\] decision [0-9a-f]{32}: do not retry unchanged$' "$service_dir/err")" -eq 1
check "and nowhere else" test "$(grep -c DENIED "$service_dir/err")" -eq 1
exits 104 "an unknown tool" call x.nowhere
exits 105 "a call that a person must approve" call x.approve --wait 0
check "says PENDING" err_has '^PENDING \[approval_required\] decision [0-9a-f]{32}: '
exits 106 "a permitted call whose file is not there" call fs.read path=absent.txt
check "says REFUSED" err_has '^REFUSED \[resource_unavailable\]'
exits 107 "no socket" call x.exit code:=0 --socket "$service_dir/nowhere.sock"
check "names the socket" err_has "$service_dir/nowhere.sock"
exits 107 "another sidecar's key" ping --sidecar-key "$service_dir/keys/coder.pub"
check "says that nothing was sent" err_has 'nothing was sent'
echo 'permit (principal, action, resource);' | "$service_bin/tipstaff" delegate \
    --issuer-key "$service_dir/etc/keys/issuer.seed" --tenant acme --issuer acme-issuer --user alice \
    --agent coder --holder "$service_dir/keys/coder.pub" --aud sidecar/local --task short --ttl 1 \
    --policy - -o "$service_dir/short.chain" >/dev/null
[ "$(id -u)" -ne 0 ] || chown "$service_agent_uid" "$service_dir/short.chain"
expired() { ! shim "$service_dir/short.chain" ping >/dev/null 2>&1; }
check "a delegation expires" wait_until 60 expired
exits 107 "an expired delegation" ping --chain "$service_dir/short.chain"
exits 108 "bad usage" call x.exit code
exits 108 "an option that is none" call --nonsense

# Another user with a copy of chain and key.
if [ "$(id -u)" -eq 0 ]; then
    other=$((service_agent_uid + 7))
    install -m 0400 -o $other "$service_dir/keys/coder.seed" "$service_dir/stolen.seed"
    install -m 0444 "$chain" "$service_dir/stolen.chain"
    chmod 0755 "$service_dir/var" "$service_dir/var/run" 2>/dev/null || true
    got=0
    TIPSTAFF_SOCKET=$service_socket TIPSTAFF_DELEGATION=$service_dir/stolen.chain \
        TIPSTAFF_KEY=$service_dir/stolen.seed TIPSTAFF_SIDECAR_KEY=$service_dir/etc/keys/sidecar.pub \
        setpriv --reuid $other --regid "$service_agent_gid" --clear-groups --inh-caps=-all \
        "$service_bin/tipstaff-shim" call x.exit code:=0 >"$service_dir/out" 2>"$service_dir/err" || got=$?
    same "a copied key is of no use to another user" 107 $got
    sed 's/^/     /' "$service_dir/err"
fi

# Streams.
exits 0 "a tool that writes to both streams" call x.two
same "stdout is the tool's alone" "to stdout" "$(cat "$service_dir/out")"
same "stderr is the tool's alone" "to stderr" "$(cat "$service_dir/err")"
head -c 10000000 /dev/urandom >"$service_dir/random"
input=$service_dir/random
exits 0 "10 MB through a tool" call x.cat --stdin
check "come back byte for byte" cmp "$service_dir/random" "$service_dir/out"
exits 0 "10 MB into a file" call fs.write path=random.bin --stdin
check "lie there byte for byte" cmp "$service_dir/random" "$service_workspace/random.bin"
input=
exits 0 "20 MB of output" call x.big
check "are cut, and said to be" err_has 'output was cut'
same "at the tool's limit" 4194304 "$(stat -c %s "$service_dir/out")"
check "to what came first" cmp -n 4194304 "$service_dir/out" <(seq 3000000)
exits 137 "a tool that must not write as much" call x.flood
check "is stopped, and the reason named" err_has '^STOPPED \[output_limit\]'
printf '{"tool":"x.big"}\n' >"$service_dir/lines"
input=$service_dir/lines
exits 0 "20 MB of output in a batch" call --batch
same "are marked as cut" "true permit permitted" \
    "$(jq -r '"\(.stdout_truncated) \(.verdict) \(.code)"' "$service_dir/out")"
input=

# The end of a call from our side; a waiting shim is small.
exits 137 "a deadline ends the tool" call x.long --deadline 200
check "and is named" err_has '^STOPPED \[wall_limit\]'
for signal in INT TERM; do
    shim_bg "$chain" call x.long >/dev/null 2>"$service_dir/err" &
    pid=$!
    check "a long tool runs" wait_until 60 runs "sleep $marker"
    if [ $signal = INT ] && ! grep -q __asan_init "$service_bin/tipstaff-shim"; then
        rss=$(sed -nE 's/^VmRSS:\s+([0-9]+) kB/\1/p' "/proc/$pid/status")
        echo "     resident while waiting: $rss kB"
        check "the waiting shim is below 2 MB" test "$rss" -lt 2048
    fi
    kill -$signal $pid
    got=0
    wait $pid || got=$?
    same "SIG$signal ends the shim as one would expect" $((128 + $(kill -l $signal))) $got
    check "and has killed the tool" gone "sleep $marker"
done
shim_bg "$chain" call x.long >/dev/null 2>&1 &
pid=$!
check "a long tool runs" wait_until 60 runs "sleep $marker"
kill -KILL $pid
wait $pid 2>/dev/null || true
check "a shim that is killed takes its tool along" wait_until 60 gone "sleep $marker"

# Provenance and traces reach the record.
trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
exits 0 "a call with labels" call x.exit code:=0 --provenance web:untrusted --traceparent $trace
check "the labels are recorded" wait_until 60 eval 'log_lines | grep -q web:untrusted'
check "the trace is recorded" eval 'log_lines | grep -q 0af7651916cd43dd8448eb211c80319c'

# The filter before retrieval: 1,024 candidates, a label on some of them.
seq 1024 | jq -c '{id: ., tool: (if . % 2 == 0 then "x.exit" else "x.denied" end), args:
    (if . % 2 == 0 then {code: .} else {} end)} + if . % 3 == 0 then {provenance: ["web:untrusted"]} else {} end' \
    >"$service_dir/lines"
input=$service_dir/lines
begin=$(date +%s%N)
exits 0 "a check of 1,024 candidates" check --batch
echo "     took $((($(date +%s%N) - begin) / 1000000)) ms"
same "answers each in its place" 1024 \
    "$(jq -s '[to_entries[] | select(.value.id == .key + 1 and
        .value.verdict == (if .value.id % 2 == 0 then "permit" else "deny" end))] | length' "$service_dir/out")"
same "with a decision of its own" 1024 "$(jq -r .decision "$service_dir/out" | sort -u | wc -l)"
labelled() { log_lines | grep '"kind":"decision"' | grep -c web:untrusted; }
all_labelled() { [ "$(labelled)" -eq 342 ]; } # 341 of them, and the call above
check "a third of them recorded with their label" wait_until 60 all_labelled
input=
exits 0 "tools" tools --json
check "lists them all" test "$(wc -l <"$service_dir/out")" -ge 9
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
