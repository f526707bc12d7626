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
# A file that was read just before the next directory was pushed comes behind it: it was in force, and is old now.
refused=$(jq -cs '[.[] | select(.kind == "directory_loaded") | .dir_seq] as $loaded | .[] |
    select(.kind == "directory_rejected") |
    ([.text | scan("\\(seq ([0-9]+)\\): rolled back: number ")][0][0] // "0" | tonumber) as $seq |
    select((.by == "file" and ($loaded | index($seq))) | not)' home/var/log/*.jsonl)
[ -z "$refused" ] || fail "a directory of the walk-through was refused: $refused"
exit 0
