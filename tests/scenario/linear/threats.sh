#!/usr/bin/env bash
# Threats of docs/THREATS.md that need the whole service, by their numbers.
. "$(dirname "${BASH_SOURCE[0]}")/service.sh"
linear_setup threats
etc=$service_dir/etc

# reader gets a key, so that it can hand on to coder, who may more than it.
"$service_bin/tipstaff" key new "$etc/keys/agents/reader" >/dev/null
sed -i "s/^  - id: reader.*/&\n    keys: [$(cat "$etc/keys/agents/reader.pub")]\n    uids: [$service_agent_uid]/" "$etc/directory/acme.yaml"
service_directory
printf '@id("with-breakglass")\n@breakglass\n%s\n' \
    'forbid (principal is Agent, action == Action::"lin.true", resource) when { context.task == "sealed" };' \
    >"$etc/tenants/acme/policies/hard/zz-breakglass.cedar"
service_start
/usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/threats.py" "$service_dir" \
    --uid "$service_agent_uid" --gid "$service_agent_gid" || die "a threat is open"
service_stop

# T33: a word that is nearly right is no weaker setting, it is no setting.
weaker() { # weaker NAME FILE SED
    cp "$etc/$2" "$service_dir/kept"
    sed -i "$3" "$etc/$2"
    ! cmp -s "$etc/$2" "$service_dir/kept" || die "$1: nothing was changed"
    local got=0
    "$service_bin/tipstaffd" --config "$etc" --check >"$service_dir/out" 2>&1 || got=$?
    cp "$service_dir/kept" "$etc/$2"
    [ $got = 78 ] && grep -q "$2:[0-9]" "$service_dir/out" || { cat "$service_dir/out" >&2; return 1; }
}
check T33_freshness_in_another_case weaker a tenants/acme/tenant.yaml 's/^freshness: snapshot/freshness: Snapshot/'
check T33_a_tenants_setting_that_is_misspelt weaker b tenants/acme/tenant.yaml 's/^max_ttl_s/max_ttl/'
check T33_durability_in_another_case weaker c tipstaff.yaml 's/^durability: sync/durability: Sync/'
check T33_a_setting_that_is_misspelt weaker d tipstaff.yaml 's/^allow_root_agents/allow_root_agent/'
check T33_a_role_that_is_misspelt weaker e tenants/acme/trust.yaml 's/^revokers:/revoker:/'
check T33_a_limit_of_a_tool_that_is_misspelt weaker f tools/demo.sleep.yaml 's/wall_ms/wall/'
check T33_the_configuration_is_good_without "$service_bin/tipstaffd" --config "$etc" --check
