# The deciding half of the gate: pure code, no sockets, no libuv.
ts_library(gate_core DIR sidecar/gate
    SOURCES authority.c chain_cache.c combine.c context.c decide.c decide_record.c
            decide_text.c directory.c directory_yaml.c meters.c obo_token.c
            outcome_record.c replay.c request.c snapshot.c snapshot_feed.c
            snapshot_load.c snapshot_people.c snapshot_policies.c
            snapshot_rules.c snapshot_trust.c tenant_state.c tenant_yaml.c
            yaml_doc.c
    LINK policy proto_trust proto_token proto_msg sidecar_core sidecar_manifest
    PRIVATE_LINK PkgConfig::SODIUM)
