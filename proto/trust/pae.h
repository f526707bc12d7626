#ifndef PROTO_TRUST_PAE_H
#define PROTO_TRUST_PAE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/*
 * Pre-authentication encoding (as PASETO and DSSE, with 32-bit lengths):
 *
 *     PAE(ctx, p1..pn) = le32(n+1) || le32(|ctx|) || ctx || le32(|p1|) || p1 ..
 *
 * Nothing is signed or hashed without a context, so a signature made for one
 * purpose is never valid for another.
 */
#define PAE_PARTS_MAX 8
#define PAE_PREFIX    "tipstaff/1/"

/* Bytes that pae_encode() needs; never 0. */
size_t pae_size(const char *ctx, const struct ts_bytes *parts, size_t n);

/* Writes it to out; cap must be at least pae_size(). Returns its length. The
 * last part may already stand in out where it belongs. */
size_t pae_encode(uint8_t *out, size_t cap, const char *ctx,
                  const struct ts_bytes *parts, size_t n);

/* BLAKE2b of it, out_len bytes (16..64), without building it. */
void pae_hash(uint8_t *out, size_t out_len, const char *ctx,
              const struct ts_bytes *parts, size_t n);

void pae_le32(uint8_t out[4], uint32_t v);

#endif
