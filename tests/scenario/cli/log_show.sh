# tipstaff log show -o json: the same values, and nothing that acts on a terminal.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
/usr/bin/python3 - <<'P'
import json
line = {"v": 1, "seq": 1, "time": "2026-11-22T00:00:00.000123Z", "kind": "decision",
        "id": "00112233445566778899aabbccddeeff", "tenant": "acme", "user": "alice", "agent": "coder", "tool": "fs.read",
        "effect": "forbid", "code": "denied", "text": "\u009b31m \u202e \u007f \u200b \u00e9 \x1b", "prev": "00"}
with open("log.jsonl", "wb") as f:  # as a hand could have changed it: not escaped
    f.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
P
expect 0 "$tipstaff" log show -o json 00112233 log.jsonl
! LC_ALL=C grep -q "[^ -~]" out || fail "not printable ASCII"
/usr/bin/python3 -c 'import json; assert json.load(open("out")) == json.loads(open("log.jsonl", encoding="utf-8").readline())'
expect 0 "$tipstaff" log show 00112233 log.jsonl
! LC_ALL=C.UTF-8 grep -qP "[\x{80}-\x{9f}\x{202e}\x{200b}\x7f\x1b]" out || fail "text for people acts on a terminal"
expect 1 "$tipstaff" log show -o json ffffffff log.jsonl
expect 2 "$tipstaff" log show -o yaml 00112233 log.jsonl
