#!/usr/bin/env bash
# Processes killed at random while clients call and an operator revokes.
# chaos.sh [--seconds N] [--seed S]; the whole of it is 180 seconds.
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
linear_setup chaos
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/chaos.py" "$service_dir" "$service_bin" \
    --uid "$service_agent_uid" --gid "$service_agent_gid" "$@" || { tail -20 "$service_dir/service.log" >&2; die "the service broke a promise"; }
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
