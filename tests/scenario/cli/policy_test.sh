# tipstaff policy test: cases, coverage, JUnit; mistakes in the YAML are placed
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"

golden test_pass 0 policy test --coverage tests.yaml
expect 0 policy test --min-coverage 70 tests.yaml
expect 1 policy test --min-coverage 71 tests.yaml
says out "less than --min-coverage asks for"
expect 0 policy test --quiet tests.yaml
[ "$(grep -c + out)" = 0 ] || fail "cases that pass were printed"

# relative to the file, not to where one stands
mkdir away
(cd away && policy test ../tests.yaml) >out

sed 's/expect: allow/expect: deny/; s/no-strangers/nobody/' tests.yaml >wrong.yaml
golden test_fail 1 policy test wrong.yaml
expect 1 policy test --junit out.xml wrong.yaml tests.yaml
/usr/bin/python3 - <<'X'
import xml.etree.ElementTree as t
r = t.parse("out.xml").getroot()
assert r.attrib == {"tests": "10", "failures": "2", "errors": "0"}, r.attrib
assert len(r.findall("testsuite")) == 2
f = r.findall(".//failure")
assert len(f) == 2 and "expected deny, got allow" in f[0].attrib["message"]
X
expect 1 policy test --json wrong.yaml
json 'j["passed"] == 3 and j["failed"] == 2 and j["outcomes"] == 30 and j["covered"] == 21'
json 'j["files"][0]["cases"][0]["ok"] is False and j["files"][0]["cases"][0]["line"] == 6 and j["files"][0]["cases"][0]["decision"] == "allow"'
json '{"policy": "large-amounts", "file": "policies/limits.cedar", "line": 4, "column": 10, "text": "principal.level > 8", "seen_true": False, "seen_false": True} in j["files"][0]["uncovered"]'

# names that XML and terminals would take for something else
printf 'policies: policies\ncases:\n  - name: "<b> & \\"q\\" \\e[31m \\x01"\n    principal: A::"a"\n    action: A::"b"\n    resource: A::"c"\n    expect: allow\n' >names.yaml
expect 1 policy test --junit odd.xml names.yaml
/usr/bin/python3 -c 'import xml.etree.ElementTree as t; assert t.parse("odd.xml").find(".//testcase").attrib["name"].startswith("<b> & \"q\" ")'
! grep -q "$(printf '\033')" out || fail "an escape sequence reached the terminal"

# every mistake has its place
bad() {
    name=$1
    sed "$2" tests.yaml >bad.yaml
    golden "test_$name" 1 policy test -q bad.yaml
}
bad key 's/principal: User::"bob"/principle: User::"bob"/'
bad expect 's/expect: allow/expect: alow/'
bad uid 's/User::"zoe"/User:zoe/'
bad context 's/amount: 2000/amount: many/'
bad entities 's/name: Zoe, level: 1/name: Zoe/'
bad action 's/Action::"edit"/Action::"edti"/'
bad policies 's/^policies: policies/policies: nowhere/'
bad schema 's/photos.cedarschema/entities.json/'
bad top 's/^entities:/entites:/'
bad twice 's/^entities:/policies:/'
bad anchor 's/^policies: policies/policies: \&a policies/'
printf 'a: [\n b' >bad.yaml
golden test_yaml 1 policy test bad.yaml
expect 1 policy test nowhere.yaml tests.yaml
says out "5 passed, 0 failed, 1 file not run"
: >bad.yaml
expect 1 policy test bad.yaml
head -c 3000 /dev/urandom >bad.yaml
expect 1 policy test bad.yaml
# keys are compared with each other: a map has a bounded number of them
keys() {
    printf 'policies: policies\ncases:\n  - name: many\n'
    printf '    principal: U::"a"\n    action: Action::"a"\n    resource: U::"b"\n'
    printf '    expect: deny\n    context:\n'
    seq -f '      a%.0f: 1' "$1"
}
keys 2048 >many.yaml
expect 0 policy test many.yaml
keys 2049 >many.yaml
expect 1 policy test many.yaml
says err "too many keys in one map"
size=$(wc -c <tests.yaml)
n=0
while [ $n -lt "$size" ]; do
    head -c $n tests.yaml >cut.yaml
    got=0
    policy test cut.yaml >out 2>err || got=$?
    [ $got -le 1 ] || fail "exit $got for the first $n bytes"
    n=$((n + 17))
done
expect 2 policy test
expect 2 policy test --min-coverage 101 tests.yaml
expect 0 policy test --help
