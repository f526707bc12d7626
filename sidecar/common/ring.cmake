ts_library(sidecar_ring DIR sidecar/common SOURCES ring.c LINK proto_wire)
