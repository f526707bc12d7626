here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"

for k in issuer coder tester other; do "$tipstaff" key new $k >/dev/null; done
echo 'permit(principal, action, resource);' >p.cedar

delegate() {
    "$tipstaff" delegate --issuer-key issuer.seed --tenant acme \
        --issuer acme-idp --user alice --agent coder --holder coder.pub \
        --aud sidecar/local --task task-1 --policy p.cedar "$@"
}

expect 0 delegate --ttl 10m --depth=2 --max-calls 7 --attr b=2 --attr a=1 \
    -o c.chain
[ "$(stat -c %a c.chain)" = 600 ] || fail "mode of the chain"
cmp c.chain.issuer issuer.pub
expect 1 delegate -o c.chain
says err "exists already"

attenuate() {
    "$tipstaff" attenuate --chain c.chain --key coder.seed \
        --agent coder/tester --holder tester.pub --policy - "$@" <p.cedar
}

expect 0 attenuate --ttl 60 --depth 1 -o t.chain
expect 0 attenuate --issuer-pub issuer.pub -o t2.chain

# drawn, and as JSON
expect 0 "$tipstaff" delegation show t.chain
says out "user alice"
says out "agent coder/tester"
says out "not checked"
expect 0 "$tipstaff" delegation show --issuer-pub issuer.pub t.chain
says out "signatures verified"
expect 0 "$tipstaff" delegation show --json --issuer-pub issuer.pub t.chain
/usr/bin/python3 - out coder.pub tester.pub <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["signatures_verified"] is True
assert d["attrs"] == {"a": "1", "b": "2"}, d["attrs"]
assert d["max_calls"] == 7 and d["user"] == "alice" and d["aud"] == "sidecar/local"
assert [b["agent"] for b in d["blocks"]] == ["coder", "coder/tester"]
assert [b["depth"] for b in d["blocks"]] == [2, 1]
keys = [open(p).read().strip() for p in sys.argv[2:4]]
assert [b["holder"] for b in d["blocks"]] == keys
assert d["expires"] == min(b["exp"] for b in d["blocks"])
assert d["blocks"][1]["exp"] - d["blocks"][1]["iat"] == 60
assert len(d["blocks"][0]["id"]) == 64
PY

# not from this issuer; changed; cut off
expect 1 "$tipstaff" delegation show --issuer-pub other.pub t.chain
says err "E_ISSUER"
size=$(stat -c %s t.chain)
head -c $((size - 1)) t.chain >cut.chain
expect 1 "$tipstaff" delegation show cut.chain
says err "E_FORMAT"
head -c $((size - 1)) t.chain >flip.chain
printf '\377' >>flip.chain
expect 1 "$tipstaff" delegation show --issuer-pub issuer.pub flip.chain
says err "E_SIG"

# what would not be accepted is not made
expect 2 "$tipstaff" attenuate --chain c.chain
expect 1 "$tipstaff" attenuate --chain c.chain --key other.seed \
    --agent coder/x --holder tester.pub --policy p.cedar -o x.chain
says err "last holder"
expect 1 "$tipstaff" attenuate --chain c.chain --key coder.seed \
    --issuer-pub other.pub --agent coder/x --holder tester.pub \
    --policy p.cedar -o x.chain
says err "issuer"
expect 1 attenuate --depth 2 -o x.chain
says err "less than"
expect 2 delegate --ttl 2d -o x.chain
expect 2 delegate --depth 8 -o x.chain
expect 2 delegate --ttl soon -o x.chain
expect 2 delegate --user bob --user eve -o x.chain
expect 2 delegate --attr a=1 --attr a=2 -o x.chain
says err "given twice"
expect 2 delegate --attr a -o x.chain
# what is to stand beside a chain is read before there is a chain
expect 1 delegate --prompt nowhere -o prompted.chain
says err "nowhere: No such file"
[ ! -e prompted.chain ] || fail "a chain without its prompt"
# capabilities that are not JSON: where, and nothing of the file that acts on a terminal
with_capabilities() {
    "$tipstaff" delegate --issuer-key issuer.seed --tenant acme --issuer acme-idp --user alice \
        --agent coder --holder coder.pub --aud sidecar/local --task task-1 --capabilities "$1" -o x.chain
}
printf '{"a": 1,\n \033[31m}' >bad.json
expect 1 with_capabilities bad.json
says err "bad.json:2:2: not JSON: "
! grep -q "$(printf '\033')" err || fail "an escape sequence on the terminal"
mkdir -p folder
expect 1 with_capabilities folder
says err "folder: Is a directory"
: >empty.cedar
expect 1 "$tipstaff" attenuate --chain c.chain --key coder.seed \
    --agent coder/x --holder tester.pub --policy empty.cedar -o x.chain
