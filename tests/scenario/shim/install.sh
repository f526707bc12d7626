#!/usr/bin/env bash
# cmake --install into an empty place: all is there, and a stranger's program
# builds against it with pkg-config. usage: install.sh CC SOURCE BUILD SANITIZERS
set -euo pipefail
cc=$1 source=$2 build=$3 flags=()
[ -z "$4" ] || flags=("-fsanitize=$4")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
die() { echo "error: $*" >&2; exit 1; }
cmake --install "$build" --prefix "$dir/usr" >"$dir/log" || { cat "$dir/log"; die "cmake --install failed"; }
outside=$(sed -n 's/^-- Installing: //p' "$dir/log" | grep -v "^$dir/usr/" || true)
[ -z "$outside" ] || die "installed elsewhere: $outside"
for f in bin/tipstaff bin/tipstaffd bin/tipstaff-shim libexec/tipstaff/tipstaff-{gate,recorder,launcher} \
    include/tipstaff.h lib/systemd/system/tipstaffd.service lib/systemd/system/tipstaff-agent.socket; do
    [ -s "$dir/usr/$f" ] || die "$f is not installed"
done
for page in "$source"/docs/man/*.scd; do
    name=$(basename "$page" .scd)
    if command -v scdoc >/dev/null; then
        grep -q '^\.TH ' "$dir/usr/share/man/man${name##*.}/$name" || die "no man page $name"
    fi
done
"$dir/usr/bin/tipstaffd" --help >/dev/null || die "the installed tipstaffd does not start"
PKG_CONFIG_PATH=$(dirname "$(find "$dir/usr" -name tipstaff.pc)")
export PKG_CONFIG_PATH
lib=$(dirname "$PKG_CONFIG_PATH")
foreign=$(nm -g --defined-only "$lib/libtipstaff.a" | awk 'NF == 3 {print $3}' |
    grep -vE '^(tipstaff_|__odr_asan|__asan)' || true)
[ "$(nm -g --defined-only "$lib/libtipstaff.a" | awk 'NF == 3 && $3 ~ /^tipstaff_/' | wc -l)" -ge 5 ] ||
    die "nm shows hardly a function of ours in the archive"
[ -n "${flags[*]}" ] || [ -z "$foreign" ] || die "the archive exports $foreign"
# It has a function that the library has inside.
printf 'int ts_buf_init(void);\nint ts_buf_init(void) { return 0; }\n' >"$dir/mine.c"
read -ra shared <<<"$(pkg-config --cflags --libs tipstaff)"
read -ra cflags <<<"$(pkg-config --cflags tipstaff)"
"$cc" -std=c17 -Wall -Werror "${flags[@]}" "$source/docs/examples/call.c" "$dir/mine.c" "${shared[@]}" -o "$dir/shared"
"$cc" -std=c17 -Wall -Werror "${flags[@]}" "${cflags[@]}" "$source/docs/examples/call.c" "$dir/mine.c" \
    "$lib/libtipstaff.a" -lsodium -o "$dir/static"
for p in shared static; do
    got=0
    env -i LD_LIBRARY_PATH="$lib" "$dir/$p" a.txt 2>"$dir/err" || got=$?
    [ $got -eq 107 ] && grep -q TIPSTAFF_DELEGATION "$dir/err" || die "$p: exit $got"
    echo "ok   $p"
done
