here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"

expect 1 "$tipstaff" delegation vectors nothing.json
echo '{' >broken.json
expect 1 "$tipstaff" delegation vectors broken.json
says err "broken.json:"
echo '{"now": 1}' >poor.json
expect 1 "$tipstaff" delegation vectors poor.json
says err "skew"
expect 2 "$tipstaff" delegation vectors

shared=${TIPSTAFF_SHARED:-$here/../../../../shared}
file=$shared/vectors/delegation.json
if [ ! -r "$file" ]; then
    echo "SKIPPED: ../shared is absent"
    exit 0
fi
cases=$(/usr/bin/python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["vectors"]) + 1)' "$file")
expect 0 "$tipstaff" delegation vectors "$file"
[ "$(tail -1 out)" = "$cases passed, 0 failed" ] || fail "$(cat out)"
# every bit and every end of every valid chain, none of them accepted
grep -qx '[1-9][0-9]* bit flips and truncations: 0 accepted' out || fail "$(cat out)"
grep 'bit flips' out

# it can fail: each expectation changed in turn is one failure
/usr/bin/python3 - "$file" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
d["vectors"][0]["expect"] = "E_SIG"
d["handshake"]["uid"] += 1
json.dump(d, open("wrong.json", "w"))
d = json.load(open(sys.argv[1]))
d["ids"]["chain_hash"] = "00" * 32
json.dump(d, open("ids.json", "w"))
PY
expect 1 "$tipstaff" delegation vectors wrong.json
[ "$(tail -1 out)" = "$((cases - 2)) passed, 2 failed" ] || fail "$(tail -1 out)"
expect 1 "$tipstaff" delegation vectors ids.json
[ "$(tail -1 out)" = "$((cases - 1)) passed, 1 failed" ] || fail "$(tail -1 out)"
