#!/usr/bin/env bash
# Puts the agents, at the versions that package-lock.json pins by digest, where agents.sh finds
# them. TIPSTAFF_AGENTS names a node_modules that has them already.
# Run, it is the test that agents.sh waits for, with a time of its own: SKIPPED, and why, where
# they cannot be had. Sourced, it only says where they are.
# shellcheck shell=bash
agents_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
agents_modules=${TIPSTAFF_AGENTS:-$agents_here/node_modules}
agent_claude=$agents_modules/@anthropic-ai/claude-code-linux-x64/claude
agent_codex=$agents_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex

# Both or neither: what is there was whole before it got its name.
agents_are_there() { [ -x "$agent_claude" ] && [ -x "$agent_codex" ]; }

# agents_fetch : the programs are native; no script of a package is run, and no node is needed.
# Without a network it gives up within seconds, not minutes. What no test runs is not kept,
# and what is kept goes to the disk now, or the service's recorder waits for it later.
agents_fetch() (
    modules=$agents_here/node_modules
    mkdir -p "$modules"
    find "$modules" -maxdepth 1 -name '.new.*' -mmin +60 -exec rm -rf {} + # of one that was killed
    dir=$(mktemp -d "$modules/.new.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    trap 'exit 130' INT TERM
    cp "$agents_here"/package.json "$agents_here"/package-lock.json "$agents_here"/.npmrc "$dir/" || exit 1
    cd "$dir" || exit 1
    timeout 400 npm ci --ignore-scripts --prefer-offline --fetch-retries=1 --fetch-retry-mintimeout=500 \
        --fetch-timeout=60000 >log 2>&1 || {
        grep -m1 -E 'npm (error|ERR!)' log
        exit 1
    }
    codex=node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl
    rm -rf "$codex/codex-resources/voice" "$codex/bin/codex-code-mode-host"
    sync -f . || exit 1
    rm -rf "$modules/@anthropic-ai" "$modules/@openai" && mv node_modules/@* "$modules/"
)

# agents_why : nothing, or why they are not there
agents_why() {
    local said
    if [ "$(uname -m)" != x86_64 ]; then
        echo "the agents are pinned for x86_64"
    elif agents_are_there; then
        return 0
    elif [ -n "${TIPSTAFF_AGENTS:-}" ]; then
        echo "$TIPSTAFF_AGENTS has no agents"
    elif ! command -v npm >/dev/null; then
        echo "npm is absent"
    elif ! said=$(agents_fetch); then
        echo "npm could not fetch the agents${said:+: $said}"
    elif ! agents_are_there; then
        echo "the packages have no programs where they were"
    fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    why=$(agents_why)
    if [ -n "$why" ]; then
        echo "SKIPPED: $why"
        exit 0
    fi
    du -shL "$agent_claude" "$agent_codex"
fi
