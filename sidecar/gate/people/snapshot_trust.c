#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/gate/people/snapshot_priv.h"

/*
 * One trust store for all tenants. A public key stands in it once: the same key
 * in two roles, under two names or in two tenants would let one signature mean
 * two things, so that is refused here, with both places named.
 */
#define TRUST_BUDGET ((size_t)1 << 30)
#define RULES        UINT32_MAX /* the owner of a key of some trust.yaml */

struct known_key {
    const uint8_t *pk;          /* NULL: free */
    uint32_t tenant;            /* index, or RULES */
    const struct directory *in; /* the last directory that entered it */
    const struct place *at;     /* of a key of the rules */
    bool is_reserved;           /* not entered yet */
    char list;                  /* 'a'gents or a'p'provers of a directory */
    uint32_t index;             /* in that list */
};

struct key_table {
    struct known_key *slots; /* open addressing, at most half full */
    size_t mask;
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

/* The slot of a key, or the free one where it would stand. */
static struct known_key *probe(const struct key_table *k,
                               const uint8_t pk[TRUST_PK_LEN])
{
    uint8_t h[crypto_shorthash_BYTES];
    size_t i = 0;

    /* Points can be chosen: one in sixteen of any bytes is good enough. */
    (void)crypto_shorthash(h, pk, TRUST_PK_LEN, k->hash_key); /* cannot fail */
    memcpy(&i, h, sizeof(h));
    for (i &= k->mask; k->slots[i].pk != NULL; i = (i + 1) & k->mask)
        if (memcmp(k->slots[i].pk, pk, TRUST_PK_LEN) == 0)
            break;
    return &k->slots[i];
}

struct shown_place {
    char text[BUNDLE_NAME_MAX + TS_ID_MAX + 128];
};

static struct shown_place show(const struct known_key *k)
{
    const struct directory_snapshot *p;
    struct shown_place out;
    struct ts_str id;

