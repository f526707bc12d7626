# What the journal keeps of a revocation: the gate writes and replays it, the
# recorder and the CLI read it.
ts_library(sidecar_revocation DIR sidecar/common
    SOURCES revocation_entry.c
    LINK proto_trust)
