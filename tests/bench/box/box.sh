# shellcheck shell=bash
# script/bench --box: what a box costs, beside the floor and other sandboxes.
# Sourced by script/bench; $top, $quick, $json, service_* are its.
box_here=$top/tests/bench/box
box_build=${service_bin%/bin}

box_srt() { # the command of sandbox-runtime, if npm has it, in $box_dir/srt.cmd
    local i
    local modules=$top/tests/bench/peers/node_modules/@anthropic-ai/sandbox-runtime
    command -v node >/dev/null && command -v socat >/dev/null && command -v rg >/dev/null || {
        echo "SKIPPED: sandbox-runtime (needs node, socat and ripgrep)" >&2
        return 0
    }
    [ -d "$modules" ] ||
        (cd "$top/tests/bench/peers" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) || true
    [ -d "$modules" ] || {
        echo "SKIPPED: sandbox-runtime (npm ci in tests/bench/peers did not install it; it asks for Node 22)" >&2
        return 0
    }
    mkfifo "$box_dir/srt.in"
    (cd "$box_there" && exec node "$top/tests/bench/peers/srt.mjs" "$box_there/nop" "$box_dir/srt.cmd" \
        <"$box_dir/srt.in" >"$box_dir/srt.json" 2>"$box_dir/srt.err") &
    service_also_stop $!
    exec {box_srt_in}>"$box_dir/srt.in"
    for i in $(seq 100); do
        [ -s "$box_dir/srt.json" ] && break
        sleep 0.1
    done
}

box_runc() { # a bundle whose root holds the program, Debian's default spec
    local bundle=$box_dir/runc
    command -v runc >/dev/null && [ "$(id -u)" -eq 0 ] || {
        echo "SKIPPED: runc (not installed, or not root)" >&2
        return 0
    }
    mkdir -p "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
    cp "$box_dir/nop" "$bundle/rootfs/nop"
    (cd "$bundle" && rm -f config.json && runc spec)
    jq '.process.args = ["/nop"] | .process.terminal = false' "$bundle/config.json" >"$bundle/c" &&
        mv "$bundle/c" "$bundle/config.json"
    if runc run -b "$bundle" "tipstaff-bench-$$" >/dev/null 2>&1; then
        echo "runc run|runc|run|-b|$bundle|tipstaff-bench-$$"
    else
        echo "SKIPPED: runc (fails here)" >&2
    fi
}

box_peers() {
    echo "bwrap --unshare-all|bwrap|--ro-bind|/usr|/usr|--ro-bind|$box_dir/nop|/nop|--symlink|usr/lib|/lib|--symlink|usr/lib64|/lib64|--proc|/proc|--dev|/dev|--tmpfs|/tmp|--unshare-all|--die-with-parent|/nop"
    echo "bwrap --unshare-all, root as it is|bwrap|--bind|/|/|--unshare-all|$box_there/nop"
    echo "bwrap, host's network|bwrap|--ro-bind|/usr|/usr|--ro-bind|$box_dir/nop|/nop|--proc|/proc|--dev|/dev|--tmpfs|/tmp|--unshare-all|--share-net|/nop"
    if command -v firejail >/dev/null; then
        echo "firejail|firejail|--quiet|--noprofile|$box_there/nop"
        echo "firejail, hardened|firejail|--quiet|--noprofile|--net=none|--private-dev|--seccomp|--nonewprivs|--caps.drop=all|$box_there/nop"
    else
        echo "SKIPPED: firejail is not installed" >&2
    fi
    if command -v minijail0 >/dev/null; then
        echo "minijail0|minijail0|-p|-v|-e|-l|-N|--uts|-n|$box_there/nop"
    else
        echo "SKIPPED: minijail0 is not installed (Debian 12 has no package)" >&2
    fi
    if command -v nsjail >/dev/null; then
        echo "nsjail|nsjail|-Mo|-Q|--chroot|/|--|$box_there/nop"
    else
        echo "SKIPPED: nsjail is not installed (Debian 12 has no package)" >&2
    fi
    box_runc
    [ ! -s "$box_dir/srt.cmd" ] || echo "sandbox-runtime|sh|$box_dir/srt.cmd"
}

