ts_library(sidecar_ring DIR sidecar/common SOURCES ring/ring.c ring/create.c LINK proto_wire)
