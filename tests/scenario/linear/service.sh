# A service with the tools of the revocation tests; sourced. Clients come often.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

linear_setup() { # linear_setup NAME
    service_setup "$1"
    service_args 'marker?: Long,'
    service_tool lin-true "tool: lin.true
description: Ends at once with success
exec: /bin/true
argv: [\"true\"]
"
    service_tool lin-run "tool: lin.run
description: Runs until it is killed
exec: /bin/sleep
argv: [\"sleep\", \"{marker}\"]
args: {marker: {type: int, required: true, description: seconds}}
limits: {wall_ms: 600000}
"
    service_tool lin-fork "tool: lin.fork
description: Runs until it is killed, with a grandchild in a session of its own
exec: /bin/sh
argv: [\"sh\", \"-c\", \"(setsid -f sh -c 'sleep \$0 & wait' \$1 &) ; sleep \$1\", \"sh\", \"{marker}\"]
args: {marker: {type: int, required: true, description: seconds}}
exec_paths: [/bin/sleep, /usr/bin/setsid, /bin/sh]
limits: {wall_ms: 600000, processes: 64}
"
    service_tool lin-ask "tool: lin.ask
description: Needs a person
exec: /bin/true
argv: [\"true\"]
"
    service_policy lin 'permit (principal, action in [Action::"lin.true", Action::"lin.run", Action::"lin.fork", Action::"lin.ask"], resource);'
    printf '@id("a-person")\n@approval("operators")\n%s\n' \
        'forbid (principal, action == Action::"lin.ask", resource) unless { context.approvals.contains("a-person") };' \
        >"$service_dir/etc/tenants/acme/policies/approval/zz-lin.cedar"
    printf 'approval_ttl_s: 10\n' >>"$service_dir/etc/tenants/acme/tenant.yaml"
    printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$service_dir/etc/tipstaff.yaml"
}
