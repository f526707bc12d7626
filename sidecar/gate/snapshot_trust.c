#include <stdio.h>
#include <string.h>

#include "sidecar/gate/snapshot_priv.h"

/*
 * One trust store for all tenants. A public key stands in it once: the same key
 * in two roles, under two names or in two tenants would let one signature mean
 * two things, so that is refused here, with both places named.
 */
struct seen_key {
    const uint8_t *pk; /* NULL: free */
    const struct place *at;
};

struct seen {
    struct seen_key *slots;
    size_t mask;
    char *reterr_text;
    size_t reterr_cap;
};

static ts_err seen_add(struct seen *s, const uint8_t pk[TRUST_PK_LEN],
                       const struct place *at)
{
    size_t i = 0;

    memcpy(&i, pk, sizeof(i)); /* a public key is as good as random */
    for (i &= s->mask; s->slots[i].pk != NULL; i = (i + 1) & s->mask) {
        const struct place *old = s->slots[i].at;

        if (memcmp(s->slots[i].pk, pk, TRUST_PK_LEN) != 0)
            continue;
        (void)snprintf(s->reterr_text, s->reterr_cap,
                       "%.*s:%u: this public key already stands at "
                       "%.*s:%u; give every issuer and agent a key of its own",
                       (int)at->file.len, at->file.ptr, at->line,
                       (int)old->file.len, old->file.ptr, old->line);
        return TS_E_EXISTS;
    }
    s->slots[i] = (struct seen_key){.pk = pk, .at = at};
    return TS_OK;
}

static ts_err check_keys(const struct tenant_files *files, size_t count,
                         struct seen *s)
{
    ts_err e = TS_OK;

    for (size_t i = 0; i < count; i++) {
        const struct tenant_files *t = &files[i];

        for (size_t j = 0; e == TS_OK && j < t->issuer_count; j++)
            e = seen_add(s, t->issuers[j].key.pk, &t->issuers[j].at);
        for (size_t j = 0; e == TS_OK && j < t->agent_count; j++)
            for (uint32_t k = 0; e == TS_OK && k < t->agents[j].agent.key_count;
                 k++)
                e = seen_add(s, t->agents[j].agent.keys[k],
                             &t->agents[j].key_at[k]);
        if (e != TS_OK)
            return e;
    }
    return TS_OK;
}

struct totals {
    size_t keys, agents, users, agent_keys;
};

static struct totals count_all(const struct tenant_files *files, size_t count)
{
    struct totals n = {0};

    for (size_t i = 0; i < count; i++) {
        n.keys += files[i].issuer_count;
        n.agents += files[i].agent_count;
        n.users += files[i].user_count;
        for (size_t j = 0; j < files[i].agent_count; j++)
            n.agent_keys += files[i].agents[j].agent.key_count;
    }
    return n;
}

/* The arrays that trust_store_build() reads, of all tenants together. */
static ts_err gather(const struct tenant_files *files, size_t count,
                     const struct totals *n, struct ts_arena *temp,
                     struct trust_input *ret)
{
    struct trust_tenant *tenants;
    struct trust_key *keys;
    struct trust_agent *agents;
    struct trust_user *users;
    struct trust_input in = {0};
    void *p[4];
    ts_err e;

    if ((e = ts_arena_array(temp, count + 1, sizeof(*tenants), &p[0])) !=
            TS_OK ||
        (e = ts_arena_array(temp, n->keys + 1, sizeof(*keys), &p[1])) !=
            TS_OK ||
        (e = ts_arena_array(temp, n->agents + 1, sizeof(*agents), &p[2])) !=
            TS_OK ||
        (e = ts_arena_array(temp, n->users + 1, sizeof(*users), &p[3])) !=
            TS_OK)
        return e;
    tenants = p[0];
    keys = p[1];
    agents = p[2];
    users = p[3];
    for (size_t i = 0; i < count; i++) {
        const struct tenant_files *t = &files[i];

        tenants[in.tenant_count++] =
            (struct trust_tenant){.id = t->name, .max_ttl_s = t->max_ttl_s};
        for (size_t j = 0; j < t->issuer_count; j++)
            keys[in.key_count++] = t->issuers[j].key;
        for (size_t j = 0; j < t->agent_count; j++)
            agents[in.agent_count++] = t->agents[j].agent;
        for (size_t j = 0; j < t->user_count; j++)
            users[in.user_count++] = t->users[j].user;
    }
    in.tenants = tenants;
    in.keys = keys;
    in.agents = agents;
    in.users = users;
    *ret = in;
    return TS_OK;
}

ts_err snapshot_trust(const struct tenant_files *files, size_t count,
                      struct ts_arena *arena, const struct trust_store **ret,
                      char *reterr_text, size_t reterr_cap)
{
    struct totals n = count_all(files, count);
    struct seen seen = {.reterr_text = reterr_text, .reterr_cap = reterr_cap};
    struct trust_input in;
    struct ts_arena temp;
    size_t cap = 16;
    void *p;
    ts_err e;

    while (cap < 2 * (n.keys + n.agent_keys))
        cap *= 2; /* all counts are limited */
    ts_arena_init(&temp, (size_t)256 << 20);
    e = ts_arena_array(&temp, cap, sizeof(*seen.slots), &p);
    if (e == TS_OK) {
        seen.slots = p;
        seen.mask = cap - 1;
        e = check_keys(files, count, &seen);
    }
    if (e == TS_OK)
        e = gather(files, count, &n, &temp, &in);
    if (e == TS_OK)
        e = trust_store_build(&in, arena, ret, reterr_text, reterr_cap);
    ts_arena_done(&temp);
    return e;
}
