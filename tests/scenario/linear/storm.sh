#!/usr/bin/env bash
# Revocation against tools that fight for their lives. storm.sh [--rounds N]
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
linear_setup storm
cp "$service_bin/../tests/sandbox_storm" "$service_dir/storm"
service_args 'trick?: String,'
service_tool lin-storm "tool: lin.storm
description: Does not want to die
exec: $service_dir/storm
argv: [\"storm\", \"{trick}\", \"stay\", \"{marker}\"]
args: {trick: {type: string, required: true, description: which}, marker: {type: int, required: true, description: a name}}
limits: {wall_ms: 600000, processes: 32}
"
service_policy storm 'permit (principal, action == Action::"lin.storm", resource);'
service_start
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/storm.py" "$service_dir" \
    --uid "$service_agent_uid" --gid "$service_agent_gid" "$@" || { tail -20 "$service_dir/service.log" >&2; die "a tool got away"; }
! grep process_died "$service_dir/service.log" || die "a process of the service died"
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
