#include "sidecar/gate/provenance/endorsed.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_mem.h"
#include "sidecar/gate/provenance/canon.h"

#define SLOTS (2u * ENDORSED_MAX) /* a power of two; half of them free */

struct slot {
    struct endorsed_id id;
    struct endorsed_by by; /* sets 0: free */
};
struct endorsed {
    uint8_t key[crypto_generichash_KEYBYTES];
    struct ts_buf canon; /* kept, for the form of a text */
    uint32_t count;
    struct slot slots[SLOTS];
};

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a hash is masked");

ts_err endorsed_new(struct endorsed **ret)
{
    struct endorsed *e = ts_mem_alloc(sizeof(*e));

    if (e == NULL)
        return TS_E_NOMEM;
    randombytes_buf(e->key, sizeof(e->key));
    ts_buf_init(&e->canon, 4 * (size_t)ENDORSED_TEXT_MAX);
    *ret = e;
    return TS_OK;
}

void endorsed_free(struct endorsed *e)
{
    if (e == NULL)
        return;
    ts_buf_done(&e->canon);
    ts_mem_free(e);
}

size_t endorsed_bytes(const struct endorsed *e)
{
    return sizeof(*e) + e->canon.cap;
}

uint32_t endorsed_count(const struct endorsed *e)
{
    return e->count;
}

bool endorsed_fits(const struct endorsed_use *u)
{
    return u->text.len > 0 && u->text.len <= ENDORSED_TEXT_MAX &&
           u->arg.len + u->inside.len <= ENDORSED_POINT_MAX &&
           ts_utf8_valid(u->text.ptr, u->text.len);
}

/* Each part behind its length: no two uses run into one text. */
static void put(crypto_generichash_state *s, struct ts_str part)
{
    uint8_t len[4];

    for (size_t i = 0; i < sizeof(len); i++)
        len[i] = (uint8_t)(part.len >> (8 * i));
    (void)crypto_generichash_update(s, len, sizeof(len));
    if (part.len > 0)
        (void)crypto_generichash_update(s, (const uint8_t *)part.ptr, part.len);
}

/* Sign and point are bytes of their own, so that equal numbers, and no others,
 * are one text; false: it is no number that is compared as one. */
static bool put_number(crypto_generichash_state *s, struct ts_str text)
{
    struct canon_number n;
    uint8_t head[6];

    if (!canon_number(text, &n))
        return false;
    head[0] = 'n';
    head[1] = n.negative;
    for (size_t i = 0; i < 4; i++)
        head[2 + i] = (uint8_t)((uint32_t)n.exponent >> (8 * i));
    (void)crypto_generichash_update(s, head, sizeof(head));
    put(s, (struct ts_str){.ptr = (const char *)n.digits, .len = n.count});
    return true;
}

static ts_err put_value(struct endorsed *e, crypto_generichash_state *s,
                        const struct endorsed_use *u)
{
    bool is_exact = u->is_exact || u->kind == PROV_ID;
    ts_err err;

    if (u->kind == PROV_NUMBER && put_number(s, u->text))
        return TS_OK;
    (void)crypto_generichash_update(s, (const uint8_t *)(is_exact ? "x" : "t"),
                                    1);
    if (is_exact) {
        put(s, u->text);
        return TS_OK;
    }
    ts_buf_clear(&e->canon);
    err = canon_text(u->text, &e->canon);
    if (err != TS_OK)
        return err == TS_E_NOMEM ? err : TS_E_INVALID;
    if (e->canon.len == 0) /* white space alone names nobody */
        return TS_E_INVALID;
    put(s, (struct ts_str){.ptr = (const char *)ts_buf_bytes(&e->canon),
                           .len = e->canon.len});
    return TS_OK;
}

ts_err endorsed_name(struct endorsed *e, const struct endorsed_use *u,
                     struct endorsed_id *ret)
{
    const uint8_t how[2] = {(uint8_t)u->kind, u->is_key};
    crypto_generichash_state s;
    ts_err err;

    if (!endorsed_fits(u))
        return TS_E_INVALID;
    /* None of these can fail: the lengths are constants. */
    (void)crypto_generichash_init(&s, e->key, sizeof(e->key), ENDORSED_ID);
    put(&s, u->who);
    put(&s, u->tool);
    put(&s, u->arg);
    put(&s, u->inside);
    (void)crypto_generichash_update(&s, how, sizeof(how));
    err = put_value(e, &s, u);
    if (err == TS_OK)
        (void)crypto_generichash_final(&s, ret->hash, ENDORSED_ID);
    return err;
}

/* Its slot, or the free one where it would go. The table is never full. */
static uint32_t slot_of(const struct endorsed *e, const struct endorsed_id *id)
{
    uint32_t at;

    memcpy(&at, id->hash, sizeof(at));
    at &= SLOTS - 1;
    while (e->slots[at].by.sets != 0 &&
           memcmp(&e->slots[at].id, id, sizeof(*id)) != 0)
        at = (at + 1) & (SLOTS - 1);
    return at;
}

bool endorsed_add(struct endorsed *e, const struct endorsed_id *id,
                  const struct endorsed_by *by)
{
    struct slot *s = &e->slots[slot_of(e, id)];
    bool is_free = s->by.sets == 0;

    if (by->call == 0 || (by->sets & ~s->by.sets) == 0 ||
        (is_free && e->count == ENDORSED_MAX))
        return false;
    s->id = *id;
    s->by.call = by->call;
    s->by.sets |= by->sets;
    e->count += is_free ? 1 : 0;
    return true;
}

struct endorsed_by endorsed_find(const struct endorsed *e,
                                 const struct endorsed_id *id)
{
    return e->slots[slot_of(e, id)].by;
}
