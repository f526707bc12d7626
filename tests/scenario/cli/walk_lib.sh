# Sourced after lib.sh by what types a page of the documentation.

# walk PAGE.md LEAST: every sh block of that page of docs/, in order, by a user that
# is not root, in ./home. At least LEAST commands of ours must be in it.
walk() {
    walk_file "$here/../../../docs/$1" "$2"
}

walk_file() { # walk_file FILE LEAST
    page=$1
    awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$page" >walk.sh
    [ "$(grep -c 'tipstaff' walk.sh)" -ge "$2" ] || fail "commands were lost"
    # whatever happens, the service that the page starts ends with this test
    cat >run.sh <<'SH'
set -e
trap '[ ! -e service.pid ] || kill "$(cat service.pid)" 2>/dev/null || true; wait' EXIT
. ./walk.sh
SH
    chmod 644 walk.sh run.sh
    mkdir home
    cp walk.sh run.sh home/
    # the checkout may stand where only root can go
    cp -r "${tipstaff%/*}" bin
    as=
    if [ "$(id -u)" -eq 0 ]; then
        chown 10077:10077 "$dir" home
        as="setpriv --reuid 10077 --regid 10077 --clear-groups --inh-caps=-all"
    fi
    (
        cd home
        export HOME="$PWD" PATH="${PWD%/*}/bin:$PATH"
        timeout 100 ${as:-} bash run.sh >../out 2>../err
    ) || {
        cat out err home/service.log >&2 2>/dev/null
        fail "the walk-through of $1 stopped"
    }
}
