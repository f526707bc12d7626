#!/usr/bin/env bash
# What one tenant's folder may hold, or do, while the service runs: the other
# tenant's directory still takes effect, at once, and the supervisor stays small.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"

service_setup feed-hostile
etc=$service_dir/etc
bad=$etc/tenants/aaa
good=$service_dir/acme.yaml
cp "$etc/directory/acme.yaml" "$good"

# aaa comes before acme in every list. Nobody uses it.
cp -r "$etc/tenants/acme" "$bad"
sed -i 's/^tenant: acme/tenant: aaa/' "$bad/tenant.yaml"
for k in issuer directory revoker agents/coder agents/reader; do
    mkdir -p "$service_dir/keys-aaa/agents"
    [ -f "$etc/keys/$k.pub" ] || continue
    "$service_bin/tipstaff" key new "$service_dir/keys-aaa/$k" >/dev/null
    sed -i "s/$(cat "$etc/keys/$k.pub")/$(cat "$service_dir/keys-aaa/$k.pub")/" "$bad/trust.yaml"
    [ -f "$etc/directory/aaa.yaml" ] || cp "$etc/directory/acme.yaml" "$etc/directory/aaa.yaml"
    sed -i "s/$(cat "$etc/keys/$k.pub")/$(cat "$service_dir/keys-aaa/$k.pub")/" "$etc/directory/aaa.yaml"
done
rm -f "$bad/directory.snapshot"
service_tenant=aaa service_directory --key "$service_dir/keys-aaa/directory.seed"
cp "$bad/directory.snapshot" "$service_dir/aaa.snapshot"
service_start
service_delegate "$service_dir/a.chain" 'permit (principal, action, resource);'

alice() { # alice active|inactive : as a file, and nothing else
    sed -i "/id: alice/,/status:/s/status: .*/status: $1/" "$good"
    "$service_bin/tipstaff" directory apply "$good" --config "$etc" --tenant acme --no-push >"$service_dir/apply.log" 2>&1
}
read_ok() { shim "$service_dir/a.chain" call fs.read path=notes.txt >"$service_dir/out" 2>"$service_dir/err"; }
refused() { ! read_ok; }
takes_effect() { alice inactive && wait_until 60 refused && alice active && wait_until 60 read_ok; }
clean() { rm -rf "$bad/directory.snapshot" "$bad/directory.heartbeat"; }
cpu() { awk '{print $14 + $15}' "/proc/$service_main/stat"; } # ticks of 10 ms
rss() { sed -nE 's/^RssAnon:\s+([0-9]+) kB/\1/p' "/proc/$service_main/status"; }

check "both tenants are served" takes_effect
start_rss=$(rss)
for what in fifo loop zero proc tree huge sparse empty dangling outside unreadable names; do
    clean
    case $what in
    fifo) mkfifo "$bad/directory.snapshot" "$bad/directory.heartbeat" ;;
    loop) ln -s directory.heartbeat "$bad/directory.snapshot"; ln -s directory.snapshot "$bad/directory.heartbeat" ;;
    zero) ln -s /dev/zero "$bad/directory.snapshot"; mknod "$bad/directory.heartbeat" c 1 5 2>/dev/null || true ;;
    proc) ln -s /proc/self/fd/0 "$bad/directory.snapshot" ;;
    tree) mkdir "$bad/directory.snapshot" "$bad/directory.heartbeat" ;;
    huge) head -c 20000000 /dev/urandom >"$bad/directory.snapshot" ;;
    sparse) truncate -s 1T "$bad/directory.snapshot"; truncate -s 1T "$bad/directory.heartbeat" ;;
    empty) : >"$bad/directory.snapshot"; : >"$bad/directory.heartbeat" ;;
    dangling) ln -s nothing "$bad/directory.snapshot"; ln -s "$(printf 'x%.0s' {1..250})" "$bad/directory.heartbeat" ;;
    outside) ln -s ../../keys/sidecar.seed "$bad/directory.snapshot"; ln -s ../../../keys "$bad/directory.heartbeat" ;;
    unreadable) cp "$service_dir/aaa.snapshot" "$bad/directory.snapshot"; chmod 0 "$bad/directory.snapshot"; chmod 0 "$bad" ;;
    names) for n in $(seq 2000); do : >"$bad/$(printf '\377%s' "$n")"; done ;;
    esac
    check "$what: the other tenant's directory takes effect" takes_effect
    chmod 0755 "$bad"
