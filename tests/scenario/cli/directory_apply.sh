# tipstaff directory apply: what is signed, what is refused, what stays whole
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/directory_lib.sh"
configuration etc
source=etc/directory/acme.yaml

# the first, the same again, and everything that can change
[ "$(seq_of $installed)" = 1 ] || fail "the first number"
[ "$(stat -c %a $installed)" = 644 ] || fail "mode"
golden apply_same 0 apply $source --no-push
cat >new.yaml <<T
users:
  - id: alice
    status: inactive
    groups: [ops, testers]
    attrs: {}
  - id: carol
    status: inactive
agents:
  - id: coder
    status: active
    owner: carol
    keys: ["$(hex k2)"]
    uids: [10002, 10003]
    max_depth: 3
  - id: writer
    status: active
approvers:
  - person: alice
    status: inactive
    key: "$(hex k4)"
    classes: [deploy]
  - person: carol
    status: active
    key: "$(hex k3)"
T
cp $installed before
golden apply_dry 0 apply new.yaml --no-push --dry-run
cmp -s before $installed || fail "a dry run wrote"
golden apply_changes 0 apply new.yaml --no-push
golden apply_back 0 sh -c '"$0" directory apply - --config etc --no-push <etc/directory/acme.yaml' "$tipstaff"
[ "$(seq_of $installed)" = 4 ] || fail "numbers"

# no service: installed, but said loudly
expect 1 apply $source
says err "seq 5 is installed, but no service was told"
[ "$(seq_of $installed)" = 5 ] || fail "installed"

# numbers
unchanged apply $source --no-push --seq 5
says err "--seq must be above 5"
expect 0 apply $source --no-push --seq 70
[ "$(seq_of $installed)" = 70 ] || fail "--seq"
expect 0 apply $source --no-push --seq 18446744073709551614
expect 0 apply $source --no-push
unchanged apply $source --no-push
says err "no number is left"
rm $installed
expect 0 apply $source --no-push

# a source with a mistake, in the service's words
printf 'users:\n  - id: "a b"\n    status: active\nagents: []\n' >bad.yaml
unchanged apply bad.yaml --no-push
says err "bad.yaml:2: "
sed 's/status: inactive/status: gone/' $source >bad.yaml
unchanged apply bad.yaml --no-push
says err "status must be active or inactive"
sed 's/owner: alice/owner: nobody/' $source >bad.yaml
unchanged apply bad.yaml --no-push
says err "nobody"
sed 's/max_depth: 2/attrs: {colour: red}/' $source >bad.yaml
unchanged apply bad.yaml --no-push
says err 'Agent::"reader".colour is not declared in the schema'
sed "s/max_depth: 2/keys: [\"$(hex etc/keys/issuer)\"]/" $source >bad.yaml
unchanged apply bad.yaml --no-push
unchanged apply nowhere.yaml --no-push
says err "No such file"
head -c 9000000 /dev/zero >bad.yaml
unchanged apply bad.yaml --no-push
says err "more than 8388608 bytes"
printf 'users: &a []\nagents: *a\n' >bad.yaml
unchanged apply bad.yaml --no-push

# a configuration that does not load says nothing about the directory
echo 'permit (' >etc/tenants/acme/policies/hard/broken.cedar
expect 0 apply $source --no-push
says err "note: not compared with policies and schema"
rm etc/tenants/acme/policies/hard/broken.cedar

# keys
seed other o
unchanged apply $source --no-push --key other.seed
says err 'does not list this key under "directory:"'
says err "$(hex other)"
unchanged apply $source --no-push --key etc/keys/issuer.seed
says err 'does not list this key under "directory:"'
chmod 0644 etc/keys/directory.seed
unchanged apply $source --no-push
chmod 0400 etc/keys/directory.seed
unchanged apply $source --no-push --key nowhere.seed
says err "nowhere.seed"
cp etc/tenants/acme/trust.yaml trust.kept
sed -i '/acme-directory/a\    disabled: true' etc/tenants/acme/trust.yaml
unchanged apply $source --no-push --seq 900
says err "as disabled"
cp trust.kept etc/tenants/acme/trust.yaml
sed -i '/acme-directory/a\    not_after: 1000' etc/tenants/acme/trust.yaml
unchanged apply $source --no-push --seq 900
says err "not for the present time"
rm etc/tenants/acme/trust.yaml
unchanged apply $source --no-push
says err "trust.yaml is missing"
cp trust.kept etc/tenants/acme/trust.yaml

