ts_library(sidecar_ring DIR sidecar/common SOURCES ring.c ring_create.c LINK proto_wire)
