#!/usr/bin/env bash
# doctor_config.sh TIPSTAFF : doctor and `sandbox explain` answer for the service that --config
# names: its level, uids, users and broker, and what lies where it works.
set -eu
tipstaff=$1
dir=$(mktemp -d)
chmod 0755 "$dir"
trap 'rm -rf "$dir"' EXIT
die() { echo "$*"; exit 1; }
etc=$dir/etc
root=$([ "$(id -u)" -eq 0 ] && echo true || echo false)
mkdir "$dir/work"
"$tipstaff" init "$etc" --tenant acme --workspace "$dir/work" --agent-uid 10001 --base "$dir/var" >/dev/null
cp "$etc/tipstaff.yaml" "$dir/kept.yaml"
first=$((1000000 + $$ % 1000000 * 1000))
uids=''
if $root; then
    launcher=$(sed -nE 's/^ +launcher: *"?([0-9]+)"?.*/\1/p' "$etc/tipstaff.yaml")
    chgrp "$launcher" "$dir/work"
    chmod g+rwx "$dir/work"
    uids=", uids: $first-$((first + 99))"
fi
yaml() { cp "$dir/kept.yaml" "$etc/tipstaff.yaml"; printf '%s\n' "$@" >>"$etc/tipstaff.yaml"; }
doctor() { # doctor EXIT : its JSON to $dir/json, its text to $dir/text
    local code=0
    "$tipstaff" doctor --config "$etc" --json >"$dir/json" || code=$?
    [ "$code" -eq "$1" ] || { cat "$dir/json"; die "doctor: exit $code, wanted $1"; }
    "$tipstaff" doctor --config "$etc" >"$dir/text" || code=$?
    [ "$code" -eq "$1" ] || die "doctor without --json: exit $code"
}
says() { /usr/bin/python3 -c "
import json
d = json.load(open('$dir/json')); s = d['service']
level = lambda n: any(b['served'] for b in d['boxes'] if b['level'] == n)
texts = [r['text'] for r in s['state']] if s else []
faults = [r['text'] for r in s['state'] if r['fault']] if s else []
offered = lambda n: any(b['offered'] for b in d['boxes'] if b['level'] == n)
assert $1, {k: v for k, v in d.items() if k not in ('layers', 'boxes')}" || die "not so: $1"; }

# --- level, control groups, broker, uids
yaml "sandbox: {level: bare, cgroups: off$uids}"
doctor 0
says 's["level"] == "bare" and not s["cgroups"] and not s["broker"] and texts == []'
says 'level("bare") and not any(offered(n) for n in ("uid", "full", "strict"))'
says 'not any("cgroup" in b["layers"] for b in d["boxes"])'
$root && says "s['uid_first'] == $first and s['uid_count'] == 100 and d['user'].startswith('$launcher')"
grep -q 'level at most bare' "$dir/text" || die "the text does not say the level"
"$tipstaff" sandbox explain fs.read --config "$etc" --json >"$dir/explained"
/usr/bin/python3 -c "
import json
assert json.load(open('$dir/explained'))['box']['level'] == 'bare'" || die "explain: $(cat "$dir/explained")"
"$tipstaff" sandbox explain fs.read --config "$etc" --level full --json >"$dir/explained" || true
/usr/bin/python3 -c "
import json
assert json.load(open('$dir/explained'))['box']['level'] != 'bare' or not $([ "$root" = true ] && echo True || echo False)" ||
    die "explain --level: $(cat "$dir/explained")"

yaml "sandbox: {level: uid$uids}"
doctor 0
$root && says 'level("uid") and not offered("full")'

# --- what a service with these settings refuses is refused here
printf 'tool: a.b\nexec: /usr/bin/cat\nargv: [cat]\nseccomp: net\nnetwork: {mode: broker, allow: [{host: a.example, ports: [443]}]}\n' >"$etc/tools/a.yaml"
yaml "sandbox: {level: bare$uids}"
doctor 1
says 'any("tools/a.yaml:1: sandbox: needs full" in t for t in d["tools"]["refused"])'
yaml "sandbox: {level: auto$uids}"
doctor 1
says 'any("tools/a.yaml:" in t and "egress" in t for t in d["tools"]["refused"])'
"$tipstaff" sandbox explain a.b --config "$etc" >"$dir/explained" 2>&1 && die "explain serves what the service refuses"
grep -q egress "$dir/explained" || die "explain: $(cat "$dir/explained")"
rm "$etc/tools/a.yaml"
yaml "sandbox: {level: fast}"
doctor 1
says 's is None and any("tipstaff.yaml:" in t and "level must be" in t for t in d["tools"]["refused"])'

# --- what lies where it works
yaml "sandbox: {level: uid$uids}"
mkdir -p "$dir/var/lib"
mkdir -p "$(sed -n 's/^state_dir: //p' "$etc/tipstaff.yaml")"
chmod 0777 "$(sed -n 's/^state_dir: //p' "$etc/tipstaff.yaml")"
doctor 1
says 'any("state_dir" in t and "everybody may write" in t for t in faults)'
chmod 0700 "$(sed -n 's/^state_dir: //p' "$etc/tipstaff.yaml")"
cp /usr/bin/cat "$dir/work/program"
printf 'tool: a.b\nexec: %s\nargv: [program]\n' "$dir/work/program" >"$etc/tools/a.yaml"
doctor 1
says 'any("tools/a.yaml:2: exec:" in t and "another program may take its place" in t for t in faults)'
printf 'digest: %s\n' "$(sha256sum "$dir/work/program" | cut -d' ' -f1)" >>"$etc/tools/a.yaml"
doctor 0
says 'faults == []'
rm "$etc/tools/a.yaml"
sed -i "s#^state_dir: .*#state_dir: $dir/work/state#" "$etc/tipstaff.yaml"
doctor 1 # it is made when the service starts
says 'any("state_dir" in t and "could change what decides" in t for t in faults)'
mkdir "$dir/work/state"
doctor 1
says 'any("state_dir" in t and "could change what decides" in t for t in faults)'
yaml "sandbox: {level: uid$uids}"
if $root; then
    chgrp 0 "$dir/work"
    doctor 0 # calls will fail, and nothing worse
    says "faults == [] and any('tools/fs.write.yaml:' in t and 'chgrp $launcher' in t for t in texts)"
fi
echo ok
