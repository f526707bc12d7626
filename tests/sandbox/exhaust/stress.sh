#!/usr/bin/env bash
# stress.sh LEVEL : stress-ng, which nobody here wrote, uses up what it can inside a
# tool, one stressor after the other. Its call ends in time, a neighbour's calls are
# answered meanwhile within $bound ms each, and nothing of it is left.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../scenario/e2e/lib.sh"
. "$here/../escape/level.sh"
level=$1
command -v stress-ng >/dev/null || { echo "SKIPPED: stress-ng is absent (Debian: stress-ng)"; exit 0; }
if [ "$level" = uid ] && [ "$(id -u)" -ne 0 ]; then
    echo "SKIPPED: a uid for each tool needs root"
    exit 0
fi

seconds=2
bound=3000 # ms for a call of a neighbour, on a machine that others use, too
stressors=("fork 4" "vm 2 --vm-bytes 2g" "pipe 4" "mmap 2 --mmap-bytes 2g" "clone 2" "sock 2"
    "fd-fork 2" "open 4" "sem 4" "vfork 2" "zombie 2" "hdd 1 --hdd-bytes 64m")

service_setup stress
box_level "$level"
mkdir "$service_dir/scratch"
[ "$(id -u)" -ne 0 ] || chgrp "$(service_uid launcher)" "$service_dir/scratch"
chmod 0775 "$service_dir/scratch"
service_tool stress-run "tool: stress.run
exec: /bin/sh
argv: [sh, -c, 'cd \"\$TMPDIR\" && exec stress-ng --{what} --timeout {for} --temp-path \"\$TMPDIR\" --oomable 2>&1']
args: {what: {type: string, required: true, allow_dash: true}, for: {type: string, required: true}}
exec_paths: [/usr/bin/stress-ng]
scratch: $service_dir/scratch
seccomp: build
$box
limits: {wall_ms: 20000, cpu_s: 60, memory_mb: 256, processes: 48, open_files: 128, file_size_mb: 32}"
service_args 'what?: String, for?: String,'
service_tool stress-short "tool: stress.short
exec: /bin/true
argv: [\"true\"]
$box
"
service_policy stress 'permit (principal, action in [Action::"stress.run", Action::"stress.short"], resource);'
printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$service_dir/etc/tipstaff.yaml"
service_start
c=$service_dir/c.chain
service_delegate "$c" 'permit (principal, action, resource);'

ms() { echo $(($(date +%s%N) / 1000000)); }
left() { pgrep -f "stress-ng.*--temp-path $service_dir/scratch|^stress-ng-" || true; }
none_left() { [ -z "$(left)" ]; }
scratch_empty() { [ -z "$(ls -A "$service_dir/scratch")" ]; }
answers_in_time() { # sets $slowest
    local at took
    at=$(ms)
    shim "$c" call stress.short || return 1
    took=$(($(ms) - at))
    [ "$took" -le "$slowest" ] || slowest=$took
    [ "$took" -le "$bound" ]
}

slowest=0
check "the neighbour is served" answers_in_time
check "stress-ng itself starts" shim "$c" call stress.run "what=pipe 1 --pipe-ops 100" for=1
for s in "${stressors[@]}"; do
    slowest=0 calls=0
    shim "$c" call stress.run "what=$s" "for=$seconds" >"$service_dir/out" 2>&1 &
    stress=$! start=$(ms)
    while kill -0 $stress 2>/dev/null; do
        answers_in_time || die "--$s: the neighbour's call took more than $bound ms, or failed"
        calls=$((calls + 1))
    done
    wait $stress || true # what it did not get it complains about
    check "--$s: $(($(ms) - start)) ms; $calls calls beside it, the slowest in $slowest ms" \
        test $(($(ms) - start)) -lt 25000
    check "--$s: nothing is left" wait_until 60 none_left
done
check "no scratch folder is left" wait_until 60 scratch_empty
check "the neighbour is served" answers_in_time
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
