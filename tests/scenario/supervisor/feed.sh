#!/usr/bin/env bash
# A signed directory that lands as a file, and nothing else: what the running
# service does with it. No signal, no socket.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"

service_setup feed
etc=$service_dir/etc
source=$service_dir/acme.yaml
cp "$etc/directory/acme.yaml" "$source"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'
snapshot=$etc/tenants/acme/directory.snapshot

apply() { "$service_bin/tipstaff" directory apply "$source" --config "$etc" --no-push >"$service_dir/apply.log"; }
alice() { # alice active|inactive : in the source
    sed -i "/id: alice/,/status:/s/status: .*/status: $1/" "$source"
    grep -A2 'id: alice' "$source" | grep -q "status: $1" || die "alice is not in the source"
}
read_ok() { shim "$service_dir/a.chain" call fs.read path=notes.txt >"$service_dir/out" 2>"$service_dir/err"; }
refused() { ! read_ok; }
logged() { grep -q "$1" "$service_dir/service.log"; }
processes() { pgrep -P "$service_main" | sort | tr '\n' ' '; }

check "a call before anything changes" read_ok
before=$(processes)

shim "$service_dir/a.chain" call demo.sleep seconds:=120 >"$service_dir/sleep.out" 2>&1 &
sleeper=$!
service_also_stop $sleeper
wait_until 60 pgrep -f '^sleep 120$' >/dev/null || die "the tool does not run"
cp "$snapshot" "$service_dir/first.snapshot"
alice inactive
apply
check "a user who is inactive loses the tool" wait_until 60 sh -c "! kill -0 $sleeper 2>/dev/null"
check "and may do nothing more" refused
alice active
apply
check "active again, and served" wait_until 60 read_ok

cp "$snapshot" "$service_dir/latest.snapshot"
cp "$service_dir/first.snapshot" "$etc/tenants/acme/new"
mv "$etc/tenants/acme/new" "$snapshot"
check "T23 an older directory is refused" wait_until 60 logged 'directory_rejected.*rolled back'
check "T23 and the newer one stays in force" read_ok
printf '\377' | dd of="$snapshot" bs=1 seek=20 conv=notrunc status=none
check "a damaged one changes nothing" read_ok
cp "$service_dir/latest.snapshot" "$etc/tenants/acme/new"
mv "$etc/tenants/acme/new" "$snapshot"

alice inactive
apply
check "inactive once more" wait_until 60 refused
same "none of this took a new process" "$before" "$(processes)"
kill -KILL "$(service_pid tipstaff-gate)"
wait_until 60 sh -c "grep -c 'serving generation' '$service_dir/service.log' | grep -q '^[2-9]'" ||
    die "no second set"
for _ in $(seq 20); do
    refused || die "failed: after a death alice is served from the files of the start"
done
loaded_twice() { [ "$(grep -c 'directory_loaded.*seq=4' "$service_dir/service.log")" = 2 ]; }
check "T23 after a death the new gate is given the newest file" wait_until 60 loaded_twice
alice active
apply
check "and the next directory reaches the new gate" wait_until 60 read_ok

sed -i 's/^freshness:.*/freshness: heartbeat\nmax_staleness_s: 5/' "$etc/tenants/acme/tenant.yaml"
kill -HUP "$service_main"
check "T24 without a heartbeat calls are denied" wait_until 60 refused
beats() { # each holds for five seconds, which a busy machine may have let pass
    "$service_bin/tipstaff" directory heartbeat --config "$etc" --once --no-push >"$service_dir/beat.log" && read_ok
}
check "T24 with one that lands as a file they are served" wait_until 60 beats
service_stop
