#ifndef PROTO_BASE_TS_ARENA_H
#define PROTO_BASE_TS_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

TS_API_BEGIN

/*
 * Bump allocator with a hard budget. One arena per lifetime (a request, a
 * loaded policy set), never one per object. Nothing inside is freed alone;
 * ts_arena_done() frees all of it and may be called on a zeroed arena.
 */
struct ts_arena {
    struct ts_arena_chunk *head; /* owned */
    size_t used;                 /* bytes handed out, for the budget */
    size_t budget;               /* 0 means nothing may be allocated */
    size_t chunk;                /* bytes of the next chunk, 0 = small */
};

void ts_arena_init(struct ts_arena *a, size_t budget);
void ts_arena_done(struct ts_arena *a);
/* Forgets everything inside and keeps the memory, so that a loop that resets
 * soon allocates nothing: when a round needed several chunks, they are replaced
 * by one of their size. Costs the zeroing of what was used. */
void ts_arena_reset(struct ts_arena *a);

/* Zeroed memory, aligned for any type; valid until ts_arena_done(). */
TS_NODISCARD ts_err ts_arena_alloc(struct ts_arena *a, size_t n, void **ret);
TS_NODISCARD ts_err ts_arena_array(struct ts_arena *a, size_t count,
                                   size_t size, void **ret);
/* Copies n bytes and appends a NUL that is not counted in n. */
TS_NODISCARD ts_err ts_arena_strndup(struct ts_arena *a, const char *s,
                                     size_t n, const char **ret);

TS_API_END

#endif
