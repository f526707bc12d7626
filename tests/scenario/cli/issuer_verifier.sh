here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/issuer_lib.sh"
verifier=$(cd "$here/../../.." && pwd)/cli/issuer/verify-openssl
begin o

openssl genrsa -out rsa.pem 2048 2>/dev/null
openssl genrsa -out rsa2.pem 3072 2>/dev/null
openssl genrsa -out small.pem 1024 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem
openssl ecparam -name prime256v1 -genkey -noout -out ec2.pem
jwks() { # jwks KID=PEM... : their public halves, as a provider publishes them
    /usr/bin/python3 - "$@" <<'PY'
import base64, json, re, subprocess, sys
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
keys = []
for arg in sys.argv[1:]:
    kid, pem = arg.split("=")
    text = subprocess.run(["openssl", "pkey", "-in", pem, "-noout", "-text_pub"],
                          capture_output=True, text=True, check=True).stdout
    hexa = lambda name: bytes.fromhex(re.sub(r"[\s:]", "", re.search(
        name + r":\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)))
    if "odulus" in text:
        n = hexa("Modulus").lstrip(b"\0")
        keys.append({"kty": "RSA", "use": "sig", "kid": kid, "n": b64(n), "e": "AQAB"})
    else:
        p = hexa("pub")
        keys.append({"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256",
                     "x": b64(p[1:33]), "y": b64(p[33:])})
print(json.dumps({"keys": keys}))
PY
}
jwks k1=rsa.pem k2=rsa2.pem k3=ec.pem small=small.pem >rs.json
jwks k1=ec.pem k2=ec2.pem k3=rsa.pem >es.json
jwks k1=rsa.pem k1=rsa2.pem >twice.json

config() { # config ALG JWKS
    sed -e "s#alg: EdDSA#alg: $1\n  verifier: [$verifier, --jwks, $PWD/$2]#" \
        -e '/keys:/d' -e '/kid:/d' idp.yaml >ext.yaml
}
ext() { # the exchange with that configuration
    "$tipstaff" issuer exchange --config ext.yaml --id-token id.jwt --opening o \
        --issuer-key issuer.seed --agent coder --policy p.cedar --ttl 5m -o c.chain "$@"
}
works() {
    expect 0 ext
    says out "user    alice"
    rm c.chain c.chain.issuer
}
fails() { # fails SENTENCE
    expect 1 ext
    says err "$1"
    [ ! -e c.chain ] || fail "a chain was written"
}

# RS256 and ES256, two keys each
config RS256 rs.json
token RS256 rsa.pem "$nonce" >id.jwt
works
token RS256 rsa2.pem "$nonce" '.kid="k2"' >id.jwt
works
# given on the command line instead
sed -i '/verifier:/d' ext.yaml
fails "--verifier: is missing"
token RS256 rsa.pem "$nonce" >id.jwt
expect 0 ext --verifier "$verifier" --verifier-arg --jwks --verifier-arg "$PWD/rs.json"
rm c.chain c.chain.issuer
config ES256 es.json
for i in 1 2 3 4 5 6 7 8; do # r and s of all lengths of DER
    token ES256 ec.pem "$nonce" >id.jwt
    works
done
token ES256 ec2.pem "$nonce" '.kid="k2"' >id.jwt
works

# the claims pass the very same checks
token ES256 ec.pem "$nonce" 'sub="sub-mallory"' >id.jwt
fails 'claim sub: "sub-mallory" is not in the map'
token ES256 ec.pem "wrong" >id.jwt
fails "claim nonce:"
token ES256 ec.pem "$nonce" iat=-400 >id.jwt
fails "claim iat:"
token ES256 ec.pem "$nonce" 'acr="pwd"' >id.jwt
fails "claim acr:"

# T1: other algorithms, other keys, changed bytes
token RS256 rsa.pem "$nonce" '.kid="k3"' >id.jwt
fails 'header alg: the token says "RS256", and ES256 is what is configured'
token RS256 rsa.pem "$nonce" '.alg="ES256"' '.kid="k3"' >id.jwt
fails "is not for ES256"
token ES256 ec2.pem "$nonce" >id.jwt
fails "the signature does not hold"
token ES256 ec.pem "$nonce" '.kid="k9"' >id.jwt
fails "does not name exactly one key"
config RS256 rs.json
token HS256 rs.json "$nonce" '.alg="RS256"' >id.jwt
fails "the signature does not hold"
token RS256 rsa.pem "$nonce" '.kid="k2"' >id.jwt
fails "the signature does not hold"
token RS256 small.pem "$nonce" '.kid="small"' >id.jwt
fails "2048 to 8192 bits"
config RS256 twice.json
token RS256 rsa.pem "$nonce" >id.jwt
fails "does not name exactly one key"

# every byte of an ES256 signature counts, and zero is none
config ES256 es.json
for change in "0 0" "31 255" "32 7" "63 1"; do
    token ES256 ec.pem "$nonce" >good.jwt
    /usr/bin/python3 - $change <<'PY'
import base64, sys
h, p, s = open("good.jwt").read().strip().split(".")
b = bytearray(base64.urlsafe_b64decode(s + "=="))
b[int(sys.argv[1])] ^= max(1, int(sys.argv[2]))
open("id.jwt", "w").write(".".join((h, p, base64.urlsafe_b64encode(b).rstrip(b"=").decode())))
PY
    fails "the signature does not hold"
done
for sig in 'b"\0"*64' 'b"\0"*32+b"\1"*32' 'b"\1"*63' 'b"\1"*65'; do
    /usr/bin/python3 -c "
import base64
h, p, s = open('good.jwt').read().strip().split('.')
open('id.jwt', 'w').write('.'.join((h, p, base64.urlsafe_b64encode($sig).rstrip(b'=').decode())))"
    expect 1 ext
    says err "verify-openssl"
done

# the verifier alone: the algorithm is never taken from the token
token ES256 ec.pem "$nonce" >id.jwt
expect 0 "$verifier" --jwks es.json --alg ES256 <id.jwt
grep -q '"sub": "sub-alice"' out || fail "the claims"
expect 1 "$verifier" --jwks es.json <id.jwt
says err "must be RS256 or ES256"
expect 1 "$verifier" --jwks es.json --alg HS256 <id.jwt
expect 1 "$verifier" --jwks es.json --alg RS256 <id.jwt
expect 1 "$verifier" --jwks none.json --alg ES256 <id.jwt
expect 1 "$verifier" --alg ES256 <id.jwt
token ES256 ec.pem "$nonce" '.crit=["x"]' >id.jwt
expect 1 "$verifier" --jwks es.json --alg ES256 <id.jwt

# a program that lies about its form, hangs, floods or fails gets nobody in
begin o5
token ES256 ec.pem "$nonce" >id.jwt
program() { # program TEXT: a verifier that does this
    printf '#!/bin/sh\n%s\n' "$1" >v
    chmod 755 v
    sed -e "s#verifier:.*#verifier: [$PWD/v]#" ext.yaml >v.yaml
    mv v.yaml ext.yaml
}
program 'cat >/dev/null; echo not json'
fails "the claims are not a JSON object"
program 'echo "{}"'
fails "claim iss: is missing"
program 'echo "{}"; exit 3'
fails "did not verify the token"
program 'head -c 100000 /dev/zero'
fails "printed too much"
program 'printf "%s" "$TIPSTAFF_ALG $TIPSTAFF_ISS ${HOME-none} ${SECRET-none}" >seen; exit 1'
SECRET=1 fails "did not verify"
[ "$(cat seen)" = "ES256 https://idp.example none none" ] || fail "environment: $(cat seen)"
rm v
fails "could not be started"
program 'sleep 60'
start=$(date +%s)
fails "took longer than 10 seconds"
[ $(($(date +%s) - start)) -lt 20 ] || fail "it waited too long"
# what it wrote down of the token does not stay: it is asked before it is killed
printf '#!/bin/bash\ntrap "rm -f %s/left" EXIT\ncat >%s/left\nsleep 60\n' "$PWD" "$PWD" >v
fails "took longer than 10 seconds"
[ ! -e left ] || fail "a part of the token stayed behind"
program 'trap "" TERM; while :; do sleep 1; done'
start=$(date +%s)
fails "took longer than 10 seconds"
[ $(($(date +%s) - start)) -lt 20 ] || fail "one that does not listen was waited for"

# an EdDSA issuer has none
expect 1 exchange --verifier /bin/true
says err "header alg" # the token at hand is ES256's
