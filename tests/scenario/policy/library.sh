#!/usr/bin/env bash
# docs/examples/authorize.c against the installed libtipstaff-cedar, shared and
# static. usage: library.sh CC SOURCE BUILD SANITIZERS
set -euo pipefail
cc=$1 source=$2 build=$3 flags=()
[ -z "$4" ] || flags=("-fsanitize=$4")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
die() { echo "error: $*" >&2; exit 1; }
cmake --install "$build" --prefix "$dir/usr" >"$dir/log" || { cat "$dir/log"; die "cmake --install failed"; }
PKG_CONFIG_PATH=$(dirname "$(find "$dir/usr" -name tipstaff-cedar.pc)")
export PKG_CONFIG_PATH
lib=$(dirname "$PKG_CONFIG_PATH")
if [ -z "${flags[*]}" ]; then
    foreign=$(nm -g --defined-only "$lib/libtipstaff-cedar.a" | awk 'NF == 3 {print $3}' | grep -vE '^(cedar|ts)_' || true)
    [ "$(nm -g --defined-only "$lib/libtipstaff-cedar.a" | awk 'NF == 3 && $3 ~ /^cedar_/' | wc -l)" -ge 20 ] ||
        die "nm shows hardly a function of ours in the archive"
    [ -z "$foreign" ] || die "the archive exports $foreign"
    # Nothing but libc: no clock, no file, no socket, no other library.
    needs=$(readelf -d "$lib/libtipstaff-cedar.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    [ "$needs" = libc.so.6 ] || die "the library needs $needs"
    reach=$(nm -D --undefined-only "$lib/libtipstaff-cedar.so" | awk '{print $2}' | sed 's/@.*//' |
        grep -xE 'f?open(at)?|(f|_)?read|write|socket|connect|clock_gettime|time|getenv|getrandom|setlocale|fork|execve|system' || true)
    [ -z "$reach" ] || die "the library reaches out with $reach"
fi
read -ra cflags <<<"$(pkg-config --cflags tipstaff-cedar)"
read -ra libs <<<"$(pkg-config --libs tipstaff-cedar)"
strict=(-std=c17 -Wall -Wextra -Werror "${flags[@]}" "${cflags[@]}" "$source/docs/examples/authorize.c")
"$cc" "${strict[@]}" "${libs[@]}" -o "$dir/shared"
"$cc" "${strict[@]}" "$lib/libtipstaff-cedar.a" -o "$dir/static"
expect() { # EXIT FIRST_LINE ARGUMENT...
    local want=$1 line=$2 got=0
    shift 2
    env -i LD_LIBRARY_PATH="$lib" "$dir/$p" "$@" >"$dir/out" 2>"$dir/err" || got=$?
    [ $got -eq "$want" ] && [ "$(head -1 "$dir/out")" = "$line" ] || {
        cat "$dir/out" "$dir/err"
        die "$p $*: exit $got"
    }
}
for p in shared static; do
    expect 0 allow alice read report
    expect 2 deny alice edit report
    expect 2 deny bob read report
    expect 1 "" alice fly report
    expect 1 "" alice
    echo "ok   $p"
done
