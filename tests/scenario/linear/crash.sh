#!/usr/bin/env bash
# kill -9 of the whole service right after it acknowledged a revocation, and in
# the middle of a budget: both stand after the restart. crash.sh [--rounds N]
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
linear_setup crash
service_uids
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/crash.py" "$service_dir" "$service_bin" \
    --uid "$service_agent_uid" --gid "$service_agent_gid" "$@" || { tail -20 "$service_dir/service.log" >&2; die "the rounds failed"; }
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