done
rm -f "$bad"/$'\377'*

# Without pause: written in place, renamed over, linked, removed; and a folder
# that comes and goes.
clean
/usr/bin/python3 - "$bad" "$service_dir/aaa.snapshot" <<'PY' &
import os, sys
bad, good = sys.argv[1], open(sys.argv[2], "rb").read()
name, n = os.path.join(bad, "directory.snapshot"), 0
while True:
    n += 1
    with open(name + ".new", "wb") as f:
        f.write(good + b"x" * (n % 3))
    os.rename(name + ".new", name)
    with open(name, "wb") as f:
        f.write(os.urandom(64))
    if n % 50 == 0:
        os.rename(bad, bad + ".away")
        os.mkdir(bad)
        os.rmdir(bad)
        os.rename(bad + ".away", bad)
PY
writer=$!
service_also_stop $writer
begun=$(cpu) at=$SECONDS
for _ in 1 2 3; do check "rewritten without pause: the other takes effect" takes_effect; done
used=$((($(cpu) - begun) * 10)) past=$(((SECONDS - at) * 1000 + 1))
[ $used -lt $past ] || die "failed: the supervisor used $used ms of $past"
kill "$writer"
wait "$writer" 2>/dev/null || true
# It ended anywhere: what it was at must not be why the reload below is refused.
[ ! -d "$bad.away" ] || { rm -rf "$bad" && mv "$bad.away" "$bad"; }
rm -f "$bad/directory.snapshot.new"
end_rss=$(rss)
[ $((end_rss - start_rss)) -lt 8192 ] || die "failed: the supervisor grew from $start_rss to $end_rss KiB"
printf 'ok   %s\n' "bounded: $used ms of processor in $past ms, $start_rss to $end_rss KiB"

# A gate that stands still, and large files without pause: a few of them wait in
# its channel, the rest is passed over for the newest.
clean
head -c 4000000 /dev/urandom >"$service_dir/large"
fed() { grep -c 'feed tenant=aaa' "$service_dir/service.log"; }
before=$(fed)
kill -STOP "$(service_pid tipstaff-gate)"
for n in $(seq 40); do
    printf '%s' "$n" | dd of="$service_dir/large" bs=1 seek=100 conv=notrunc status=none
    cp "$service_dir/large" "$bad/new"
    mv "$bad/new" "$bad/directory.snapshot"
    sleep 0.08 # so that each is noticed by itself
done
waiting=$(($(fed) - before))
kill -CONT "$(service_pid tipstaff-gate)"
[ $waiting -gt 1 ] && [ $waiting -le 16 ] || die "failed: $waiting files of 4 MB wait for a gate that does not read"
check "a gate that stood still: $waiting files waited, and the other takes effect" takes_effect

# A death while the folder is broken: the set starts again with what it had.
clean
mkfifo "$bad/directory.snapshot"
alice inactive
kill -KILL "$(service_pid tipstaff-gate)"
wait_until 60 sh -c "grep -c 'serving generation' '$service_dir/service.log' | grep -q '^[2-9]'" || die "no second set"
check "after a death: inactive is inactive" wait_until 60 refused
alice active
check "after a death: the other tenant is served" wait_until 60 read_ok
kill -HUP "$service_main"
check "a reload of it is refused" wait_until 60 grep -q 'directory.snapshot: neither a file nor' "$service_dir/service.log"
check "and the other tenant's directory takes effect" takes_effect
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
