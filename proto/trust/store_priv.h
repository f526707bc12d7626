#ifndef PROTO_TRUST_STORE_PRIV_H
#define PROTO_TRUST_STORE_PRIV_H

#include "proto/trust/store.h"

/* Shared by store.c (builds) and store_find.c (looks up) only. */

/* One public key of anybody: exactly one of key and agent is set. */
struct store_pk {
    uint8_t pk[TRUST_PK_LEN];
    const struct trust_key *key;
    const struct trust_agent *agent;
};

struct trust_store { /* every array sorted by the comparison named */
    struct trust_tenant *tenants; /* store_cmp_tenant */
    size_t tenant_count;
    struct trust_key *keys; /* store_cmp_kid */
    size_t key_count;
    struct trust_agent *agents; /* store_cmp_agent */
    size_t agent_count;
    struct trust_user *users; /* store_cmp_user */
    size_t user_count;
    struct store_pk *pks; /* store_cmp_pk */
    size_t pk_count;
};

int store_cmp_tenant(const void *a, const void *b);
int store_cmp_kid(const void *a, const void *b);
int store_cmp_agent(const void *a, const void *b);
int store_cmp_user(const void *a, const void *b);
int store_cmp_pk(const void *a, const void *b);

#endif
