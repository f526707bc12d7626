#!/bin/sh
# tipstaff policy check --sidecar: what the gate would refuse for its annotations
# and ids is refused here; links.json is no policy; --version.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
mkdir -p p
printf '@id("a") forbid (principal, action, resource) when { context.x };\n' >p/a.cedar
printf '[{"template_id": "t", "link_id": "l", "args": {}}]\n' >p/links.json
expect 0 "$tipstaff" policy check --sidecar p
printf '@id("b") @aproval("x") forbid (principal, action, resource) when { context.x };\n' >p/b.cedar
expect 0 "$tipstaff" policy check p
expect 1 "$tipstaff" policy check --sidecar p
says out 'unknown_annotation'
says out 'did you mean `@approval`?'
printf 'forbid (principal, action, resource) when { context.x };\n' >p/b.cedar
expect 0 "$tipstaff" policy check p
expect 1 "$tipstaff" policy check --sidecar p
says out 'missing_id'
expect 0 "$tipstaff" --version
says out 'Cedar language 4.5'
