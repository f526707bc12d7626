here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"

expect 0 "$tipstaff" key new a
says out "public  $(cat a.pub)"
[ "$(stat -c %a.%s a.seed)" = 400.32 ] || fail "seed file: $(stat -c %a.%s a.seed)"
[ "$(stat -c %a.%s a.pub)" = 644.65 ] || fail "public file"

# never overwritten, neither half
before=$(sha256sum a.seed a.pub)
expect 1 "$tipstaff" key new a
says err "never overwritten"
[ "$(sha256sum a.seed a.pub)" = "$before" ] || fail "a key was changed"
echo mine >b.pub
expect 1 "$tipstaff" key new b
[ ! -e b.seed ] && [ "$(cat b.pub)" = mine ] || fail "half a pair was written"
ln -s /nonexistent c.seed
expect 1 "$tipstaff" key new c
[ ! -e c.pub ] || fail "a public half without a secret"

# both halves show the same, and never the secret
"$tipstaff" key show a.seed >1
"$tipstaff" key show a.pub >2
cmp 1 2
seed=$(od -An -tx1 -v a.seed | tr -d ' \n')
! grep -q "$seed" 1 out err || fail "the seed was printed"

# what is not a private seed file is refused, with what to do
chmod 0440 a.seed
expect 1 "$tipstaff" key show a.seed
says err "chmod 0400"
chmod 0400 a.seed
ln -s a.seed l.seed
expect 1 "$tipstaff" key show l.seed
says err "symbolic link"
cat a.seed a.seed >long.seed
chmod 0400 long.seed
expect 1 "$tipstaff" key show long.seed
says err "exactly 32"
mkfifo f.seed
expect 1 timeout 5 "$tipstaff" key show f.seed
says err "regular file"
mkdir d.seed
expect 1 "$tipstaff" key show d.seed
echo 00 >bad.pub
expect 1 "$tipstaff" key show bad.pub
printf '%064d\n' 1 >low.pub
expect 1 "$tipstaff" key show low.pub
says err "not a usable Ed25519"

expect 2 "$tipstaff" key
expect 2 "$tipstaff" key make
expect 2 "$tipstaff" key new
expect 2 "$tipstaff" key new a b
expect 0 "$tipstaff" key --help
expect 0 "$tipstaff" key new --help
says out "examples:"
