# A throw-away service under a temporary directory; sourced by script/demo,
# script/bench and the process tests. Everything it starts ends with the shell.
# shellcheck shell=bash

service_bin=${TIPSTAFF_BIN:-$top/build/bin}
service_pids=()

# service_setup NAME : directory, configuration, keys, workspace.
service_setup() {
    service_dir=$(mktemp -d "${TMPDIR:-/tmp}/tipstaff-$1.XXXXXX")
    chmod 0755 "$service_dir"
    trap service_cleanup EXIT
    trap 'exit 130' INT TERM
    if [ "$(id -u)" -eq 0 ]; then # the agent and the tools are not root
        service_agent_uid=10001 service_agent_gid=10001
    else
        service_agent_uid=$(id -u) service_agent_gid=$(id -g)
    fi
    service_workspace=$service_dir/workspace
    mkdir -p "$service_workspace"
    "$service_bin/tipstaff" init "$service_dir/etc" --tenant acme \
        --workspace "$service_workspace" --base "$service_dir/var" \
        --agent-uid "$service_agent_uid" >"$service_dir/init.log"
    service_socket=$service_dir/var/run/agent/agent.sock
    service_admin=$service_dir/var/run/admin/admin.sock
    service_log_socket=$service_dir/var/run/admin/log.sock
    service_log=$service_dir/var/log
    export TIPSTAFF_REVOKER_KEY=$service_dir/etc/keys/revoker.seed # signs what `tipstaff revoke` sends
    mkdir -p "$service_dir/keys"
    cp "$service_dir"/etc/keys/agents/* "$service_dir/keys/"
    printf 'a note\nanother note\n' >"$service_workspace/notes.txt"
    service_own
}

# The workspace is open to the group that tools run in (their users change from
# call to call, docs/SANDBOX.md); keys belong to the agent.
service_own() {
    [ "$(id -u)" -eq 0 ] || return 0
    chown -R "$(service_uid launcher):$(service_uid launcher)" "$service_workspace"
    chmod -R g+rwX "$service_workspace"
    chown -R "$service_agent_uid:$service_agent_gid" "$service_dir/keys"
}
# service_walkable: after service_setup; programs that only root may walk to (a build below
# its home) are copied to where a launcher without any right, and an agent, may.
service_walkable() {
    [ "$(id -u)" -eq 0 ] || return 0
    setpriv --reuid "$service_agent_uid" --regid "$service_agent_gid" --clear-groups \
        --inh-caps=-all test -x "$service_bin/tipstaff-shim" && return 0
    mkdir "$service_dir/bin"
    cp "$service_bin"/*tipstaff* "$service_dir/bin/"
    service_bin=$service_dir/bin
}
service_uid() {
    sed -nE "s/^ +$1: *\"?([0-9]+)\"?.*/\1/p" "$service_dir/etc/tipstaff.yaml" | head -1
}

# service_tool NAME YAML: a tool whose resource is itself, declared in the schema;
# service_args "name?: Type,": arguments that it may take;
# service_policy NAME CEDAR (appended to hard/)
service_tool() {
    printf '%s\n' "$2" >"$service_dir/etc/tools/$1.yaml"
    printf 'action "%s" appliesTo { principal: [User, Agent], resource: Tool, context: Call };\n' \
        "$(sed -n 's/^tool: //p' <<<"$2")" >>"$service_dir/etc/tenants/acme/schema.cedarschema"
}
service_args() {
    local sources
    sources=$(sed -E 's/: [A-Za-z<>]+,/: Sources,/g' <<<"$1")
    sed -i "s/^    args: {/&\n        $1/; s/^type ArgSources = {/&\n    $sources/" \
        "$service_dir/etc/tenants/acme/schema.cedarschema"
}
service_policy() {
    printf '@id("%s")\n%s\n' "$1" "$2" \
        >"$service_dir/etc/tenants/acme/policies/hard/zz-$1.cedar"
}

