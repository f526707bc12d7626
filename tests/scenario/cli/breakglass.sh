# tipstaff break-glass request: what nobody should be asked to sign is not written.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
reason="production is down"
request() {
    "$tipstaff" break-glass request --tenant acme --user alice --agent coder --task t "$@"
}
cat >ok.cedar <<'C'
permit (principal, action, resource);
C
expect 0 request --policies ok.cedar --reason "$reason" -o a.bg
expect 0 request --policies - --lift freeze --reason "$reason" -o b.bg <ok.cedar
expect 1 request --policies ok.cedar --reason "$reason" -o a.bg
says err "a.bg exists already"

# the command line: the option is named, nothing is read or written
wrong() { # wrong OPTION REQUEST-OPTIONS...
    option=$1
    shift
    expect 2 request -o x.bg "$@"
    says err "$option"
    [ ! -e x.bg ] || fail "x.bg was written"
}
wrong "--reason: 10 to 512 bytes" --lift f --reason "short"
wrong "--reason: 10 to 512 bytes" --lift f --reason "$(printf 'not UTF-8 \377\377')"
wrong "--incident: 0 to 128 bytes" --lift f --reason "$reason" --incident "$(printf '%0129d' 0)"
wrong "--uses is 1 to 1000" --lift f --reason "$reason" --uses 0
wrong "--uses is 1 to 1000" --lift f --reason "$reason" --uses 1001
wrong "--for is at most 8h" --lift f --reason "$reason" --for 9h
wrong "--policies or --lift" --reason "$reason"
for option in tenant user agent task; do
    set -- --tenant acme --user alice --agent coder --task t
    expect 2 "$tipstaff" break-glass request $(echo "$@" | sed "s/--$option [a-z]*/--$option a,b/") \
        --lift f --reason "$reason" -o x.bg
    says err "--$option: not an id"
done

# the text: file, line and column, before two people have signed it
refused() { # refused WHAT-IS-SAID, and the text as standard input
    cat >p.cedar
    expect 1 request --policies p.cedar --reason "$reason" -o x.bg
    says err "$1"
    [ ! -e x.bg ] || fail "x.bg was written"
}
echo 'permit (principal, action);' | refused "p.cedar:1:"
printf 'permit (principal, action, resource);\nforbid (principal, action, resource);' |
    refused "p.cedar:2:1: a forbid in an escalation"
echo 'permit (principal == ?principal, action, resource);' | refused "p.cedar:1:1: a template"
printf '@approval("confirm")\npermit (principal, action, resource);' | refused "p.cedar:1:1: @approval"
printf 'permit (principal, action, resource) when { "\033[31m };' | refused "p.cedar:1:"
! grep -q "$(printf '\033')" err || fail "an escape sequence on the terminal"
expect 1 request --policies nowhere --reason "$reason" -o x.bg
says err "nowhere: No such file"
: >empty.cedar
expect 1 request --policies empty.cedar --reason "$reason" -o x.bg
expect 1 request --lift f --lift f --reason "$reason" -o x.bg
says err "each --lift is another @id"
