#ifndef PROTO_TRUST_SMP_H
#define PROTO_TRUST_SMP_H

#include <stddef.h>
#include <stdint.h>

#include "proto/trust/code.h"
#include "proto/wire/mp_read.h"

/*
 * The smp profile of signed objects: strict msgpack with arrays, str, bin and
 * non-negative integers only, and no 32-bit headers. Same sticky error as
 * mp_reader, told as TRUST_E_FORMAT or TRUST_E_LIMIT.
 */
struct smp {
    struct mp_reader r;
};

void smp_init(struct smp *s, struct ts_bytes in);
/* The head of a body: an array of count fields, the first being its version.
 * Version before arity, which may differ then: TRUST_E_VERSION. */
enum trust_code smp_begin(struct smp *s, uint32_t count, uint64_t version);
uint64_t smp_uint(struct smp *s);
struct ts_str smp_str(struct smp *s, size_t max_len);
struct ts_bytes smp_bin(struct smp *s, size_t max_len);
void smp_bin_exact(struct smp *s, uint8_t *out, size_t len);
/* A bin of exactly len bytes, borrowed. */
const uint8_t *smp_bin_ref(struct smp *s, size_t len);
uint32_t smp_array(struct smp *s);
void smp_tuple(struct smp *s, uint32_t count);
enum trust_code smp_error(const struct smp *s);
/* Also E_FORMAT when bytes are left. */
enum trust_code smp_done(struct smp *s);

#endif