# service_directory [OPTION...]: the edited source $service_dir/etc/directory/NAME.yaml is
# signed and put in force; NAME is $service_tenant (acme). Without a running service it is
# only installed.
service_directory() {
    local tenant=${service_tenant:-acme}
    case " $* " in
    *" --no-push "*) ;;
    *) [ -S "$service_admin" ] || set -- --no-push "$@" ;;
    esac
    "$service_bin/tipstaff" directory apply "$service_dir/etc/directory/$tenant.yaml" \
        --config "$service_dir/etc" --tenant "$tenant" "$@" >"$service_dir/directory.log"
}

# Two services on one host may not have the same uids for their tools, and tests run
# side by side: each shell has its own, where there are so many.
service_uids() {
    local yaml=$service_dir/etc/tipstaff.yaml first
    if [ "$(id -u)" -ne 0 ] || grep -q 'uids: *[0-9]' "$yaml" ||
        [ "$(awk '{n += $3} END {print n}' /proc/self/uid_map)" -lt 2147483647 ]; then
        return 0
    fi
    first=$((1000000 + $$ % 1000000 * 1000))
    if grep -q '^sandbox: *{' "$yaml"; then
        sed -i "s/^sandbox: *{/&uids: $first-$((first + 605)), /" "$yaml"
    elif ! grep -q '^sandbox:' "$yaml"; then
        printf 'sandbox: {uids: %d-%d}\n' "$first" "$((first + 605))" >>"$yaml"
    fi
}
service_start() {
    service_uids
    "$service_bin/tipstaffd" --config "$service_dir/etc" >"$service_dir/service.log" 2>&1 &
    service_main=$!
    service_pids+=("$service_main")
    local i
    for i in $(seq 400); do
        "$service_bin/tipstaff" status --socket "$service_admin" >/dev/null 2>&1 && return 0
        kill -0 "$service_main" 2>/dev/null || break
        sleep 0.05
    done
    cat "$service_dir/service.log" >&2
    die "the service did not start"
}
service_stop() {
    kill -TERM "$service_main" 2>/dev/null || true
    wait "$service_main" 2>/dev/null || true
}
service_also_stop() { service_pids+=("$1"); }

# The pid of one process of the set, by its (15 character) name.
service_pid() { pgrep -P "$service_main" -x "$1" | head -1; }

# service_delegate CHAIN_FILE POLICY [OPTION...] : root block for agent coder, from
# $service_user (alice)
service_delegate() {
    local out=$1 policy=$2
    shift 2
    printf '%s\n' "$policy" | "$service_bin/tipstaff" delegate \
        --issuer-key "$service_dir/etc/keys/issuer.seed" --tenant acme --issuer acme-issuer \
        --user "${service_user:-alice}" --agent coder --holder "$service_dir/keys/coder.pub" \
        --aud sidecar/local --task demo --ttl 3600 --depth 2 --policy - -o "$out" "$@" \
        >"$service_dir/delegate.log"
    [ "$(id -u)" -ne 0 ] || chown "$service_agent_uid:$service_agent_gid" "$out"
}

# as_agent COMMAND... : as the agent's user, with nothing of ours but a PATH
as_agent() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid "$service_agent_uid" --regid "$service_agent_gid" --clear-groups \
            --inh-caps=-all "$@"
    else
        "$@"
    fi
}
# shim CHAIN ARGUMENT... ; key and socket of the demo
shim() {
    local chain=$1
    shift
    TIPSTAFF_SOCKET=$service_socket TIPSTAFF_DELEGATION=$chain \
        TIPSTAFF_KEY=${service_key:-$service_dir/keys/coder.seed} \
        TIPSTAFF_SIDECAR_KEY=$service_dir/etc/keys/sidecar.pub \
        as_agent "$service_bin/tipstaff-shim" "$@"
}

service_cleanup() {
    local status=$? p
    trap - EXIT
    for p in "${service_pids[@]}"; do kill -TERM "$p" 2>/dev/null || true; done
    for p in "${service_pids[@]}"; do
        for _ in $(seq 100); do
            kill -0 "$p" 2>/dev/null || break
            sleep 0.05
        done
        kill -KILL "$p" 2>/dev/null || true
        wait "$p" 2>/dev/null || true
    done
    if [ "$status" -ne 0 ] && [ -n "${TIPSTAFF_KEEP:-}" ]; then
        echo "kept: $service_dir" >&2
    else
        rm -rf "$service_dir"
    fi
    exit "$status"
}
