#ifndef TESTS_UNIT_EGRESS_EGRESS_RECODE_H
#define TESTS_UNIT_EGRESS_EGRESS_RECODE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/msg/egress.h"

/* Every body that the broker says or hears, by one name. */
#define EGRESS_BODY_COUNT 8

/* A body with every field set, as its encoder writes it; 0 on failure. */
size_t egress_sample(size_t body, uint8_t *buf, size_t cap);
const char *egress_body_name(size_t body);
/* Decodes and encodes again. TS_OK: *ret_len bytes are in out. */
ts_err egress_recode(size_t body, const uint8_t *p, size_t len, uint8_t *out,
                     size_t cap, size_t *ret_len, const char **reterr_what);

#endif
