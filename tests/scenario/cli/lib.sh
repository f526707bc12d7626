# Sourced by the scenarios beside it: $1 is the program.
set -eu
tipstaff=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect CODE COMMAND...: runs it, keeps stdout in out and stderr in err
expect() {
    want=$1
    shift
    got=0
    "$@" >out 2>err || got=$?
    [ "$got" = "$want" ] || {
        cat out err >&2
        fail "exit $got instead of $want: $*"
    }
}

# says FILE TEXT: fixed string
says() {
    grep -qF -- "$2" "$1" || {
        cat "$1" >&2
        fail "$1 does not say: $2"
    }
}