box_works() { # the lines whose command ends well
    local line words
    while IFS= read -r line; do
        IFS='|' read -ra words <<<"${line#*|}"
        if "${words[@]}" </dev/null >"$box_dir/peer.log" 2>&1; then
            echo "$line"
        else
            echo "SKIPPED: ${line%%|*} (fails here: $(tail -1 "$box_dir/peer.log"))" >&2
        fi
    done
}

# A set's start: until READY of all of its processes; with the canary in every box.
box_service() {
    local t0 t1 i
    service_setup bench-box
    cp "$box_dir/stamp" "$service_dir/stamp"
    chmod 0755 "$service_dir/stamp"
    service_tool bench-stamp "tool: bench.stamp
description: A program that says when it began
exec: $service_dir/stamp
argv: [stamp]
"
    service_policy bench 'permit (principal, action == Action::"bench.stamp", resource);'
    for i in 1 2 3; do
        t0=$(date +%s%N)
        service_start_fast
        t1=$(date +%s%N)
        echo "$((t1 - t0))" >>"$box_dir/starts"
        [ "$i" = 3 ] || service_stop
    done
    for i in 1 2 3; do
        t0=$(date +%s%N)
        "$service_bin/tipstaff" doctor >"$box_dir/doctor.txt" 2>&1 || true
        t1=$(date +%s%N)
        echo "$((t1 - t0))" >>"$box_dir/doctors"
    done
    box_chain=$service_dir/bench.chain
    service_delegate "$box_chain" 'permit (principal, action, resource);'
}
service_start_fast() { # as service_start, looking all the time
    service_uids
    service_uids
    "$service_bin/tipstaffd" --config "$service_dir/etc" >"$service_dir/service.log" 2>&1 &
    service_main=$!
    service_pids+=("$service_main")
    local until=$((SECONDS + 20))
    while [ "$SECONDS" -lt "$until" ]; do
        [ -S "$service_admin" ] && "$service_bin/tipstaff" status --socket "$service_admin" >/dev/null 2>&1 && return 0
        kill -0 "$service_main" 2>/dev/null || break
    done
    cat "$service_dir/service.log" >&2
    die "the service did not start"
}

bench_box() {
    local rounds=400 cold=60 seconds=3
    [ $quick = yes ] && rounds=100 cold=15 seconds=1
    # not below /tmp if it can be helped: every full box has one of its own, and links to
    # what a manifest names below the host's; nor below /var, which no box holds
    local where=/tmp
    [ -w /srv ] && where=/srv
    box_dir=$(mktemp -d "${TMPDIR:-$where}/tipstaff-bench-box.XXXXXX")
    chmod 0755 "$box_dir"
    mkdir -m 0755 "$box_dir/space"
    echo note >"$box_dir/space/note.txt"
    cp "$box_build"/bench/{nop,stamp,daemons,bench_launcher} "$service_bin/tipstaff-canary" "$box_dir"
    chmod 0755 "$box_dir"/{nop,stamp,daemons,bench_launcher,tipstaff-canary}
    # other sandboxes hide more than /tmp
    box_there=$(mktemp -d /tmp/tipstaff-bench-peers.XXXXXX)
    chmod 0755 "$box_there"
    cp "$box_dir/nop" "$box_there"
    box_service
    box_srt
    box_peers | box_works >"$box_dir/peers"
    say "boxes: $rounds rounds, $cold cold ones, $seconds s each of sustained launches"
    "$box_build/bench/bench_box" --dir "$box_dir" --launcher "$box_dir/bench_launcher" --peers "$box_dir/peers" \
        --rounds "$rounds" --cold "$cold" --seconds "$seconds" \
        --gate "$service_socket" --chain "$box_chain" --key "$service_dir/keys/coder.seed" \
        --uid "$service_agent_uid" --gid "$service_agent_gid" >"$box_dir/box.json" 2>"$box_dir/log" || {
        tail -5 "$box_dir/log" >&2
        die "the measurement of boxes failed"
    }
    grep -E "SKIPPED|asked for|canary_" "$box_dir/log" >&2 || true
    service_stop
    /usr/bin/python3 "$box_here/table.py" "$box_dir" ${json:+"$json"}
    rm -rf "$box_dir" "$box_there"
}
