# Shared by the scripts of this folder; sourced, not run.
# shellcheck shell=bash
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What a build needs, and what the tests and the demo need on top of it.
build_packages=(gcc cmake ninja-build pkg-config libc6-dev libuv1-dev libmsgpack-dev
    libsodium-dev libseccomp-dev libc-ares-dev libjansson-dev liblzma-dev libyaml-dev libcmocka-dev libhttp-parser-dev libssl-dev scdoc)
test_packages=(clang libclang-rt-dev clang-format python3 python3-nacl python3-msgpack
    python3-yaml python3-pip jq git xz-utils util-linux procps binutils openssh-client openssl iproute2 tmux strace valgrind perl curl wget gawk sqlite3 make patch gpg
    runc bubblewrap)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' plain=''
fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }
die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

# need PACKAGE... : installs what is missing; as root or with sudo.
need() {
    local missing=() p as_root=()
    for p in "$@"; do
        dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "missing packages: ${missing[*]}; install them, or run this as root"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q \
            --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -20 "$log" >&2
        die "apt-get could not install ${missing[*]}"
    fi
    rm -f "$log"
}

# configure PRESET [CMAKE ARGUMENT...] then build_preset PRESET [TARGET...]
configure() {
    local preset=$1
    shift
    (cd "$top" && cmake --preset "$preset" -G Ninja "$@" >/tmp/tipstaff-configure.$$ 2>&1) || {
        tail -40 /tmp/tipstaff-configure.$$ >&2
        rm -f /tmp/tipstaff-configure.$$
        die "cmake could not configure the preset $preset"
    }
    rm -f /tmp/tipstaff-configure.$$
}
build_preset() {
    local preset=$1
    shift
    (cd "$top" && cmake --build --preset "$preset" -- "$@")
}
