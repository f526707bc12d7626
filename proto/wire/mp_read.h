#ifndef PROTO_WIRE_MP_READ_H
#define PROTO_WIRE_MP_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * A strict msgpack cursor over bytes that a stranger sent. It allocates
 * nothing, never looks past the end, and has a sticky error: after the first
 * failure every read returns a zero value and mp_done() tells the error, so a
 * decoder reads all its fields and checks once.
 *
 * Stricter than the msgpack specification, so that one value has exactly one
 * encoding: shortest form everywhere (integers, str, bin, array and map
 * headers), str must be UTF-8, map keys are str and unique (whatever their
 * order), no ext types. Declared counts may not exceed the bytes left (an
 * element takes at least one byte, a map entry two), which stops the 5-byte
 * bomb of msgpack-c #1013. Nesting is limited to TS_MP_DEPTH_MAX.
 *
 * Borrows: every str, bin and raw slice points into the input buffer.
 */
struct mp_reader {
    const uint8_t *at;
    const uint8_t *end;
    ts_err error;     /* sticky */
    const char *what; /* what was wrong, static text, NULL while fine */
};

void mp_reader_init(struct mp_reader *r, const void *buf, size_t len);

enum mp_type {
    MP_NONE = 0, /* at the end, or after an error */
    MP_UINT,
    MP_NINT, /* a negative integer */
    MP_STR,
    MP_BIN,
    MP_ARRAY,
    MP_MAP,
    MP_BOOL,
    MP_NIL,
    MP_FLOAT
};

/* The type of the next value, without reading it; MP_NONE also for a type
 * that is never accepted (ext, the unused byte c1). */
enum mp_type mp_peek(const struct mp_reader *r);

/* Each reads one value of that type or sets the error (TS_E_FORMAT for a
 * wrong type or form, TS_E_TRUNCATED, TS_E_LIMIT over the given maximum). */
uint64_t mp_read_uint(struct mp_reader *r, uint64_t max);
int64_t mp_read_int(struct mp_reader *r);
bool mp_read_bool(struct mp_reader *r);
void mp_read_nil(struct mp_reader *r);
double mp_read_float(struct mp_reader *r); /* 64-bit only, finite only */
struct ts_str mp_read_str(struct mp_reader *r, size_t max_len);
struct ts_bytes mp_read_bin(struct mp_reader *r, size_t max_len);
/* A bin of exactly len bytes; copies them to out. */
void mp_read_bin_exact(struct mp_reader *r, uint8_t *out, size_t len);
/* The count of elements (entries for a map). The caller reads them. A map is
 * checked as a whole before its count is returned, so its keys are known to be
 * str and unique whatever the caller does with them. */
uint32_t mp_read_array(struct mp_reader *r, uint32_t max_count);
uint32_t mp_read_map(struct mp_reader *r, uint32_t max_count);
/* An array of exactly count elements. */
void mp_read_tuple(struct mp_reader *r, uint32_t count);

/*
 * Reads one whole value of any type, fully checked (depth, duplicate keys,
 * UTF-8, shortest form), and returns its exact bytes: for argument maps, whose
 * received bytes are what digests cover.
 */
struct ts_bytes mp_read_raw(struct mp_reader *r, size_t max_len);

/* Moves past one value inside a map whose count mp_read_map() has returned: it
 * was checked then, and is not checked again. */
void mp_skip_checked(struct mp_reader *r);

/* Marks the reader as failed, for errors of meaning found by the caller.
 * The first error stays. what is static text. */
void mp_fail(struct mp_reader *r, ts_err e, const char *what);

/* TS_OK only if nothing failed and every byte was consumed. */
TS_NODISCARD ts_err mp_done(struct mp_reader *r);

/* Checks that buf holds exactly one strict value. */
TS_NODISCARD ts_err mp_scan(const void *buf, size_t len);

#endif
