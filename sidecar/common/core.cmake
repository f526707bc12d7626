# control, bundle, clock, log, confine: what every process of ours links.
ts_library(sidecar_core DIR sidecar/common
    SOURCES control/control.c control/fd.c control/hear.c control/hook.c program_file.c reap.c bundle/bundle.c bundle/name.c bundle/write.c
            bundle/collect.c clock.c log.c confine/confine.c confine/filter.c
            confine/landlock.c
    LINK proto_msg
    PRIVATE_LINK PkgConfig::SECCOMP)
