# The real service with tools made for the shim's tests; sourced.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

# The shim as a direct child, so that $! is its pid: shim_bg CHAIN ARGUMENT...
shim_bg() {
    local chain=$1 run=()
    shift
    [ "$(id -u)" -ne 0 ] || run=(setpriv --reuid "$service_agent_uid"
        --regid "$service_agent_gid" --clear-groups --inh-caps=-all)
    TIPSTAFF_SOCKET=$service_socket TIPSTAFF_DELEGATION=$chain \
        TIPSTAFF_KEY=$service_dir/keys/coder.seed \
        TIPSTAFF_SIDECAR_KEY=$service_dir/etc/keys/sidecar.pub \
        exec "${run[@]}" "$service_bin/tipstaff-shim" "$@"
}

# exits CODE WHAT ARGUMENT... : the shim under $chain; out and err keep its words
exits() {
    local want=$1 what=$2 got=0
    shift 2
    shim "$chain" "$@" >"$service_dir/out" 2>"$service_dir/err" <"${input:-/dev/null}" || got=$?
    [ "$got" -eq "$want" ] || {
        cat "$service_dir/err" >&2
        die "failed: $what: exit $got, not $want"
    }
    printf 'ok   %s\n' "$what"
}
err_has() { grep -qE -- "$1" "$service_dir/err"; }
processes() { pgrep -fc "$1" || true; }
runs() { [ "$(processes "$1")" -gt 0 ]; }
gone() { [ "$(processes "$1")" -eq 0 ]; }
ended() { # ended N : that many tools have a record of their end
    [ "$(log_lines | grep -c '"kind":"exec_ended"')" -ge "$1" ]
}

tool() { # tool NAME EXEC ARGV [LINE...]
    local name=$1 exec=$2 argv=$3
    shift 3
    service_tool "$name" "$(printf 'tool: %s\ndescription: Made for a test\nexec: %s\nargv: %s\n' \
        "$name" "$exec" "$argv"; printf '%s\n' "$@")"
}

real_setup() {
    service_setup "$1"
    marker=$((100000 + $$))
    service_args 'code?: Long,'
    tool x.exit /bin/sh '["sh", "-c", "exit $1", "sh", "{code}"]' \
        'args: {code: {type: int, required: true}}'
    tool x.signal /bin/sh '["sh", "-c", "kill -SEGV $$"]'
    tool x.two /bin/sh '["sh", "-c", "echo to stdout; echo to stderr >&2"]'
    tool x.cat /bin/cat '["cat"]' 'stdin: true' 'limits: {output_bytes: 33554432}'
    tool x.big /usr/bin/seq '["seq", "3000000"]' 'limits: {output_bytes: 4194304, on_output_limit: truncate}'
    tool x.flood /usr/bin/seq '["seq", "3000000"]' 'limits: {on_output_limit: kill}'
    tool x.long /bin/sleep "[\"sleep\", \"$marker\"]" 'limits: {wall_ms: 600000}'
    tool x.approve /bin/true '["true"]'
    tool x.denied /bin/true '["true"]'
    mkdir -p "$service_workspace/side"
    tool x.once /bin/sh '["sh", "-c", "echo ran >>ran; until [ -e go ]; do sleep 0.02; done; exit 7"]' \
        'exec_paths: [/bin/sleep]' "cwd: $service_workspace/side" \
        "write_paths: [$service_workspace/side]" 'limits: {wall_ms: 600000}'
    service_own
    service_policy x 'permit (principal, action, resource) unless { action == Action::"x.denied" };'
    mkdir -p "$service_dir/etc/tenants/acme/policies/approval"
    printf '@id("a-person")\n@approval("operators")\n%s\n' \
        'forbid (principal, action == Action::"x.approve", resource) unless { context.approvals.contains("a-person") };' \
        >"$service_dir/etc/tenants/acme/policies/approval/zz-approve.cedar"
    service_start
    chain=$service_dir/a.chain
    service_delegate "$chain" 'permit (principal, action, resource);'
}
