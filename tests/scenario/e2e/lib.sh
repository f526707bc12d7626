# Shared by the end-to-end tests; sourced. TIPSTAFF_BIN is the programs' folder.
# shellcheck shell=bash
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
. "$top/script/lib.sh"
. "$top/script/service.sh"

check() { # check WHAT COMMAND...
    local what=$1
    shift
    "$@" || die "failed: $what"
    printf 'ok   %s\n' "$what"
}
same() { # same WHAT EXPECTED ACTUAL
    [ "$2" = "$3" ] || die "failed: $1: expected '$2', got '$3'"
    printf 'ok   %s\n' "$1"
}
# Sum over the service's processes: open descriptors; anonymous resident KiB (the
# shared ring of 8 MiB fills once and is not counted).
service_fds() {
    local n=0 p
    for p in "$service_main" $(pgrep -P "$service_main"); do
        n=$((n + $(find "/proc/$p/fd" -mindepth 1 2>/dev/null | wc -l)))
    done
    echo "$n"
}
service_rss() {
    local n=0 p
    for p in "$service_main" $(pgrep -P "$service_main"); do
        n=$((n + $(sed -nE 's/^RssAnon:\s+([0-9]+) kB/\1/p' "/proc/$p/status")))
    done
    echo "$n"
}
log_lines() { cat "$service_log"/*.jsonl; }
wait_until() { # wait_until SECONDS COMMAND... : polls a condition, no fixed sleep
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
