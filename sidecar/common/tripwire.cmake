# Launcher and broker make tripwires, gate and broker look for them.
ts_library(sidecar_tripwire DIR sidecar/common
    SOURCES tripwire.c tripwire_hash.c tripwire_make.c tripwire_ways.c
    LINK proto_msg PkgConfig::SODIUM)
