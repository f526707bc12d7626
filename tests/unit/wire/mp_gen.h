#ifndef TESTS_UNIT_WIRE_MP_GEN_H
#define TESTS_UNIT_WIRE_MP_GEN_H

#include <stddef.h>
#include <stdint.h>

/* Deterministic noise and random strict values for tests. */
struct noise {
    uint64_t s;
};
uint64_t noise_next(struct noise *n);
size_t noise_below(struct noise *n, size_t bound);

/* Writes a random value; returns its length, 0 if it did not fit. */
size_t mp_gen(struct noise *n, uint8_t *out, size_t cap);
/* Changes a few bytes, or the length; returns the new length (<= cap). */
size_t mp_mutate(struct noise *n, uint8_t *buf, size_t len, size_t cap);

#endif
