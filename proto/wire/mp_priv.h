#ifndef PROTO_WIRE_MP_PRIV_H
#define PROTO_WIRE_MP_PRIV_H

#include "proto/wire/mp_read.h"

/* Shared by mp_read.c and mp_scan.c only. */

/* Reads the tag and length of the next value of a sized type (str, bin, array,
 * map) in shortest form. The length is not yet compared with what is left. */
uint32_t mp_head(struct mp_reader *r, enum mp_type type);

/* Reads one whole value, fully checked, moving r past it. */
void mp_scan_value(struct mp_reader *r);

#endif
