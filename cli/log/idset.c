/* Open addressing, at most half full. Ids are made by our own gate, and a
 * verifier that a forged log makes slow harms nobody else. */
#include "cli/log/idset.h"

#include <string.h>

#include "proto/base/ts_mem.h"

static size_t slot_of(const struct idset *s, const uint8_t id[16])
{
    uint64_t a, b;
    size_t i;

    memcpy(&a, id, 8);
    memcpy(&b, id + 8, 8);
    a = (a ^ b * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    i = (size_t)(a >> 20) & (s->cap - 1);
    while (s->states[i] != ID_UNSEEN && memcmp(s->ids[i], id, 16) != 0)
        i = (i + 1) & (s->cap - 1);
    return i;
}

void idset_done(struct idset *s)
{
    ts_mem_free(s->ids);
    ts_mem_free(s->states);
    *s = (struct idset){0};
}

enum id_state idset_get(const struct idset *s, const uint8_t id[16])
{
    return s->cap > 0 ? (enum id_state)s->states[slot_of(s, id)] : ID_UNSEEN;
}

static ts_err grow(struct idset *s)
{
    struct idset n = {.cap = s->cap > 0 ? s->cap * 2 : 1024, .count = s->count};

    if (s->count >= IDSET_MAX)
        return TS_E_LIMIT;
    n.ids = ts_mem_alloc(n.cap * sizeof(*n.ids));
    n.states = ts_mem_alloc(n.cap);
    if (n.ids == NULL || n.states == NULL) {
        idset_done(&n);
        return TS_E_NOMEM;
    }
    for (size_t i = 0; i < s->cap; i++)
        if (s->states[i] != ID_UNSEEN) {
            size_t at = slot_of(&n, s->ids[i]);

            memcpy(n.ids[at], s->ids[i], 16);
            n.states[at] = s->states[i];
        }
    idset_done(s);
    *s = n;
    return TS_OK;
}

ts_err idset_put(struct idset *s, const uint8_t id[16], enum id_state state)
{
    size_t at;

    if ((s->count + 1) * 2 > s->cap) {
        ts_err e = grow(s);

        if (e != TS_OK)
            return e;
    }
    at = slot_of(s, id);
    if (s->states[at] == ID_UNSEEN) {
        memcpy(s->ids[at], id, 16);
        s->count++;
    }
    s->states[at] = (uint8_t)state;
    return TS_OK;
}

size_t idset_count(const struct idset *s, enum id_state state,
                   uint8_t ret_any[16])
{
    size_t n = 0;

    for (size_t i = 0; i < s->cap; i++)
        if (s->states[i] == (uint8_t)state) {
            memcpy(ret_any, s->ids[i], 16);
            n++;
        }
    return n;
}
