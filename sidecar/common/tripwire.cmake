# Launcher and broker make tripwires, gate and broker look for them.
ts_library(sidecar_tripwire DIR sidecar/common
    SOURCES tripwire/tripwire.c tripwire/hash.c tripwire/make.c tripwire/ways.c
    LINK proto_msg PkgConfig::SODIUM)
