# tipstaff directory heartbeat: what it vouches for, and how long it goes on
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/directory_lib.sh"
configuration etc
beat=etc/tenants/acme/directory.heartbeat
heartbeat() { "$tipstaff" directory heartbeat --config etc "$@"; }
state() { "$tipstaff" directory show --config etc --json | sed -n 's/^    "state": "\(.*\)",*/\1/p'; }

expect 0 heartbeat --once --no-push
says out "seq 1 is the newest, for 30 s"
[ "$(stat -c %a $beat)" = 644 ] || fail "mode"
[ "$(state)" = ok ] || fail "state: $(state)"
/usr/bin/python3 "$here/directory_verify.py" $installed "$(hex etc/keys/directory)" acme 1 $beat
expect 0 apply etc/directory/acme.yaml --no-push
[ "$(state)" = other ] || fail "state: $(state)"
head -c 40 $beat >cut
cp cut $beat
[ "$(state)" = bad ] || fail "state: $(state)"
expect 0 heartbeat --once --no-push --ttl 1
end=$(($(date +%s) + 10))
until [ "$(state)" = expired ]; do
    [ "$(date +%s)" -lt $end ] || fail "it does not expire"
done

# no service: said, and the file is there
rm $beat
expect 1 heartbeat --once
says err "is the service running"
[ "$(state)" = ok ] || fail "state: $(state)"
rm $beat
expect 1 heartbeat --once --no-file
[ ! -e $beat ] || fail "--no-file"

# only for what a directory key has signed and what holds
seed other o
sed -i "s/$(hex etc/keys/directory)/$(hex other)/" etc/tenants/acme/trust.yaml
expect 1 heartbeat --once --no-push --key other.seed
says err "no heartbeat for it"
expect 1 heartbeat --once --no-push
says err 'does not list this key under "directory:"'
trust etc acme
expect 0 apply etc/directory/acme.yaml --no-push --ttl 1
end=$(($(date +%s) + 10))
while "$tipstaff" directory show $installed >/dev/null; do
    [ "$(date +%s)" -lt $end ] || fail "it does not expire"
done
expect 1 heartbeat --once --no-push
says err "a heartbeat does not prolong it"
[ ! -e $beat ] || fail "a heartbeat for an expired one"
mv $installed kept
expect 1 heartbeat --once --no-push
says err "has no directory yet"

# goes on, takes up a new snapshot, survives a time without one, ends on TERM
expect 0 apply etc/directory/acme.yaml --no-push --seq 40
"$tipstaff" directory heartbeat --config etc --every 1 --ttl 5 --no-push >run.out 2>run.err &
pid=$!
await() { # await WHAT COMMAND...
    what=$1
    shift
    end=$(($(date +%s) + 15))
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || fail "$what: $(cat run.err)"
        sleep 0.05
    done
}
is_ok() { [ "$(state)" = ok ]; }
await "the first" is_ok
expect 0 apply etc/directory/acme.yaml --no-push
await "of the new one" is_ok
mv $installed away
await "without one" grep -q "has no directory yet" run.err
mv away $installed
await "again" grep -q "heartbeats go out again" run.err
kill -TERM $pid
wait $pid || fail "TERM: exit $?"
rm -f $beat
"$tipstaff" directory heartbeat --config etc --every 3600 --ttl 7200 --no-push &
pid=$!
await "the long one" test -e $beat
kill -INT $pid
wait $pid || fail "INT in the middle of an hour: exit $?"

# the command line
expect 2 heartbeat --every 0
expect 2 heartbeat --every 2h
expect 2 heartbeat --every 30 --ttl 30
says err "gaps"
expect 2 heartbeat --ttl 0
expect 2 heartbeat --no-file --no-push
expect 2 heartbeat extra
