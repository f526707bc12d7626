# tipstaff policy fmt: one style, comments kept, files replaced whole or not
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"

cat >ugly.cedar <<'X'
// first
permit(principal,action==Action::"view",resource) // who
when{resource.owner==principal&&context.hour>8};
X
golden fmt_stdout 0 policy fmt ugly.cedar
golden fmt_check 1 policy fmt --check ugly.cedar policies/owner.cedar
golden fmt_narrow 0 policy fmt --width 40 --indent 4 ugly.cedar
expect 0 sh -c '"$1" policy fmt - <ugly.cedar' sh "$tipstaff"
cp out want
chmod 640 ugly.cedar
ln -s ugly.cedar link.cedar
expect 0 policy fmt --write link.cedar
[ -L link.cedar ] || fail "the link was replaced"
[ "$(stat -c %a ugly.cedar)" = 640 ] || fail "the mode changed"
cmp ugly.cedar want
expect 0 policy fmt --check ugly.cedar link.cedar
before=$(stat -c %i ugly.cedar)
expect 0 policy fmt --write ugly.cedar
[ "$(stat -c %i ugly.cedar)" = "$before" ] || fail "an equal file was written"
[ "$(ls | grep -c tmp)" = 0 ] || fail "a temporary file stayed"

# an error: nothing is written, the others are
cp broken/02.cedar bad.cedar
echo 'permit(principal,action,resource);' >good.cedar
golden fmt_error 1 policy fmt --write bad.cedar good.cedar
cmp bad.cedar broken/02.cedar
says good.cedar "permit (principal, action, resource);"

expect 2 policy fmt
expect 2 policy fmt good.cedar bad.cedar
says err "say --write or --check"
expect 2 policy fmt --check --write good.cedar
expect 2 policy fmt --width 3 good.cedar
# a pipe has been read, and nobody reads what would be written into it
mkfifo pipe
printf 'permit(principal,action,resource);' >pipe &
expect 1 timeout 20 "$tipstaff" policy fmt --write pipe
wait
says err "pipe: not written: not a regular file"
expect 1 policy fmt --write nowhere.cedar
echo '{}' >p.json
expect 1 policy fmt p.json
says err "JSON has no style"
expect 0 policy fmt --check policies
