# Every command of docs/OPERATING.md, typed in order by a user that is not root.
here=$(cd "${0%/*}" && pwd)
. "$here/lib.sh"
. "$here/walk_lib.sh"
walk OPERATING.md 30
says out "PASS: 10 of 10 rounds"
says out "~ user bob: deactivated"
says out "revoked user bob: ack after"
says out "~ agent coder: key +"
says out "~ agent coder: key -"
says out "signed   by acme-directory-2"
says out "stale_state, directory 7"
says out "an older copy was put back"
says out "journal lost"
says out "lost laptop"
says out "10 decisions, 10 outcomes: ok"
[ "$(jq -r 'select(.kind == "directory_rejected") | .text' home/var/log/*.jsonl)" = "" ] ||
    fail "a directory of the walk-through was refused"
exit 0