# an installed one that is not to be believed
sed -i "s/$(hex etc/keys/directory)/$(hex other)/" etc/tenants/acme/trust.yaml
unchanged apply $source --no-push --key other.seed
says err "its number is not believed"
expect 0 apply $source --no-push --key other.seed --seq 500
says out "is not trusted"
cp trust.kept etc/tenants/acme/trust.yaml
expect 0 apply $source --no-push --seq 600
head -c 100 $installed >cut
cp $installed whole
cp cut $installed
unchanged apply $source --no-push
says err "not a directory snapshot"
cp whole $installed

# of another tenant
cp -r etc/tenants/acme etc/tenants/beta
trust etc beta
expect 1 apply $source --no-push
says err "which one? Say --tenant NAME"
expect 1 apply $source --no-push --tenant beta
says err 'the directory of another tenant, "acme"'
expect 1 apply $source --no-push --tenant ../acme
says err "--tenant must be the name"
expect 1 apply $source --no-push --tenant nobody
says err "No such file"
rm -r etc/tenants/beta

# what stands in the way leaves the old one whole
mkdir -p etc/tenants/acme/.directory.snapshot.new/x
cp $installed before
expect 1 apply $source --no-push
says err ".directory.snapshot.new"
cmp -s before $installed || fail "changed"
rm -r etc/tenants/acme/.directory.snapshot.new
rm $installed
mkdir $installed
expect 1 timeout 10 "$tipstaff" directory apply $source --config etc --no-push
says err "not a regular file"
rmdir $installed
mkfifo $installed
expect 1 timeout 10 "$tipstaff" directory apply $source --config etc --no-push
says err "not a regular file"
rm $installed
cp before $installed
full() { # a file size of nothing stands for a disk that is full; so what is said goes by a pipe
    {
        got=0
        (trap '' XFSZ && ulimit -f 0 && exec "$tipstaff" directory apply $source --config etc --no-push 2>&1 >/dev/null) || got=$?
        echo $got >code
    } | cat >&2
    return "$(cat code)"
}
unchanged full
says err "File too large"

# what an interrupted command had signed is not signed again with its number
expect 0 apply $source --no-push
next=$(seq_of $installed)
cp $installed etc/tenants/acme/.directory.snapshot.new
cp before $installed
expect 0 apply $source --no-push
says out "an earlier command was interrupted after it had signed number $next"
[ "$(seq_of $installed)" = $((next + 1)) ] || fail "interrupted"
head -c 50 before >etc/tenants/acme/.directory.snapshot.new
expect 0 apply $source --no-push
[ "$(seq_of $installed)" = $((next + 2)) ] || fail "half of one"

# at the same time: one after the other
from=$(seq_of $installed)
pids=
for i in 1 2 3 4 5 6; do
    apply $source --no-push >par.$i 2>&1 &
    pids="$pids $!"
done
for pid in $pids; do wait "$pid" || fail "at the same time"; done
[ "$(seq_of $installed)" = $((from + 6)) ] || fail "a number was lost"

# a revocation whose signer was retired does not go on; said again, it is replaced
sign() { # sign KEY OUT REASON
    "$tipstaff" revoke key "$(hex k4)" --tenant acme --key "$1" --reason "$3" --out "$2" >/dev/null
}
sign etc/keys/revoker.seed first.rev first
expect 0 apply $source --no-push --revocation first.rev
cp etc/tenants/acme/trust.yaml trust.saved
seed revoker-2 R
sed -i "s/$(hex etc/keys/revoker)/$(hex revoker-2)/" etc/tenants/acme/trust.yaml
cp $installed before
expect 1 apply $source --no-push
says err "carries a revocation (key $(hex k4)) that trust.yaml lets nobody sign any more"
cmp -s $installed before || fail "a refused revocation was carried on"
sign revoker-2.seed second.rev second
expect 0 apply $source --no-push --revocation second.rev
expect 0 apply $source --no-push
"$tipstaff" directory show --json --config etc >out
says out '"revocations": 1'
cp trust.saved etc/tenants/acme/trust.yaml

# the command line
expect 2 apply
expect 2 apply a b
expect 2 apply $source --ttl 0
expect 2 apply $source --ttl 3651d
expect 2 apply $source --wait 0
expect 2 "$tipstaff" directory apply $source
says err "--config DIR is missing"
expect 1 "$tipstaff" directory apply $source --config nowhere
expect 2 "$tipstaff" directory
expect 2 "$tipstaff" directory replace
expect 0 "$tipstaff" directory --help
says out heartbeat
for command in apply patch show export push heartbeat; do
    expect 0 "$tipstaff" directory $command --help
    says out "examples:"
done
