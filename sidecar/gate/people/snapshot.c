#include "sidecar/gate/people/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/people/snapshot_priv.h"

/* A snapshot: rules and people joined, and looked into. */

#define SNAPSHOT_BUDGET ((size_t)1 << 30)

void snapshot_free(struct snapshot *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < s->tenant_count; i++)
        snapshot_people_release(s->people[i]);
    snapshot_rules_release(s->rules);
    ts_arena_done(&s->arena);
    ts_mem_free(s);
}

/* ---- look-ups ----------------------------------------------------------- */

const struct snapshot_tenant *snapshot_tenant_find(const struct snapshot *s,
                                                   struct ts_str name)
{
    size_t lo = 0, hi = s->tenant_count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(s->tenants[mid].name, name);

        if (c == 0)
            return &s->tenants[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct snapshot_tenant *snapshot_by_kid(const struct snapshot *s,
                                              const uint8_t kid[16])
{
    const struct trust_key *key = trust_store_kid(s->store, kid);

    if (key == NULL || key->role != TRUST_ROLE_ISSUER)
        return NULL;
    return snapshot_tenant_find(s, key->tenant);
}

const struct snapshot_tool *snapshot_tool_find(const struct snapshot *s,
                                               struct ts_str name)
{
    const struct manifest *m = manifests_find(s->manifests, name);

    return m != NULL ? &s->tools[m - s->manifests->list] : NULL;
}

/* ---- joining ------------------------------------------------------------ */

static ts_err make_room(struct snapshot *s)
{
    size_t n = (size_t)s->rules->tenant_count + 1;
    void *tenants, *people;
    ts_err e;

    if ((e = ts_arena_array(&s->arena, n, sizeof(*s->tenants), &tenants)) !=
            TS_OK ||
        (e = ts_arena_array(&s->arena, n, sizeof(struct snapshot_people *),
                            &people)) != TS_OK)
        return e;
    s->tenants = tenants;
    s->people = people;
    s->tenant_count = s->rules->tenant_count;
    for (uint32_t i = 0; i < s->tenant_count; i++)
        s->tenants[i].name = s->rules->tenants[i].files.name;
    return TS_OK;
}

ts_err snapshot_begin(struct snapshot_rules *r, struct snapshot **ret)
{
    struct snapshot *s = ts_mem_alloc(sizeof(*s));
    ts_err e;

    if (s == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&s->arena, SNAPSHOT_BUDGET);
    snapshot_rules_hold(r);
    s->rules = r;
    s->generation = r->generation;
    s->notes = r->notes;
    s->manifests = r->manifests;
    s->tools = r->tools;
    e = make_room(s);
    if (e == TS_OK)
        *ret = s;
    else
        snapshot_free(s);
    return e;
}

static void tell_tenant(const struct snapshot *s, uint32_t i,
                        const struct trust_config *trust)
{
    const struct rules_tenant *rules = &s->rules->tenants[i];
    const struct snapshot_people *people = s->people[i];
    struct snapshot_tenant *t = &s->tenants[i];

    t->schema = rules->schema;
    t->policies = rules->policies;
    t->demands = rules->demands;
    t->uses = rules->uses;
    t->entities = people->entities;
    t->trust = *trust;
    t->require_call_signature = rules->files.require_call_signature;
    t->default_sensitivity = rules->files.default_sensitivity;
    t->trusted_provenance = rules->files.labels;
    t->trusted_provenance_count = (uint32_t)rules->files.label_count;
    t->identity_attrs = rules->files.identity_attrs;
    t->identity_attr_count = (uint32_t)rules->files.identity_attr_count;
    t->max_staleness_s = rules->files.max_staleness_s;
    t->approval_ttl_s = rules->files.approval_ttl_s;
    t->breakglass_max_s = rules->files.breakglass_max_s;
    t->breakglass_people = rules->files.breakglass_people;
    if (people->directory == NULL)
        return;
    t->has_directory = true;
    t->directory = people->directory;
    t->people = directory_people(people->directory);
}

ts_err snapshot_end(struct snapshot *s, const struct snapshot_err *err)
{
    struct trust_config cfg = {.skew_s = TS_SKEW_S};
    ts_err e = snapshot_trust(s->rules, s->people, &s->arena, &s->store, err);

    if (e != TS_OK)
        return e;
    cfg.store = s->store;
    cfg.audience_count = s->rules->audience_count;
    for (uint32_t i = 0; i < s->rules->audience_count; i++)
        cfg.audiences[i] = s->rules->audiences[i];
    for (uint32_t i = 0; i < s->tenant_count; i++)
        tell_tenant(s, i, &cfg);
    return TS_OK;
}

void snapshot_err_default(const struct snapshot_err *err, ts_err e,
                          const char *what)
{
    if (err->text[0] == '\0')
        (void)snprintf(err->text, err->cap, "%s: %s while loading it", what,
                       ts_err_text(e));
}
