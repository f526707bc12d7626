# tipstaff policy eval: the options and exit codes of cedar authorize
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"
bob="--principal User::\"bob\" --action Action::\"view\" --resource Photo::\"beach.jpg\""
alice="-l User::\"alice\" -a Action::\"view\" -r Photo::\"beach.jpg\""
# the uids hold no blanks: the shell may split them
# shellcheck disable=SC2086
{
golden eval_allow 0 policy eval -p policies -s photos.cedarschema --entities entities.json $alice -c context.json -v
golden eval_deny 2 policy eval --policies policies --schema photos.cedarschema --entities entities.json $bob --context context.json --verbose
golden eval_json 2 policy eval -p policies -s photos.cedarschema --entities entities.json --request-json request.json --json
golden eval_link 0 policy eval -p template.cedar -k links.json --entities entities.json $bob -c context.json -v
expect 0 policy eval -p policies -s photos.cedarschema --entities entities.json $alice -c context.json -t
says out "time: "

# without the schema a text is no address: the policy fails, Cedar skips it
golden eval_error 2 policy eval -p policies/limits.cedar -p policies/owner.cedar --entities entities.json --request-json request.json -v
expect 2 policy eval -p policies/owner.cedar -l 'X::"a"' -a 'X::"b"' -r 'X::"c"'

# a request that does not fit the schema
golden eval_bad_context 1 policy eval -p policies -s photos.cedarschema --entities entities.json $bob
expect 0 policy eval -p policies -s photos.cedarschema --entities entities.json $alice -c context.json --request-validation false
golden eval_bad_request 1 policy eval -p policies -s photos.cedarschema --entities entities.json -l 'User::"bob"' -a 'Action::"list"' -r 'Photo::"beach.jpg"' -c context.json
expect 1 policy eval -p policies -s photos.cedarschema $bob -c context.json --request-validation maybe

# a command line that is wrong is no DENY
golden eval_no_principal 1 policy eval -p policies --entities entities.json --principal 'User::alice'
expect 1 policy eval -p policies $bob --request-json request.json
says err "leave out --principal"
expect 1 policy eval $bob
says err "no policies"
expect 1 policy eval --nonsense
expect 0 policy eval --help
}
sed 's/"context"/"contxt"/' request.json >typo.json
golden eval_typo 1 policy eval -p policies --request-json typo.json
sed 's/User::/User/' request.json >bad.json
golden eval_bad_uid 1 policy eval -p policies --request-json bad.json
sed 's/2500/2500.5/' request.json >float.json
golden eval_float 1 policy eval -p policies --request-json float.json
expect 1 policy eval -p policies -s photos.cedarschema --entities request.json --request-json request.json
expect 1 policy eval -p policies --request-json policies
sed 's/shared-with/shared/' links.json >bad_links.json
golden eval_bad_link 1 policy eval -p template.cedar -k bad_links.json --request-json request.json

# policies from JSON, names from its keys
policy translate --to json policies/owner.cedar >owner.json
# shellcheck disable=SC2086
expect 0 policy eval -p owner.json -s photos.cedarschema --entities entities.json $alice -c context.json -v
says out "owner"
