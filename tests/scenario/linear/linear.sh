#!/usr/bin/env bash
# Revocation is linearizable: after ACK nothing starts on what it covers, after
# COMPLETE nothing of it runs. linear.sh [--rounds N] [--seed S] [--figures]
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
linear_setup linear
service_start
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/linear.py" "$service_dir" \
    --uid "$service_agent_uid" --gid "$service_agent_gid" "$@" || die "the rounds failed"
service_stop
check "the log verifies" "$service_bin/tipstaff" log verify "$service_log"
