/* What calls were given, against tools that repeat it as their own word. */
#include <sodium.h>
#include <string.h>

#include "sidecar/gate/provenance/canon.h"
#include "sidecar/gate/provenance/shapes.h"
#include "sidecar/gate/provenance/task_priv.h"

#define LINKS_MAX 64u /* of one value; with more it is taken for repeated */

bool prov_rules_heed_arguments(const struct prov_output_rules *r)
{
    bool some = r->is_trusted || r->trusted.count > 0;

    for (uint32_t f = 0; f < PROV_FORMS; f++)
        some = some || r->selectors[f].count > 0;
    for (uint32_t i = 0; i < r->vouches.count; i++)
        some = some && r->vouches.list[i].len > 0; /* "": for all of it */
    return some;
}

/* ---- remembering --------------------------------------------------------- */

struct saying {
    struct prov_task *k;
    uint64_t hash; /* of all values so far, in order */
    uint32_t name;
    bool any;
};

static ts_err hash_one(void *to, struct ts_str text)
{
    struct saying *s = to;
    uint8_t both[crypto_shorthash_BYTES + sizeof(s->hash)];

    _Static_assert(crypto_shorthash_BYTES == sizeof(s->hash), "one word");
    /* cannot fail */
    (void)crypto_shorthash(both, (const uint8_t *)text.ptr, text.len,
                           s->k->known.key);
    memcpy(both + crypto_shorthash_BYTES, &s->hash, sizeof(s->hash));
    (void)crypto_shorthash((uint8_t *)&s->hash, both, sizeof(both),
                           s->k->known.key);
    s->any = s->any || text.len > 0;
    return TS_OK;
}

/* A number that is written as text is one, too: the tool may print it in
 * another spelling. */
static ts_err add_one(void *to, struct ts_str text)
{
    const struct saying *s = to;
    const struct prov_label l = {.source = PROV_TRUSTED};
    struct canon_number n;
    ts_err e = prov_index_add(s->k->said, PROV_TEXT, text, &l, s->name, 0);

    if (e == TS_OK && canon_number(text, &n))
        e = prov_index_add(s->k->said, PROV_NUMBER, text, &l, s->name, 0);
    return e;
}

static ts_err remember(struct prov_task *k, const struct prov_saying *in,
                       struct saying *s)
{
    const struct prov_label l = {.said = s->name};
    const struct ts_str text = {.ptr = (const char *)&s->hash,
                                .len = sizeof(s->hash)};
    const uint64_t same = known_hash(&k->known, PROV_TEXT, text, &l, 0);
    ts_err e = TS_OK;

    if (known_has(&k->known, same))
        return TS_OK;
    if (k->said == NULL)
        e = prov_index_new(PROV_SAID_BYTES, &k->said);
    if (e == TS_OK)
        e = in->walk(in->ctx, add_one, s);
    if (e == TS_OK)
        known_add(&k->known, same);
    return e;
}

uint32_t prov_task_says(struct prov_task *k, const struct prov_saying *in)
{
    struct saying s = {.k = k};
    ts_err e = in->walk(in->ctx, hash_one, &s);

    if (e == TS_OK && !s.any)
        return 0;
    s.name = (uint32_t)(s.hash ^ s.hash >> 32);
    if (s.name == 0 || s.name == PROV_SAID_LOST)
        s.name = 1; /* two that share a name are only repeated more often */
    if (e == TS_OK)
        e = remember(k, in, &s);
    tasks_settle(k);
    return e == TS_OK ? s.name : PROV_SAID_LOST;
}

/* ---- asking -------------------------------------------------------------- */

struct links {
    struct prov_index *said;
    struct prov_said *to;
    uint32_t count;
};

static bool on_link(void *ctx, enum shape s, struct ts_str text)
{
    struct links *l = ctx;

    if (!shape_is_link(s))
        return true;
    if (l->count++ == LINKS_MAX)
        l->to->all = true;
    else
        prov_index_said(l->said, PROV_TEXT, text, l->to);
    return !l->to->all;
}

void task_said_by(struct prov_task *k, enum prov_kind kind, struct ts_str value,
                  struct prov_said *ret)
{
    struct links l = {.said = k->said, .to = ret};

    *ret = (struct prov_said){0};
    if (k->said == NULL)
        return;
    prov_index_said(k->said, kind, value, ret);
    if (!ret->all && kind == PROV_TEXT)
        (void)shapes_in(value, on_link, &l);
}

bool task_repeats(struct prov_task *k, const struct prov_label *l,
                  enum prov_kind kind, struct ts_str value)
{
    struct prov_said said;

    if (l->said == 0)
        return false;
    task_said_by(k, kind, value, &said);
    return prov_said_has(&said, l->said);
}
