#ifndef PROTO_WIRE_MP_WRITE_H
#define PROTO_WIRE_MP_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * Writes strict msgpack (shortest forms) into memory of the caller, with a
 * sticky error like the reader: write all, check once with mp_written().
 */
struct mp_writer {
    uint8_t *buf; /* borrowed */
    size_t cap;
    size_t len;
    ts_err error;
};

void mp_writer_init(struct mp_writer *w, void *buf, size_t cap);

void mp_write_uint(struct mp_writer *w, uint64_t v);
void mp_write_int(struct mp_writer *w, int64_t v);
void mp_write_bool(struct mp_writer *w, bool v);
void mp_write_nil(struct mp_writer *w);
/* 64 bits; one that is not finite is TS_E_INVALID, as nobody would read it. */
void mp_write_float(struct mp_writer *w, double v);
void mp_write_str(struct mp_writer *w, const char *s, size_t len);
void mp_write_cstr(struct mp_writer *w, const char *s);
void mp_write_bin(struct mp_writer *w, const void *p, size_t len);
void mp_write_array(struct mp_writer *w, uint32_t count);
void mp_write_map(struct mp_writer *w, uint32_t count);
/* One already encoded value, copied as it is. */
void mp_write_raw(struct mp_writer *w, const void *p, size_t len);

/* TS_E_LIMIT when cap was too small; then nothing in buf may be used. */
TS_NODISCARD ts_err mp_written(const struct mp_writer *w, size_t *ret_len);

#endif
