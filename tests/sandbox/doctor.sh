#!/usr/bin/env bash
# doctor.sh TIPSTAFF : both forms name every layer, agree, and the exit status
# says whether the required ones hold.
set -eu
tipstaff=$1
status=0
text=$("$tipstaff" doctor) || status=$?
json_status=0
json=$("$tipstaff" doctor --json) || json_status=$?
[ "$status" -eq "$json_status" ] || { echo "exit $status, with --json $json_status"; exit 1; }
TEXT=$text STATUS=$status /usr/bin/python3 - "$json" <<'P'
import json, os, sys
doc = json.loads(sys.argv[1])
text = os.environ["TEXT"]
layers = doc["layers"]
assert len(layers) == 21, layers
assert len({l["name"] for l in layers}) == 21
for l in layers:
    row = next(r for r in text.splitlines() if r.split() and r.split()[0] == l["name"])
    assert row.split()[1] == ("yes" if l["holds"] else "no"), row
    assert l["holds"] == (l["errno"] == ""), l
assert all((l["remedy"] is None) == l["holds"] for l in layers)
assert doc["version"] == 1 and doc["tools"] is None and doc["launchers_ready"], doc
boxes = doc["boxes"]
assert {b["profile"] for b in boxes} == {"pure", "files", "build", "net", "jit"}
assert len(boxes) == 20, boxes
for b in boxes:
    assert not b["served"] or b["offered"], b
    assert not b["offered"] or b["served"] or b["expected"], b  # no hole
    assert (b["step"] is None) == (b["served"] or not b["offered"]), b
for level in "bare", "uid", "full", "strict":
    row = next(r for r in text.splitlines() if r.split() and r.split()[0] == level)
    served = any(b["served"] for b in boxes if b["level"] == level)
    assert row.split()[1] == ("yes" if served else "no"), row
floor = all(l["holds"] for l in layers if l["required"])
assert doc["floor"] == floor
assert doc["well"] == (int(os.environ["STATUS"]) == 0)
assert doc["well"] == (floor and any(b["served"] for b in boxes))
# uid 0 is never bound by the limit on processes, and that is said
if os.geteuid() == 0:
    assert doc["process_limit"] is False
assert ("does not bind" in text) == (not doc["process_limit"])
print("ok")
P
# a configuration with one tool that is served, one that cannot be read and one
# whose program is not there
config=$(mktemp -d)
trap 'rm -rf "$config"' EXIT
chmod 0755 "$config"
mkdir "$config/work"
"$tipstaff" init "$config/etc" --tenant acme --workspace "$config/work" --agent-uid 10001 --base "$config/var" >/dev/null
"$tipstaff" doctor --config "$config/etc" >/dev/null || { echo "the starter has mistakes"; exit 1; }
printf 'tool: a.b\nexec: /usr/bin/cat\nargv: [cat]\nseccmp: files\n' >"$config/etc/tools/a.yaml"
printf 'tool: b.c\nexec: /nonexistent/program\nargv: [p]\n' >"$config/etc/tools/b.yaml"
refused=0
out=$("$tipstaff" doctor --config "$config/etc") || refused=$?
[ "$refused" -eq 1 ] || { echo "refused tools: exit $refused"; exit 1; }
grep -q 'tools/a.yaml:4: .*seccmp' <<<"$out" || { echo "$out"; exit 1; }
grep -q 'tools/b.yaml:2: .*/nonexistent/program' <<<"$out" || { echo "$out"; exit 1; }
"$tipstaff" doctor --config "$config/etc" --json | /usr/bin/python3 -c '
import json, sys
d = json.load(sys.stdin)
assert len(d["tools"]["refused"]) >= 2 and not d["well"], d["tools"]'
refused=0
"$tipstaff" doctor --config /nonexistent >/dev/null || refused=$?
[ "$refused" -eq 1 ] || { echo "no configuration: exit $refused"; exit 1; }
wrong=0
"$tipstaff" doctor --no-such-option >/dev/null 2>&1 || wrong=$?
[ "$wrong" -ne 0 ] && [ "$wrong" -ne 1 ] || { echo "usage error gave $wrong"; exit 1; }
