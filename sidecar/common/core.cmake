# control, bundle, clock, log, confine: what every process of ours links.
ts_library(sidecar_core DIR sidecar/common
    SOURCES control.c control_fd.c control_hear.c control_hook.c program_file.c reap.c bundle.c bundle_name.c bundle_write.c
            bundle_collect.c clock.c log.c confine.c confine_filter.c
            confine_landlock.c
    LINK proto_msg
    PRIVATE_LINK PkgConfig::SECCOMP)
