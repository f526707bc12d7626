# Text that names DNS servers: the supervisor reads it, the broker uses it.
ts_library(sidecar_dns DIR sidecar/common SOURCES dns_text.c LINK proto_base)
