# tipstaff policy explain: which clause of which policy, with which values
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"
explain() {
    policy explain --policies policies --schema photos.cedarschema \
        --entities entities.json "$@"
}
golden explain_deny 0 explain --request-json request.json
golden explain_all 0 explain --request-json request.json --all
golden explain_mask 0 explain --request-json request.json \
    --mask context.args.token --mask principal.level --mask resource.owner
! grep -q s3cret out || fail "a masked value was shown"
LC_ALL=C.UTF-8 golden explain_utf8 0 explain --request-json request.json
golden explain_allow 0 explain -l 'User::"alice"' -a 'Action::"view"' \
    -r 'Photo::"beach.jpg"' -c context.json
golden explain_error 0 policy explain -p policies/limits.cedar \
    --entities entities.json -l 'User::"bob"' -a 'Action::"share"' \
    -r 'Photo::"beach.jpg"'
golden explain_link 0 policy explain -p template.cedar -k links.json \
    --entities entities.json -l 'User::"alice"' -a 'Action::"view"' \
    -r 'Photo::"beach.jpg"'

# another action: the principal settles most policies first, and still those of
# other actions are left out
golden explain_action 0 explain -l 'User::"zoe"' -a 'Action::"edit"' \
    -r 'Photo::"beach.jpg"' -c context.json

# JSON policies are explained in the language, but for links
policy translate --to json policies/limits.cedar >limits.json
golden explain_json_set 0 policy explain -p limits.json -s photos.cedarschema \
    --entities entities.json --request-json request.json
policy translate --to json template.cedar -k links.json >linked.json
expect 0 policy explain -p linked.json --request-json request.json
says out "bob-sees-team"

# the same decision as eval, for every request
for n in 1 2 4; do
    sed -n "${n}p" requests.jsonl >one.json
    code=0
    policy eval -p policies -s photos.cedarschema --entities entities.json \
        --request-json one.json >said || code=$?
    expect 0 explain --request-json one.json
    says out "$(cat said)"
done

# masks reach into records and what is computed from them
cat >computed.cedar <<'X'
permit (principal, action, resource)
when { [context.args.token, "x"].contains("x") && context.args == {token: "s3cret", path: "/srv/photos"} };
X
expect 0 policy explain -p computed.cedar --request-json request.json --all
grep -q s3cret out || fail "nothing to mask"
expect 0 policy explain -p computed.cedar --request-json request.json --mask context.args.token
sed 's/token: "s3cret"//' out >values
! grep -q '= .*s3cret' values || fail "a value got past the mask"
expect 0 policy explain -p computed.cedar --request-json request.json --mask context.args.token --json
! grep -q '"value": .*s3cret' out || fail "a value got past the mask in JSON"

expect 0 explain --request-json request.json --json
json 'j["decision"] == "deny" and j["reasons"] == ["large-amounts"] and j["hidden"] == 1'
json 'j["policies"][0]["id"] == "large-amounts" and j["policies"][0]["outcome"] == "true"'
json 'all(c["outcome"] in ("true", "false", "error", "not_evaluated") for p in j["policies"] for c in p["clauses"])'
json 'any(v["path"] == "context.amount" and v["value"] == "2500" for p in j["policies"] for c in p["clauses"] for v in c.get("values", []))'
expect 0 explain --request-json request.json --json --all
json 'j["hidden"] == 0 and len(j["policies"]) == 4'

expect 2 explain --request-json request.json --mask token
says err "a path begins with"
expect 1 explain
expect 2 explain --mask
expect 0 explain --help

# what a satisfied permit demands of the box
cat >boxed.cedar <<'X'
@id("a") @sandbox("full") permit (principal, action, resource);
@id("b") @sandbox("uid") @require("landlock, net_ns") permit (principal, action, resource);
@id("c") @sandbox("strict") permit (principal, action, resource) when { 1 == 2 };
X
expect 0 policy explain -p boxed.cedar --request-json request.json
says out 'in a box at least full, with landlock, net_ns'
expect 0 policy explain -p boxed.cedar --request-json request.json --json
json 'j["box"] == "full" and j["require"] == ["landlock", "net_ns"]'
expect 0 policy explain -p computed.cedar --request-json request.json
! grep -q 'in a box' out || fail "a demand that nobody made"
printf '@id("a") @sandbox("ful") permit (principal, action, resource);\n' >boxed.cedar
expect 1 policy check -p boxed.cedar
says out 'annotation_value'
printf '@id("a") @sandbox("full") forbid (principal, action, resource);\n' >boxed.cedar
expect 1 policy check -p boxed.cedar
says out 'sandbox_on_forbid'
