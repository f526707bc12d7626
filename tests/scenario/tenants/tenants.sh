#!/usr/bin/env bash
# Two tenants in which everything has the same name, under load at once: nothing
# of one reaches the other. tenants.sh [--calls N] [--seed S]
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
tipstaff=$service_bin/tipstaff
service_setup tenants
etc=$service_dir/etc

# A twin of acme: same users, agents, issuer and tools by name, other keys.
twin() {
    local k
    mkdir -p "$etc/keys-beta/agents"
    for k in issuer directory revoker agents/coder; do "$tipstaff" key new "$etc/keys-beta/$k" >/dev/null; done
    cp -r "$etc/tenants/acme" "$etc/tenants/beta"
    rm -f "$etc/tenants/beta/directory.snapshot"
    sed -i 's/^tenant: acme/tenant: beta/' "$etc/tenants/beta/tenant.yaml"
    cp "$etc/directory/acme.yaml" "$etc/directory/beta.yaml"
    for k in issuer directory revoker agents/coder; do
        sed -i "s/$(cat "$etc/keys/$k.pub")/$(cat "$etc/keys-beta/$k.pub")/" \
            "$etc/tenants/beta/trust.yaml" "$etc/directory/beta.yaml"
    done
    service_tenant=beta service_directory --key "$etc/keys-beta/directory.seed"
}
rule() { # rule TENANT CEDAR
    rules=$((${rules:-0} + 1))
    printf '@id("rule-%s")\n%s\n' "$rules" "$2" >"$etc/tenants/$1/policies/hard/zz-$rules.cedar"
}

tools=(both acme beta meter taint ask)
for t in "${tools[@]}"; do
    service_tool "ten-$t" "tool: ten.$t
description: Ends at once with success
exec: /bin/echo
argv: [\"echo\", \"{n}\"]
args: {n: {type: int, required: true, description: a number}}
"
done
service_args 'n?: Long,'
twin
all='[Action::"ten.both", Action::"ten.meter", Action::"ten.taint", Action::"ten.ask"'
rule acme "permit (principal, action in $all, Action::\"ten.acme\"], resource);"
rule beta "permit (principal, action in $all, Action::\"ten.beta\"], resource);"
# 40 a minute in beta, no limit in acme; acme trusts the web; beta asks a person.
rule beta 'forbid (principal is Agent, action == Action::"ten.meter", resource) when { context.rate.agent_tool_1m >= 40 };'
for t in acme beta; do
    rule $t 'forbid (principal is Agent, action == Action::"ten.taint", resource) when { context.provenance.tainted };'
done
sed -i 's/^trusted_provenance:.*/trusted_provenance: [user, web]/' "$etc/tenants/acme/tenant.yaml"
printf '@id("a-person")\n@approval("operators")\n%s\n' \
    'forbid (principal, action == Action::"ten.ask", resource) unless { context.approvals.contains("a-person") };' \
    >"$etc/tenants/beta/policies/approval/zz.cedar"
printf 'handshake: {rate: 1000, burst: 100000}\n' >>"$etc/tipstaff.yaml"
service_start
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/tenants.py" "$service_dir" \
    --uid "$service_agent_uid" --gid "$service_agent_gid" "$@" || die "the tenants are not apart"

# T34: the log of a tenant is that tenant's.
of() { "$tipstaff" tail -o json -n 1000000 --tenant "$1" --socket "$service_log_socket"; }
for t in acme beta; do
    of $t >"$service_dir/tail.$t"
    check "T34_tail_of_${t}_shows_it" test -s "$service_dir/tail.$t"
    same "T34_tail_of_${t}_shows_no_other" 0 "$(jq -c "select(.tenant != \"$t\")" "$service_dir/tail.$t" | wc -l)"
    same "T34_tail_of_${t}_is_whole" "$(log_lines | jq -c "select(.tenant == \"$t\")" | wc -l)" "$(wc -l <"$service_dir/tail.$t")"
done
service_stop
check "the log verifies" "$tipstaff" log verify "$service_log"
