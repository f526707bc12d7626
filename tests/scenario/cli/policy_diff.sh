# tipstaff policy diff, bench and translate
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"

cp -r policies now
sed -i 's/> 1000/> 0/' now/limits.cedar
rm now/more/team.cedar
diff_sets() {
    policy diff --schema photos.cedarschema --entities entities.json \
        --requests requests.jsonl "$@"
}
golden diff_flips 1 diff_sets --old policies --new now
golden diff_none 0 diff_sets --old policies --new policies
expect 1 diff_sets --old policies --new now --json
json 'j["requests"] == 3 and j["flips"] == 2 and j["allow_to_deny"] == 2 and j["deny_to_allow"] == 0'
json 'j["changes"][1]["line"] == 4 and j["changes"][1]["old"]["reasons"] == ["owner"] and j["changes"][1]["new"]["reasons"] == ["large-amounts"]'
expect 1 diff_sets --old now --new policies --quiet
says out "(0 to DENY, 2 to ALLOW)"
/usr/bin/python3 -c 'import json
print(json.dumps([json.loads(l) for l in open("requests.jsonl") if l.strip()]))' >array.json
expect 1 policy diff --old policies --new now --schema photos.cedarschema --entities entities.json --requests array.json --quiet
says out "3 requests, 2 flips"

# permitted before and after, in another box
mkdir boxes-old boxes-new
echo '@id("all") @sandbox("uid") permit (principal, action, resource);' >boxes-old/a.cedar
echo '@id("all") @sandbox("full") @require("no_wx", "x") permit (principal, action, resource);' >boxes-new/bad.cedar
expect 1 policy diff --old boxes-old --new boxes-new --requests requests.jsonl --entities entities.json
echo '@id("all") @sandbox("full") @require("net_ns,cgroup") permit (principal, action, resource);' >boxes-new/a.cedar
rm boxes-new/bad.cedar
expect 1 policy diff --old boxes-old --new boxes-new --requests requests.jsonl --entities entities.json
says out "old: box at least uid"
says out "new: box at least full, with cgroup, net_ns"
says out "3 requests permitted in another box"
says out "3 requests, 0 flips"
expect 1 policy diff --old boxes-old --new boxes-new --requests requests.jsonl --entities entities.json --json
json 'j["flips"] == 0 and j["other_boxes"] == 3 and j["changes"][0]["old"]["box"] == "uid" and j["changes"][0]["new"]["require"] == ["cgroup", "net_ns"]'
expect 0 policy diff --old boxes-new --new boxes-new --requests requests.jsonl --entities entities.json

# a request that cannot be read is named by its line
sed '4s/User::/User/' requests.jsonl >bad.jsonl
golden diff_bad_line 1 policy diff --old policies --new now --schema photos.cedarschema --entities entities.json --requests bad.jsonl
: >none.jsonl
expect 1 policy diff --old policies --new now --requests none.jsonl
says err "no requests in it"
# each request with entities reads the files again, and all are held at once
/usr/bin/python3 -c 'import json
uid = {"type": "U", "id": "a"}
print(json.dumps([{"uid": uid, "attrs": {"a": "x" * 15000000}, "parents": []}]), file=open("large.json", "w"))
ask = {"principal": "U::\"a\"", "action": "Action::\"a\"", "resource": "U::\"b\"", "entities": []}
print("\n".join(json.dumps(ask) for _ in range(18)), file=open("large.jsonl", "w"))'
expect 1 policy diff --old policies --new now --entities large.json --requests large.jsonl --quiet
says err "large.jsonl:18: the requests up to here"
expect 1 diff_sets --old broken/01.cedar --new broken/02.cedar
says err "01.cedar:3"
says err "02.cedar:"
expect 2 policy diff --old policies --requests requests.jsonl
says err "--new FILE|DIR is missing"

expect 0 policy bench -p policies -s photos.cedarschema --entities entities.json --requests requests.jsonl --seconds 1
says out "p99"
expect 0 policy bench -p policies -s photos.cedarschema --entities entities.json --request-json request.json --seconds 1 --json
json 'j["policies"] == 4 and j["requests"] == 1 and j["decisions"] > 1000 and j["allowed"] == 0 and j["p50_ns"] <= j["p99_ns"] <= j["max_ns"]'
expect 2 policy bench -p policies --requests requests.jsonl --request-json request.json
expect 2 policy bench -p policies --requests requests.jsonl --seconds 0

# there and back
golden translate_json 0 policy translate --to json policies/owner.cedar
cp out owner.json
golden translate_text 0 policy translate --to text owner.json
policy fmt policies/owner.cedar | grep -v '^//' >want
cmp out want
expect 0 policy translate --to json template.cedar -k links.json
json 'j["templateLinks"][0]["newId"] == "bob-sees-team"'
cp out linked.json
expect 1 policy translate --to text linked.json
says err "links of templates"
golden translate_schema 0 policy translate --to json --schema photos.cedarschema
cp out photos.json
golden translate_schema_text 0 policy translate --to text --schema photos.json
cp out again.cedarschema
expect 0 policy translate --to json --schema again.cedarschema
cmp out photos.json
expect 2 policy translate owner.json
expect 2 policy translate --to xml owner.json
expect 1 policy translate --to text broken/01.cedar
