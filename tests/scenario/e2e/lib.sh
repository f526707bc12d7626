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
# Sum over the service's processes: open descriptors but those of the pool of
# control groups, which is as large as there were tools at once; these; anonymous
# resident KiB (the shared ring of 8 MiB fills once and is not counted).
fd_links() {
    local p
    for p in "$service_main" $(pgrep -P "$service_main"); do
        find "/proc/$p/fd" -mindepth 1 -printf '%l\n' 2>/dev/null || true
    done
}
# A box that stands by with its mounts, as many do or do not at any moment, holds its /tmp
# and a process more than one that is only begun.
service_ready_fds() { fd_links | grep -c '^/run/call/tmp$' || true; }
service_fds() {
    fd_links | awk '$0 ~ "/tipstaff-tools-[0-9]*/t" { next } { n++ } $0 == "/run/call/tmp" { n -= 2 } END { print n + 0 }'
}
service_group_fds() { fd_links | grep -c '/tipstaff-tools-[0-9]*/t' || true; }
service_rss() {
    local n=0 p
    for p in "$service_main" $(pgrep -P "$service_main"); do
        n=$((n + $(sed -nE 's/^RssAnon:\s+([0-9]+) kB/\1/p' "/proc/$p/status")))
    done
    echo "$n"
}
# For the map sandbox: of a service that root starts: nobody else's, whatever runs beside us.
e2e_uids() {
    local first=$((1000000 + $$ % 1000 * 1000))
    [ "$(id -u)" -ne 0 ] || printf ', uids: %d-%d' $first $((first + 605))
}
# Whole lines: the recorder may be writing the last one.
log_lines() { perl -ne 'print if /\n\z/' "$service_log"/*.jsonl; }
in_log() { log_lines 2>/dev/null | jq -e -s "any(.[]; $1)" >/dev/null; }
# recorded CONDITION : of one record. An answer may come before its record is in the file.
recorded() { wait_until 60 in_log "$1"; }
# service_shims WORDS : this service's shims with that command; others may run beside them
service_shims() {
    local p
    for p in $(pgrep -f "tipstaff-shim $1"); do
        { tr '\0' '\n' <"/proc/$p/environ" | grep -qxF "TIPSTAFF_SOCKET=$service_socket" && echo "$p"; } 2>/dev/null || true
    done
}
wait_until() { # wait_until SECONDS COMMAND... : polls a condition, no fixed sleep
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
