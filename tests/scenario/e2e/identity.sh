#!/usr/bin/env bash
# The identity token of a call, from the gate to the tool and to a service that
# verifies it with the published keys: a second implementation in Python.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

service_setup identity
"$tipstaff" key new "$service_dir/etc/keys/token" >/dev/null
mkdir "$service_dir/agent"
[ "$(id -u)" -ne 0 ] || chown "$service_agent_uid:$service_agent_gid" "$service_dir/agent"
as_agent "$tipstaff" key new "$service_dir/agent/sub" >/dev/null
printf 'token_key: keys/token.seed\n' >>"$service_dir/etc/tipstaff.yaml"
"$tipstaff" issuer jwks "$service_dir/etc/keys/token.pub" -o "$service_dir/jwks.json"
# What the tool prints: its token in a disguise (as it is it would not leave the
# sidecar) and as it is, its environment, its words, its descriptors.
cat >"$service_dir/say.sh" <<'SH'
#!/bin/sh
[ -z "$TIPSTAFF_TOKEN_FD" ] || token=$(cat <&"$TIPSTAFF_TOKEN_FD")
printf '%s\n' "$token" | tr A-Za-z N-ZA-Mn-za-m
printf 'plain %s\n' "$token"
/usr/bin/env
echo "$0 $*"
for n in 3 4 5 6 7 8 9; do
    (eval "exec 0<&$n") 2>/dev/null && echo "open $n"
