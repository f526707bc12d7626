"""extract.py TOOLS.md ETC SERVICE_DIR WORKSPACE: the recipes of the cookbook, as files.

Every block beneath "## Cookbook": ```yaml is tools/NAME.yaml, ```yaml PATH is that
path, ```cedar a policy. /srv/workspace, /srv/scratch and /srv/secrets lie elsewhere;
nothing else is changed. Prints the names of the tools.
"""
import re
import sys

page, etc, service, workspace = sys.argv[1:5]
with open(page, encoding="utf-8") as f:
    text = f.read()
text = text[text.index("\n## Cookbook\n"):]
for kind, where, body in re.findall(r"^```(yaml|cedar)(?: (\S+))?\n(.*?)^```$", text, flags=re.S | re.M):
    for old, new in (("/srv/workspace", workspace), ("/srv/", service + "/")):
        body = body.replace(old, new)
    name = re.search(r"^tool: (\S+)$", body, flags=re.M)
    if kind == "cedar":
        path = "tenants/acme/policies/hard/zz-cookbook.cedar"
    else:
        path = where or "tools/%s.yaml" % name.group(1)
    with open("%s/%s" % (etc, path), "w", encoding="utf-8") as f:
        f.write(body)
    if name:
        print(name.group(1))
