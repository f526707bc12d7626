# Sourced by the policy scenarios after lib.sh: their data, and golden text.
cp -r "$here/policy/." .
LC_ALL=C
export LC_ALL
unset NO_COLOR TERM || true

# golden NAME CODE COMMAND...: standard output, then standard error, must be the
# text of golden/NAME. With UPDATE_GOLDEN=1 they are written instead.
golden() {
    name=$1
    want=$2
    shift 2
    expect "$want" "$@"
    cat out err >"got.$name"
    if [ -n "${UPDATE_GOLDEN:-}" ]; then
        mkdir -p "$here/policy/golden"
        cp "got.$name" "$here/policy/golden/$name"
    fi
    diff -u "$here/policy/golden/$name" "got.$name" >&2 ||
        fail "output differs from golden/$name"
}

policy() {
    "$tipstaff" policy "$@"
}

# json EXPRESSION: true of the JSON document j in out
json() {
    /usr/bin/python3 -c 'import json,sys
j = json.load(open("out"))
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" || {
        cat out >&2
        fail "not true of the document: $1"
    }
}
