#!/usr/bin/env bash
# One agent and its scripted model, in a network of their own that is loopback alone.
#     unshare -n inside.sh claude|codex PROGRAM DIR
# DIR has plan.json, and becomes the home of the agent, who is whoever runs this; it gets
# log (what the model was told), out and err (of the agent).
set -eu
agent=$1 program=$2 dir=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$dir"
case $agent in
claude) api=anthropic ;;
codex) api=openai ;;
esac
/usr/bin/python3 -B "$here/model.py" $api plan.json log port &
model=$!
trap 'kill $model 2>/dev/null || true' EXIT
until [ -s port ]; do
    kill -0 $model
    sleep 0.05
done
port=$(cat port)
case $agent in
claude)
    ANTHROPIC_BASE_URL=http://127.0.0.1:$port ANTHROPIC_API_KEY=x \
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 CLAUDE_CODE_DISABLE_BACKGROUND_TASKS=1 \
        DISABLE_AUTOUPDATER=1 HOME=$dir \
        "$program" -p "do it" --tools Bash --allowedTools Bash --strict-mcp-config \
        --output-format stream-json --verbose </dev/null >out 2>err
    ;;
codex)
    mkdir -p .codex
    cat >.codex/config.toml <<END
model = "scripted"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:$port/v1"
wire_api = "responses"
env_key = "OPENAI_API_KEY"
END
    OPENAI_API_KEY=x HOME=$dir CODEX_HOME=$dir/.codex \
        "$program" exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox \
        --json "do it" </dev/null >out 2>err
    ;;
esac
