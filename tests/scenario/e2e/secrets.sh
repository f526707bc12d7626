#!/usr/bin/env bash
# Secrets of a tool: from a file and from the service manager's credentials, to a
# descriptor, and nowhere else; what the tool prints of them does not leave.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tipstaff=$service_bin/tipstaff

service_setup secrets
first=sk_live_51Hx9Qe7vT2LmPz8RkYw4BnC second='pass word/with "odd" bytes+é'
mkdir "$service_dir/secrets" "$service_dir/credentials"
printf '%s\n' "$first" >"$service_dir/secrets/api"
printf '%s' "$second" >"$service_dir/credentials/db"
printf 'short\n' >"$service_dir/secrets/short"
printf '%s\n' "$first" >"$service_dir/secrets/loose"
chmod 0400 "$service_dir/secrets/api" "$service_dir/secrets/short"
chmod 0440 "$service_dir/secrets/loose"
chmod 0755 "$service_dir/secrets"
# as systemd makes them: for the service's user, here root, and no other
chmod 0400 "$service_dir/credentials/db"
chmod 0500 "$service_dir/credentials"
[ "$(id -u)" -ne 0 ] || chown "$(service_uid launcher)" "$service_dir"/secrets/*

cat >"$service_dir/say.py" <<'PY'
#!/usr/bin/python3 -I
import base64, json, os, sys, urllib.parse
number = {n: int(os.environ["TIPSTAFF_SECRET_%s_FD" % n]) for n in ("API", "DB")}
api = os.read(number["API"], 8192)
again = os.read(number["API"], 8192)
db = b"".join(iter(lambda: os.read(number["DB"], 7), b""))
os.lseek(number["DB"], 0, 0)
assert os.read(number["DB"], 8192) == db
try:
    os.pwrite(number["DB"], b"x", 0)
    print("the memfd can be written")
except OSError:
    pass
if sys.argv[1] == "proof":  # in a disguise that nobody looks for
    print(api[::-1].decode("latin-1"), db[::-1].decode("latin-1"), len(again), number)
    print([k for k in os.environ if "SECRET" in k])
else:
    api, text = api.strip(), db.decode()
    for b in (api, db):
        for line in (b, base64.b64encode(b), base64.b64encode(b"x" + b), base64.b64encode(b"xx" + b),
                     base64.urlsafe_b64encode(b), b.hex().encode(), b.hex().upper().encode(),
                     urllib.parse.quote(b, safe="").encode(), urllib.parse.quote_plus(b).encode(),
                     json.dumps(b.decode()).encode(),
                     json.dumps(b.decode(), ensure_ascii=False).encode()):
            os.write(1, b"<" + line + b">\n")
            os.write(2, b"<" + line[:9] + b"")
            os.write(2, line[9:] + b">\n")
PY
chmod 755 "$service_dir/say.py"
tool() { # tool NAME SECRETS
    service_tool "$1" "tool: $1
exec: $service_dir/say.py
argv: [say, '{text}']
args: {text: {type: string, required: true}}
read_paths: [/usr/bin, /etc]
limits: {processes: 120} # of the user: other services may run beside this test
secrets:
$2"
}
tool say "  API: {file: $service_dir/secrets/api, as: pipe}
  DB: {credential: db, as: memfd}"
tool loose "  API: {file: $service_dir/secrets/loose, as: pipe}"
tool short "  API: {file: $service_dir/secrets/short, as: pipe}"
tool absent "  API: {credential: nothing, as: pipe}"
service_args 'text?: String,'
service_policy secrets 'permit (principal, action in [Action::"say", Action::"loose", Action::"short", Action::"absent"], resource);'
export CREDENTIALS_DIRECTORY=$service_dir/credentials
service_start
unset CREDENTIALS_DIRECTORY
c=$service_dir/c.chain
service_delegate "$c" 'permit (principal, action, resource);'

shim "$c" call say text=proof >"$service_dir/proof"
/usr/bin/python3 - "$service_dir/proof" "$first" "$second" <<'PY'
import sys
got = open(sys.argv[1]).read().split("\n")
want = "%s %s 0 {'API': 4, 'DB': 5}" % ((sys.argv[2] + "\n")[::-1],
                                        sys.argv[3].encode()[::-1].decode("latin-1"))
text = "\n".join(got)
assert want in text, (want, text)
assert "can be written" not in text
assert "['TIPSTAFF_SECRET_API_FD', 'TIPSTAFF_SECRET_DB_FD']" in text, text
PY
echo "ok   a pipe that is read once, a memfd that cannot be changed, numbers in the environment"

shim "$c" call say text=all >"$service_dir/out" 2>"$service_dir/err"
for f in out err; do
    same "every way in $f" 22 "$(grep -c '\[redacted\]' "$service_dir/$f")"
done
check "no piece of them" eval '! grep -qE "live_51Hx|word/with|d29yZC93|776f72642f" \
    "$service_dir/out" "$service_dir/err"'
check "counted in the record" wait_until 60 eval \
    'log_lines | jq -e -s "any(.[]; .tool == \"say\" and .redacted >= 44)" >/dev/null'
check "and in the service's log" grep -q 'secret_in_output tool=say' "$service_dir/service.log"

not_in() { ! grep -rqF -- "$1" "$service_dir/var" "$service_dir/service.log"; }
for s in "$first" "$second"; do
    check "written down nowhere" not_in "$s"
done
in_memory() { # in_memory NAME TEXT : of a process of the service
    /usr/bin/python3 - "$(service_pid "$1")" "$2" <<'PY'
import re, sys
pid, text = sys.argv[1], sys.argv[2].encode()
with open(f"/proc/{pid}/mem", "rb", 0) as mem:
    for line in open(f"/proc/{pid}/maps"):
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
        if not m or "[v" in line:
            continue
        a, b = (int(x, 16) for x in m.groups())
        try:
            mem.seek(a)
            if text in mem.read(b - a):
                sys.exit(0)
        except (OSError, ValueError, OverflowError):
            pass
sys.exit(1)
PY
}
if [ "$(id -u)" -eq 0 ]; then
    for p in tipstaff-gate tipstaff-record tipstaffd; do
        [ -n "$(service_pid "$p")" ] || continue
        check "not in the memory of $p" eval "! in_memory $p '$first'"
    done
fi

# one that cannot be served is refused with the reason; the others are served
refused() { # refused TOOL TEXT
    if shim "$c" call "$1" text=x >"$service_dir/x.out" 2>"$service_dir/x.err"; then
        return 1
    fi
    grep -qF "$2" "$service_dir/service.log"
}
check "readable by a group: refused" refused loose 'lets others at a secret'
check "too short to be recognised: refused" refused short 'fewer than 8 bytes'
check "no such credential: refused" refused absent 'LoadCredential=nothing:'
service_stop
