#!/usr/bin/env bash
# hidden.sh : the programs lie below a folder that only root may walk (as a build below its home
# does), and boxes are bare: launchers have no right to get there, and are handed what they need.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
die() { echo "$*"; exit 1; }
if [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: only root's launchers are another user"
    exit 0
fi
. "$top/script/service.sh"
service_setup hidden
service_walkable # for the agent's shim
agents_bin=$service_bin
hidden=$service_dir/hidden
mkdir -m 0700 "$hidden"
mkdir "$hidden/bin"
cp "$service_bin"/*tipstaff* "$hidden/bin/"
setpriv --reuid 64003 --regid 64003 --clear-groups --inh-caps=-all test -e "$hidden/bin/tipstaff-canary" &&
    die "the launcher's user may walk there"
printf 'sandbox: {level: bare}\n' >>"$service_dir/etc/tipstaff.yaml"

service_bin=$hidden/bin
"$service_bin/tipstaffd" --config "$service_dir/etc" --check >"$service_dir/check" 2>&1 ||
    { cat "$service_dir/check"; die "--check fails"; }
grep -q '^  bare    served: pure, files, build, jit; not offered here: net$' "$service_dir/check" &&
    grep -q '^          layers: no_new_privs seccomp landlock ' "$service_dir/check" &&
    grep -q '^  full    not offered here: pure, files, build, net, jit$' "$service_dir/check" ||
    { cat "$service_dir/check"; die "--check does not say which boxes there are"; }
service_start
grep -q canary_ "$service_dir/service.log" && { cat "$service_dir/service.log"; die "the canary did not do well"; }
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
service_bin=$agents_bin
out=$(shim "$service_dir/a.chain" call fs.read path="$service_workspace/notes.txt") ||
    { cat "$service_dir/service.log"; die "a call is not served: $out"; }
[ "$out" = $'a note\nanother note' ] || die "it read: $out"
service_bin=$hidden/bin
"$service_bin/tipstaff" doctor --config "$service_dir/etc" --json >"$service_dir/doctor" || {
    cat "$service_dir/doctor"
    die "doctor fails"
}
/usr/bin/python3 - "$service_dir/doctor" <<'P'
import json, sys
boxes = json.load(open(sys.argv[1]))["boxes"]
assert all(b["served"] == (b["level"] == "bare") for b in boxes if b["profile"] != "net"), boxes
P
# without a canary no box is given: the launcher does not look for another one
service_stop
mv "$hidden/bin/tipstaff-canary" "$hidden/"
"$service_bin/tipstaffd" --config "$service_dir/etc" --check >"$service_dir/check" 2>&1 &&
    { cat "$service_dir/check"; die "--check without a canary"; }
grep -q 'boxes of level bare are not served: canary:start' "$service_dir/check" &&
    grep -q '^  bare    not served: pure (canary:start), files (canary:start)' "$service_dir/check" || die "$(cat "$service_dir/check")"
echo ok
