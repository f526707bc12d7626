#!/bin/sh
# run.sh PROGRAM REPO BUILD handwritten|corpus
# Finds the recorded cases and runs the driver on them.
set -eu
program=$1 repo=$2 build=$3 what=$4
shared=${TIPSTAFF_SHARED:-$repo/../shared}
if [ ! -d "$shared/cedar" ]; then
    echo "SKIPPED: ../shared is absent"
    exit 0
fi
if [ "$what" = handwritten ]; then
    exec "$program" "$shared/cedar" handwritten-tests --implicit
fi
out=$build/cedar-corpus
if [ ! -d "$out/corpus-tests" ]; then
    rm -rf "$out.part"
    mkdir -p "$out.part"
    tar -C "$out.part" -xf "$shared/cedar/corpus.tar.xz"
    rm -rf "$out"
    mv "$out.part" "$out"
fi
exec "$program" "$out" corpus-tests