    if (k->at != NULL) {
        (void)snprintf(out.text, sizeof(out.text), "%.*s:%u",
                       (int)k->at->file.len, k->at->file.ptr, k->at->line);
        return out;
    }
    p = directory_people(k->in);
    id =
        k->list == 'a' ? p->agents[k->index].id : p->approvers[k->index].person;
    (void)snprintf(out.text, sizeof(out.text), "%s: %s[%u] \"%.*s\"",
                   directory_name(k->in),
                   k->list == 'a' ? "agents" : "approvers", k->index,
                   (int)id.len, id.ptr);
    return out;
}

static ts_err clash(const struct known_key *new, const struct known_key *old,
                    const struct snapshot_err *err)
{
    (void)snprintf(err->text, err->cap,
                   "%s: this public key already stands at %s; give every "
                   "issuer, agent and approver a key of its own",
                   show(new).text, show(old).text);
    return TS_E_EXISTS;
}

ts_err key_table_make(const struct snapshot_rules *r, size_t more,
                      struct ts_arena *arena, struct key_table **ret,
                      const struct snapshot_err *err)
{
    struct key_table *k;
    size_t total = more, cap = 16;
    void *p, *q;
    ts_err e;

    for (uint32_t i = 0; i < r->tenant_count; i++)
        total += r->tenants[i].files.key_count;
    while (cap < 2 * total)
        cap *= 2; /* all counts are limited */
    if ((e = ts_arena_alloc(arena, sizeof(*k), &p)) != TS_OK ||
        (e = ts_arena_array(arena, cap, sizeof(*k->slots), &q)) != TS_OK)
        return e;
    k = p;
    *k = (struct key_table){.slots = q, .mask = cap - 1};
    randombytes_buf(k->hash_key, sizeof(k->hash_key));
    for (uint32_t i = 0; i < r->tenant_count; i++) {
        const struct tenant_files *t = &r->tenants[i].files;

        for (size_t j = 0; j < t->key_count; j++) {
            struct known_key new = {
                .pk = t->keys[j].key.pk, .tenant = RULES, .at = &t->keys[j].at};
            struct known_key *old = probe(k, new.pk);

            if (old->pk != NULL)
                return clash(&new, old, err);
            *old = new;
        }
    }
    *ret = k;
    return TS_OK;
}

size_t key_table_count(const struct directory *d)
{
    const struct directory_snapshot *p = directory_people(d);
    size_t n = p->approver_count;

    for (uint32_t i = 0; i < p->agent_count; i++)
        n += p->agents[i].key_count;
    return n;
}

/* Calls step for every key of a directory until one fails. */
static ts_err each_key(struct key_table *k, struct known_key new,
                       ts_err (*step)(struct key_table *k,
                                      const struct known_key *new,
                                      const struct snapshot_err *err),
                       const struct snapshot_err *err)
{
    const struct directory_snapshot *p = directory_people(new.in);
    ts_err e = TS_OK;

    new.list = 'a';
    for (uint32_t i = 0; e == TS_OK && i < p->agent_count; i++) {
        new.index = i;
        for (uint32_t j = 0; e == TS_OK && j < p->agents[i].key_count; j++) {
            new.pk = p->agents[i].keys[j];
            e = step(k, &new, err);
        }
    }
    new.list = 'p';
    for (uint32_t i = 0; e == TS_OK && i < p->approver_count; i++) {
        new.index = i;
        new.pk = p->approvers[i].pk;
        e = step(k, &new, err);
    }
    return e;
}

static ts_err is_free(struct key_table *k, const struct known_key *new,
                      const struct snapshot_err *err)
{
    const struct known_key *old = probe(k, new->pk);

    if (old->pk == NULL || (old->tenant == new->tenant &&
                            (old->is_reserved || old->in != new->in)))
        return TS_OK;
    return clash(new, old, err);
}

/* The same again, since what is entered now can meet itself; whoever was not
 * refused above and is here stands in one directory twice. */
static ts_err enter(struct key_table *k, const struct known_key *new,
                    const struct snapshot_err *err)
{
    struct known_key *old = probe(k, new->pk);

    if (old->pk != NULL && old->in == new->in && !old->is_reserved)
        return clash(new, old, err);
    *old = *new;
    return TS_OK;
}

ts_err key_table_add(struct key_table *k, uint32_t tenant,
                     const struct directory *d, const struct snapshot_err *err)
{
    struct known_key new = {.tenant = tenant, .in = d};
    ts_err e = each_key(k, new, is_free, err);

    return e == TS_OK ? each_key(k, new, enter, err) : e;
}

static ts_err enter_if_free(struct key_table *k, const struct known_key *new,
                            const struct snapshot_err *err)
{
    struct known_key *old = probe(k, new->pk);

    (void)err;
    if (old->pk == NULL)
        *old = *new;
    return TS_OK;
}

void key_table_reserve(struct key_table *k, uint32_t tenant,
                       const struct directory *d)
{
    struct known_key new = {.tenant = tenant, .in = d, .is_reserved = true};

    (void)each_key(k, new, enter_if_free, NULL); /* never fails */
}

/* ---- the store ---------------------------------------------------------- */

struct totals {
    size_t keys, agents, users;
};

static struct totals count_all(const struct snapshot_rules *r,
                               struct snapshot_people *const *people)
{
    struct totals n = {0};