says err "E_POLICY"
expect 1 "$tipstaff" attenuate --chain c.chain --key coder.seed \
    --agent 'coder/../x' --holder tester.pub --policy p.cedar -o x.chain
says err "E_ID"
[ ! -e x.chain ] || fail "a refused chain was written"

# what the sidecar would refuse is not signed in the first place
root() { # root EXIT POLICY_TEXT [OPTION...]
    want=$1
    printf '%s\n' "$2" >bad.cedar
    shift 2
    expect "$want" "$tipstaff" delegate --issuer-key issuer.seed --tenant acme \
        --issuer acme-idp --user alice --agent coder --holder coder.pub \
        --aud s --task t --policy bad.cedar -o x.chain "$@"
}
printf 'entity User; entity Agent; entity File;
action read appliesTo { principal: [User, Agent], resource: File, context: { n?: Long } };\n' >s.cedarschema
root 1 'permit(principal, action, resource'
says err 'bad.cedar:1:7'
root 1 'permit(principal == ?principal, action, resource);'
says err 'cannot hold templates'
root 1 '@sandbox("ful") permit(principal, action, resource);'
says err 'the value of @sandbox means nothing'
says err 'bad.cedar:1:10'
root 1 '@require("net_ns") forbid(principal, action, resource);'
says err '@require on a forbid'
root 1 'permit(principal, action, resource) when { context.n > 1 };' --schema s.cedarschema
says err 'unsafe_optional_attribute'
says err 'bad.cedar:1:44'
root 1 'permit(principal, action, resource);' --schema none.cedarschema
says err 'none.cedarschema'
[ ! -e x.chain ] || fail "a policy that the sidecar refuses was signed"
expect 1 "$tipstaff" attenuate --chain c.chain --key coder.seed --agent coder/x \
    --holder tester.pub --policy bad.cedar --schema none.cedarschema -o x.chain
root 0 'permit(principal, action == Action::"read", resource);' --schema s.cedarschema
rm x.chain

# control characters of a chain do not reach the terminal
printf 'permit(principal, action, resource); // \033[2J' >esc.cedar
expect 0 "$tipstaff" delegate --issuer-key issuer.seed --tenant acme \
    --issuer acme-idp --user alice --agent coder --holder coder.pub \
    --aud s --task t --policy esc.cedar -o esc.chain
expect 0 "$tipstaff" delegation show esc.chain
! grep -q "$(printf '\033')" out || fail "an escape sequence came through"

# an agent of another name: with a certificate for exactly that, or not at all
cert() {
    "$tipstaff" delegation cert --key other.seed --tenant acme --agent builder \
        --holder tester.pub "$@"
}
expect 0 cert --ttl 5m -o b.cert
expect 1 cert --ttl 5m -o b.cert
says err "exists already"
expect 1 cert --ttl 0 -o zero.cert
expect 2 cert
expect 1 "$tipstaff" delegation cert --key other.seed --tenant 'a b' --agent x \
    --holder tester.pub -o bad.cert
says err "--tenant"
handed() {
    "$tipstaff" attenuate --chain c.chain --key coder.seed --holder tester.pub \
        --policy p.cedar "$@"
}
expect 0 handed --agent builder --cert b.cert -o b.chain
expect 0 "$tipstaff" delegation show b.chain
says out "cert  for builder until"
expect 0 "$tipstaff" delegation show --json b.chain
says out '"agent": "builder"'
expect 1 handed --agent coder/x --cert b.cert -o x.chain
says err "E_AGENT"
expect 1 handed --agent builder --cert p.cedar -o x.chain
says err "E_AGENT"
: >empty.cert
expect 1 handed --agent builder --cert empty.cert -o x.chain
says err "is empty"
