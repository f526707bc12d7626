#ifndef PROTO_WIRE_MP_PRIV_H
#define PROTO_WIRE_MP_PRIV_H

#include "proto/wire/mp_read.h"

/* Shared by mp_read.c and mp_scan.c only. */

/* enum mp_type by first byte; MP_NONE for ext and c1. */
extern const uint8_t mp_first_byte[256];

/* mp_peek() without a call. After an error the reader is at its end. */
static inline enum mp_type mp_type_here(const struct mp_reader *r)
{
    return r->at != r->end ? (enum mp_type)mp_first_byte[*r->at] : MP_NONE;
}

/* Reads the tag and length of the next value of a sized type (str, bin, array,
 * map) in shortest form. The length is not yet compared with what is left. */
uint32_t mp_head(struct mp_reader *r, enum mp_type type);

/* Reads one whole value, fully checked, moving r past it. */
void mp_scan_value(struct mp_reader *r);

#endif
