#ifndef PROTO_MSG_BODY_H
#define PROTO_MSG_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"

/*
 * What the message files of this folder share; nothing outside includes it.
 *
 * Every message has three functions: fields are read with body_in_*(), which
 * remember the name of the first field that failed; a check of the finished
 * struct holds every rule of meaning and is also run before sending, so that
 * nothing leaves that would be refused on arrival; body_out_*() writes it.
 */
struct body_in {
    struct mp_reader r;
    const char *field; /* static; the first field that failed, or NULL */
};

/* Opens the array: exactly arity elements, the first equal to version. */
void body_in_init(struct body_in *in, const void *b, size_t n, uint32_t arity,
                  uint64_t version);
/* A reader over an inner value that was cut out of a body. */
void body_in_part(struct body_in *in, struct ts_bytes part);
uint64_t body_in_uint(struct body_in *in, const char *field, uint64_t max);
uint32_t body_in_u32(struct body_in *in, const char *field, uint32_t max);
bool body_in_bool(struct body_in *in, const char *field);
struct ts_str body_in_str(struct body_in *in, const char *field, size_t max);
struct ts_bytes body_in_bin(struct body_in *in, const char *field, size_t max);
void body_in_bin_exact(struct body_in *in, const char *field, uint8_t *out,
                       size_t len);
uint32_t body_in_array(struct body_in *in, const char *field, uint32_t max);
void body_in_tuple(struct body_in *in, const char *field, uint32_t count);
/* An argument map: str keys, unique, within TS_ARGS_MAX and
 * TS_ARGS_KEYS_MAX. Returns its exact bytes. */
struct ts_bytes body_in_args(struct body_in *in, const char *field);
/* An array of labels into out[TS_PROVENANCE_MAX]; returns how many. */
uint32_t body_in_labels(struct body_in *in, const char *field,
                        struct ts_str *out);
void body_in_fail(struct body_in *in, const char *field, ts_err e);
/* TS_OK if every byte was read and nothing failed. */
TS_NODISCARD ts_err body_in_done(struct body_in *in, const char **reterr_what);

/* The verdict of a check: TS_OK, or the error with the field that is wrong. */
struct body_flaw {
    ts_err error;
    const char *field; /* static; NULL while fine */
};
/* Notes the first flaw only. */
void body_need(struct body_flaw *flaw, bool ok, const char *field, ts_err e);
/* Fills what a decoder returns on failure. */
TS_NODISCARD ts_err body_told(struct body_flaw flaw, const char **reterr_what);

/* 1..TS_CODE_MAX bytes of [a-z0-9_] */
bool body_code_ok(struct ts_str code);
/* "call-N", N without zeros before it; or nothing. */
bool body_ref_ok(struct ts_str ref);
bool body_labels_ok(const struct ts_str *labels, uint32_t count);
/* Empty, or W3C Trace Context level 1, version 00, ids not all zero. */
bool body_traceparent_ok(struct ts_str t);
bool body_args_ok(struct ts_bytes args);

struct body_out {
    struct ts_buf *to;
    struct mp_writer w;
    uint8_t type;
};

/* Room for any head, in bytes, of one value beside its own bytes. */
#define BODY_HEAD_MAX ((size_t)9)

/* Reserves values heads plus bytes, and opens the array. */
TS_NODISCARD ts_err body_out_init(struct body_out *o, struct ts_buf *to,
                                  uint8_t type, uint32_t arity,
                                  uint64_t version, size_t bytes);
void body_out_str(struct body_out *o, struct ts_str s);
void body_out_bin(struct body_out *o, struct ts_bytes b);
void body_out_labels(struct body_out *o, const struct ts_str *labels,
                     uint32_t count);
size_t body_labels_size(const struct ts_str *labels, uint32_t count);
TS_NODISCARD ts_err body_out_done(struct body_out *o);
/* For the one message that may be longer than TS_FRAME_MAX: FEED. */
TS_NODISCARD ts_err body_out_done_max(struct body_out *o, size_t max);

#endif