    for (uint32_t i = 0; i < r->tenant_count; i++) {
        const struct directory_snapshot *p;

        n.keys += r->tenants[i].files.key_count;
        if (people == NULL || people[i]->directory == NULL)
            continue;
        p = directory_people(people[i]->directory);
        n.keys += p->approver_count;
        n.agents += p->agent_count;
        n.users += p->user_count;
    }
    return n;
}

static enum trust_status status_of(bool active)
{
    return active ? TRUST_ACTIVE : TRUST_INACTIVE;
}

/* Where the arrays of trust_store_build() are filled. */
struct gathering {
    struct trust_tenant *tenants;
    struct trust_key *keys;
    struct trust_agent *agents;
    struct trust_user *users;
    struct trust_input in;
};

static void add_people(struct gathering *g, struct ts_str tenant,
                       const struct directory_snapshot *p)
{
    for (uint32_t i = 0; i < p->user_count; i++)
        g->users[g->in.user_count++] =
            (struct trust_user){.tenant = tenant,
                                .id = p->users[i].id,
                                .status = status_of(p->users[i].active)};
    for (uint32_t i = 0; i < p->agent_count; i++) {
        const struct directory_agent *a = &p->agents[i];
        struct trust_agent *to = &g->agents[g->in.agent_count++];

        *to = (struct trust_agent){.tenant = tenant,
                                   .id = a->id,
                                   .status = status_of(a->active),
                                   .key_count = a->key_count,
                                   .uid_count = a->uid_count};
        memcpy(to->keys, a->keys, sizeof(to->keys));
        memcpy(to->uids, a->uids, sizeof(to->uids));
    }
    for (uint32_t i = 0; i < p->approver_count; i++) {
        const struct directory_approver *a = &p->approvers[i];
        struct trust_key *to = &g->keys[g->in.key_count++];

        *to = (struct trust_key){.role = TRUST_ROLE_APPROVER,
                                 .tenant = tenant,
                                 .name = a->person,
                                 .disabled = !a->active};
        memcpy(to->pk, a->pk, sizeof(to->pk));
    }
}

static void add_tenant(struct gathering *g, const struct tenant_files *t,
                       const struct snapshot_people *people)
{
    g->tenants[g->in.tenant_count++] =
        (struct trust_tenant){.id = t->name, .max_ttl_s = t->max_ttl_s};
    for (size_t i = 0; i < t->key_count; i++)
        g->keys[g->in.key_count++] = t->keys[i].key;
    if (people != NULL && people->directory != NULL)
        add_people(g, t->name, directory_people(people->directory));
}

static ts_err gather_room(const struct snapshot_rules *r,
                          const struct totals *n, struct ts_arena *temp,
                          struct gathering *g)
{
    void *p[4];
    ts_err e;

    if ((e = ts_arena_array(temp, (size_t)r->tenant_count + 1,
                            sizeof(*g->tenants), &p[0])) != TS_OK ||
        (e = ts_arena_array(temp, n->keys + 1, sizeof(*g->keys), &p[1])) !=
            TS_OK ||
        (e = ts_arena_array(temp, n->agents + 1, sizeof(*g->agents), &p[2])) !=
            TS_OK ||
        (e = ts_arena_array(temp, n->users + 1, sizeof(*g->users), &p[3])) !=
            TS_OK)
        return e;
    g->tenants = p[0];
    g->keys = p[1];
    g->agents = p[2];
    g->users = p[3];
    g->in = (struct trust_input){.tenants = g->tenants,
                                 .keys = g->keys,
                                 .agents = g->agents,
                                 .users = g->users,
                                 .points_checked = true};
    return TS_OK;
}

ts_err snapshot_trust(const struct snapshot_rules *r,
                      struct snapshot_people *const *people,
                      struct ts_arena *arena, const struct trust_store **ret,
                      const struct snapshot_err *err)
{
    struct totals n = count_all(r, people);
    struct gathering g = {0};
    struct ts_arena temp;
    ts_err e;

    ts_arena_init(&temp, TRUST_BUDGET);
    e = gather_room(r, &n, &temp, &g);
    if (e == TS_OK) {
        for (uint32_t i = 0; i < r->tenant_count; i++)
            add_tenant(&g, &r->tenants[i].files,
                       people != NULL ? people[i] : NULL);
        e = trust_store_build(&g.in, arena, ret, err->text, err->cap);
    }
    ts_arena_done(&temp);
    return e;
}
