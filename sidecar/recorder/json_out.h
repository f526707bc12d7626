#ifndef SIDECAR_RECORDER_JSON_OUT_H
#define SIDECAR_RECORDER_JSON_OUT_H

#include <stdint.h>

#include "proto/base/ts_json.h"

/*
 * One msgpack value of any type as JSON, bin as hex; a map key and its colon.
 * The bytes have been accepted by mp_read.h and have not changed since: they
 * are not checked a second time, beyond what keeps reads in [p, end). Return
 * what follows, or NULL with "full" set: not so, or a key with a zero byte.
 * depth: how many arrays and maps are already open.
 */
const uint8_t *json_value(struct ts_json *o, const uint8_t *p,
                          const uint8_t *end, unsigned depth);
const uint8_t *json_key(struct ts_json *o, const uint8_t *p,
                        const uint8_t *end);

#endif
