/* Look-ups: all by binary search, none allocates. */
#include <stdlib.h>
#include <string.h>

#include "proto/trust/id.h"
#include "proto/trust/store_priv.h"

int store_cmp_tenant(const void *a, const void *b)
{
    const struct trust_tenant *x = a, *y = b;

    return ts_str_cmp(x->id, y->id);
}

int store_cmp_kid(const void *a, const void *b)
{
    const struct trust_key *x = a, *y = b;

    return memcmp(x->kid, y->kid, TRUST_KID_LEN);
}

int store_cmp_agent(const void *a, const void *b)
{
    const struct trust_agent *x = a, *y = b;
    int c = ts_str_cmp(x->tenant, y->tenant);

    return c != 0 ? c : ts_str_cmp(x->id, y->id);
}

int store_cmp_user(const void *a, const void *b)
{
    const struct trust_user *x = a, *y = b;
    int c = ts_str_cmp(x->tenant, y->tenant);

    return c != 0 ? c : ts_str_cmp(x->id, y->id);
}

int store_cmp_pk(const void *a, const void *b)
{
    const struct store_pk *x = a, *y = b;

    return memcmp(x->pk, y->pk, TRUST_PK_LEN);
}

/* bsearch() may not be given a NULL array, even an empty one. */
static const void *find(const void *key, const void *base, size_t count,
                        size_t size, int (*cmp)(const void *, const void *))
{
    return count > 0 ? bsearch(key, base, count, size, cmp) : NULL;
}

const struct trust_tenant *trust_store_tenant(const struct trust_store *s,
                                              struct ts_str tenant)
{
    const struct trust_tenant key = {.id = tenant};

    return find(&key, s->tenants, s->tenant_count, sizeof(key),
                store_cmp_tenant);
}

const struct trust_key *trust_store_kid(const struct trust_store *s,
                                        const uint8_t kid[TRUST_KID_LEN])
{
    struct trust_key key = {.role = TRUST_ROLE_ISSUER}; /* not compared */

    memcpy(key.kid, kid, TRUST_KID_LEN);
    return find(&key, s->keys, s->key_count, sizeof(key), store_cmp_kid);
}

static const struct store_pk *find_pk(const struct trust_store *s,
                                      const uint8_t pk[TRUST_PK_LEN])
{
    struct store_pk key = {.key = NULL};

    memcpy(key.pk, pk, TRUST_PK_LEN);
    return find(&key, s->pks, s->pk_count, sizeof(key), store_cmp_pk);
}

const struct trust_key *trust_store_key(const struct trust_store *s,
                                        const uint8_t pk[TRUST_PK_LEN])
{
    const struct store_pk *p = find_pk(s, pk);

    return p != NULL ? p->key : NULL;
}

const struct trust_agent *
trust_store_agent_of_key(const struct trust_store *s,
                         const uint8_t pk[TRUST_PK_LEN])
{
    const struct store_pk *p = find_pk(s, pk);

    return p != NULL ? p->agent : NULL;
}

const struct trust_agent *trust_store_agent(const struct trust_store *s,
                                            struct ts_str tenant,
                                            struct ts_str id)
{
    const struct trust_agent key = {.tenant = tenant, .id = id};

    return find(&key, s->agents, s->agent_count, sizeof(key), store_cmp_agent);
}

const struct trust_agent *
trust_store_agent_or_ancestor(const struct trust_store *s, struct ts_str tenant,
                              struct ts_str id)
{
    const struct trust_agent *a = NULL;

    while (a == NULL && id.len > 0) {
        a = trust_store_agent(s, tenant, id);
        id = trust_id_parent(id);
    }
    return a;
}

enum trust_status trust_store_user(const struct trust_store *s,
                                   struct ts_str tenant, struct ts_str id)
{
    const struct trust_tenant *t = trust_store_tenant(s, tenant);
    const struct trust_user key = {.tenant = tenant, .id = id};
    const struct trust_user *u;

    if (t == NULL)
        return TRUST_UNKNOWN;
    u = find(&key, s->users, s->user_count, sizeof(key), store_cmp_user);
    if (u != NULL) /* a listed user's status counts even with any_user */
        return u->status;
    return t->any_user ? TRUST_ACTIVE : TRUST_UNKNOWN;
}
