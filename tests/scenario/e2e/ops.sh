#!/usr/bin/env bash
# What an operator does with a running service: status, reload, revoke, tail, a
# full disk, stop; and what is refused at the start.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff
root=no
[ "$(id -u)" -ne 0 ] || root=yes

# answers CODE COMMAND... : exit status; output in $service_dir/out and err
answers() {
    local expected=$1 got=0
    shift
    "$@" >"$service_dir/out" 2>"$service_dir/err" || got=$?
    [ "$got" = "$expected" ] || {
        echo "exit $got instead of $expected: $*" >&2
        cat "$service_dir/out" "$service_dir/err" >&2
        return 1
    }
}
refused() { # refused CODE COMMAND... : a shim that is refused with this code
    local code=$1
    shift
    if "$@" >"$service_dir/out" 2>"$service_dir/err"; then return 1; fi
    grep -q "\[$code\]" "$service_dir/err" || {
        cat "$service_dir/err" >&2
        return 1
    }
}
says() { grep -qE -- "$1" "$service_dir/out" "$service_dir/err"; }
status_json() { "$tipstaff" status --json --socket "$service_admin"; }
generation() { status_json | jq .generation; }
is_generation() { [ "$(generation)" = "$1" ]; }
service_says() { grep -qF -- "$1" "$service_dir/service.log"; }
reload() { kill -HUP "$service_main"; }
chain=0
delegate() { # delegate [OPTION...] : a fresh chain in $c, its grant in $grant
    chain=$((chain + 1))
    c=$service_dir/$chain.chain
    service_delegate "$c" 'permit (principal, action, resource);' "$@"
    grant=$("$tipstaff" delegation show "$c" --json | jq -r .grant)
}
next_second() {
    local now
    now=$(date +%s)
    while [ "$(date +%s)" = "$now" ]; do sleep 0.02; done
    sleep 0.02 # time(2) runs up to a tick behind
}
revoke() { "$tipstaff" revoke "$@" --socket "$service_admin" --reason "ops test"; }

