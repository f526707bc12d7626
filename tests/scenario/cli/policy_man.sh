# every example of tipstaff-policy(1) runs and is a success
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/policy_lib.sh"
page=$here/../../../docs/man/tipstaff-policy.1.scd
mkdir bin
ln -s "$tipstaff" bin/tipstaff
PATH=$PWD/bin:$PATH

sed -n '/^# EXAMPLES/,/^# SEE/p' "$page" | sed -n '/^```/,/^```/p' |
    sed '/^```/d; s/\\\\$/\\/' >examples.sh
[ "$(grep -c '^tipstaff policy' examples.sh)" = 10 ] || fail "examples were lost"
expect 0 sh -eu examples.sh
says out "4 policies, 0 errors, 0 warnings"
says out "note: this decision was due to: owner"
says out "because of forbid large-amounts"
says out "5 passed, 0 failed"

# the test file of the page, with what it leaves out of the context
sed -n '/^# TEST/,/^# DIFF/p' "$page" | sed -n '/^```/,/^```/p' |
    sed '/^```/d; /template-linked/d; s/hour: 9, /hour: 9, amount: 1, args: {token: t, path: p}, /' >page.yaml
expect 0 policy test page.yaml
says out "2 passed, 0 failed"

# each command and each option of --help is on the page
"$tipstaff" policy --help | awk '/^  [a-z]/ { print $1 }' >commands
[ "$(wc -l <commands)" = 10 ] || fail "commands were lost"
while read -r command; do
    "$tipstaff" policy "$command" --help >help
    awk '/^  --/ { print $1 }' help >options
    while read -r option; do
        grep -q -- "$option" "$page" || fail "$command $option is not on the page"
    done <options
    grep -qi "^# $command" "$page" || fail "$command has no section"
done <commands