done
exit 0
SH
chmod 755 "$service_dir/say.sh"
service_tool say-who "tool: say.who
exec: $service_dir/say.sh
argv: [say]
exec_paths: [/usr/bin/cat, /usr/bin/env, /usr/bin/tr]
limits: {processes: 1024, memory_mb: 64} # of the user: other services may run beside this test
identity_token: {audience: \"https://backend.example\", scope: \"notes:read notes:list\", ttl_s: 30}
"
service_tool say-none "tool: say.none
exec: $service_dir/say.sh
argv: [say]
exec_paths: [/usr/bin/cat, /usr/bin/env, /usr/bin/tr]
limits: {processes: 1024, memory_mb: 64} # of the user: other services may run beside this test
"
service_policy identity 'permit (principal, action in [Action::"say.who", Action::"say.none"], resource);'
service_start

c=$service_dir/c.chain
d=$service_dir/agent/d.chain
service_delegate "$c" 'permit (principal, action, resource);'
issuer_pub=$service_dir/etc/keys/issuer.pub
as_agent "$tipstaff" attenuate --chain "$c" --key "$service_dir/keys/coder.seed" \
    --agent coder/sub --holder "$service_dir/agent/sub.pub" --depth 0 --ttl 20 --policy - \
    --issuer-pub "$(cat "$issuer_pub")" -o "$d" \
    <<<'permit (principal, action, resource);' >/dev/null

# verify CLAIMS FILE AGENT... : the first line of FILE is a good token; its claims go
# to CLAIMS
verify() {
    /usr/bin/python3 - "$service_dir/jwks.json" "$@" <<'PY'
import base64, json, sys, time
import nacl.signing
raw = lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
jwks, claims, path, *agents = sys.argv[1:]
keys = {k["kid"]: raw(k["x"]) for k in json.load(open(jwks))["keys"]}
token = open(path).readline().rstrip("\n")
h, p, s = token.split(".")
head = json.loads(raw(h))
assert head["alg"] == "EdDSA" and head["typ"] == "at+jwt", head
nacl.signing.VerifyKey(keys[head["kid"]]).verify((h + "." + p).encode(), raw(s))
c = json.loads(raw(p))
assert c["iss"] == "sidecar/local" and c["sub"] == "alice", c
assert c["aud"] == "https://backend.example" and c["scope"] == "notes:read notes:list"
assert c["tenant"] == "acme" and c["task"] == "demo"
act = c["act"]
for want in reversed(agents):
    assert act["sub"] == want, c["act"]
    act = act.get("act")
assert act is None and c["client_id"] == agents[-1]
now = time.time()
assert c["iat"] == c["nbf"] and abs(now - c["iat"]) < 20
assert c["iat"] < c["exp"] <= c["iat"] + 30
json.dump(c, open(claims, "w"))
PY
}

say() { # say CHAIN TOOL OUT : the tool's words, its token without the disguise
    shim "$1" call "$2" >"$3.raw"
    head -1 "$3.raw" | tr A-Za-z N-ZA-Mn-za-m >"$3"
    tail -n +2 "$3.raw" >>"$3"
}
say "$c" say.who "$service_dir/out"
check "a token that Python verifies" verify "$service_dir/claims.json" "$service_dir/out" coder
token=$(head -1 "$service_dir/out")
check "as it is it does not come out" grep -qx 'plain \[redacted\]' "$service_dir/out"
check "and that is recorded" wait_until 60 eval \
    'log_lines | jq -e -s "any(.[]; .tool == \"say.who\" and .redacted == 1)" >/dev/null'
same "it may hand on" 2 "$(jq .may_act.depth "$service_dir/claims.json")"
check "one descriptor beyond stdio" grep -qx 'open 3' "$service_dir/out"
same "and no other" 1 "$(grep -c '^open ' "$service_dir/out")"
check "its number in the environment" grep -qx 'TIPSTAFF_TOKEN_FD=3' "$service_dir/out"
same "the token itself nowhere else" 1 "$(grep -cF "${token%.*}" "$service_dir/out")"

# jti is the decision; the token is in no record, no journal, no service log
jti=$(jq -r .jti "$service_dir/claims.json")
check "jti names the decision" eval \
    'log_lines | jq -e -s --arg id "$jti" "any(.[]; .id == \$id and .tool == \"say.who\")" >/dev/null'
signature=${token##*.}
not_in_files() { ! grep -rqF "$1" "$service_dir/var" "$service_dir/service.log"; }
check "the token is written down nowhere" not_in_files "$signature"
check "nor its claims" not_in_files "$(cut -d. -f2 <<<"$token")"

# two calls, two tokens
say "$c" say.who "$service_dir/out2"
check "another token for another call" eval '[ "$(head -1 "$service_dir/out2")" != "$token" ]'

# the sub-agent acts now, the first one is inside; the chain's end is the token's
service_key=$service_dir/agent/sub.seed say "$d" say.who "$service_dir/out3"
check "two agents, the last one outermost" verify "$service_dir/claims3.json" "$service_dir/out3" \
    coder coder/sub
end=$("$tipstaff" delegation show --json "$d" | jq .expires)
check "not beyond the delegation" [ "$(jq .exp "$service_dir/claims3.json")" -le "$end" ]
same "nobody may act further" null "$(jq .may_act "$service_dir/claims3.json")"

# who did not ask gets nothing
say "$c" say.none "$service_dir/none"
same "no token without the key" "" "$(head -1 "$service_dir/none")"
same "nor a descriptor" "" "$(grep -E '^open |TOKEN' "$service_dir/none" || true)"

# the token opens nothing here
head -1 "$service_dir/out" >"$service_dir/token.jwt"
printf 'issuers:\n- iss: sidecar/local\n  client_id: https://backend.example\n  alg: EdDSA\n  jwks: %s\n  tenant: acme\n  issuer: acme-issuer\n  users: {alice: alice}\n' \
    "$service_dir/jwks.json" >"$service_dir/idp.yaml"
"$tipstaff" issuer nonce --holder "$service_dir/keys/coder.pub" --task demo \
    --aud sidecar/local -o "$service_dir/opening" >/dev/null
refuses() { ! "$@" >"$service_dir/x.out" 2>"$service_dir/x.err"; }
check "it is never imported as authority" refuses "$tipstaff" issuer exchange \
    --config "$service_dir/idp.yaml" --id-token "$service_dir/token.jwt" \
    --opening "$service_dir/opening" --issuer-key "$service_dir/etc/keys/issuer.seed" \
    --agent coder --policy /dev/null --ttl 60 -o "$service_dir/never.chain"
check "because it is another kind of token" grep -q 'header typ' "$service_dir/x.err"

# rotation: after a restart with a new key, a service that has both keys goes on
service_stop
"$tipstaff" key new "$service_dir/etc/keys/token2" >/dev/null
sed -i 's#keys/token.seed#keys/token2.seed#' "$service_dir/etc/tipstaff.yaml"
"$tipstaff" issuer jwks "$service_dir/etc/keys/token2.pub" "$service_dir/etc/keys/token.pub" \
    >"$service_dir/jwks.json"
service_start
service_delegate "$service_dir/c2.chain" 'permit (principal, action, resource);'
say "$service_dir/c2.chain" say.who "$service_dir/out4"
check "the new key's token" verify /dev/null "$service_dir/out4" coder
check "the old key's token" verify /dev/null "$service_dir/out" coder

# without a key nobody speaks for anybody
service_stop
sed -i '/^token_key:/d' "$service_dir/etc/tipstaff.yaml"
service_start
shim "$service_dir/c2.chain" call say.none >"$service_dir/out5"
check "no key: a tool that wants none is served" grep -q '^TIPSTAFF_DECISION=' "$service_dir/out5"
if shim "$service_dir/c2.chain" call say.who >"$service_dir/out6" 2>&1; then die "it ran without a token"; fi
check "no key: the other is not" grep -q '\[tool_unavailable\]' "$service_dir/out6"
check "and the log says why" grep -q 'identity_token: this sidecar has no key' "$service_dir/service.log"
