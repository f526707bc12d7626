/* Builds a trust snapshot: copies, sorts, and refuses whatever would let one
 * key or name mean two things. Look-ups are in store_find.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/store_priv.h"
#include "proto/wire/limits.h"

struct builder {
    struct ts_arena *arena;
    struct trust_store *s;
    bool points_checked;
    char *text; /* borrowed: the caller's error text */
    size_t text_cap;
};

TS_PRINTF(3, 4)
static ts_err refuse(const struct builder *b, ts_err e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(b->text, b->text_cap, fmt, ap); /* may be cut off */
    va_end(ap);
    return e;
}

/* A name for an error text; bad ids are shown escaped. */
struct shown {
    char c[160];
};

static struct shown show(struct ts_str s)
{
    struct shown out;

    (void)ts_str_escape(out.c, sizeof(out.c), s.ptr, s.len);
    return out;
}

/* Checks an id and replaces it with a copy in the arena. */
static ts_err own_id(const struct builder *b, const char *what,
                     struct ts_str *id)
{
    const char *copy;
    ts_err e;

    if (!trust_id_valid(*id))
        return refuse(b, TS_E_INVALID,
                      "%s \"%s\" is not a valid id (1 to %d of "
                      "[A-Za-z0-9._@:+=-], segments joined by /)",
                      what, show(*id).c, TS_ID_MAX);
    e = ts_arena_strndup(b->arena, id->ptr, id->len, &copy);
    if (e != TS_OK)
        return refuse(b, e, "%s \"%s\": %s", what, show(*id).c, ts_err_text(e));
    id->ptr = copy;
    return TS_OK;
}

static ts_err own_array(const struct builder *b, const void *from, size_t count,
                        size_t size, void **ret)
{
    ts_err e = ts_arena_array(b->arena, count > 0 ? count : 1, size, ret);

    if (e != TS_OK)
        return refuse(b, e, "trust store: %s", ts_err_text(e));
    if (count > 0)
        memcpy(*ret, from, count * size);
    return TS_OK;
}

/* An id of a tenant that must be in the list (after tenants are sorted). */
static ts_err own_tenant(const struct builder *b, const char *what,
                         struct ts_str name, struct ts_str *tenant)
{
    const struct trust_tenant *t = trust_store_tenant(b->s, *tenant);

    if (t == NULL)
        return refuse(b, TS_E_INVALID,
                      "%s \"%s\": there is no tenant \"%s\"; add it or remove "
                      "the entry",
                      what, show(name).c, show(*tenant).c);
    *tenant = t->id;
    return TS_OK;
}

static ts_err add_tenants(struct builder *b, const struct trust_input *in)
{
    struct trust_store *s = b->s;
    void *p;
    ts_err e =
        own_array(b, in->tenants, in->tenant_count, sizeof(*s->tenants), &p);

    if (e != TS_OK)
        return e;
    s->tenants = p;
    s->tenant_count = in->tenant_count;
    for (size_t i = 0; i < s->tenant_count; i++) {
        struct trust_tenant *t = &s->tenants[i];

        if ((e = own_id(b, "tenant", &t->id)) != TS_OK)
            return e;
        if (t->max_ttl_s == 0)
            t->max_ttl_s = TS_TTL_DEFAULT_S;
        if (t->max_ttl_s > TS_TTL_HARD_S)
            return refuse(b, TS_E_INVALID,
                          "tenant \"%s\": max_ttl of %llu s is over the limit "
                          "of %d s",
                          t->id.ptr, (unsigned long long)t->max_ttl_s,
                          TS_TTL_HARD_S);
    }
    qsort(s->tenants, s->tenant_count, sizeof(*s->tenants), store_cmp_tenant);
    for (size_t i = 1; i < s->tenant_count; i++)
        if (ts_str_eq(s->tenants[i - 1].id, s->tenants[i].id))
            return refuse(b, TS_E_EXISTS, "tenant \"%s\" is given twice",
                          s->tenants[i].id.ptr);
    return TS_OK;
}

static ts_err check_pk(const struct builder *b, const char *what,
                       struct ts_str name, const uint8_t pk[TRUST_PK_LEN])
{
    if (b->points_checked || trust_pk_check(pk) == TS_OK)
        return TS_OK;
    return refuse(b, TS_E_INVALID,
                  "%s \"%s\": its key is not a usable Ed25519 point; make a "
                  "new one with tipstaff key new",
                  what, show(name).c);
}

