#!/bin/sh
# usage: seeded.sh WORKER: a short differential run with a fixed seed.
# Needs node, and once npm and its registry for the official engine.
set -eu
cd "$(dirname "$0")"
worker=$1
command -v node >/dev/null || {
    echo "SKIPPED: node is absent"
    exit 0
}
. ./engine.sh
engine_install || {
    echo "SKIPPED: the official engine could not be installed"
    exit 0
}
exec node run.mjs --worker "$worker" --kind all --seed 20261122 --cases 4000 \
    --seconds 30 --jobs 2
