here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/issuer_lib.sh"

# the nonce commits to key, task and sidecar; its opening is private
begin o
[ ${#nonce} = 43 ] || fail "nonce: $nonce"
[ "$(stat -c %a o)" = 600 ] || fail "mode of the opening"
expect 1 "$tipstaff" issuer nonce --holder coder.pub --task t-1 --aud s -o o
says err "exists already"
first=$nonce
begin o2
[ "$nonce" != "$first" ] || fail "two logins have one nonce"
nonce=$first

# a good token gives the first block, for the mapped user
token EdDSA idp.seed "$nonce" >id.jwt
expect 0 exchange --depth 2 --max-calls 5
says out "user    alice"
[ "$(stat -c %a c.chain)" = 600 ] || fail "mode of the chain"
cmp c.chain.issuer issuer.pub
expect 0 "$tipstaff" delegation show --json --issuer-pub issuer.pub c.chain
/usr/bin/python3 - out coder.pub <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["signatures_verified"] is True
assert (d["tenant"], d["issuer"], d["user"]) == ("acme", "acme-issuer", "alice")
assert (d["aud"], d["task"]) == ("sidecar/local", "t-1")
b = d["blocks"][0]
assert b["holder"] == open(sys.argv[2]).read().strip() and b["agent"] == "coder"
assert b["depth"] == 2 and d["max_calls"] == 5
assert b["exp"] - b["iat"] == 600
assert sorted(d["attrs"]) == ["acr", "amr", "auth_time", "sid"], d["attrs"]
assert d["attrs"]["amr"] == "hwk mfa" and d["attrs"]["sid"] == "session-7"
PY
rm c.chain c.chain.issuer

# from standard input, another key of the two; the lifetime is cut
token EdDSA idp2.seed "$nonce" '.kid="k2"' >id.jwt
"$tipstaff" issuer exchange --config idp.yaml --id-token - --opening o \
    --issuer-key issuer.seed --agent coder --policy p.cedar --ttl 1h \
    -o c.chain <id.jwt >out 2>err
says err "shortened to 900 s"
"$tipstaff" delegation show --json c.chain >out
/usr/bin/python3 -c '
import json; b = json.load(open("out"))["blocks"][0]; assert b["exp"] - b["iat"] == 900'
rm c.chain c.chain.issuer

# T1: the algorithm is the configuration's, whatever the token says
token none idp.seed "$nonce" >id.jwt
expect 1 exchange
says err "not a compact JWS" # an empty signature is no signature
token EdDSA idp.seed "$nonce" '.alg="none"' >id.jwt
expect 1 exchange
says err 'header alg: the token says "none", and EdDSA is what is configured'
for secret in idp.pub idp.seed; do # HS256 with the public key as the secret
    token HS256 $secret "$nonce" >id.jwt
    expect 1 exchange
    says err 'header alg: the token says "HS256"'
    token HS256 $secret "$nonce" '.alg="EdDSA"' >id.jwt
    expect 1 exchange
    says err "the signature does not hold"
done
refused "header alg: is missing" .alg=
refused 'header alg: the token says "RS256"' '.alg="RS256"'
refused 'header alg: the token says "Ed25519"' '.alg="Ed25519"'
openssl genrsa -out rsa.pem 2048 2>/dev/null
token RS256 rsa.pem "$nonce" >id.jwt
expect 1 exchange
says err 'header alg: the token says "RS256"'

# header: keys and rules of its own, kid, typ
refused "header crit: " '.crit=["exp"]'
refused "header jku: " '.jku="https://evil.example/k"'
refused "header jwk: " ".jwk={\"kty\":\"OKP\",\"x\":\"$(x_of other.pub)\"}"
refused "header x5u: " '.x5u="https://evil.example/c"'
refused "header kid: is missing" .kid=
refused 'header kid: "k9" is not among' '.kid="k9"'
refused "the signature does not hold" '.kid="k2"'
refused "header typ: " '.typ="at+jwt"'
refused "header typ: " '.typ="logout+jwt"'

# T35: an address is nobody
refused 'claim sub: "sub-mallory" is not in the map' 'sub="sub-mallory"' \
    'email="alice@example.com"' 'preferred_username="alice"'
refused "claim sub: is missing" sub=
refused "claim sub: is not a text" sub=1

# issuer, audience, time
refused 'claim iss: "https://idp.example/" is not a configured issuer' \
    'iss="https://idp.example/"'
refused "claim iss: is missing" iss=
refused "claim aud: the token is not for" 'aud="other"'
refused "claim azp: is missing" 'aud=["tipstaff","other"]'
refused "claim azp: the token was issued to another client" 'azp="other"'
refused "claim iat: lies" iat=+120 exp=+400
refused "claim iat: the token is 4" iat=-400
refused "claim exp: the token has expired" iat=-200 exp=-100
refused "claim nbf: the token is not valid yet" nbf=+100
refused "claim iat: is not a whole number" 'iat="now"'

# required class, methods and age of the login
refused "claim acr: the login was not of a required class" 'acr="pwd"'
refused "claim acr: is missing" acr=
refused 'claim amr: "mfa" is required' 'amr=["pwd"]'
refused "claim auth_time: the person logged in too long ago" auth_time=-3700

# the nonce: none, or that of another key, task or sidecar
refused "claim nonce: is missing" nonce=
mine=$nonce
for other in "--holder other.pub --task t-1 --aud sidecar/local" \
    "--holder coder.pub --task t-2 --aud sidecar/local" \
    "--holder coder.pub --task t-1 --aud sidecar/prod"; do
    rm -f o3
    nonce=$("$tipstaff" issuer nonce $other -o o3)
    refused "claim nonce: the login was not made for this key, task and sidecar"
done
nonce=$mine
# a stolen token with an opening of the thief's own: replayed for another key
token EdDSA idp.seed "$nonce" >id.jwt
rm -f o3
"$tipstaff" issuer nonce --holder other.pub --task t-1 --aud sidecar/local -o o3 >/dev/null
expect 1 "$tipstaff" issuer exchange --config idp.yaml --id-token id.jwt --opening o3 \
    --issuer-key issuer.seed --agent coder --policy p.cedar --ttl 1m -o c.chain
says err "claim nonce"
# and with the key changed in the right opening
sed "s/^holder .*/holder $(cat other.pub)/" o >o4
expect 1 "$tipstaff" issuer exchange --config idp.yaml --id-token id.jwt --opening o4 \
    --issuer-key issuer.seed --agent coder --policy p.cedar --ttl 1m -o c.chain
says err "claim nonce"

# changed in flight; not a token at all; encrypted; too long
token EdDSA idp.seed "$nonce" >id.jwt
/usr/bin/python3 - <<'PY'
import base64, json
h, p, s = open("id.jwt").read().strip().split(".")
c = json.loads(base64.urlsafe_b64decode(p + "=="))
c["sub"] = "sub-bob"
p = base64.urlsafe_b64encode(json.dumps(c).encode()).rstrip(b"=").decode()
open("id.jwt", "w").write(".".join((h, p, s)))
PY
expect 1 exchange
says err "the signature does not hold"
echo a.b >id.jwt
expect 1 exchange
says err "not a compact JWS"
echo QQ.QQ.QQ.QQ.QQ >id.jwt
expect 1 exchange
says err "is encrypted"
head -c 20000 /dev/zero | tr '\0' A >id.jwt
expect 1 exchange
says err "more than"
[ ! -e c.chain ] || fail "a refused token made a chain"

# a configuration with a mistake decides nothing
token EdDSA idp.seed "$nonce" >id.jwt
cp idp.yaml good.yaml
sed -i 's/alg: EdDSA/alg: none/' idp.yaml
expect 1 exchange
says err "idp.yaml:4: alg must be"
cp good.yaml idp.yaml
echo '  mail_is_identity: true' >>idp.yaml
expect 1 exchange
says err 'unknown key "mail_is_identity"'

# users and keys in files of their own, beside the configuration
mkdir etc
"$tipstaff" issuer jwks idp.pub >etc/keys.json
kid=$(sed -n 's/.*"kid":"\([^"]*\)".*/\1/p' etc/keys.json)
printf 'sub-alice: alice\n' >etc/users.yaml
sed -e '/keys:/d' -e '/kid:/d' -e 's/users:.*/users: users.yaml\n  jwks: keys.json/' \
    good.yaml >etc/idp.yaml
token EdDSA idp.seed "$nonce" ".kid=\"$kid\"" >id.jwt
expect 0 "$tipstaff" issuer exchange --config etc/idp.yaml --id-token id.jwt --opening o \
    --issuer-key issuer.seed --agent coder --policy p.cedar --ttl 1m -o c.chain
says out "user    alice"
rm c.chain c.chain.issuer etc/users.yaml
expect 1 "$tipstaff" issuer exchange --config etc/idp.yaml --id-token id.jwt --opening o \
    --issuer-key issuer.seed --agent coder --policy p.cedar --ttl 1m -o c.chain
says err "etc/users.yaml"

# help and usage
expect 2 "$tipstaff" issuer
expect 0 "$tipstaff" issuer --help
says out exchange
expect 2 "$tipstaff" issuer exchange
for c in nonce exchange jwks; do
    expect 0 "$tipstaff" issuer $c --help
    says out "examples:"
done
