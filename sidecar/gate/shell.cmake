# The socket half of the gate. Pure state machines first, without libuv; then
# the shell, which turns callbacks into their events and decides nothing.
ts_library(gate_shell_core DIR sidecar/gate
    SOURCES conn.c call.c callids.c peers.c budget_journal.c records.c
            clock_guard.c mark_journal.c revoke_rate.c
    LINK proto_msg proto_trust sidecar_revocation PkgConfig::SODIUM)
ts_library(gate_shell DIR sidecar/gate
    SOURCES gate_uv.c conn_uv.c session.c calls.c call_key.c tools.c
            order_out.c running.c running_pipes.c hop_in.c listen.c peer_recv.c
            revoke.c revoke_signed.c journal_in.c feed.c feed_in.c admin_uv.c
            admin_status.c control_uv.c
    LINK gate_shell_core gate_core sidecar_core sidecar_ring sidecar_manifest
         PkgConfig::UV PkgConfig::SODIUM)
ts_program(tipstaff-gate SOURCES main.c LINK gate_shell)
