# Sourced by issuer_*.sh after lib.sh: keys, a toy identity provider, a login.
for k in issuer coder other; do "$tipstaff" key new $k >/dev/null; done
for k in idp idp2; do "$tipstaff" key new $k >/dev/null; done
echo 'permit(principal, action, resource);' >p.cedar
token() { /usr/bin/python3 "$here/idp.py" "$@"; }
x_of() { # x_of NAME.pub: the key as a JWK has it
    "$tipstaff" issuer jwks "$1" | sed -n 's/.*"x":"\([^"]*\)".*/\1/p'
}
cat >idp.yaml <<YAML
issuers:
- iss: https://idp.example
  client_id: tipstaff
  alg: EdDSA
  keys:
  - {kid: k1, x: $(x_of idp.pub)}
  - {kid: k2, x: $(x_of idp2.pub)}
  acr: [phr, phrh]
  amr: [mfa]
  max_auth_age_s: 3600
  max_ttl_s: 900
  tenant: acme
  issuer: acme-issuer
  users: {sub-alice: alice, sub-bob: bob}
YAML
# begin FILE [OPTION...]: the first half of a login; its nonce is in $nonce
begin() {
    file=$1
    shift
    nonce=$("$tipstaff" issuer nonce --holder coder.pub --task t-1 \
        --aud sidecar/local -o "$file" "$@")
}
# exchange [OPTION...]: the second half, with the token in id.jwt
exchange() {
    "$tipstaff" issuer exchange --config idp.yaml --id-token id.jwt \
        --opening o --issuer-key issuer.seed --agent coder --policy p.cedar \
        --ttl 10m -o c.chain "$@"
}
# refused SENTENCE [TOKEN_CHANGE...]: signed well, and refused for what it says
refused() {
    what=$1
    shift
    token EdDSA idp.seed "$nonce" "$@" >id.jwt
    expect 1 exchange
    says err "$what"
    [ ! -e c.chain ] || fail "a chain was written: $*"
}
