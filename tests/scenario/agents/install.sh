# Sourced: puts the agents, at the versions that package-lock.json pins by digest, where
# agents.sh finds them. TIPSTAFF_AGENTS names a node_modules that has them already.
# shellcheck shell=bash
agents_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
agents_modules=${TIPSTAFF_AGENTS:-$agents_here/node_modules}
agent_claude=$agents_modules/@anthropic-ai/claude-code-linux-x64/claude
agent_codex=$agents_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex

# agents_install : false, with a reason in $agents_why (who sources this says it), where they cannot be had
agents_install() {
    local missing
    if [ "$(uname -m)" != x86_64 ]; then
        agents_why="the agents are pinned for x86_64"
        return 1
    fi
    if [ ! -x "$agent_claude" ] || [ ! -x "$agent_codex" ]; then
        if ! command -v npm >/dev/null; then
            agents_why="npm is absent"
            return 1
        fi
        # The programs are native: no script of a package is run, and no node is needed.
        # What was written goes to the disk now, or the recorder waits for it later.
        (cd "$agents_here" && npm ci --ignore-scripts --no-audit --no-fund && sync -f .) >/dev/null 2>&1 || {
            agents_why="npm could not fetch the agents"
            return 1
        }
    fi
    for missing in "$agent_claude" "$agent_codex"; do
        [ -x "$missing" ] || {
            agents_why="${missing##*/} is not in $agents_modules"
            return 1
        }
    done
}
