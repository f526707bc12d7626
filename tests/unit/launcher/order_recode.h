#ifndef TESTS_UNIT_LAUNCHER_ORDER_RECODE_H
#define TESTS_UNIT_LAUNCHER_ORDER_RECODE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/msg/order.h"

/* Every body between gate, recorder and launcher, by one name. */
#define ORDER_BODY_COUNT 11

/* A body with every field set, as its encoder writes it; 0 on failure. */
size_t order_sample(size_t body, uint8_t *buf, size_t cap);
const char *order_body_name(size_t body);
/* Decodes and encodes again. TS_OK: *ret_len bytes are in out. */
ts_err order_recode(size_t body, const uint8_t *p, size_t len, uint8_t *out,
                    size_t cap, size_t *ret_len, const char **reterr_what);

#endif
