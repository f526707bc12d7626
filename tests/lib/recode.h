#ifndef TESTS_LIB_RECODE_H
#define TESTS_LIB_RECODE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_err.h"

/*
 * Bodies of messages as a table, and what holds for each of them: what is
 * understood, encoded again, is what came. recode.c is for unit tests and fuzz
 * targets; recode_checks.c for unit tests, since it needs cmocka.
 */
struct recode_body {
    const char *name;
    /* One value with every field in use, as its encoder writes it. */
    ts_err (*sample)(uint8_t *buf, size_t cap, size_t *ret_len);
    /* Decodes, and encodes again; *reterr_what is the decoder's reason. */
    ts_err (*recode)(const uint8_t *p, size_t len, uint8_t *out, size_t cap,
                     size_t *ret_len, const char **reterr_what);
};
struct recode_set {
    const struct recode_body *bodies;
    size_t count;
};

/* The two functions of a body whose codec is TYPE_encode() and TYPE_decode():
 * RECODE_BODY(type, {.field = value}), and its row: RECODE_ROW(type). */
#define RECODE_BODY(type, ...)                                                 \
    static ts_err sample_##type(uint8_t *buf, size_t cap, size_t *ret)         \
    {                                                                          \
        const struct type m = __VA_ARGS__;                                     \
                                                                               \
        return type##_encode(&m, buf, cap, ret);                               \
    }                                                                          \
    static ts_err recode_##type(const uint8_t *p, size_t n, uint8_t *out,      \
                                size_t cap, size_t *ret, const char **what)    \
    {                                                                          \
        struct type m;                                                         \
        ts_err e = type##_decode(p, n, &m, what);                              \
                                                                               \
        return e == TS_OK ? type##_encode(&m, out, cap, ret) : e;              \
    }
#define RECODE_ROW(type)                                                       \
    {                                                                          \
#type, sample_##type, recode_##type                                    \
    }

enum recode_outcome {
    RECODE_REFUSED, /* with a reason */
    RECODE_SAME,
    RECODE_WRONG /* refused without one, or encoded as something else */
};
/* Decodes from memory of exactly len bytes, so that ASan sees the end. */
enum recode_outcome recode_try(const struct recode_body *b, const uint8_t *p,
                               size_t len);
/* Any bytes as any of the bodies; ends the process at RECODE_WRONG. */
void recode_any(const struct recode_set *set, const uint8_t *p, size_t len);

/* Tests of cmocka for every body of a set, which is their state. The samples
 * are at most 1024 bytes. write_seeds() is none: with TIPSTAFF_SEED_DIR it
 * writes them there, for a fuzz corpus. */
void every_body_round_trips(void **state);
void every_truncation_and_tail_is_refused(void **state);
void every_bit_flip_is_refused_or_another_value(void **state);
void every_short_buffer_is_an_error(void **state);
void no_body_is_taken_for_a_longer_or_shorter_one(void **state);
void write_seeds(void **state);
#define RECODE_TESTS(set)                                                      \
    cmocka_unit_test_prestate(every_body_round_trips, set),                    \
        cmocka_unit_test_prestate(every_truncation_and_tail_is_refused, set),  \
        cmocka_unit_test_prestate(every_bit_flip_is_refused_or_another_value,  \
                                  set),                                        \
        cmocka_unit_test_prestate(every_short_buffer_is_an_error, set),        \
        cmocka_unit_test_prestate(                                             \
            no_body_is_taken_for_a_longer_or_shorter_one, set),                \
        cmocka_unit_test_prestate(write_seeds, set)

#endif
