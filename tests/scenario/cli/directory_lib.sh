# Sourced by the directory scenarios after lib.sh: a configuration with keys that
# are always the same, and golden text without what differs between runs.
LC_ALL=C
export LC_ALL
unset NO_COLOR TERM CREDENTIALS_DIRECTORY || true
mkdir work

# seed FILE LETTER: the key whose seed is 32 times that letter
seed() {
    rm -f "$1.seed" "$1.pub"
    printf "%32s" '' | tr ' ' "$2" >"$1.seed"
    chmod 0400 "$1.seed"
    "$tipstaff" key show "$1.seed" | sed -n 's/^public  //p' >"$1.pub"
}
hex() { cat "$1.pub"; }

# configuration DIR: of tenant acme; keys directory (d) and revoker (r), agents'
# and approvers' spare ones k1 to k4
configuration() {
    "$tipstaff" init "$1" --workspace work --base run --agent-uid 10001 >/dev/null
    seed "$1/keys/directory" d
    seed "$1/keys/revoker" r
    seed "$1/keys/issuer" i
    for key in 1 2 3 4; do seed k$key $key; done
    trust "$1" acme
    rm "$1/tenants/acme/directory.snapshot"
    source_of_acme >"$1/directory/acme.yaml"
    "$tipstaff" directory apply "$1/directory/acme.yaml" --config "$1" --no-push >/dev/null
}
trust() { # trust DIR TENANT
    cat >"$1/tenants/$2/trust.yaml" <<T
issuers:
  - name: $2-issuer
    key: $(hex "$1/keys/issuer")
directory:
  - name: $2-directory
    key: $(hex "$1/keys/directory")
revokers:
  - name: $2-revoker
    key: $(hex "$1/keys/revoker")
T
}
source_of_acme() {
    cat <<T
users:
  - id: alice
    status: active
    groups: [developers, ops]
  - id: bob
    status: active
    groups: [viewers]
agents:
  - id: coder
    status: active
    owner: alice
    keys: ["$(hex k1)"]
    uids: [10001, 10002]
  - id: reader
    status: inactive
    max_depth: 2
approvers:
  - person: alice
    status: active
    key: "$(hex k4)"
    classes: [delete]
    roles: [lead]
T
}
installed=etc/tenants/acme/directory.snapshot
seq_of() { "$tipstaff" directory show "$1" --json | sed -n 's/^  "seq": \([0-9]*\),/\1/p'; }
content_of() { "$tipstaff" directory show "$1" --json | sed -n 's/^  "content": "\([0-9a-f]*\)",/\1/p'; }

# Times, and hashes that come from them.
steady() {
    sed -E 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z/TIME/g; s/^(  hash     )[0-9a-f]{64}/\1HASH/
s/("hash": ")[0-9a-f]{64}/\1HASH/; s/("(issued|not_after)": )[0-9]+/\1SECONDS/
s/[0-9]+ s ago/now/; s/in (29|30) d/in 30 d/; s/after [0-9]+ ms/after some ms/'
}
# golden NAME CODE COMMAND...: standard output, then standard error, must be the
# text of directory/golden/NAME. With UPDATE_GOLDEN=1 they are written instead.
golden() {
    name=$1
    want=$2
    shift 2
    expect "$want" "$@"
    cat out err | steady >"got.$name"
    if [ -n "${UPDATE_GOLDEN:-}" ]; then
        mkdir -p "$here/directory/golden"
        cp "got.$name" "$here/directory/golden/$name"
    fi
    diff -u "$here/directory/golden/$name" "got.$name" >&2 ||
        fail "output differs from golden/$name"
}
# unchanged COMMAND...: fails with 1, and the installed snapshot is whole
unchanged() {
    cp "$installed" before
    expect 1 "$@"
    cmp -s before "$installed" || fail "the installed snapshot was changed: $*"
    [ -z "$(find etc/tenants/acme -name '.*.new')" ] || fail "something was left behind: $*"
}
apply() {
    "$tipstaff" directory apply "$@" --config etc
}
