# tipstaff directory patch: PatchOp messages onto the installed snapshot
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/directory_lib.sh"
configuration etc

# operations JSON..: a PatchOp message in patch.json
operations() {
    printf '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}\n' "$*" >patch.json
}
patch() { "$tipstaff" directory patch patch.json --config etc --no-push "$@"; }

operations '{"op":"replace","path":"users[id eq \"bob\"].active","value":false}'
golden patch_leaves 0 patch
[ "$(seq_of $installed)" = 2 ] || fail "number"
golden patch_same 0 patch

operations '{"op":"add","path":"users","value":{"id":"dora","active":true,"groups":["viewers"]}},
{"op":"add","path":"groups[id eq \"ops\"].members","value":[{"value":"dora"},{"value":"bob"}]},
{"op":"replace","path":"agents[id eq \"coder\"].keys","value":["'"$(hex k2)"'"]},
{"op":"remove","path":"agents[id eq \"reader\"]"},
{"op":"add","path":"approvers","value":{"person":"dora","active":true,"key":"'"$(hex k3)"'"}}'
golden patch_many_dry 0 patch --dry-run
[ "$(seq_of $installed)" = 3 ] || fail "a dry run wrote"
golden patch_many 0 patch

# all or nothing, with operation and field
operations '{"op":"remove","path":"users[id eq \"dora\"].groups"},{"op":"replace","path":"users[id eq \"dora\"].active","value":"False"}'
unchanged patch
says err "patch.json: Operations[1] (active): must be true or false; nothing was changed"
operations '{"op":"remove","path":"users[id eq \"alice\"]"}'
unchanged patch
says err 'not a directory: agent: owner of "coder" is missing, given twice or names nobody who is listed'
operations '{"op":"add","path":"agents","value":{"id":"spy","active":true,"keys":["'"$(hex k2)"'"]}}'
unchanged patch
says err "this directory would be refused"
operations '{"op":"add","path":"users[id eq \"bob\"].attrs","value":{"colour":"red"}}'
unchanged patch
says err 'User::"bob".colour is not declared in the schema'
echo '{"a":1' >patch.json
unchanged patch
says err "not JSON"
printf '\033[31m{' >patch.json
unchanged patch
! grep -q "$(printf '\033')" err || fail "a control character came through"
head -c 4194305 /dev/zero | tr '\0' ' ' >patch.json
unchanged patch
says err "more than 4194304 bytes"
unchanged "$tipstaff" directory patch nowhere.json --config etc --no-push

# only onto what can be trusted
operations '{"op":"remove","path":"users[id eq \"bob\"]"}'
cp $installed kept
seed other o
sed -i "s/$(hex etc/keys/directory)/$(hex other)/" etc/tenants/acme/trust.yaml
unchanged patch --key other.seed
unchanged patch --key other.seed --seq 9
says err "no directory that could be trusted and changed"
trust etc acme
rm $installed
expect 1 patch
says err "no directory that could be trusted and changed"
cp kept $installed
expect 0 patch

# from standard input; the page's example
sed -n "/^{\"schemas/,/^E$/p" "$here/../../../docs/man/tipstaff-directory.1.scd" | sed "/^E$/d" >patch.json
expect 0 "$tipstaff" directory apply etc/directory/acme.yaml --config etc --no-push
golden patch_page 0 patch --dry-run
