#!/bin/sh
# run.sh TIPSTAFF REPO BUILD own|differs|handwritten|corpus
# tipstaff policy corpus over our own cases, over the same with one thing changed
# at a time (each must be found), and over the cases recorded from the official
# engine, which live outside the repository.
set -eu
tipstaff=$1 repo=$2 build=$3 what=$4
cases=$repo/tests/spec/policy/cases
shared=${TIPSTAFF_SHARED:-$repo/../shared}

# differs NAME FILE SED-SCRIPT TEXT: with FILE so changed the run must fail, and
# say TEXT in a line about the case.
differs() {
    dir=$build/cedar-cases-changed
    rm -rf "$dir"
    mkdir -p "$dir"
    cp -R "$cases/own-tests" "$cases/own-tests-validation" \
        "$cases/own-tests-json-schemas" "$dir"
    chmod -R u+w "$dir"
    sed -i "$3" "$dir/$2"
    if cmp -s "$dir/$2" "$cases/$2"; then
        echo "the change to $2 changes nothing"
        exit 1
    fi
    if out=$("$tipstaff" policy corpus "$dir"); then
        echo "$1: passed with a changed $2"
        exit 1
    fi
    if ! echo "$out" | grep "^FAIL .*own-tests/$1.json: .*$4"; then
        echo "$1: nothing said of \"$4\":"
        echo "$out"
        exit 1
    fi
    # one case, and the cases are counted
    case $(echo "$out" | tail -n 1) in
    "24 passed, 1 failed") ;;
    *) echo "the last line is wrong:"; echo "$out" | tail -n 1; exit 1 ;;
    esac
}

unpack() {
    out=$build/cedar-corpus
    [ -d "$out/corpus-tests-json-schemas" ] && return
    rm -rf "$out.part" "$out"
    mkdir -p "$out.part"
    for name in corpus validation json-schemas; do
        tar -C "$out.part" -xf "$shared/cedar/$name.tar.xz"
    done
    mv "$out.part" "$out"
}

case $what in
own)
    "$tipstaff" policy corpus "$cases"
    # the folder of cases, from within it; one case; the document
    [ "$(cd "$cases/own-tests" && "$tipstaff" policy corpus -q .)" = \
        "25 passed, 0 failed" ]
    [ "$("$tipstaff" policy corpus -q "$cases/own-tests/tags.json")" = \
        "1 passed, 0 failed" ]
    "$tipstaff" policy corpus --json "$cases" | /usr/bin/python3 -c '
import json, sys
d = json.load(sys.stdin)
assert (d["passed"], d["failed"], d["failures"]) == (25, 0, []), d
for form in "checks", "checks_json_schema":
    assert d[form]["decisions"] == {"checked": 92, "wrong": 0}, d
    assert d[form]["policies_strict"] == {"checked": 81, "wrong": 0}, d'
    # nothing to run is no success
    if "$tipstaff" policy corpus "$cases/own-tests-validation" 2>/dev/null; then
        echo "a folder without cases passed"
        exit 1
    fi
    ;;
differs)
    v=own-tests-validation j=own-tests-json-schemas
    differs many_policies own-tests/many_policies.json \
        '0,/"decision": "allow"/s//"decision": "deny"/' 'request 0 .*decision'
    differs unless own-tests/unless.json \
        '0,/"policy0"/s//"policy1"/' 'request 0 .*determining'
    differs arithmetic own-tests/arithmetic.json \
        '0,/"errors": \[/s//"errors": [ "policy0",/' 'request 0 .*in error'
    differs tags own-tests/tags.json \
        's/"shouldValidate": false/"shouldValidate": true/' 'shouldValidate'
    differs capabilities $v/capabilities.validation.json \
        '0,/"strict": true/s//"strict": false/' 'policy0, strict'
    differs invalid_request $v/invalid_request.validation.json \
        '0,/"permissive": false/s//"permissive": true/' 'request 0 .*permissive'
    differs refused_type $v/refused_type.validation.json \
        's/"errors"/"was_errors"/' 'entit.*`Disk`'
    [ "$("$tipstaff" policy corpus --max-failures 1 "$dir" |
        grep -c ^FAIL)" = 1 ]
    differs is_in own-tests/is_in.json \
        's/is_in.cedar"/is_out.cedar"/' 'policies: own-tests/is_out.cedar'
    differs enums own-tests/enums.cedarschema 's/"green", //' 'Colour'
    differs datetime own-tests/datetime.entities.json \
        's/2026-01-31"/2026-13-31"/' '2026-13-31'
    differs actions own-tests/actions.cedar 's/when {/wen {/' 'policies: '
    differs strings $j/strings.cedarschema.json 's/"odd key"/"even key"/' \
        'JSON schema'
    differs coercion own-tests/coercion.json 's/"requests"/"requests": 1,/' \
        'the case'
    ;;
*)
    if [ ! -d "$shared/cedar" ]; then
        echo "SKIPPED: ../shared is absent"
        exit 0
    fi
    if [ "$what" = handwritten ]; then
        exec "$tipstaff" policy corpus "$shared/cedar"
    fi
    unpack
    exec "$tipstaff" policy corpus "$build/cedar-corpus"
    ;;
esac
