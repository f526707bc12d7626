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
assert len(layers) == 20, layers
assert len({l["name"] for l in layers}) == 20
for l in layers:
    row = next(r for r in text.splitlines() if r.split() and r.split()[0] == l["name"])
    assert row.split()[1] == ("yes" if l["holds"] else "no"), row
    assert l["holds"] == (l["errno"] == ""), l
floor = all(l["holds"] for l in layers if l["required"])
assert doc["floor"] == floor
assert (int(os.environ["STATUS"]) == 0) == floor
# uid 0 is never bound by the limit on processes, and that is said
if os.geteuid() == 0:
    assert doc["process_limit"] is False
assert ("does not bind" in text) == (not doc["process_limit"])
print("ok")
P
wrong=0
"$tipstaff" doctor --no-such-option >/dev/null 2>&1 || wrong=$?
[ "$wrong" -ne 0 ] && [ "$wrong" -ne 1 ] || { echo "usage error gave $wrong"; exit 1; }
