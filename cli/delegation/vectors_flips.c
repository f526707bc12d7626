/* A chain of which one bit or the end is missing is another chain, and nobody
 * has signed it: none may be accepted. */
#include "cli/delegation/vectors_flips.h"

#include <string.h>

#include "proto/base/ts_mem.h"

static void try_one(const struct trust_config *cfg, const uint8_t *chain,
                    size_t len, uint64_t now, struct ts_arena *arena,
                    struct flips *sum)
{
    struct delegation d;
    enum trust_code c;

    c = delegation_decode_verify(cfg, chain, len, now, arena, &d);
    ts_arena_reset(arena);
    sum->tried++;
    sum->accepted += c == TRUST_OK;
    sum->failed += c == TRUST_E_INTERNAL;
}

void flips_try(const struct trust_config *cfg, struct ts_bytes chain,
               uint64_t now, struct flips *sum)
{
    uint8_t *copy = ts_mem_alloc(chain.len > 0 ? chain.len : 1);
    struct ts_arena arena;

    if (copy == NULL) {
        sum->failed++;
        return;
    }
    memcpy(copy, chain.ptr, chain.len);
    ts_arena_init(&arena, (size_t)4 * TS_CHAIN_MAX);
    for (size_t len = 0; len < chain.len; len++)
        try_one(cfg, copy, len, now, &arena, sum);
    for (size_t bit = 0; bit < chain.len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        try_one(cfg, copy, chain.len, now, &arena, sum);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ts_arena_done(&arena);
    ts_mem_free(copy);
}