service_setup ops
marker=$((200000 + $$))
service_tool ops-true "tool: ops.true
description: Ends at once with success
exec: /bin/true
argv: [\"true\"]
"
service_tool ops-long "tool: ops.long
description: Runs until it is killed, with a daemon of its own
exec: /bin/sh
argv: [\"sh\", \"-c\", \"setsid -f sleep $marker; sleep $marker\"]
exec_paths: [/bin/sleep, /usr/bin/setsid]
limits: {wall_ms: 600000, processes: 64}
"
service_tool ops-second "tool: ops.second
description: Takes a second and says so
exec: /bin/sh
argv: [\"sh\", \"-c\", \"sleep 1; echo finished\"]
exec_paths: [/bin/sleep]
"
service_policy ops 'permit (principal, action in [Action::"ops.true", Action::"ops.long", Action::"ops.second"], resource);'
running() { [ "$(pgrep -fc "sleep $marker")" -ge "$1" ]; }
none_runs() { ! pgrep -f "sleep $marker" >/dev/null; }

echo "-- status"
check "down: exit 1" answers 1 "$tipstaff" status --socket "$service_admin"
check "down: says what to do" says 'admin.sock'
check "down: --json exit 1" answers 1 "$tipstaff" status --json --socket "$service_admin"
check "a wrong option: exit 2" answers 2 "$tipstaff" status --colour
check "--check takes the starter" answers 0 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
service_start
[ "$(id -u)" -ne 0 ] || same "the gate comes before others on its processor" -10 \
    "$(ps -o ni= -p "$(service_pid tipstaff-gate)" | tr -d ' ')"
check "up: exit 0" answers 0 "$tipstaff" status --socket "$service_admin"
check "up: first line" test "$(head -1 "$service_dir/out")" = serving
for key in uptime_s generation sessions running decisions; do
    check "status shows $key" says "$key"
done
delegate
shim "$c" call ops.true
check "decisions are counted by effect" test "$(status_json | jq .decisions.permit)" = 1

echo "-- reload"
hard=$service_dir/etc/tenants/acme/policies/hard
printf '@id("stop-true")\nforbid (principal, action == Action::"ops.true", resource);\n' >"$hard/zzz.cedar"
check "a change waits for the reload" shim "$c" call ops.true
reload
check "a good change is generation 2" wait_until 60 is_generation 2
check "and takes effect: the call flips" refused forbidden shim "$c" call ops.true
check "policy_loaded is recorded" recorded '.kind=="policy_loaded" and .generation==2'
rm "$hard/zzz.cedar"
reload
check "back again" wait_until 60 is_generation 3
check "the call is permitted again" shim "$c" call ops.true

# refuses WHAT FILE NEEDLE CONTENT : reload keeps the old one and names FILE
refuses() {
    local what=$1 file=$2 kept
    kept=$(generation)
    cp "$service_dir/etc/$file" "$service_dir/kept" 2>/dev/null || rm -f "$service_dir/kept"
    printf '%b' "$4" >"$service_dir/etc/$file"
    : >"$service_dir/mark"
    local before
    before=$(grep -c reload_refused "$service_dir/service.log" || true)
    reload
    more_refusals() { [ "$(grep -c reload_refused "$service_dir/service.log" || true)" -gt "$before" ]; }
    check "$what: refused" wait_until 60 more_refusals
    check "$what: the service log names $file$3" service_says "text=\"$file$3"
    check "$what: the old one is kept" is_generation "$kept"
    check "$what: policy_rejected is recorded" recorded ".kind==\"policy_rejected\" and (.text|startswith(\"$file$3\"))"
    check "$what: calls go on" shim "$c" call ops.true
    check "$what: --check agrees" answers 78 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
    check "$what: --check names $file$3" says "$file$3"
    if [ -e "$service_dir/kept" ]; then cp "$service_dir/kept" "$service_dir/etc/$file"; else rm "$service_dir/etc/$file"; fi
}
t=tenants/acme
refuses "a bad policy" $t/policies/hard/zzz.cedar ":2:" '@id("x")\npermit (oops);\n'
refuses "a bad approval policy" $t/policies/approval/zzz.cedar ":" '@id("x")\nforbid (principal, action, resource);\n'
refuses "a bad trust file" $t/trust.yaml ":3:" 'issuers:\n  - name: x\n    key: 00\n'
refuses "a bad tenant file" $t/tenant.yaml ":2:" 'tenant: acme\nmax_ttl_s: never\n'
refuses "bad entities" $t/entities.json ":" '[{]\n'
refuses "a setting that is no setting" tipstaff.yaml ":1:" 'color: red\n'

# without WHAT NEEDLE CONTENT : one bad manifest, and the others are served
without() {
    local what=$1 kept
    kept=$(generation)
    printf '%b' "$3" >"$service_dir/etc/tools/zzz.yaml"
    reload
    newer() { [ "$(generation)" -gt "$kept" ]; }
    check "$what: the others are taken" wait_until 60 newer
    check "$what: the service log names it" service_says "tool_refused text=\"tools/zzz.yaml$2"
    check "$what: tool_refused is recorded" recorded ".kind==\"tool_refused\" and (.text|startswith(\"tools/zzz.yaml$2\"))"
    check "$what: calls go on" shim "$c" call ops.true
    check "$what: --check refuses it" answers 78 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
    check "$what: --check names it" says "tools/zzz.yaml$2"
    rm "$service_dir/etc/tools/zzz.yaml"
}
without "a bad manifest" ":3:" 'tool: zzz.zzz\nexec: [\n'
without "a manifest with an unknown key" ":2:" 'tool: zzz.zzz\ncolour: red\n'

echo "-- a directory that is none"
source=$service_dir/etc/directory/acme.yaml
snapshot=$service_dir/etc/$t/directory.snapshot
cp "$source" "$service_dir/kept.yaml"
cp "$snapshot" "$service_dir/kept.snapshot"
printf 'users:\n  - id: "not an id"\n    status: active\nagents: []\n' >"$source"
check "a bad source is not signed" answers 1 "$tipstaff" directory apply "$source" --config "$service_dir/etc"
check "its line is named" says "acme.yaml:2: "
check "the installed one stays whole" cmp "$snapshot" "$service_dir/kept.snapshot"
cp "$service_dir/kept.yaml" "$source"
printf 'garbage' >"$snapshot"
kept=$(generation)
reload
next_generation() { [ "$(generation)" -gt "$kept" ]; }
check "a damaged snapshot keeps nobody from loading the rest" wait_until 60 next_generation
check "the directory in force stays, and calls go on" shim "$c" call ops.true
check "a check of the files refuses it" answers 78 "$service_bin/tipstaffd" --config "$service_dir/etc" --check
check "and names it" says "$t/directory.snapshot"
cp "$service_dir/kept.snapshot" "$snapshot"
reload
check "whole again, calls go on" wait_until 60 shim "$c" call ops.true
check "after all that the files are taken again" answers 0 "$service_bin/tipstaffd" --config "$service_dir/etc" --check

echo "-- revoke"
start_long() {
    shim "$c" call ops.long >/dev/null 2>"$service_dir/long.err" &
    long=$!
    wait_until 60 running 2
}
revoked() { # revoked WHAT REFUSAL-CODE ARGUMENT... ; the long tool runs under $c
    local what=$1 code=$2
    shift 2
    check "$what: a tool and its daemon run" start_long
    check "$what: revoke completes" answers 0 revoke "$@"
    check "$what: ACK with the number of tools" says '^revoked [a-z-]+ [0-9a-z]+: ack after [0-9.]+ ms \(1 tool signalled, 1 session closed\)'
    check "$what: COMPLETE" says ', all gone after [0-9.]+ ms$'
    check "$what: tool and daemon are gone when revoke returns" none_runs
    wait $long && die "$what: the shim of the killed tool reported success"
    check "$what: the shim says revoked" grep -q 'revoked' "$service_dir/long.err"
    check "$what: the next call is refused" refused "$code" shim "$c" call ops.true
}
key_of() { sed -nE 's/.*"holder": *"([0-9a-f]{64})".*/\1/p' <("$tipstaff" delegation show "$c" --json) | head -1; }
block_of() { log_lines | jq -r 'select(.kind=="decision" and .tool=="ops.true").blocks[0][2]' | tail -1; }

delegate
revoked grant auth_failed grant "$grant" --tenant acme
granted=$c
delegate
shim "$c" call ops.true
revoked block auth_failed block "$(block_of)" --tenant acme
delegate
revoked task auth_failed task demo --tenant acme --cutoff now
next_second # authority given after the cut-off counts again
delegate
revoked user auth_failed user alice --tenant acme --cutoff now
next_second
delegate
revoked agent auth_failed agent coder --tenant acme --cutoff now
next_second
delegate
revoked key auth_failed key "$(key_of)" --tenant acme --cutoff now
check "every revocation is recorded" test "$(log_lines | jq -r 'select(.kind=="revocation").target_kind' | sort | tr '\n' ' ')" = "agent block grant key task user "
check "somebody else's key revokes nothing" answers 1 revoke user alice --tenant acme --key "$service_dir/etc/keys/issuer.seed"
check "and it is said why" says 'auth_failed'
check "what was signed elsewhere" answers 0 "$tipstaff" revoke session 000102030405060708090a0b0c0d0e0f --tenant acme --out "$service_dir/signed.rev"
check "is sent as it is" answers 0 "$tipstaff" revoke --in "$service_dir/signed.rev" --socket "$service_admin"
check "an unseen id is accepted" says '^revoked session 000102030405060708090a0b0c0d0e0f: ack after'
check "a repetition is acknowledged" answers 0 "$tipstaff" revoke --in "$service_dir/signed.rev" --socket "$service_admin"
check "and is no second record" test "$(log_lines | jq -r 'select(.kind=="revocation" and .target_kind=="session").target' | wc -l)" = 1
check "an unknown tenant is refused" answers 1 revoke user alice --tenant nobody
check "a kind that is none" answers 2 revoke colour red --tenant acme
service_stop
service_start
check "after a restart the grant is still revoked" refused auth_failed shim "$granted" call ops.true

echo "-- who may ask"
if [ $root = yes ]; then
    check "another uid may not ask for the status" answers 1 as_agent "$tipstaff" status --socket "$service_admin"
    chmod o+rx "$service_dir/var/run/admin"
    chmod o+rw "$service_admin" "$service_log_socket"
    check "not even when the file modes would let it" answers 1 as_agent "$tipstaff" status --socket "$service_admin"
    check "nor revoke" answers 1 as_agent "$tipstaff" revoke user alice --tenant acme --socket "$service_admin"
    check "nor read the log" answers 1 as_agent "$tipstaff" tail --socket "$service_log_socket"
    chmod o= "$service_dir/var/run/admin"
fi

echo "-- tail and show"
next_second
delegate
tails=$service_dir/tails
"$tipstaff" tail -f -n 1 -o json --socket "$service_log_socket" >"$tails" 2>/dev/null &
service_also_stop $!
"$tipstaff" tail -f -n 1 -o json --effect forbid --socket "$service_log_socket" >"$tails.forbid" 2>/dev/null &
service_also_stop $!
"$tipstaff" tail -f -n 1 -o json --tenant nobody --socket "$service_log_socket" >"$tails.nobody" 2>/dev/null &
service_also_stop $!
seen() { jq -e -s "any(.[]; $2)" "$1" >/dev/null 2>&1; }
live() { # until the followers are in place, calls are made
    shim "$c" call ops.true && shim "$c" call demo.sleep seconds:=80000 >/dev/null 2>&1
    seen "$tails" '.kind=="exec_ended"' && seen "$tails.forbid" '.tool=="demo.sleep"'
}
check "tail -f sees records as they are written" wait_until 60 live
check "--effect lets only those through" test "$(jq -r 'select(.kind=="decision").effect' "$tails.forbid" | sort -u)" = forbid
check "--tenant of another sees nothing" test ! -s "$tails.nobody"
id=$(jq -r 'select(.tool=="demo.sleep").id' "$tails.forbid" | head -1)
check "log show finds a decision" answers 0 "$tipstaff" log show "$id" "$service_log"
check "and names the policy" says 'coder-sleeps-an-hour-at-most'
check "by its last 8 digits, too" answers 0 "$tipstaff" log show "${id: -8}" "$service_log"
check "log show of nothing: exit 1" answers 1 "$tipstaff" log show ffffffffffff "$service_log"

for p in "${service_pids[@]:1}"; do [ "$p" = "$service_main" ] || kill "$p" 2>/dev/null || true; done

echo "-- expired, and a second service"
printf '%s\n' 'permit (principal, action, resource);' | "$tipstaff" delegate \
    --issuer-key "$service_dir/etc/keys/issuer.seed" --tenant acme --issuer acme-issuer \
    --user alice --agent coder --holder "$service_dir/keys/coder.pub" --aud sidecar/local \
    --task demo --ttl 1 --policy - -o "$service_dir/short.chain" >/dev/null
[ $root = no ] || chown "$service_agent_uid:$service_agent_gid" "$service_dir/short.chain"
expired() { refused auth_failed shim "$service_dir/short.chain" call ops.true; }
check "an expired delegation is refused" wait_until 60 expired
check "a second tipstaffd on the same run_dir is refused" answers 78 "$service_bin/tipstaffd" --config "$service_dir/etc"
check "because another service answers there" says 'another service answers'
check "and the first goes on" shim "$service_dir/$chain.chain" call ops.true

echo "-- two tenants with the same names"
cp -r "$service_dir/etc/tenants/acme" "$service_dir/etc/tenants/beta"
cp "$source" "$service_dir/etc/directory/beta.yaml"
sed -i 's/acme/beta/g' "$service_dir/etc/tenants/beta/tenant.yaml" "$service_dir/etc/tenants/beta/trust.yaml"
for role in issuer directory revoker; do
    "$tipstaff" key new "$service_dir/etc/keys/beta-$role" >/dev/null
    sed -i "/name: beta-$role/{n;s/key: .*/key: $(cat "$service_dir/etc/keys/beta-$role.pub")/}" "$service_dir/etc/tenants/beta/trust.yaml"
done
beta_directory() {
    service_tenant=beta service_directory --no-push --key "$service_dir/etc/keys/beta-directory.seed" "$@"
}
check "a copied snapshot is of another tenant" answers 1 beta_directory
check "and nothing is changed" says 'the directory of another tenant, "acme"'
rm "$service_dir/etc/tenants/beta/directory.snapshot"
check "the same agent key in both tenants is refused" answers 1 beta_directory
check "with both places" says 'this public key already stands'
"$tipstaff" key new "$service_dir/keys/beta" >/dev/null
[ $root = no ] || chown "$service_agent_uid" "$service_dir"/keys/beta.*
sed -i "s/keys: .*/keys: [$(cat "$service_dir/keys/beta.pub")]/" "$service_dir/etc/directory/beta.yaml"
check "with a key of its own it is signed" answers 0 beta_directory
reload
beta() { service_key=$service_dir/keys/beta.seed shim "$@"; }
beta_revoker=$service_dir/etc/keys/beta-revoker.seed
has_beta() { revoke user nobody --tenant beta --key "$beta_revoker" >/dev/null 2>&1; }
check "the second tenant is taken by a reload" wait_until 60 has_beta
beta_chain() { # beta_chain FILE SEED TENANT HOLDER
    printf '%s\n' 'permit (principal, action, resource);' | "$tipstaff" delegate --issuer-key "$2" \
        --tenant "$3" --issuer "$3-issuer" --user alice --agent coder --holder "$4" \
        --aud sidecar/local --task demo --ttl 3600 --policy - -o "$1" >/dev/null
    [ $root = no ] || chown "$service_agent_uid:$service_agent_gid" "$1"
}
beta_chain "$service_dir/b.chain" "$service_dir/etc/keys/beta-issuer.seed" beta "$service_dir/keys/beta.pub"
check "beta's alice, coder and demo may call" beta "$service_dir/b.chain" call ops.true
check "their record says beta" recorded '.kind=="decision" and .tenant=="beta" and .effect=="permit"'
beta_chain "$service_dir/x.chain" "$service_dir/etc/keys/beta-issuer.seed" acme "$service_dir/keys/coder.pub"
check "beta's issuer cannot speak for acme" refused auth_failed shim "$service_dir/x.chain" call ops.true
printf '@id("b-stop")\nforbid (principal, action == Action::"ops.true", resource);\n' \
    >"$service_dir/etc/tenants/beta/policies/hard/zzz.cedar"
reload
b_stops() { refused forbidden beta "$service_dir/b.chain" call ops.true; }
check "a policy of beta stops beta" wait_until 60 b_stops
check "and not acme" shim "$c" call ops.true
rm "$service_dir/etc/tenants/beta/policies/hard/zzz.cedar"
for kind in "user alice" "agent coder" "task demo"; do
    # shellcheck disable=SC2086
    check "beta revokes $kind" answers 0 revoke $kind --tenant beta --key "$beta_revoker"
done
check "acme's of the same names go on" shim "$c" call ops.true
check "beta's do not" refused auth_failed beta "$service_dir/b.chain" call ops.true

echo "-- drain"
shim "$c" call ops.second >"$service_dir/second.out" 2>"$service_dir/second.err" &
second=$!
runs_one() { [ "$(status_json | jq .running)" -ge 1 ]; }
check "a tool runs" wait_until 60 runs_one
service_stop
wait $second || die "the running tool did not end well: $(cat "$service_dir/second.err")"
same "SIGTERM lets it finish" finished "$(cat "$service_dir/second.out")"
check "its end is recorded" recorded '.kind=="exec_ended" and .tool=="ops.second" and .reason=="exited"'
check "the sockets are gone" test ! -e "$service_socket"
check "the log verifies" answers 0 "$tipstaff" log verify "$service_log"

echo "-- a full disk"
if [ $root = yes ] && mkdir -p "$service_dir/small" &&
    mount -t tmpfs -o size=24m tmpfs "$service_dir/small" 2>/dev/null; then
    small() {
        local status=$?
        set +e
        umount -l "$service_dir/small" 2>/dev/null
        (exit $status)
        service_cleanup
    }
    trap small EXIT
    chmod 0755 "$service_dir/small"
    mkdir "$service_dir/small/log"
    chown "$(service_uid recorder)" "$service_dir/small/log"
    sed -i "s|^log_dir:.*|log_dir: $service_dir/small/log\nreserve_mb: 4\nsegment_mb: 1|" "$service_dir/etc/tipstaff.yaml"
    service_log=$service_dir/small/log
    service_start
    next_second
    delegate
    check "it serves" shim "$c" call ops.true
    dd if=/dev/zero of="$service_dir/small/fill" bs=64k 2>/dev/null || true
    # Batches, since handshakes are limited, until what was set aside is used up.
    full() {
        seq 300 | sed 's/.*/{"tool":"ops.true","args":{},"id":"&"}/' |
            shim "$c" call --batch >"$service_dir/batch" 2>/dev/null || true
        tail -1 "$service_dir/batch" | grep -q audit_unavailable
    }
    check "full: a permit becomes audit_unavailable" wait_until 60 full
    check "full: status says so" test "$(status_json | jq -r .ring)" = no_space
    unavailable() { log_lines | jq -r 'select(.kind=="decision" and .code=="audit_unavailable").id' | wc -l; }
    before=$(unavailable)
    check "full: whatever it is, it is refused" refused audit_unavailable shim "$c" call demo.sleep seconds:=80000
    more_unavailable() { [ "$(unavailable)" -gt "$before" ]; }
    check "full: and that refusal is still recorded" wait_until 60 more_unavailable
    rm "$service_dir/small/fill"
    again() { shim "$c" call ops.true 2>/dev/null; }
    check "room again: it recovers" wait_until 60 again
    service_stop
    check "the log verifies" answers 0 "$tipstaff" log verify "$service_log"
else
    echo "SKIPPED: a full disk (needs root and mount)"
fi
echo "all as expected"
