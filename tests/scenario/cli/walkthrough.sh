# Every command of docs/IDENTITY.md, typed in order by a user that is not root.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/walk_lib.sh"
walk IDENTITY.md 20
says out "buy milk"
says out "user    alice"
says out "signatures verified"
says out "Authorization: Bearer rl"
says out "Signature Verified Successfully"
says out '"aud": "https://backend.example"'
says out '"sub": "alice"'
says out '"jti":'
says err "claim nonce: the login was not made for this key, task and sidecar"
says err "[denied]"
[ ! -e home/thief.chain ] || fail "the thief has a delegation"
grep -q "ID token\|eyJ" home/var/log/*.jsonl home/service.log && fail "a token in a log"
exit 0
