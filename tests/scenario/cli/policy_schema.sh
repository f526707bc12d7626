#!/bin/sh
# tipstaff policy schema: what it writes is a schema that --check finds nothing
# in; --merge keeps groups and labels; the starter's own file fits its tools.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"

expect 0 policy schema --tools tools --directory people.yaml
[ ! -s err ] || fail "something was said"
cp out made.cedarschema
says made.cedarschema 'amount: decimal,'
says made.cedarschema 'dept?: String,'
says made.cedarschema 'acr?: String,'
expect 0 policy schema --tools tools --directory people.yaml
cmp -s out made.cedarschema || fail "the second text is another one"
expect 0 policy schema --tools tools --check made.cedarschema
says out 'made.cedarschema: 2 tools, 0 errors'
expect 0 policy translate --to json --schema made.cedarschema

golden schema-merge 0 policy schema --tools tools --merge old.cedarschema --grant-attr acr
cp out merged.cedarschema
expect 0 policy schema --tools tools --check merged.cedarschema --grant-attr acr
expect 1 policy schema --tools tools --check merged.cedarschema
says out 'lacks  action "money.send", action "note.read": context.grant.attrs.amr?: String'
golden schema-check 1 policy schema --tools tools --check old.cedarschema
expect 1 policy schema --tools tools --check old.cedarschema --json
json 'not j["ok"] and j["tools"] == 2'
json '{"kind": "lacks", "where": "action \"note.read\"", "text": "resource File"} in j["findings"]'

# policies of the written schema are valid: a decimal, an argument that may be absent
cat >p.cedar <<'TEXT'
@id("small")
permit (principal, action == Action::"money.send", resource)
when { context.args.amount.lessThan(decimal("100.0")) && context.args has subject &&
       !context.provenance.authority.untrusted };
TEXT
expect 0 policy check --schema made.cedarschema p.cedar
says out '0 errors'

# what cannot be
expect 2 policy schema
expect 2 policy schema --tools tools --config .
expect 2 policy schema --tools tools --merge old.cedarschema --check old.cedarschema
expect 2 policy schema --tools tools --json
expect 1 policy schema --tools nowhere
mkdir empty
expect 1 policy schema --tools empty
says err 'holds no manifest'
cp -r tools bad
printf 'tool: x\nexec: x\n' >bad/x.yaml
expect 1 policy schema --tools bad
says err 'tools/x.yaml:'
[ ! -s out ] || fail "a schema without the tool that was refused"
cp tools/note.read.yaml bad/x.yaml
sed -i 's/^tool: note.read/tool: other\naction: money.send/; s/path: {type: path/path: {type: path/; s/root: .*/root: \/srv, access: read}/' bad/x.yaml
printf '  to: {type: int}\n' >to
sed -i '/^args:/r to' bad/x.yaml
expect 1 policy schema --tools bad
says err 'and its argument "to" is String in one and Long in the other'
: >damaged.snapshot
printf '\223\001\002' >damaged.snapshot
expect 1 policy schema --tools tools --directory damaged.snapshot

# the starter: its own schema is not behind its tools
starter=$here/../../../cli/starter
mkdir -p conf/tools
for f in "$starter"/tools/*.yaml; do
    sed 's,{{workspace}},/srv/ws,' "$f" >"conf/tools/${f##*/}"
done
for f in "$starter"/tenants/*/schema.cedarschema; do
    sed 's,{{[a-z_]*}},x,g' "$f" >starter.cedarschema
done
expect 0 policy schema --config conf --check starter.cedarschema
says out ' 0 errors'
expect 0 policy schema --config conf --merge starter.cedarschema
says out 'action "fs.read" in ["read"] appliesTo {'
