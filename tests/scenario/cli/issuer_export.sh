here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/issuer_lib.sh"

# JWKS: several keys, RFC 7638 kids that Python computes too; nothing secret
expect 0 "$tipstaff" issuer jwks idp.pub idp2.pub -o jwks.json
[ "$(stat -c %a jwks.json)" = 644 ] || fail "mode of the JWKS"
/usr/bin/python3 - <<'PY'
import base64, hashlib, json
keys = json.load(open("jwks.json"))["keys"]
assert len(keys) == 2
for k, name in zip(keys, ("idp.pub", "idp2.pub")):
    assert set(k) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert base64.urlsafe_b64decode(k["x"] + "=").hex() == open(name).read().strip()
    canon = json.dumps({n: k[n] for n in ("crv", "kty", "x")}, separators=(",", ":"))
    want = base64.urlsafe_b64encode(hashlib.sha256(canon.encode()).digest()).rstrip(b"=")
    assert k["kid"] == want.decode()
PY
expect 1 "$tipstaff" issuer jwks idp.pub -o jwks.json
says err "exists already"
expect 1 "$tipstaff" issuer jwks idp.pub idp.pub
says err "given twice"
expect 1 "$tipstaff" issuer jwks idp.seed
expect 2 "$tipstaff" issuer jwks

# export: RFC 8693 shapes of one and of three blocks
"$tipstaff" delegate --issuer-key issuer.seed --tenant acme --issuer acme-issuer \
    --user alice --agent coder --holder coder.pub --aud sidecar/local --task t-1 \
    --policy p.cedar --depth 2 --ttl 10m --attr acr=phr -o c.chain >/dev/null
"$tipstaff" attenuate --chain c.chain --key coder.seed --agent coder/a \
    --holder other.pub --policy p.cedar --depth 1 --ttl 5m -o d.chain >/dev/null
"$tipstaff" attenuate --chain d.chain --key other.seed --agent coder/a/b \
    --holder idp.pub --policy p.cedar -o e.chain >/dev/null
for c in c d e; do
    expect 0 "$tipstaff" delegation export --json --issuer-pub issuer.pub $c.chain
    mv out $c.json
    "$tipstaff" delegation show --json $c.chain >$c.show
done
/usr/bin/python3 - <<'PY'
import json
agents = ["coder", "coder/a", "coder/a/b"]
for n, name in enumerate("cde", 1):
    c = json.load(open(name + ".json"))
    s = json.load(open(name + ".show"))
    act = c["act"]
    for want in reversed(agents[:n]): # the outermost is who acts now
        assert act["sub"] == want, act
        act = act.get("act")
    assert act is None
    assert c["sub"] == "alice" and c["client_id"] == agents[n - 1]
    assert c["aud"] == "sidecar/local" and c["iss"] == "acme-issuer"
    assert (c["tenant"], c["task"], c["jti"]) == ("acme", "t-1", s["grant"])
    assert c["exp"] == s["expires"] and c["nbf"] == s["not_before"]
    assert ("may_act" in c) == (s["blocks"][-1]["depth"] > 0)
    if "may_act" in c:
        assert c["may_act"] == {"sub": agents[n - 1], "depth": s["blocks"][-1]["depth"]}
    assert c["attrs"] == {"acr": "phr"}
    assert "not signed" in c["note"]
PY
expect 0 "$tipstaff" delegation export c.chain
says out "nobody may take it for authority"
says out "not checked"
expect 1 "$tipstaff" delegation export --issuer-pub other.pub c.chain
expect 0 "$tipstaff" delegation export --help
says out "never imported"

# and it is not: neither as an ID token nor as a chain
begin o
cp c.json id.jwt
expect 1 exchange
expect 1 "$tipstaff" delegation show c.json
