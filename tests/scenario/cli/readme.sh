# The block under "Use it" of README.md, typed by a user that is not root.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/walk_lib.sh"
{ # as a page of sh blocks; what the README says is refused must be
    echo '```sh'
    awk '/^## / { on = 0 } /^## Use it/ { on = 1 } on' "$here/../../../README.md" |
        awk '/^```$/ { on = !on; next } on' |
        sed -e '/# DENIED\|# refused/ s/^/! /' -e '/^tipstaffd/ s/$/\necho $! >service.pid/'
    echo '```'
} >README.page
walk_file "$PWD/README.page" 9
says err "[bad_arguments]"
says err "[auth_failed]"
says out "serving"
says out "the one file that the call was permitted, read"
says out "PASS: 1 of 1 rounds"
says out "revoked task first: ack after"