static ts_err add_key(const struct builder *b, struct trust_key *k)
{
    ts_err e = own_id(b, "key of", &k->name);

    if (e != TS_OK)
        return e;
    switch (k->role) {
    case TRUST_ROLE_ISSUER:
    case TRUST_ROLE_APPROVER:
    case TRUST_ROLE_REVOKER:
    case TRUST_ROLE_DIRECTORY:
        e = own_tenant(b, "key of", k->name, &k->tenant);
        break;
    case TRUST_ROLE_SIDECAR:
        k->tenant = (struct ts_str){.ptr = "", .len = 0};
        break;
    default: /* a number that the caller made up */
        e = refuse(b, TS_E_INVALID, "key of \"%s\": unknown role", k->name.ptr);
        break;
    }
    if (e != TS_OK || (e = check_pk(b, "key of", k->name, k->pk)) != TS_OK)
        return e;
    if (k->not_after != 0 && k->not_after < k->not_before)
        return refuse(b, TS_E_INVALID,
                      "key of \"%s\": not_after is before not_before",
                      k->name.ptr);
    trust_kid(k->pk, k->kid);
    return TS_OK;
}

struct issuer_key {
    const struct trust_key *k;
};

static int cmp_issuer(const void *a, const void *b)
{
    const struct issuer_key *x = a, *y = b;
    int c = ts_str_cmp(x->k->tenant, y->k->tenant);

    return c != 0 ? c : ts_str_cmp(x->k->name, y->k->name);
}

/* At most TRUST_ISSUER_KEYS_MAX for one issuer: rotation, not a collection. */
static ts_err count_issuer_keys(const struct builder *b)
{
    const struct trust_store *s = b->s;
    struct issuer_key *issuers;
    size_t n = 0, same = 0;
    void *p;
    ts_err e;

    for (size_t i = 0; i < s->key_count; i++)
        n += s->keys[i].role == TRUST_ROLE_ISSUER;
    e = ts_arena_array(b->arena, n + 1, sizeof(*issuers), &p);
    if (e != TS_OK)
        return refuse(b, e, "trust store: %s", ts_err_text(e));
    issuers = p;
    n = 0;
    for (size_t i = 0; i < s->key_count; i++)
        if (s->keys[i].role == TRUST_ROLE_ISSUER)
            issuers[n++].k = &s->keys[i];
    qsort(issuers, n, sizeof(*issuers), cmp_issuer);
    for (size_t i = 0; i < n; i++) {
        same = i > 0 && cmp_issuer(&issuers[i - 1], &issuers[i]) == 0 ? same + 1
                                                                      : 1;
        if (same > TRUST_ISSUER_KEYS_MAX)
            return refuse(b, TS_E_INVALID,
                          "issuer \"%s\" has more than %d keys; remove those "
                          "whose delegations have all expired",
                          issuers[i].k->name.ptr, TRUST_ISSUER_KEYS_MAX);
    }
    return TS_OK;
}

static ts_err add_keys(struct builder *b, const struct trust_input *in)
{
    struct trust_store *s = b->s;
    void *p;
    ts_err e = own_array(b, in->keys, in->key_count, sizeof(*s->keys), &p);

    if (e != TS_OK)
        return e;
    s->keys = p;
    s->key_count = in->key_count;
    for (size_t i = 0; i < s->key_count; i++)
        if ((e = add_key(b, &s->keys[i])) != TS_OK)
            return e;
    if ((e = count_issuer_keys(b)) != TS_OK)
        return e;
    qsort(s->keys, s->key_count, sizeof(*s->keys), store_cmp_kid);
    for (size_t i = 1; i < s->key_count; i++)
        if (store_cmp_kid(&s->keys[i - 1], &s->keys[i]) == 0)
            return refuse(b, TS_E_EXISTS,
                          "\"%s\" and \"%s\" have the same key; a key stands "
                          "for one role of one name",
                          s->keys[i - 1].name.ptr, s->keys[i].name.ptr);
    return TS_OK;
}

static ts_err add_agent(const struct builder *b, struct trust_agent *a)
{
    ts_err e = own_id(b, "agent", &a->id);

    if (e != TS_OK || (e = own_tenant(b, "agent", a->id, &a->tenant)) != TS_OK)
        return e;
    if (a->key_count > TRUST_AGENT_KEYS_MAX ||
        a->uid_count > TRUST_AGENT_UIDS_MAX)
        return refuse(b, TS_E_INVALID,
                      "agent \"%s\": at most %d keys and %d uids are allowed",
                      a->id.ptr, TRUST_AGENT_KEYS_MAX, TRUST_AGENT_UIDS_MAX);
    for (uint32_t i = 0; i < a->key_count; i++)
        if ((e = check_pk(b, "agent", a->id, a->keys[i])) != TS_OK)
            return e;
    return TS_OK;
}

