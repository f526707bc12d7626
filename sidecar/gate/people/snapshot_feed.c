#include <stdio.h>

#include "sidecar/gate/people/snapshot_priv.h"

/* A new directory of one tenant under the same rules. */

#define FEED_BUDGET ((size_t)256 << 20)

static ts_err compare(const struct snapshot_tenant *t,
                      const struct snapshot_past *past,
                      const struct directory *d, const struct snapshot_err *err)
{
    const struct directory_snapshot *new = directory_people(d);
    const struct tenant_state *state =
        past->states != NULL ? tenant_states_find(past->states, t->name) : NULL;
    enum tenant_offer offer = tenant_state_judge(state, new->seq, new->hash);
    uint64_t seq = state != NULL ? state->mark_seq : 0;

    if (t->has_directory && t->people->seq >= new->seq &&offer >= OFFER_SAME) {
        offer = new->seq < t->people->seq ? OFFER_OLDER : OFFER_OTHER;
        seq = t->people->seq;
    }
    if (offer >= OFFER_SAME)
        return TS_OK;
    (void)snprintf(err->text, err->cap,
                   offer == OFFER_OLDER
                       ? "%s: rolled back: number %llu was in force; send the "
                         "newest one"
                       : "%s: another directory with number %llu was in force; "
                         "sign this one with a higher number",
                   directory_name(d), (unsigned long long)seq);
    return TS_E_STATE;
}

/* Nobody else may have one of its keys. */
static ts_err check_keys(const struct snapshot *old, uint32_t tenant,
                         const struct directory *d,
                         const struct snapshot_err *err)
{
    struct key_table *keys;
    struct ts_arena temp;
    size_t count = key_table_count(d);
    ts_err e;

    for (uint32_t i = 0; i < old->tenant_count; i++)
        if (i != tenant && old->people[i]->directory != NULL)
            count += key_table_count(old->people[i]->directory);
    ts_arena_init(&temp, FEED_BUDGET);
    e = key_table_make(old->rules, count, &temp, &keys, err);
    for (uint32_t i = 0; e == TS_OK && i < old->tenant_count; i++)
        if (i != tenant && old->people[i]->directory != NULL)
            key_table_reserve(keys, i, old->people[i]->directory);
    if (e == TS_OK)
        e = key_table_add(keys, tenant, d, err);
    ts_arena_done(&temp);
    return e;
}

static ts_err replace(const struct snapshot *old, uint32_t tenant,
                      struct snapshot_people *people, struct snapshot **ret,
                      const struct snapshot_err *err)
{
    struct snapshot *s = NULL;
    ts_err e = snapshot_begin(old->rules, &s);

    if (e != TS_OK)
        return e;
    s->people_serial = old->people_serial + 1;
    for (uint32_t i = 0; i < s->tenant_count; i++) {
        s->people[i] = i == tenant ? people : old->people[i];
        snapshot_people_hold(s->people[i]);
    }
    e = snapshot_end(s, err);
    if (e == TS_OK)
        *ret = s;
    else
        snapshot_free(s);
    return e;
}

/* d has been compared with the past: does it fit? */
static ts_err try(const struct snapshot *old, uint32_t tenant,
                  struct directory *d, struct snapshot **ret,
                  const struct snapshot_err *err)
{
    struct snapshot_people *people = NULL;
    ts_err e = check_keys(old, tenant, d, err);

    if (e == TS_OK)
        e = snapshot_people_make(&old->rules->tenants[tenant], d, &people, err);
    if (e == TS_OK)
        e = replace(old, tenant, people, ret, err);
    snapshot_people_release(people);
    return e == TS_OK || e == TS_E_NOMEM ? e : TS_E_INVALID;
}

static ts_err open_object(const struct snapshot *old,
                          const struct snapshot_tenant *t,
                          struct ts_bytes object,
                          const struct snapshot_past *past,
                          struct directory *known, struct directory **ret,
                          const struct snapshot_err *err)
{
    struct directory *d = known;
    ts_err e = TS_OK;

    if (t->has_directory && directory_is_same(t->directory, object))
        return TS_E_EXISTS;
    if (known != NULL && directory_is_same(known, object))
        directory_hold(known);
    else
        e = directory_open(old->store, t->name, object, past->now_s, &d,
                           err->text, err->cap);
    if (e != TS_OK)
        return e;
    e = compare(t, past, d, err);
    if (e == TS_OK)
        *ret = d;
    else
        directory_release(d);
    return e;
}

/* Every refusal has a sentence. */
static ts_err said(ts_err e, struct ts_str tenant,
                   const struct snapshot_err *err)
{
    char shown[2 * TS_ID_MAX];

    if (e == TS_OK)
        return e;
    (void)ts_str_escape(shown, sizeof(shown), tenant.ptr, tenant.len);
    if (e == TS_E_NOT_FOUND)
        (void)snprintf(err->text, err->cap, "there is no tenant \"%s\"", shown);
    snapshot_err_default(err, e, "directory");
    return e;
}

ts_err snapshot_directory_open(const struct snapshot *old, struct ts_str tenant,
                               struct ts_bytes object,
                               const struct snapshot_past *past,
                               struct directory *known, struct directory **ret,
                               char *reterr_text, size_t reterr_cap)
{
    static const struct snapshot_past nothing = {0};
    const struct snapshot_err err = {reterr_text, reterr_cap};
    const struct snapshot_tenant *t = snapshot_tenant_find(old, tenant);
    ts_err e = TS_E_NOT_FOUND;

    reterr_text[0] = '\0';
    if (t != NULL)
        e = open_object(old, t, object, past != NULL ? past : &nothing, known,
                        ret, &err);
    return said(e, tenant, &err);
}

ts_err snapshot_with_opened(const struct snapshot *old, struct ts_str tenant,
                            struct directory *d, struct snapshot **ret,
                            char *reterr_text, size_t reterr_cap)
{
    const struct snapshot_err err = {reterr_text, reterr_cap};
    const struct snapshot_tenant *t = snapshot_tenant_find(old, tenant);
    ts_err e = TS_E_NOT_FOUND;

    reterr_text[0] = '\0';
    if (t != NULL)
        e = try(old, (uint32_t)(t - old->tenants), d, ret, &err);
    return said(e, tenant, &err);
}

ts_err snapshot_with_directory(const struct snapshot *old, struct ts_str tenant,
                               struct ts_bytes object,
                               const struct snapshot_past *past,
                               struct snapshot **ret, char *reterr_text,
                               size_t reterr_cap)
{
    struct directory *d = NULL;
    ts_err e = snapshot_directory_open(old, tenant, object, past, NULL, &d,
                                       reterr_text, reterr_cap);

    if (e != TS_OK)
        return e;
    e = snapshot_with_opened(old, tenant, d, ret, reterr_text, reterr_cap);
    directory_release(d);
    return e;
}
