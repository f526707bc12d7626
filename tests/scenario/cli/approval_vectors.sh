here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"

expect 1 "$tipstaff" approval vectors nothing.json
says err "nothing.json"
echo '{"approvals": {}}' >poor.json
expect 1 "$tipstaff" approval vectors poor.json
says err '"approvals" has no list "vectors"'
expect 2 "$tipstaff" approval vectors

shared=${TIPSTAFF_SHARED:-$here/../../../../shared}
file=$shared/vectors/delegation.json
if [ ! -r "$file" ]; then
    echo "SKIPPED: ../shared is absent"
    exit 0
fi
cases=$(/usr/bin/python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["approvals"]["vectors"]))' "$file")
expect 0 "$tipstaff" approval vectors "$file"
[ "$(tail -1 out)" = "$cases approval cases: $cases passed, 0 failed" ] || fail "$(cat out)"
grep -qx '[1-9][0-9]* bit flips and truncations of answers that count: 0 accepted' out || fail "$(cat out)"
tail -2 out

# it can fail: another expectation, another id, another key of the sidecar
/usr/bin/python3 - "$file" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
d["approvals"]["vectors"][1]["expect"] = "APPROVED"
json.dump(d, open("wrong.json", "w"))
d = json.load(open(sys.argv[1]))
d["approvals"]["ticket_id"] = "00" * 32
json.dump(d, open("id.json", "w"))
d = json.load(open(sys.argv[1]))
d["sidecar_pk"] = d["issuers"][0]["pk"]
json.dump(d, open("key.json", "w"))
PY
for one in wrong id key; do
    expect 1 "$tipstaff" approval vectors $one.json
    [ "$(tail -1 out)" = "$cases approval cases: $((cases - 1)) passed, 1 failed" ] || fail "$one: $(tail -1 out)"
done
