#ifndef TESTS_UNIT_SANDBOX_MODELS_H
#define TESTS_UNIT_SANDBOX_MODELS_H

#include "sidecar/sandbox/model.h"

/* Bytes that decide what a random model looks like. When they are used up they
 * are zeros, so any bytes at all give a model. */
struct models_bytes {
    const uint8_t *ptr;
    size_t len, at;
};
uint64_t models_take(struct models_bytes *b, unsigned bytes);

TS_NODISCARD ts_err models_random(struct models_bytes *b,
                                  struct ts_arena *arena,
                                  struct sandbox_model *ret);

/*
 * Arguments that matter to a call: each value of each condition, beside it, the
 * same with bits above 32 and with bits outside the mask, and edges; one
 * argument at a time and all pairs of what two conditions of a clause name.
 * Calls with each; stops when with() is false.
 */
bool models_each_args(const struct sandbox_call *c,
                      bool (*with)(void *ctx, const uint64_t *args), void *ctx);

#endif
