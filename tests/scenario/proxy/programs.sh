#!/bin/bash
# The proxy and the programs that people have: curl, git, pip, npm, python, node,
# each unmodified, in a network namespace that holds nothing but servers of ours.
#   programs.sh STAND          (build/tests/proxy_stand)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if ! unshare -n true 2>/dev/null || ! command -v ip >/dev/null; then
    echo "SKIPPED: network namespaces need root here, and iproute2"
    exit 77
fi
exec unshare -n -- bash -c 'ip link set lo up && exec /usr/bin/python3 "$@"' \
    bash "$here/programs.py" "$1"
