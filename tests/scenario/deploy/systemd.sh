#!/usr/bin/env bash
# The installed service under a real systemd: builds a Debian root, installs into
# it with `cmake --install`, boots it in systemd-nspawn without a network, and
# lets systemd_inside.sh work as an operator would. Slow; root and packages of
# Debian's archive are needed, so it is not part of ctest.
#
# usage: systemd.sh BUILD   a build folder configured with
#                           -DCMAKE_INSTALL_PREFIX=/usr
# TIPSTAFF_DEBIAN_ROOT=DIR  a root made before (it is copied)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${1:?usage: systemd.sh BUILD}
runtime=systemd,systemd-sysv,dbus,util-linux,procps,jq,libuv1,libsodium23,libseccomp2,libjansson4,liblzma5,libyaml-0-2,libc-ares2,libhttp-parser2.9,libssl3

skip() {
    echo "SKIPPED: $*"
    exit 0
}
[ "$(id -u)" -eq 0 ] || skip "needs root"
for tool in mmdebstrap systemd-nspawn cmake; do
    command -v $tool >/dev/null || skip "$tool is absent (packages mmdebstrap, systemd-container)"
done
grep -q '^CMAKE_INSTALL_PREFIX:PATH=/usr$' "$build/CMakeCache.txt" || {
    echo "error: configure $build with -DCMAKE_INSTALL_PREFIX=/usr" >&2
    exit 2
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/tipstaff-systemd.XXXXXX")
trap 'rm -rf "$dir"' EXIT
root=$dir/root
if [ -n "${TIPSTAFF_DEBIAN_ROOT:-}" ]; then
    cp -a --one-file-system "$TIPSTAFF_DEBIAN_ROOT" "$root"
else
    echo "==> building a Debian root"
    mmdebstrap --quiet --variant=minbase --include="$runtime" bookworm "$root"
fi
echo "==> installing"
DESTDIR=$root cmake --install "$build" >"$dir/install.log" || {
    tail "$dir/install.log" >&2
    exit 1
}
install -m 0755 "$here/systemd_inside.sh" "$root/root/inside.sh"
cp "$here/../../../systemd/full-boxes.conf" "$here/../../../systemd/egress.conf" "$root/root/"
cat >"$root/etc/systemd/system/inside.service" <<'U'
[Unit]
Description=What an operator does
After=multi-user.target dbus.service
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/root/inside.sh
StandardOutput=append:/root/transcript
StandardError=inherit
TimeoutStartSec=150
U
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../inside.service "$root/etc/systemd/system/default.target.wants/inside.service"
ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
: >"$root/etc/machine-id"

echo "==> booting"
# systemd-nspawn's own filter of system calls does not know Landlock, without which
# the service rightly refuses to start.
timeout 240 systemd-nspawn --quiet \
    --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" --register=no --keep-unit --private-network \
    --console=pipe -D "$root" -b </dev/null >"$dir/console" 2>&1 || {
    echo "systemd-nspawn ended with $?"
    tail -30 "$dir/console"
}
cat "$root/root/transcript" 2>/dev/null || {
    tail -50 "$dir/console"
    echo "FAIL  the test unit did not run"
    exit 1
}
grep -q '^PASSED$' "$root/root/transcript"
