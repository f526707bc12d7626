#!/usr/bin/env bash
# The units are what systemd understands, and what they expose stays small.
set -euo pipefail
units=$1
if ! command -v systemd-analyze >/dev/null; then
    echo "SKIPPED: systemd-analyze is absent"
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$units"/*.service "$units"/*.socket "$dir"
# verify insists that the program exists; it is not installed here.
sed -i 's|^ExecStart=.*|ExecStart=/bin/true|' "$dir"/*.service
out=$(cd "$dir" && systemd-analyze verify --man=no ./*.service ./*.socket 2>&1) || {
    echo "$out"
    echo "FAIL  systemd-analyze verify"
    exit 1
}
if printf '%s\n' "$out" | grep -E 'tipstaff.*(Unknown|Failed|ignoring)'; then
    echo "FAIL  a directive is not understood"
    exit 1
fi
echo "ok    systemd-analyze verify"
# The drop-ins, each alone and both together.
for confs in full-boxes egress "full-boxes egress"; do
    with=$dir/with
    rm -rf "$with"
    mkdir -p "$with/tipstaffd.service.d"
    cp "$dir/tipstaffd.service" "$with"
    for c in $confs; do cp "$units/$c.conf" "$with/tipstaffd.service.d"; done
    out=$(cd "$with" && systemd-analyze verify --man=no ./tipstaffd.service 2>&1) || { echo "$out"; echo "FAIL  verify with $confs"; exit 1; }
    if printf '%s\n' "$out" | grep -E '(Unknown|Failed|ignoring)'; then
        echo "FAIL  a directive of $confs is not understood"
        exit 1
    fi
    echo "ok    verify with $confs"
done
# Exit 1 above the threshold (0 to 100).
systemd-analyze security --offline=true --threshold=30 "$dir/tipstaffd.service" >"$dir/security" || {
    cat "$dir/security"
    echo "FAIL  systemd-analyze security: more exposed than 3.0"
    exit 1
}
tail -1 "$dir/security"
# It needs next to nothing.
systemd-analyze security --offline=true --threshold=12 "$dir/tipstaff-heartbeat@.service" >"$dir/security" || {
    cat "$dir/security"
    echo "FAIL  systemd-analyze security: the heartbeat is more exposed than 1.2"
    exit 1
}
tail -1 "$dir/security"
for f in tipstaff.sysusers tipstaff.tmpfiles; do
    [ -s "$units/$f" ] || { echo "FAIL  $f is missing"; exit 1; }
done
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers --dry-run "$units/tipstaff.sysusers" >/dev/null
    echo "ok    systemd-sysusers --dry-run"
fi
