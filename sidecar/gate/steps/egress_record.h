#ifndef SIDECAR_GATE_STEPS_EGRESS_RECORD_H
#define SIDECAR_GATE_STEPS_EGRESS_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/egress.h"

/* The records of connections (proto/msg/record.h): egress_opened,
 * egress_closed, egress_denied. Pure. */
struct egress_who { /* whose call it is; borrowed */
    struct ts_str tenant, user, agent, tool;
};

/* Bytes that any of them fits into. */
#define EGRESS_RECORD_MAX 4096

TS_NODISCARD ts_err egress_record_opened(const struct egress_who *who,
                                         const struct egress_opened *m,
                                         uint8_t *buf, size_t cap,
                                         size_t *ret_len);
/* host, port: as they were when it was opened. */
TS_NODISCARD ts_err egress_record_closed(const struct egress_who *who,
                                         const struct egress_closed *m,
                                         struct ts_str host, uint16_t port,
                                         uint8_t *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err egress_record_denied(const struct egress_who *who,
                                         const struct egress_denied *m,
                                         uint8_t *buf, size_t cap,
                                         size_t *ret_len);

#endif