static ts_err add_agents(struct builder *b, const struct trust_input *in)
{
    struct trust_store *s = b->s;
    void *p;
    ts_err e =
        own_array(b, in->agents, in->agent_count, sizeof(*s->agents), &p);

    if (e != TS_OK)
        return e;
    s->agents = p;
    s->agent_count = in->agent_count;
    for (size_t i = 0; i < s->agent_count; i++)
        if ((e = add_agent(b, &s->agents[i])) != TS_OK)
            return e;
    qsort(s->agents, s->agent_count, sizeof(*s->agents), store_cmp_agent);
    for (size_t i = 1; i < s->agent_count; i++)
        if (store_cmp_agent(&s->agents[i - 1], &s->agents[i]) == 0)
            return refuse(b, TS_E_EXISTS,
                          "agent \"%s\" of tenant \"%s\" is given twice",
                          s->agents[i].id.ptr, s->agents[i].tenant.ptr);
    return TS_OK;
}

static ts_err add_users(struct builder *b, const struct trust_input *in)
{
    struct trust_store *s = b->s;
    void *p;
    ts_err e = own_array(b, in->users, in->user_count, sizeof(*s->users), &p);

    if (e != TS_OK)
        return e;
    s->users = p;
    s->user_count = in->user_count;
    for (size_t i = 0; i < s->user_count; i++) {
        struct trust_user *u = &s->users[i];

        if ((e = own_id(b, "user", &u->id)) != TS_OK ||
            (e = own_tenant(b, "user", u->id, &u->tenant)) != TS_OK)
            return e;
    }
    qsort(s->users, s->user_count, sizeof(*s->users), store_cmp_user);
    for (size_t i = 1; i < s->user_count; i++)
        if (store_cmp_user(&s->users[i - 1], &s->users[i]) == 0)
            return refuse(b, TS_E_EXISTS,
                          "user \"%s\" of tenant \"%s\" is given twice",
                          s->users[i].id.ptr, s->users[i].tenant.ptr);
    return TS_OK;
}

static const char *pk_owner(const struct store_pk *p)
{
    return p->key != NULL ? p->key->name.ptr : p->agent->id.ptr;
}

/* Keys of all roles and of all agents in one list, where none may repeat. */
static ts_err add_pks(struct builder *b)
{
    struct trust_store *s = b->s;
    size_t total = s->key_count, n = 0;
    void *p;
    ts_err e;

    for (size_t i = 0; i < s->agent_count; i++)
        total += s->agents[i].key_count;
    e = ts_arena_array(b->arena, total > 0 ? total : 1, sizeof(*s->pks), &p);
    if (e != TS_OK)
        return refuse(b, e, "trust store: %s", ts_err_text(e));
    s->pks = p;
    for (size_t i = 0; i < s->key_count; i++) {
        s->pks[n].key = &s->keys[i];
        memcpy(s->pks[n++].pk, s->keys[i].pk, TRUST_PK_LEN);
    }
    for (size_t i = 0; i < s->agent_count; i++) {
        for (uint32_t k = 0; k < s->agents[i].key_count; k++) {
            s->pks[n].agent = &s->agents[i];
            memcpy(s->pks[n++].pk, s->agents[i].keys[k], TRUST_PK_LEN);
        }
    }
    s->pk_count = n;
    qsort(s->pks, n, sizeof(*s->pks), store_cmp_pk);
    for (size_t i = 1; i < n; i++)
        if (store_cmp_pk(&s->pks[i - 1], &s->pks[i]) == 0)
            return refuse(b, TS_E_EXISTS,
                          "\"%s\" and \"%s\" have the same key; a key stands "
                          "for one role of one name",
                          pk_owner(&s->pks[i - 1]), pk_owner(&s->pks[i]));
    return TS_OK;
}

ts_err trust_store_build(const struct trust_input *in, struct ts_arena *arena,
                         const struct trust_store **ret, char *reterr_text,
                         size_t reterr_cap)
{
    struct builder b = {.arena = arena,
                        .points_checked = in->points_checked,
                        .text = reterr_text,
                        .text_cap = reterr_cap};
    void *p;
    ts_err e = ts_arena_alloc(arena, sizeof(*b.s), &p);

    if (e != TS_OK)
        return refuse(&b, e, "trust store: %s", ts_err_text(e));
    b.s = p;
    if ((e = add_tenants(&b, in)) != TS_OK || (e = add_keys(&b, in)) != TS_OK ||
        (e = add_agents(&b, in)) != TS_OK || (e = add_users(&b, in)) != TS_OK ||
        (e = add_pks(&b)) != TS_OK)
        return e;
    *ret = b.s;
    return TS_OK;
}
