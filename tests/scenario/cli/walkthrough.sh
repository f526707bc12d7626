# Every command of docs/IDENTITY.md, typed in order by a user that is not root.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
page=$here/../../../docs/IDENTITY.md
[ ! -e "$dir/x" ] || exit 1
if [ "$(id -u)" -eq 0 ]; then
    chown 10077:10077 "$dir"
    as="setpriv --reuid 10077 --regid 10077 --clear-groups --inh-caps=-all"
fi
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$page" >walk.sh
[ "$(grep -c 'tipstaff' walk.sh)" -ge 20 ] || fail "commands were lost"
# whatever happens, the service that the page starts ends with this test
cat >run.sh <<'SH'
set -e
trap '[ ! -e service.pid ] || kill "$(cat service.pid)" 2>/dev/null || true; wait' EXIT
. ./walk.sh
SH
chmod 644 walk.sh run.sh
mkdir home
[ "$(id -u)" -ne 0 ] || chown 10077:10077 home
cp walk.sh run.sh home/
cd home
export HOME="$PWD" PATH="${tipstaff%/*}:$PATH"
timeout 100 ${as:-} bash run.sh >../out 2>../err || {
    cat ../out ../err service.log >&2 2>/dev/null
    fail "the walk-through of docs/IDENTITY.md stopped"
}
cd ..
says out "buy milk"
says out "user    alice"
says out "signatures verified"
says out "Authorization: Bearer ey"
says out "Signature Verified Successfully"
says out '"aud": "https://backend.example"'
says out '"sub": "alice"'
says out '"jti":'
says err "claim nonce: the login was not made for this key, task and sidecar"
says err "[denied]"
[ ! -e home/thief.chain ] || fail "the thief has a delegation"
grep -q "ID token\|eyJ" home/var/log/*.jsonl home/service.log && fail "a token in a log"
exit 0
